"""What the gate of live rows keeps, puts aside and takes back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from chanflow_native import Intake

from chanflow.market.quality import codes_of
from chanflow.market.row_gate import REST_SOCKET, Judged, SymbolGate, grid_of

START_MS = 1_767_571_200_000


def trade(at: int, number: int, *, price: str = "100.0", late_ms: int = 3) -> bytes:
    """Return an aggregate trade `at` ms after the start."""
    ms = START_MS + at
    data = {"e": "aggTrade", "E": ms, "s": "BTCUSDT", "a": number, "p": price, "q": "1.000", "f": number, "l": number,
            "T": ms, "m": True}  # fmt: skip
    return b"%d %b\n" % ((ms + late_ms) * 1_000_000, json.dumps({"stream": "btcusdt@aggTrade", "data": data}).encode())


def judged(batches: Iterable[Sequence[bytes]], gate: SymbolGate | None = None, socket: int = 1) -> list[Judged]:
    """Return the answers for batches of frames; those that begin with a dot come over REST."""
    intake, gate = Intake("binance-usdm", {"BTCUSDT": (1, 3)}), gate or SymbolGate("binance-usdm", "BTCUSDT", (1, 3))
    answers = []
    for batch in batches:
        for line in batch:
            intake.feed(line.lstrip(b"."), REST_SOCKET if line.startswith(b".") else socket)
        answers.append(gate.judge(intake.take()["rows"]))
    return answers


def codes(answer: Judged) -> list[tuple[str, ...]]:
    return [codes_of(int(mask)) for mask in answer.masks]


def test_a_row_has_its_lag_and_what_is_late_is_refused() -> None:
    [answer] = judged([[trade(0, 1), trade(10, 2, late_ms=8), trade(20, 3, late_ms=1_600)]])
    assert answer.lag_ms.tolist() == [0.0, 5.0, 1_597.0]
    assert (codes(answer)[2], answer.refused.tolist()) == (("latency",), [False, False, True])


def test_a_trade_after_a_recorded_hole_is_kept_with_its_code() -> None:
    [answer] = judged([[trade(0, 1), trade(10, 4), trade(20, 5)]])
    assert codes(answer) == [(), (), ("chain_break",), ()]  # the second row is the gap
    assert not answer.refused.any()


def test_what_fills_a_hole_is_judged_by_its_values_alone_and_moves_nothing() -> None:
    gate = SymbolGate("binance-usdm", "BTCUSDT", (1, 3))
    _, filled, after = judged(
        [
            [trade(0, 1), trade(10, 4)],
            [b"." + trade(3, 2, late_ms=900), b"." + trade(5, 3, price="0.0", late_ms=900), trade(20, 5)],
            [trade(30, 6)],
        ],
        gate,
    )
    assert codes(filled) == [(), ("bad_value",), ()]
    assert filled.refused.tolist() == [False, True, False]
    assert np.isnan(filled.lag_ms).tolist() == [True, True, False]
    assert filled.numbers.tolist() == [-1, -1, 3]
    assert codes(after) == [()]
    report = gate.report()
    assert (report["filled"], report["rows"]) == (2, 5)


@pytest.mark.parametrize("cut", [2, 3])
def test_a_confirmed_jump_is_told_with_the_row_that_confirms_it(cut: int) -> None:
    frames = [trade(0, 1), trade(10, 2, price="102.0"), trade(20, 3, price="102.0")]
    answers = judged([frames[:cut], frames[cut:]])
    assert [refused for answer in answers for refused in answer.refused.tolist()] == [False, True, False]
    assert [answer.confirmed for answer in answers] == ([((1, 2),), ()] if cut == 3 else [(), ((1, 0),)])


def test_known_rules_are_used_where_the_decimals_agree() -> None:
    assert grid_of("binance-usdm", "BTCUSDT", (1, 3)) == ("0.10", "0.001")
    assert grid_of("binance-usdm", "BTCUSDT", (2, 3)) == (2, 3)
    assert grid_of("binance-usdm", "ETHUSDT", (2, 3)) == (2, 3)


def test_a_report_is_plain_values() -> None:
    gate = SymbolGate("binance-usdm", "BTCUSDT", (1, 3))
    judged([[trade(0, 1), trade(10, 2, late_ms=1_600)]], gate)
    report: dict[str, Any] = json.loads(json.dumps(gate.report()))
    assert report["codes"] == {"latency": 1}
    assert report["sockets"]["1"]["offset_ms"] == 3
    assert report["days"][0]["date"] == "2026-01-05"
