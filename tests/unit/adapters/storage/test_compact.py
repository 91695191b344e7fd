"""Compaction: one file a kind, whenever it is killed; retention."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_lake import ClockAt, minute_bars, store_bars, write_rows
from made_rows import DAY_MS, START_MS, joined, quote_columns, trade_columns

from chanflow.adapters.storage import publish
from chanflow.adapters.storage.compact import Compactor
from chanflow.adapters.storage.lake_source import LakeSource
from chanflow.domain.errors import StorageUnwritable
from chanflow.market.feed import Feed, SliceQuery

AFTER = "2026-01-06"


def compact(root: Path, before: str = AFTER) -> tuple[int, int, int]:
    compactor = Compactor(root)
    try:
        done = compactor.compact(before_date=before)
    finally:
        compactor.close()
    return done.days, done.parts_before, done.parts_after


def lake(root: Path) -> Path:
    write_rows(root, joined(trade_columns(400), quote_columns(400)), rotate_rows=100)
    return root


def seen(root: Path) -> pl.DataFrame:
    query = SliceQuery(("SIMUSDT",), 0, START_MS + 30 * DAY_MS)
    return Feed([LakeSource(root)], ClockAt(START_MS)).historical_slice(query).rows.sort("kind", "seq_last")


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("SIMUSDT/*/part-*.parquet"))


def test_a_closed_day_becomes_one_file_a_kind_with_the_same_rows(tmp_path: Path) -> None:
    before = seen(lake(tmp_path))
    assert compact(tmp_path) == (1, 8, 2)
    assert seen(tmp_path).equals(before)
    assert len(files(tmp_path)) == 2
    assert [pl.read_parquet(path)["kind"].n_unique() for path in tmp_path.glob("SIMUSDT/*/*.parquet")] == [1, 1]


def test_compacting_again_changes_nothing(tmp_path: Path) -> None:
    compact(lake(tmp_path))
    state = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert compact(tmp_path) == (0, 0, 0)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == state


def test_a_day_that_is_not_over_is_left_alone(tmp_path: Path) -> None:
    assert compact(lake(tmp_path), "2026-01-05") == (0, 0, 0)
    assert len(files(tmp_path)) == 8


@pytest.mark.parametrize("steps", range(14))
def test_a_kill_anywhere_loses_and_doubles_no_row(tmp_path: Path, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = seen(lake(tmp_path))
    left = [steps]

    def dying(real):  # type: ignore[no-untyped-def]
        def step(*args, **more):  # type: ignore[no-untyped-def]
            if left[0] == 0:
                raise OSError("killed")
            left[0] -= 1
            return real(*args, **more)

        return step

    with monkeypatch.context() as patched:
        patched.setattr(publish.Publisher, "list_again", dying(publish.Publisher.list_again))
        patched.setattr(publish.Publisher, "write", dying(publish.Publisher.write))
        patched.setattr(Path, "unlink", dying(Path.unlink))
        with contextlib.suppress(StorageUnwritable, OSError):
            compact(tmp_path)
    assert seen(tmp_path).equals(before)
    compact(tmp_path)
    assert seen(tmp_path).equals(before)
    assert len(files(tmp_path)) == 2


def test_rows_that_came_late_join_at_the_next_compaction(tmp_path: Path) -> None:
    compact(lake(tmp_path))
    write_rows(tmp_path, trade_columns(50, start_ms=START_MS + 3_600_000, first_id=5_000), writer="late")
    assert compact(tmp_path) == (1, 3, 2)
    assert seen(tmp_path).height == 850


def test_klines_of_two_intervals_keep_their_files_and_stay_complete(tmp_path: Path) -> None:
    store_bars(tmp_path, minute_bars(10))
    store_bars(tmp_path, minute_bars(2, step_ms=300_000), interval="5m")
    assert compact(tmp_path) == (0, 0, 0)
    assert len(files(tmp_path)) == 2


def test_a_day_stored_anew_under_a_replaced_name_is_seen(tmp_path: Path) -> None:
    few = minute_bars(3)
    store_bars(tmp_path, few, complete=False)
    write_rows(tmp_path, trade_columns(10), writer="a")
    late = minute_bars(1, start_ms=START_MS + 3_600_000)
    store_bars(tmp_path, late, complete=False)
    compact(tmp_path)
    store_bars(tmp_path, minute_bars(9))
    assert len(LakeSource(tmp_path).klines("SIMUSDT", "1m")) == 10


def test_retention_removes_old_days_of_a_layer_only(tmp_path: Path) -> None:
    write_rows(tmp_path, trade_columns(10))
    write_rows(tmp_path, trade_columns(10, start_ms=START_MS + DAY_MS, first_id=100), writer="b")
    compactor = Compactor(tmp_path)
    assert compactor.retain({"rows": "2026-01-06", "raw": "2030-01-01"}) == 1
    compactor.close()
    assert [path.name for path in (tmp_path / "SIMUSDT").iterdir()] == ["date=2026-01-06"]
    assert np.all(seen(tmp_path)["ts_ms"].to_numpy() >= START_MS + DAY_MS)
