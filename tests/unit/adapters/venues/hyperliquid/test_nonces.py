"""Nonces rise for ever: in one ms, after a restart, and when the clock is set back."""

from __future__ import annotations

from pathlib import Path

import pytest

from chanflow.adapters.venues.hyperliquid.nonces import AHEAD_MS, MOST_AHEAD_MS, Nonces
from chanflow.domain.errors import DeskBusy, SettingsInvalid
from chanflow.runtime.clock import SimulatedClock

NOW_MS = 1_700_000_000_000


def clock(ms: int = NOW_MS) -> SimulatedClock:
    return SimulatedClock(ms * 1_000_000)


def test_two_nonces_of_one_ms_differ(tmp_path: Path) -> None:
    with Nonces(tmp_path / "nonce", clock()) as nonces:
        assert [nonces.next(), nonces.next(), nonces.next()] == [NOW_MS, NOW_MS + 1, NOW_MS + 2]


def test_a_restart_with_the_clock_set_back_repeats_none(tmp_path: Path) -> None:
    with Nonces(tmp_path / "nonce", clock()) as nonces:
        last = [nonces.next() for _ in range(50)][-1]
    with Nonces(tmp_path / "nonce", clock(NOW_MS - 3_600_000)) as nonces:
        assert last < nonces.next() <= NOW_MS + AHEAD_MS + 1


def test_the_clock_leads_again_once_it_is_past(tmp_path: Path) -> None:
    with Nonces(tmp_path / "nonce", clock()) as nonces:
        nonces.next()
    with Nonces(tmp_path / "nonce", clock(NOW_MS + 60_000)) as nonces:
        assert nonces.next() == NOW_MS + 60_000


def test_one_agent_serves_one_process(tmp_path: Path) -> None:
    with Nonces(tmp_path / "nonce", clock()), pytest.raises(DeskBusy, match="one agent wallet serves one process"):
        Nonces(tmp_path / "nonce", clock())


def test_a_nonce_a_day_ahead_of_the_clock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nonce").write_text(str(NOW_MS + MOST_AHEAD_MS))
    with Nonces(tmp_path / "nonce", clock()) as nonces, pytest.raises(SettingsInvalid, match="set the clock"):
        nonces.next()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nonce").write_text("hello")
    with pytest.raises(SettingsInvalid, match="hello"):
        Nonces(tmp_path / "nonce", clock())
