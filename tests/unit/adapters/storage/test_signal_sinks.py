"""What every sink keeps, and what it does when it cannot."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_features import wavy
from made_setup import signal

from chanflow.adapters.storage import signal_file
from chanflow.adapters.storage.signal_file import SignalFile, parts_of
from chanflow.adapters.storage.signal_reader import kept_signals
from chanflow.adapters.storage.signal_rows import COLUMNS, Row, line_of, row_of
from chanflow.adapters.storage.signal_sink import BatchedSink, open_sink
from chanflow.adapters.storage.signal_table import SignalTable
from chanflow.domain.errors import InvalidArgument, NotFound, SinkUnwritable
from chanflow.domain.signal import Signal
from chanflow.runtime.clock import SimulatedClock
from chanflow.signals.core_algorithm import CoreAlgorithm, CoreConfig

START_NS = 1_767_571_200_000_000_000
KEEPING: tuple[Any, ...] = ("jsonl", "sqlite", "dual")


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START_NS)


@pytest.fixture
def opened(tmp_path: Path, clock: SimulatedClock) -> Callable[..., BatchedSink]:
    def opened(kind: Any, run_id: str = "r1") -> BatchedSink:
        return open_sink(kind, tmp_path, run_id, clock, pause=lambda _: None)

    return opened


def decisions(count: int) -> list[Signal]:
    core = CoreAlgorithm(CoreConfig(), run_id="r1", config_hash="c" * 64)
    return [core.decide(each) for each in wavy(count)]


def rows(sink: BatchedSink) -> list[Row]:
    found: list[Row] = []
    while more := sink.kept(len(found)):
        found += more
    return found


def in_lines(out: Path) -> list[Row]:
    return [json.loads(line) for path in parts_of(out, "r1") for line in path.read_bytes().splitlines()]


def in_table(out: Path) -> list[Row]:
    return SignalTable(out / "signals_r1.db").read(0)


@pytest.mark.parametrize("kind", KEEPING)
def test_what_is_written_is_kept_value_for_value_over_reopening(opened: Any, tmp_path: Path, kind: str) -> None:
    told = decisions(300)
    sink = opened(kind)
    for each in told[:200]:
        sink.write(each)
    sink.close()
    again = opened(kind)
    assert again.rows == 200
    for each in told[200:]:
        again.write(each)
    again.flush()
    assert rows(again) == [row_of(each) for each in told]
    assert list(kept_signals(tmp_path, None)) == rows(again)
    again.close()


def test_a_signal_with_every_field_is_the_same_in_both_forms(opened: Any, tmp_path: Path) -> None:
    blocked = {"confirm": False, "gating_blocked": True, "decision_code": "LOW_SCORE", "side_hint": "flat"}
    figures = {"score": -0.0, "consistency": 1.0, "z_ofi": 0.1 + 0.2, "div_type": "bull_div"}
    odd = signal(reasons=("é “x” \n",), run_id="r1", **blocked, **figures)
    sink = opened("dual")
    sink.write(odd)
    sink.close()
    assert in_lines(tmp_path) == in_table(tmp_path) == [row_of(odd)]
    assert (tmp_path / "signals_r1.jsonl").read_bytes() == line_of(row_of(odd))


def test_a_batch_is_kept_after_500_rows_or_500_ms(opened: Any, tmp_path: Path, clock: SimulatedClock) -> None:
    sink, path = opened("jsonl"), tmp_path / "signals_r1.jsonl"
    told = decisions(502)
    for each in told[:499]:
        sink.write(each)
    assert path.stat().st_size == 0
    sink.write(told[499])
    assert path.read_bytes().count(b"\n") == 500
    sink.write(told[500])
    clock.advance_to(START_NS + 500_000_000)
    sink.write(told[501])
    assert path.read_bytes().count(b"\n") == 502
    sink.close()


def test_an_hour_later_the_lines_go_on_in_a_file_of_the_hour(
    opened: Any, tmp_path: Path, clock: SimulatedClock
) -> None:
    sink, told = opened("jsonl"), decisions(4)
    for at, each in zip((0, 3_599, 3_600, 7_300), told, strict=True):
        clock.advance_to(START_NS + at * 10**9)
        sink.write(each)
        sink.flush()
    names = ["signals_r1.jsonl", "signals_r1_20260105T01.jsonl", "signals_r1_20260105T02.jsonl"]
    assert [path.name for path in parts_of(tmp_path, "r1")] == names
    assert rows(sink) == [row_of(each) for each in told]
    sink.close()
    assert opened("jsonl").rows == 4


def test_runs_whose_names_begin_alike_are_apart(opened: Any, tmp_path: Path) -> None:
    for run_id in ("r1", "r11", "r1-2"):
        sink = opened("jsonl", run_id)
        sink.write(decisions(1)[0])
        sink.close()
    assert [path.name for path in parts_of(tmp_path, "r1")] == ["signals_r1.jsonl"]


def test_null_counts(opened: Any, tmp_path: Path) -> None:
    sink = opened("null")
    for each in decisions(700):
        sink.write(each)
    sink.close()
    assert (sink.rows, sink.keeps, list(tmp_path.iterdir())) == (700, False, [])


def test_a_torn_line_is_cut(opened: Any, tmp_path: Path) -> None:
    sink, path = opened("jsonl"), tmp_path / "signals_r1.jsonl"
    for each in decisions(3):
        sink.write(each)
    sink.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    again = opened("jsonl")
    assert again.rows == 2
    again.write(decisions(3)[2])
    again.close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("shorter", ["lines", "table"])
def test_the_shorter_form_is_completed_from_the_longer(opened: Any, tmp_path: Path, shorter: str) -> None:
    sink = opened("dual")
    for each in decisions(1_300):
        sink.write(each)
    sink.close()
    told = in_lines(tmp_path)
    if shorter == "lines":
        path = tmp_path / "signals_r1.jsonl"
        path.write_bytes(b"".join(map(line_of, told[:17])) + b'{"torn":')
    else:
        with sqlite3.connect(tmp_path / "signals_r1.db") as db:
            db.execute("DELETE FROM signals WHERE rowid > 17")
            db.execute("UPDATE mark SET rows = 17")
        db.close()
    opened("dual").close()
    table = SignalTable(tmp_path / "signals_r1.db")
    assert in_lines(tmp_path) == told == table.read(0) + table.read(1_000)


def test_forms_that_disagree_are_refused(opened: Any, tmp_path: Path) -> None:
    sink = opened("dual")
    for each in decisions(3):
        sink.write(each)
    sink.close()
    path = tmp_path / "signals_r1.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"r1"', b'"r2"'))
    with pytest.raises(SinkUnwritable, match="row 2 of the lines is not that of the table"):
        opened("dual")


def test_a_table_that_lost_rows_is_refused(opened: Any, tmp_path: Path) -> None:
    sink = opened("sqlite")
    for each in decisions(3):
        sink.write(each)
    sink.close()
    with sqlite3.connect(tmp_path / "signals_r1.db") as db:
        db.execute("DELETE FROM signals WHERE rowid = 2")
    db.close()
    with pytest.raises(SinkUnwritable, match="rows of it are missing"):
        opened("sqlite")


def test_the_table_has_a_column_a_field_and_knows_each_id_once(opened: Any, tmp_path: Path) -> None:
    sink, (one,) = opened("sqlite"), decisions(1)
    sink.write(one)
    sink.flush()
    with sqlite3.connect(tmp_path / "signals_r1.db") as db:
        assert tuple(name for _, name, *_ in db.execute("PRAGMA table_info(signals)")) == COLUMNS
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
    sink.write(one)
    with pytest.raises(SinkUnwritable, match="unique"):
        sink.flush()


class Failing:
    """A store that fails some times before it works."""

    def __init__(self, times: int, fault: Exception) -> None:
        self.rows, self.taken, self._left, self._fault = 0, [], times, fault

    def append(self, rows: Any) -> None:
        if self._left > 0:
            self._left -= 1
            raise self._fault
        self.taken += list(rows)

    def read(self, start: int) -> list[Row]:
        return self.taken[start:]

    def close(self) -> None: ...


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), sqlite3.OperationalError("disk is full")])
def test_three_retries_and_no_row_is_lost(clock: SimulatedClock, fault: Exception) -> None:
    pauses: list[float] = []
    store = Failing(3, fault)
    sink = BatchedSink(store, clock, pause=pauses.append)  # type: ignore[arg-type]
    sink.write(signal())
    sink.flush()
    assert (len(store.taken), len(pauses)) == (1, 3)


def test_the_fourth_failure_ends_it_and_the_rows_still_wait(clock: SimulatedClock) -> None:
    store = Failing(4, OSError(28, "No space left on device"))
    sink = BatchedSink(store, clock, pause=lambda _: None)  # type: ignore[arg-type]
    sink.write(signal())
    with pytest.raises(SinkUnwritable, match="no space left on device"):
        sink.flush()
    sink.close()
    assert store.taken == [row_of(signal())]


def test_a_batch_that_half_reached_the_file_leaves_nothing_there(
    tmp_path: Path, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SignalFile(tmp_path, "r1", clock)
    written = os.write

    def short(descriptor: int, data: Any) -> int:
        if len(data) < 1_000:
            raise OSError(28, "No space left on device")
        return written(descriptor, data[:700])

    monkeypatch.setattr(signal_file.os, "write", short)
    with pytest.raises(OSError, match="No space"):
        store.append([row_of(each) for each in decisions(5)])
    assert (store.rows, (tmp_path / "signals_r1.jsonl").stat().st_size) == (0, 0)


@pytest.mark.parametrize("run_id", ["", "a_b", "../x", "a" * 65, "-a", "a b"])
def test_a_run_id_is_part_of_a_file_name(opened: Any, run_id: str) -> None:
    with pytest.raises(InvalidArgument, match="run id"):
        opened("jsonl", run_id)


def test_one_process_writes_a_run(opened: Any) -> None:
    opened("jsonl")
    with pytest.raises(SinkUnwritable, match="another process writes run r1"):
        opened("jsonl")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: SimulatedClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkUnwritable, match="file"):
        open_sink("jsonl", tmp_path / "file", "r1", clock, pause=lambda _: None)


def test_a_run_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(kept_signals(tmp_path, None))
    with pytest.raises(NotFound):
        list(kept_signals(tmp_path / "nowhere", "r1"))


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from made_setup import signal
from chanflow.adapters.storage.signal_sink import open_sink
from chanflow.runtime.clock import SystemClock
sink = open_sink("dual", Path(sys.argv[1]), "r1", SystemClock(), pause=lambda _: None)
for at in range(sink.rows, 1_000_000):
    sink.write(replace(signal(), signal_id=f"r1-{at}", run_id="r1"))
    if at % 300 == 299:
        sink.flush()
        print(at + 1, flush=True)
"""


@pytest.mark.crash
def test_a_killed_writer_keeps_what_it_said_it_kept_in_both_forms(tmp_path: Path) -> None:
    support = Path(__file__).parents[3] / "support"
    clock = SimulatedClock(START_NS)
    for acknowledged in (1, 4, 2):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(support)},
        )  # fmt: skip
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(acknowledged)][-1]
        writer.kill()
        writer.communicate()
        open_sink("dual", tmp_path, "r1", clock, pause=lambda _: None).close()
        lines, table = in_lines(tmp_path), SignalTable(tmp_path / "signals_r1.db")
        kept: list[Row] = []
        while more := table.read(len(kept)):
            kept += more
        table.close()
        assert lines == kept
        assert len(kept) >= said
        assert [each["signal_id"] for each in kept] == [f"r1-{at}" for at in range(len(kept))]
        assert kept[-1] == row_of(replace(signal(), signal_id=kept[-1]["signal_id"], run_id="r1"))
