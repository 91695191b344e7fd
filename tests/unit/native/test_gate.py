"""The native quality gate as Python sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from chanflow_native import Intake, QualityGate
from numpy.typing import NDArray

MS = 1_767_571_200_000


def quotes(count: int) -> dict[str, NDArray[Any]]:
    at = np.arange(count, dtype=np.int64)
    return {
        "kind": np.ones(count, dtype=np.uint8),
        "ts_ms": MS + at,
        "event_ms": MS + at,
        "known_ns": (MS + at + 3) * 1_000_000,
        "bid": np.full(count, 1.0),
        "ask": np.full(count, 1.5),
        "bid_qty": np.full(count, 1.0),
        "ask_qty": np.full(count, 1.0),
        "seq_last": at,
    }


def test_columns_of_an_intake_are_taken_as_they_are() -> None:
    intake = Intake("binance-usdm", {"A": (1, 1), "B": (1, 1)})
    frame = '{"stream":"b@bookTicker","data":{"e":"bookTicker","u":1,"s":"B","b":"1.0","B":"1.0","a":"0.9","A":"1.0"'
    intake.feed(f'{MS}000000 {frame},"T":{MS},"E":{MS}}}}}\n'.encode())
    taken = intake.take()
    gate = QualityGate("binance-usdm", {"B": None, "A": (1, 1)})
    assert gate.symbols == taken["symbols"]
    [mask] = gate.check(taken["rows"])
    assert gate.codes()[int(mask).bit_length() - 1] == "crossed"


def test_a_missing_column_is_a_code_and_a_missing_kind_a_fault() -> None:
    columns = quotes(2)
    del columns["bid_qty"]
    gate = QualityGate("okx", {"A": None})
    assert gate.check(columns).tolist() == [1, 1]
    del columns["kind"]
    with pytest.raises(ValueError, match="column kind is needed"):
        gate.check(columns)


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("bid", np.ones(2, dtype=np.float32), "column bid must be a numpy array of one dimension of f64"),
        ("bid", np.ones((2, 1)), "column bid must be"),
        ("bid", np.ones(4)[::2], "column bid must be contiguous"),
        ("ts_ms", np.ones(3, dtype=np.int64), "columns differ in length: kind has 2, ts_ms 3"),
    ],
    ids=["type", "shape", "gaps", "length"],
)
def test_a_column_of_another_shape_is_refused(name: str, values: NDArray[Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        QualityGate("okx", {"A": None}).check(quotes(2) | {name: values})


def test_the_report_tells_the_clock_its_steps_and_the_days() -> None:
    gate, columns = QualityGate("okx", {"A": None}), quotes(4)
    columns["known_ns"][2:] -= 60_000_000
    gate.check(columns)
    report = gate.report()
    assert (report["rows"], report["counts"]["latency"]) == (4, 1)
    clock = report["sockets"][0]
    assert (clock["offset_ms"], clock["clock_steps"]) == (-57, 1)
    assert clock["steps"] == [{"at_ms": MS - 55, "from_ms": 3, "to_ms": -57}]
    assert [(day["day"], day["rows"], day["quarantined"]) for day in report["days"]] == [(20_458, 4, 1)]


def test_a_socket_has_a_clock_of_its_own() -> None:
    gate, columns = QualityGate("okx", {"A": None}), quotes(4)
    columns["socket"] = np.array([0, 1, 0, 1], dtype=np.uint8)
    columns["known_ns"][1::2] -= 5_000_000_000
    assert not gate.check(columns).any()
    assert [clock["offset_ms"] for clock in gate.report()["sockets"].values()] == [3, -4_997]


def test_any_columns_give_a_mask_for_each_row() -> None:
    chance = np.random.default_rng(11)
    types: dict[str, Any] = dict.fromkeys(
        ("ts_ms", "event_ms", "known_ns", "seq_first", "seq_last", "seq_prev"), np.int64
    )
    types |= dict.fromkeys(("price", "qty", "bid", "ask", "bid_qty", "ask_qty"), np.float64)
    types |= {"symbol": np.uint16, "socket": np.uint8, "side": np.uint8, "is_maker": np.int8, "is_market": np.int8}
    for venue in ("binance-usdm", "binance-spot", "binance-coinm", "hyperliquid", "okx"):
        gate = QualityGate(venue, {"A": ("0.1", "0.001"), "B": None})
        for _ in range(40):
            count = int(chance.integers(0, 500))
            columns = {
                name: np.frombuffer(chance.bytes(count * np.dtype(kind).itemsize), dtype=kind)
                for name, kind in types.items()
                if chance.random() > 0.05
            }
            columns["kind"] = chance.integers(0, 12, count).astype(np.uint8)
            assert len(gate.check(columns)) == count
        assert gate.report()["rows"] > 0
        assert gate.take_amendments().keys() == {"confirmed", "confirmed_by", "unjoined", "not_market"}
