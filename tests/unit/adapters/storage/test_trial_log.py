"""Every backtest that was ever tried, counted once."""

from __future__ import annotations

from pathlib import Path

import pytest

from chanflow.adapters.storage.trial_log import TrialLog
from chanflow.domain.errors import StorageUnwritable


def test_a_trial_counts_once_and_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "trials.txt"
    assert [TrialLog(path).count(name) for name in ("a", "b", "a", "c")] == [1, 2, 2, 3]


def test_what_a_crash_cut_off_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "trials.txt"
    path.write_text("a\nhal")
    assert TrialLog(path).count("b") == 3
    assert path.read_text() == "a\nhal\nb\n"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnwritable):
        TrialLog(tmp_path / "file" / "trials.txt").count("a")
