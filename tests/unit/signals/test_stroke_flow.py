from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_setup import NOW_MS, bar, flow, stroke

from chanflow.domain.flow import FlowWindow
from chanflow.domain.signal import Signal
from chanflow.domain.structure import Confirmed, Stroke
from chanflow.signals.flow_wait import FlowRule
from chanflow.signals.stroke_flow import StrokeFlow

NAN = float("nan")
AGAINST = flow(ofi=-1.0)


def setups(patience: int = 1) -> StrokeFlow:
    rule = FlowRule(min_consistency=0.3, min_score=0.2, patience_bars=patience, expiry_ms=60_000)
    return StrokeFlow(rule, symbol="SIMUSDT", level="5s", run_id="run", config_hash="c" * 64)


def see(
    watcher: StrokeFlow, *strokes: Stroke, of: FlowWindow | None = None, close: float = 100.0, trend: Any = None
) -> list[Signal]:
    return watcher.on_bar(bar(close), Confirmed(strokes), of or flow(), known_ms=NOW_MS + 5_250, trend=trend)


def decided(**changes: Any) -> Signal:
    """Return the decision on a down stroke when flow is spoiled by `changes`."""
    (one,) = see(setups(), stroke(), of=flow(**changes))
    return one


def codes(signals: list[Signal]) -> list[str]:
    return [s.decision_code for s in signals]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OK"),
        ({"ofi": NAN}, "BAD_INPUT"),
        ({"tfi": float("inf")}, "BAD_INPUT"),
        ({"consistency": NAN}, "BAD_INPUT"),
        ({"score": NAN}, "BAD_INPUT"),
        ({"spread_bps": NAN}, "BAD_INPUT"),
        ({"score": None}, "WARMUP"),
        ({"eligible_bins": 9}, "WARMUP"),
        ({"eligible_bins": 10}, "OK"),
        ({"book_ok": False}, "FAIL_GATING"),
        ({"spread_bps": None}, "FAIL_GATING"),
        ({"spread_bps": 20.01}, "FAIL_GATING"),
        ({"spread_bps": 20.0}, "OK"),
        ({"ofi": -0.1}, "AGAINST_FLOW"),
        ({"tfi": 0.0}, "AGAINST_FLOW"),
        ({"score": -0.5}, "AGAINST_FLOW"),
        ({"consistency": 0.29}, "LOW_CONSISTENCY"),
        ({"consistency": 0.3}, "OK"),
        ({"score": 0.19}, "LOW_SCORE"),
        ({"score": 0.2}, "OK"),
    ],
)
def test_each_decision_has_its_code(changes: dict[str, Any], code: str) -> None:
    one = decided(**changes)
    assert (one.decision_code, one.confirm) == (code, code == "OK")
    assert bool(one.reasons) != one.confirm


SPOILT: list[tuple[str, dict[str, Any]]] = [
    ("BAD_INPUT", {"ofi": NAN}),
    ("WARMUP", {"eligible_bins": 0}),
    ("FAIL_GATING", {"book_ok": False}),
    ("AGAINST_FLOW", {"tfi": -1.0}),
    ("LOW_CONSISTENCY", {"consistency": 0.0}),
    ("LOW_SCORE", {"score": 0.01}),
]


@pytest.mark.parametrize("first", range(len(SPOILT)))
def test_the_first_test_that_fails_names_the_decision(first: int) -> None:
    spoilt = {name: value for _, changes in SPOILT[first:] for name, value in changes.items()}
    assert decided(**spoilt).decision_code == SPOILT[first][0]


def test_a_price_that_is_no_number_is_bad_input() -> None:
    assert codes(see(setups(), stroke(), close=NAN)) == ["BAD_INPUT"]


def test_a_reason_names_value_and_bound() -> None:
    assert decided(consistency=0.125).reasons == ("consistency is 0.125, 0.3 is asked",)


def test_nothing_is_decided_without_a_stroke() -> None:
    assert see(setups()) == []


def test_a_setup_waits_as_many_bars_as_it_has_patience() -> None:
    watcher = setups(patience=3)
    assert see(watcher, stroke(), of=AGAINST) == []
    assert see(watcher, of=AGAINST) == []
    assert codes(see(watcher, of=AGAINST)) == ["AGAINST_FLOW"]
    assert see(watcher) == []


def test_a_refusal_names_what_failed_last() -> None:
    watcher = setups(patience=2)
    see(watcher, stroke(), of=AGAINST)
    assert codes(see(watcher, of=flow(score=0.1))) == ["LOW_SCORE"]


def test_flow_that_turns_in_time_confirms_once() -> None:
    watcher = setups(patience=3)
    assert see(watcher, stroke(), of=AGAINST) == []
    assert codes(see(watcher)) == ["OK"]
    assert see(watcher) == []


def test_a_newer_stroke_replaces_the_setup_and_has_its_own_patience() -> None:
    watcher = setups(patience=2)
    see(watcher, stroke(), of=AGAINST)
    newer = stroke(index=5, direction="up", end_price=104.0)
    (old,) = see(watcher, newer, of=flow(score=0.1))
    assert (old.decision_code, old.refs[0], old.reasons) == ("REPLACED", "stroke#4", ("stroke#5 is newer",))
    (new,) = see(watcher)
    assert (new.decision_code, new.refs[0]) == ("AGAINST_FLOW", "stroke#5")


def test_two_strokes_of_one_bar_leave_the_second() -> None:
    first, second = see(setups(), stroke(index=3, direction="up", end_price=103.0), stroke())
    assert (first.decision_code, second.decision_code) == ("REPLACED", "OK")
    assert (first.refs[0], second.refs[0]) == ("stroke#3", "stroke#4")


@pytest.mark.parametrize(("direction", "close", "dead"), [
    ("down", 98.99, True), ("down", 99.0, True), ("down", 99.01, False),
    ("up", 99.01, True), ("up", 99.0, True), ("up", 98.99, False),
])  # fmt: skip
def test_a_price_past_the_end_of_the_stroke_invalidates(direction: str, close: float, dead: bool) -> None:
    watcher = setups(patience=2)
    seen = see(watcher, stroke(direction=direction), of=flow(eligible_bins=0), close=close)
    assert codes(seen) == (["INVALIDATED"] if dead else [])
    assert (see(watcher) == []) == dead


def test_invalidation_is_asked_before_flow() -> None:
    assert codes(see(setups(), stroke(), close=98.0)) == ["INVALIDATED"]


@pytest.mark.parametrize(("bins", "strong"), [(1, False), (2, True)])
def test_a_tenth_of_strong_bins_makes_it_strong(bins: int, strong: bool) -> None:
    one = decided(strong_bins=bins)
    assert (one.flow_strong, one.signal_type) == (strong, "strong_buy" if strong else "buy")


def test_a_refused_signal_is_never_strong() -> None:
    one = decided(strong_bins=20, consistency=0.0)
    assert (one.flow_strong, one.signal_type, one.side_hint) == (False, "buy", "flat")


@pytest.mark.parametrize("changes", [{"ofi": NAN}, {"score": None}])
def test_what_could_not_be_judged_is_neutral(changes: dict[str, Any]) -> None:
    assert decided(**changes).signal_type == "neutral"


def test_a_signal_says_what_it_rests_on_and_when_it_could_be_known() -> None:
    one = decided()
    assert one.signal_id == f"run-SIMUSDT-{NOW_MS + 5_000}-4"
    assert (one.ts_ms, one.known_ms, one.expiry_ms) == (NOW_MS + 5_000, NOW_MS + 5_250, 60_000)
    assert one.refs == ("stroke#4", f"flow@{NOW_MS + 5_000}")
    assert (one.invalidation_price, one.price) == ("99.0", "100.0")
    assert (one.symbol, one.level, one.setup) == ("SIMUSDT", "5s", "stroke_flow")


@pytest.mark.parametrize(("trend", "agrees"), [("up", True), ("down", False), (None, False)])
def test_the_trend_agrees_when_it_points_the_new_way(trend: Any, agrees: bool) -> None:
    (one,) = see(setups(), stroke(), trend=trend)
    assert one.trend_agrees is agrees


@pytest.mark.parametrize(
    "changes",
    [{}, {"strong_bins": 5}, {"ofi": -1.0}, {"score": 0.1}, {"consistency": 0.1}, {"eligible_bins": 1}],
)
def test_up_and_down_mirror_each_other(changes: dict[str, Any]) -> None:
    window = flow(**changes)
    turned = replace(window, ofi=-window.ofi, tfi=-window.tfi, score=-(window.score or 0.0))
    (down,) = see(setups(), stroke(end_price=99.0), of=window, trend="up")
    (up,) = see(setups(), stroke(direction="up", end_price=101.0), of=turned, trend="down")
    other = {"buy": "sell", "strong_buy": "strong_sell", "neutral": "neutral", "flat": "flat"}
    assert (up.decision_code, up.flow_strong, up.trend_agrees) == (down.decision_code, down.flow_strong, True)
    assert (up.signal_type, up.side_hint) == (other[down.signal_type], other[down.side_hint])
