"""Silence is blamed on a socket only where the stream was busy, or has a beat of its own."""

from __future__ import annotations

import numpy as np
import pytest

from chanflow.domain.time import NS_PER_S
from chanflow.market.activity import KINDS, Activity
from chanflow.market.watchdog import SilenceLimits

ALL = ("book_ticker", "book", "mark", "agg_trade")


def activity(kind: str, *, per_s: float) -> Activity:
    """A minute of one kind, ending at 60 s."""
    found = Activity()
    count = int(60 * per_s)
    known = np.linspace(1, 60 * NS_PER_S, count, dtype=np.int64)
    found.see({"kind": np.full(count, KINDS.index(kind), dtype=np.uint8), "known_ns": known})
    return found


@pytest.mark.parametrize(
    ("kind", "per_s", "silent_s", "blamed"),
    [
        ("book_ticker", 2, 10, False), ("book_ticker", 2, 11, True), ("book_ticker", 0.5, 50, False),
        ("book", 2, 11, True), ("book", 0.5, 50, False), ("mark", 1, 5, False), ("mark", 1, 6, True),
        ("agg_trade", 2, 100, False),
    ],
)  # fmt: skip
def test_what_is_blamed(kind: str, per_s: float, silent_s: int, blamed: bool) -> None:
    reason = SilenceLimits().blamed(activity(kind, per_s=per_s), ALL, (60 + silent_s) * NS_PER_S)
    assert (reason is not None) == blamed


def test_a_socket_is_not_blamed_for_what_another_carries() -> None:
    assert SilenceLimits().blamed(activity("mark", per_s=1), ("book_ticker", "book"), 90 * NS_PER_S) is None


@pytest.mark.parametrize(("kind", "silent_s"), [("book_ticker", 61), ("agg_trade", 151)])
def test_a_quiet_symbol_is_doubted_and_the_venue_asked(kind: str, silent_s: int) -> None:
    quiet = activity(kind, per_s=0.1)
    assert SilenceLimits().doubtful(quiet, ALL, (60 + silent_s) * NS_PER_S) == kind
    assert SilenceLimits().doubtful(quiet, ALL, (60 + silent_s - 2) * NS_PER_S) is None
