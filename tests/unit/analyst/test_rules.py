from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from made_desk import NOW, D, position
from made_setup import briefing, flow, signal

from chanflow.analyst import grounds
from chanflow.analyst.rules import propose
from chanflow.domain.opinion import Evidence, TradeProposal
from chanflow.domain.trigger import PriceCross

SHORT = {"signal_type": "sell", "side_hint": "sell", "score": -0.5, "invalidation_price": "101.0"}


def entry(**changes: Any) -> TradeProposal:
    return propose(briefing(signal=signal(**changes)))


def management(**changes: Any) -> TradeProposal:
    base = {"signal": None, "position": position(), "trigger_kind": "price_cross", "trigger_note": "1R reached"}
    return propose(briefing(**{**base, **changes}))


# ── entry ─────────────────────────────────────────────────────────────────────


def test_a_long_is_priced_from_the_ask() -> None:
    answer = entry()
    assert (answer.kind, answer.action, answer.side) == ("entry", "open_long", "buy")
    # 5 bps through the ask of 100; one tick below 99; 100 + 2 * (100 - 98.99).
    assert (answer.entry_price, answer.stop_price, answer.take_profit_price) == (D("100.05"), D("98.99"), D("102.02"))


def test_a_short_is_priced_from_the_bid() -> None:
    answer = entry(**SHORT)
    assert (answer.kind, answer.action, answer.side) == ("entry", "open_short", "sell")
    # 99.99 * 0.9995 on the tick; one tick above 101; 99.99 - 2 * (101.01 - 99.99).
    assert (answer.entry_price, answer.stop_price, answer.take_profit_price) == (D("99.94"), D("101.01"), D("97.95"))


@pytest.mark.parametrize(("edge", "stop"), [("99.004", "98.99"), ("99.006", "99.00")])
def test_the_stop_is_one_tick_beyond_the_edge_on_the_tick(edge: str, stop: str) -> None:
    assert entry(invalidation_price=edge).stop_price == D(stop)


@pytest.mark.parametrize(
    ("strong", "trend", "score"),
    [(False, False, 0.65), (True, False, 0.75), (False, True, 0.75), (True, True, 0.85)],
)
def test_the_confidence_adds_up(strong: bool, trend: bool, score: float) -> None:
    assert entry(flow_strong=strong, trend_agrees=trend).confidence == score


def test_the_confidence_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounds, "BONUS", Decimal("0.2"))
    assert entry(flow_strong=True, trend_agrees=True).confidence == 0.9


def test_the_evidence_names_structure_flow_and_trend() -> None:
    assert entry(trend_agrees=True).evidence == (
        Evidence("stroke#4", "stroke_confirmed", "for"),
        Evidence("flow@1", "flow_confirms", "for"),
        Evidence("trend:5s", "higher_level_trend", "for"),
    )
    assert entry(trend_agrees=False).evidence[2].direction == "against"


@pytest.mark.parametrize(("edge", "action"), [("99.91", "open_long"), ("99.92", "abstain")])
def test_a_stop_nearer_than_the_costs_abstains(edge: str, action: str) -> None:
    # The stop is a tick beyond the edge; at an ask of 100 it must be 0.10 away.
    answer = entry(invalidation_price=edge)
    assert answer.action == action
    assert (answer.abstain_reason == "no_setup") == (action == "abstain")


def test_a_stop_on_the_wrong_side_abstains() -> None:
    assert entry(invalidation_price="101.0").action == "abstain"
    assert entry(**{**SHORT, "invalidation_price": "99.0"}).action == "abstain"


def test_a_short_without_room_for_its_target_abstains() -> None:
    answer = entry(**{**SHORT, "invalidation_price": "151.0"})
    assert (answer.action, answer.abstain_reason) == ("abstain", "no_setup")
    assert answer.reasoning == "the take-profit would not be positive"


@pytest.mark.parametrize(
    ("gone", "reason"),
    [({"bid": None}, "stale_data"), ({"ask": None}, "stale_data"), ({"signal": None}, "no_setup")],
)
def test_without_a_quote_or_a_signal_it_abstains(gone: dict[str, None], reason: str) -> None:
    answer = propose(briefing(**gone))
    assert (answer.action, answer.abstain_reason, answer.side) == ("abstain", reason, None)
    assert (answer.entry_price, answer.stop_price, answer.triggers) == (None, None, ())


def test_a_standing_position_holds() -> None:
    answer = propose(briefing(position=position("-3")))
    assert (answer.action, answer.reasoning) == ("hold", "a short position stands already")


@pytest.mark.parametrize(("changes", "first", "direction"), [({}, "101.01", "up"), (SHORT, "98.97", "down")])
def test_one_times_the_risk_in_profit_wakes_it(changes: dict[str, Any], first: str, direction: str) -> None:
    trigger = entry(**changes).triggers[0]
    assert (trigger.kind, trigger.params) == ("price_cross", PriceCross(D(first), direction))


def test_its_trigger_outlives_the_longest_hold() -> None:
    assert [t.expires_ns for t in entry().triggers] == [NOW + 1_200 * 10**9]


@pytest.mark.parametrize(("ladder", "wished"), [(1, 1), (2, 2), (5, 2)])
def test_the_leverage_wished_is_two_where_the_ladder_allows_it(ladder: int, wished: int) -> None:
    assert propose(briefing(max_leverage=ladder)).leverage == wished


def test_the_size_is_left_to_the_gate() -> None:
    assert entry().size_quote is None


def test_an_answer_is_fresh_for_its_window() -> None:
    assert entry().valid_until_ns == NOW + 10 * 10**9


# ── management ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["position_age"])
@pytest.mark.parametrize("score", [-0.4, 0.4, None])
def test_an_aged_position_is_closed_whatever_the_flow(score: float | None, kind: str) -> None:
    answer = management(trigger_kind=kind, trigger_note="aged", flow=flow(score=score))
    assert (answer.kind, answer.action, answer.position_id) == ("management", "close", "position-1")


@pytest.mark.parametrize(
    ("qty", "score", "action"),
    [
        ("10", 0.1, "hold"), ("10", -0.1, "close"), ("10", 0.0, "close"), ("10", None, "close"),
        ("-10", -0.1, "hold"), ("-10", 0.1, "close"), ("-10", None, "close"),
    ],
)  # fmt: skip
def test_profit_runs_only_while_the_flow_agrees(qty: str, score: float | None, action: str) -> None:
    assert management(position=position(qty), flow=flow(score=score)).action == action


@pytest.mark.parametrize("kind", ["data_stale", "protective_missing"])
def test_what_the_guardian_mends_closes_nothing(kind: str) -> None:
    assert management(trigger_kind=kind, trigger_note="bare", flow=None).action == "hold"


def test_being_asked_about_a_position_closes_nothing() -> None:
    assert management(trigger_kind="request", trigger_note="asked", flow=flow(score=-0.4)).action == "hold"


@pytest.mark.parametrize(("kind", "words"), [("price_cross", "profit taken"), ("flow", "long closed at market")])
def test_only_a_profit_is_called_one(kind: str, words: str) -> None:
    assert management(trigger_kind=kind, flow=flow(score=-0.4)).reasoning.endswith(words)


def test_without_flow_profit_is_taken() -> None:
    assert management(flow=None).action == "close"


def test_a_position_that_is_gone_needs_nothing() -> None:
    answer = management(position=None)
    assert (answer.action, answer.position_id, answer.reasoning) == ("hold", None, "the position is gone already")


def test_a_closing_asks_for_nothing_else() -> None:
    answer = management()
    assert (answer.side, answer.leverage, answer.entry_price, answer.stop_price) == (None, 1, None, None)
    assert (answer.confidence, answer.triggers) == (None, ())


def test_management_needs_no_quote() -> None:
    assert management(bid=None, ask=None).action == "close"


# ── determinism ───────────────────────────────────────────────────────────────


def test_the_same_briefing_has_the_same_answer() -> None:
    assert propose(briefing()) == propose(briefing())


def test_every_decision_has_ids_of_its_own() -> None:
    answers = [propose(briefing(decision_id=name)) for name in ("d1", "d2")]
    ids = [a.proposal_id for a in answers] + [t.trigger_id for a in answers for t in a.triggers]
    assert len(set(ids)) == 4


def test_an_unconfirmed_signal_opens_nothing() -> None:
    flat = propose(
        briefing(signal=signal(side_hint="flat", confirm=False, gating_blocked=True, decision_code="LOW_SCORE"))
    )
    assert (flat.action, flat.abstain_reason) == ("abstain", "no_setup")


def test_the_take_profit_lies_as_many_times_the_risk_away_as_is_asked() -> None:
    near, far = propose(briefing(signal=signal())), propose(briefing(signal=signal(), reward_risk=Decimal(3)))
    touch = briefing().ask
    assert touch is not None
    assert near.take_profit_price is not None
    assert far.take_profit_price is not None
    assert (far.take_profit_price - touch) * 2 == (near.take_profit_price - touch) * 3
