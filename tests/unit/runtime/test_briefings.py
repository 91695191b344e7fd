"""A briefing is filled from what the desk knows now; what lies in the future leaves it, and is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_briefing import level
from made_desk import NOW, SIM, D, account, position
from made_setup import flow, signal

from chanflow.domain.flow import FlowDivergence
from chanflow.features.orderflow import FlowNow
from chanflow.risk.halt import HaltState, halt
from chanflow.risk.limits import Limits
from chanflow.risk.state import RiskState
from chanflow.runtime.briefings import Figures, MarketNow, StandingNow, briefing_of, permission_of
from chanflow.runtime.deliberation import Wake, news_hash

FIGURES = Figures("default", "5s", 10 * 10**9, 600 * 10**9, D(2))
WAKE = Wake("d1", NOW, "SIMUSDT", "manual", request_id="r1", asked_by="ann")


def market(**changes: Any) -> MarketNow:
    base = MarketNow(
        NOW, "simulated", SIM, D("99.99"), D("100.01"), flow(ts_ms=NOW // 10**6),
        FlowNow(NOW // 10**6, 1.2, -0.5, 0.7, 60.0), (level(),),
    )  # fmt: skip
    return replace(base, **changes)


def standing(**changes: Any) -> StandingNow:
    return replace(StandingNow(account(), RiskState("L3"), Limits(), "paper"), **changes)


def test_every_section_is_filled() -> None:
    made, future = briefing_of(WAKE, FIGURES, market(), standing())
    assert future == ()
    assert (made.decision_id, made.level, made.strategy, made.venue) == ("d1", "5s", "default", "simulated")
    assert made.task is not None
    assert (made.task.why, made.task.asked_by, made.task.deadline_ns) == ("manual", "ann", NOW + 10 * 10**9)
    assert [reading.name for reading in made.flow_view.readings] == ["ofi_z", "cvd_z", "fusion"]  # type: ignore[union-attr]
    assert made.levels == (level(),)
    assert not made.management


def test_rows_from_the_future_are_left_out_and_told() -> None:
    later = level(closed_ns=NOW + 1)
    made, future = briefing_of(WAKE, FIGURES, market(levels=(later,)), standing())
    assert made.levels == ()
    assert [row.outlet for row in future] == ["structure"]


def test_a_position_that_is_asked_about_makes_it_management() -> None:
    held = standing(account=account(positions=(position("10", mark_price=D(101)),)))
    made, _ = briefing_of(replace(WAKE, position_id="position-1"), FIGURES, market(), held)
    assert (made.management, made.trigger_kind) == (True, "request")
    assert made.holding is not None
    assert (made.holding.risk_price, made.holding.open_r) == (D(1), D(1))


@pytest.mark.parametrize(
    ("changes", "may_open", "mode"),
    [
        ({}, True, "active"),
        ({"state": RiskState("L0")}, False, "active"),
        ({"run_mode": "hold"}, False, "hold_manual"),
        ({"state": RiskState("L3", halt=halt(HaltState(), "command", "tested", NOW))}, False, "halted"),
    ],
)
def test_permission_says_whether_anything_may_be_opened(changes: dict[str, Any], may_open: bool, mode: str) -> None:
    found = permission_of(standing(**changes), "SIMUSDT")
    assert (found.may_open, found.mode) == (may_open, mode)


def test_permission_says_what_is_left() -> None:
    held = account(positions=(position("5"),), equity_quote=D(9_900), day_start_equity_quote=D(10_000))
    found = permission_of(standing(account=held), "SIMUSDT")
    assert found.position_room_frac == D("0.0995")
    assert (found.day_loss_room_frac, found.drawdown_room_frac) == (D("0.0400"), D("0.0900"))


def test_price_and_time_are_no_news_but_structure_and_position_are() -> None:
    def news(**changes: Any) -> str:
        wake = replace(WAKE, at_ns=changes.get("now_ns", NOW))
        held = changes.pop("standing", standing())
        return news_hash(briefing_of(wake, FIGURES, market(**changes), held)[0], wake)

    assert news() == news(bid=D("99.50"), ask=D("99.52"), now_ns=NOW + 10**9)
    assert news() != news(levels=())
    assert news() != news(standing=standing(state=RiskState("L2")))
    assert news() != news(standing=standing(account=account(positions=(position("1"),))))
    signalled = replace(WAKE, signal=signal())
    assert news() != news_hash(briefing_of(signalled, FIGURES, market(), standing())[0], signalled)


def test_the_context_says_regime_volatility_and_funding() -> None:
    made, _ = briefing_of(
        WAKE, FIGURES, market(regime="trend", volatility="high", funding_frac=D("0.0001")), standing()
    )
    context = made.context
    assert context is not None
    assert (context.regime, context.volatility, context.btc_trend, context.session) == ("trend", "high", None, "asia")
    assert [(r.name, r.value) for r in context.readings] == [("funding", 0.0001)]


def test_btc_itself_tells_its_trend() -> None:
    own = replace(SIM, base="BTC")
    made, _ = briefing_of(WAKE, FIGURES, market(instrument=own, levels=(level(trend="down"),)), standing())
    assert made.context is not None
    assert made.context.btc_trend == "down"


def test_divergences_are_told_by_their_detection_and_none_of_the_future() -> None:
    now_ms = NOW // 10**6
    found = tuple(FlowDivergence("cvd", "bear", now_ms + late, now_ms - 9_000) for late in (-1_000, 1_000))
    made, future = briefing_of(WAKE, FIGURES, market(divergences=found), standing())
    assert made.flow_view is not None
    [told] = made.flow_view.divergences
    assert (told.known_ns, told.pivot_ns, told.kind) == (NOW - 10**9, NOW - 9 * 10**9, "bear")
    assert [row.outlet for row in future] == ["flow"]
