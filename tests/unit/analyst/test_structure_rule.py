from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_briefing import S, center, full, level, other_level, point
from made_desk import NOW, D
from made_setup import flow as made_flow
from made_setup import signal

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.rules import propose
from chanflow.analyst.sections import FlowDivergence, FlowView
from chanflow.domain.flow import FlowWindow
from chanflow.domain.opinion import Evidence, TradeProposal

BAR = 5 * S


def flow(**changes: Any) -> FlowWindow:
    return made_flow(ts_ms=NOW // 10**6 - 5_000, **changes)


def desk(*points: Any, **changes: Any) -> Briefing:
    """Return a briefing with these points at the decision level, flow up, and nothing against a long."""
    base = full(
        levels=(level(points=points or (point(),)), other_level("up"), other_level("down")),
        flow_view=FlowView(True), signal=None,
    )  # fmt: skip
    return replace(base, **changes)


def above(*points: Any, **changes: Any) -> tuple[Any, ...]:
    return (level(), other_level("up", points=points, **changes))


def why(answer: TradeProposal) -> tuple[Any, ...]:
    return answer.action, answer.abstain_reason, answer.reasoning


SELL = {"flow": flow(score=-0.5, ofi=-12.0, tfi=-8.0)}


def test_a_confirmed_point_with_flow_its_way_is_entered() -> None:
    answer = propose(desk())
    assert (answer.action, answer.side, answer.setup) == ("open_long", "buy", "buy2_flow")
    # One tick below the point at 99; twice the risk of 1.01 above the ask of 100.
    assert (answer.stop_price, answer.take_profit_price) == (D("98.99"), D("102.02"))
    assert answer.evidence == (
        Evidence("point:buy2@5s#4", "buy_point_2_confirmed", "for"),
        Evidence(f"flow@{flow().ts_ms}", "flow_confirms", "for"),
        Evidence("trend:1m", "higher_level_trend", "for"),
    )


def test_a_short_is_its_mirror() -> None:
    point_3 = point("sell3b", price=101.0)
    answer = propose(
        desk(point_3, **SELL, levels=(level(points=(point_3,), centers=(center(low=102.0, high=103.0),)),))
    )
    assert (answer.action, answer.side, answer.setup) == ("open_short", "sell", "sell3_flow")
    assert (answer.stop_price, answer.take_profit_price) == (D("102.01"), D("95.95"))


@pytest.mark.parametrize(
    ("name", "action"),
    [("buy2", "open_long"), ("buy2s", "open_long"), ("buy3a", "open_long"), ("buy3b", "open_long"),
     ("buy1", "abstain"), ("buy1p", "abstain")],
)  # fmt: skip
def test_points_two_and_three_count_by_themselves(name: str, action: str) -> None:
    assert propose(desk(point(name))).action == action


@pytest.mark.parametrize(("nested", "action"), [(True, "open_long"), (False, "abstain"), (None, "abstain")])
def test_point_one_counts_with_a_nested_interval_only(nested: bool | None, action: str) -> None:
    answer = propose(desk(point("buy1", nested=nested)))
    assert answer.action == action
    assert (answer.setup == "buy1_flow") == (action == "open_long")


@pytest.mark.parametrize("state", ["provisional", "void"])
def test_what_is_not_confirmed_is_not_entered(state: str) -> None:
    assert why(propose(desk(point(state=state, confirmed_ns=None)))) == (
        "abstain", "no_setup", "no point of 5s was confirmed in the last 10 bars"
    )  # fmt: skip


@pytest.mark.parametrize(("bars", "action"), [(10, "open_long"), (11, "abstain")])
def test_a_point_is_news_for_ten_bars(bars: int, action: str) -> None:
    assert propose(desk(point(confirmed_ns=NOW - bars * BAR))).action == action


def test_the_point_confirmed_last_is_taken() -> None:
    old, new = point("sell2", confirmed_ns=NOW - 40 * S), point(confirmed_ns=NOW - 10 * S)
    assert propose(desk(new, old)).action == "open_long"
    assert propose(desk(replace(old, confirmed_ns=NOW - 5 * S), new)).action == "abstain"


def test_a_signal_says_on_which_side() -> None:
    both = (point("sell2", confirmed_ns=NOW - 5 * S), point())
    assert propose(desk(*both, signal=signal())).action == "open_long"
    assert propose(desk(both[0], signal=signal())).reasoning == (
        "no point to buy of 5s was confirmed in the last 10 bars"
    )


def test_an_opposing_point_one_level_up_is_a_conflict() -> None:
    against = point("sell1", ref="point:sell1@1m#2")
    assert why(propose(desk(levels=above(against)))) == (
        "abstain", "conflict", "point:sell1@1m#2, one level up, stands against point:buy2@5s#4"
    )  # fmt: skip
    assert propose(desk(levels=above(against, point(ref="point:buy2@1m#3")))).action == "open_long"
    assert propose(desk(levels=above(replace(against, state="provisional")))).action == "open_long"


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"flow": None}, "stale_data", "there is no order flow"),
        ({"flow": flow(score=None)}, "no_setup", "order flow is not ready, or its book was not whole"),
        ({"flow": flow(book_ok=False)}, "no_setup", "order flow is not ready, or its book was not whole"),
        ({"flow": flow(score=-0.1)}, "no_setup", "flow (-0.100) points the other way"),
        ({"flow": flow(score=0.0)}, "no_setup", "flow (+0.000) points the other way"),
        ({"flow": flow(consistency=0.119)}, "no_setup", "consistency is 0.119, 0.12 is asked"),
    ],
)
def test_flow_must_confirm(changes: dict[str, Any], reason: str, words: str) -> None:
    assert why(propose(desk(**changes))) == ("abstain", reason, words)


def test_flow_at_its_bounds_confirms() -> None:
    assert propose(desk(flow=flow(consistency=0.12, score=0.001))).action == "open_long"


@pytest.mark.parametrize(("kind", "bars", "action"), [("bear", 20, "abstain"), ("bear", 21, "open_long"),
                                                      ("bull", 1, "open_long")])  # fmt: skip
def test_a_young_divergence_the_other_way_stops_it(kind: str, bars: int, action: str) -> None:
    view = FlowView(True, (), (FlowDivergence("cvd_div@x", NOW - bars * BAR, "cvd", kind, NOW - 900 * S),))
    assert propose(desk(flow_view=view)).action == action


def test_point_three_is_void_inside_the_center_it_left() -> None:
    answer = propose(desk(point("buy3a")))
    assert answer.stop_price == D("97.99")
    assert Evidence("center#1", "pullback_held", "for") in answer.evidence
    alone = propose(desk(levels=(level(points=(point("buy3a"),), centers=()),)))
    assert alone.stop_price == D("98.99")


def test_the_next_center_is_the_take_profit_where_it_comes_first() -> None:
    def ahead(low: float) -> TradeProposal:
        return propose(
            desk(levels=(level(), other_level("up", centers=(center(ref="center@1m#5", low=low, high=low + 3),))))
        )

    assert ahead(101.5).take_profit_price == D("101.5")
    assert ahead(104.0).take_profit_price == D("102.02")
    assert why(ahead(101.0)) == (
        "abstain", "no_setup", "the next center begins at 101.0, nearer than the risk of 1.01 from 100.00"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("nested", "strong", "trend", "score"),
    [(None, 0, "range", 0.65), (True, 0, "range", 0.75), (None, 2, "range", 0.75), (None, 1, "range", 0.65),
     (None, 0, "up", 0.75), (True, 2, "up", 0.9)],
)  # fmt: skip
def test_the_score_adds_up_to_its_cap(nested: bool | None, strong: int, trend: str, score: float) -> None:
    levels = (level(points=(point(nested=nested),)), other_level("up", trend=trend))
    answer = propose(desk(levels=levels, flow=flow(strong_bins=strong)))
    assert answer.confidence == pytest.approx(score)


def test_a_trend_the_other_way_is_said_against() -> None:
    answer = propose(desk(levels=above(trend="down")))
    assert answer.counter_evidence == (Evidence("trend:1m", "higher_level_trend", "against"),)
    alone = propose(desk(levels=(level(),)))
    assert (alone.action, alone.counter_evidence) == ("open_long", ())
