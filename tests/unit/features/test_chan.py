"""The door to the Chan engine: what whole columns cost, and that they do as single bars do."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import chanflow_native
import numpy as np
import pytest
from chan_goldens import Columns, rows, walk

from chanflow.features import chan

NAMES = ("ts_ms", "open", "high", "low", "close", "volume")


def in_order(columns: Columns, start: int = 0, stop: int | None = None) -> list[Any]:
    return [columns[name][start:stop] for name in NAMES]


@pytest.mark.parametrize("preset", ["default", "chanpy", "czsc6", "textbook"])
@pytest.mark.parametrize("history", [False, True])
def test_extend_tells_what_pushes_tell(preset: str, history: bool) -> None:
    columns = walk(1_500, seed=31)
    one, many = chan.Engine(preset, history=history), chan.Engine(preset, history=history)
    told = [event for row in rows(columns) for event in one.push(*row)]
    parts = [(0, 1), (1, 1), (1, 700), (700, 1_500)]
    assert [event for part in parts for event in many.extend(*in_order(columns, *part))] == told
    assert many.structure().to_json() == one.structure().to_json()


def test_warm_up_then_live_is_one_engine() -> None:
    columns = walk(900, seed=32)
    engine = chan.Engine(history=True, recorded=True)
    engine.extend(*in_order(columns, 0, 600))
    for row in rows(columns)[600:]:
        engine.push(*row)
    assert engine.structure().to_json() == chan.analyze(**columns, history=True).to_json()
    assert chan.Engine.restore(engine.snapshot()).structure().to_json() == engine.structure().to_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"high": float("nan")}, r"bar 500: every value must be finite"),
        ({"high": 0.0}, r"bar 500: high 0 is below low"),
        ({"ts_ms": 0}, r"bar 500: ts_ms 0 must be later than"),
        ({"volume": float("inf")}, r"bar 500: every value must be finite"),
    ],
)
@pytest.mark.parametrize("preset", ["default", "czsc6"])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_malformed_bar_within_is_named_and_no_bar_is_read(
    preset: str, recorded: bool, change: dict[str, float], message: str
) -> None:
    columns = walk(900, seed=33)
    engine = chan.Engine(preset, recorded=recorded)
    engine.extend(*in_order(columns, 0, 100))
    before = engine.structure().to_json()
    broken = {name: column.copy() for name, column in columns.items()}
    for name, value in change.items():
        broken[name][500] = value
    with pytest.raises(ValueError, match=message):
        engine.extend(*in_order(broken, 100))
    assert engine.structure().to_json() == before
    engine.extend(*in_order(columns, 100))
    assert engine.structure().to_json() == chan.analyze(**columns, preset=preset).to_json()


def test_extend_refuses_columns_of_other_lengths_and_missing_ones() -> None:
    columns = walk(50, seed=34)
    engine = chan.Engine(params={"macd_algo": "volume"})
    with pytest.raises(ValueError, match=r"macd_algo.*volume"):
        engine.extend(*in_order(columns)[:5])
    with pytest.raises(ValueError, match="volume has 49 values and ts_ms has 50"):
        engine.extend(*in_order(columns)[:5], columns["volume"][:49])
    assert engine.structure().bars == 0


def test_columns_as_the_core_reads_them_are_not_copied() -> None:
    columns = in_order(walk(100, seed=35))
    for column, passed in zip(columns, chan._columns(*columns), strict=True):
        assert passed is column


@pytest.mark.parametrize(
    "as_given",
    [
        lambda column: column.tolist(),
        lambda column: np.repeat(column, 2)[::2],
        lambda column: column.astype(column.dtype.newbyteorder(">")),
        lambda column: np.frombuffer(b"." + column.tobytes(), dtype=np.uint8)[1:].view(column.dtype),
    ],
    ids=["list", "strided", "big-endian", "misaligned"],
)
def test_other_columns_are_converted(as_given: Callable[[np.ndarray], Any]) -> None:
    columns = walk(400, seed=36)
    given = {name: as_given(column) for name, column in columns.items()}
    assert chan.analyze(**given).to_json() == chan.analyze(**columns).to_json()
    engine = chan.Engine()
    engine.extend(**given)
    assert engine.structure().to_json() == chan.analyze(**columns).to_json()


@contextmanager
def turns_only_when_given() -> Iterator[None]:
    """No thread is made to give up the GIL: another one runs only where it is released."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1_000.0)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def reads_all(columns: list[Any]) -> None:
    chanflow_native.chan_analyze(*columns)


def reads_more(columns: list[Any]) -> None:
    chanflow_native.ChanEngine().extend(*columns)


@pytest.mark.parametrize(("read", "bars"), [(reads_all, 50_000), (reads_more, 5_000)])
def test_another_thread_runs_while_columns_are_read(read: Callable[[list[Any]], None], bars: int) -> None:
    columns = in_order(walk(bars, seed=37))
    turns, stop, ready = [0], threading.Event(), threading.Event()

    def count() -> None:
        ready.set()
        while not stop.is_set():
            turns[0] += 1
            time.sleep(0)  # gives the GIL back at once

    counter = threading.Thread(target=count)
    counter.start()
    ready.wait()
    try:
        with turns_only_when_given():
            # How soon the other thread is woken is up to the system; were the GIL held, no number of tries would do.
            for _ in range(200):
                before = turns[0]
                read(columns)
                after = turns[0]
                if after > before:
                    break
    finally:
        stop.set()
        counter.join()
    assert after > before


def test_a_list_has_a_length_and_its_columns_have_names() -> None:
    structure = chan.analyze(**walk(2_000, seed=38), preset="chanpy")
    assert structure.bars == 2_000
    assert 0 < structure.merged <= 2_000
    assert len(structure.strokes) == len(structure.strokes.end_bar) > 10
    assert len(structure.points) == len(structure.points.price) > 0


def test_a_class_over_the_engine_has_its_own_push() -> None:
    class Counting(chan.Engine):
        count = 0

        def push(self, *bar: Any, **more: Any) -> list[chan.Event]:
            self.count += 1
            return super().push(*bar, **more)

    engine = Counting()
    for row in rows(walk(30, seed=39)):
        engine.push(*row)
    assert (engine.count, engine.structure().bars) == (30, 30)
