"""Decisions and trades as a journal tells them: of a real desk, and of records made for one fact each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from made_cases import T0, made_state
from made_commands import HandDesk, trade

from chanflow.domain.memory import Case, ClosedTrade
from chanflow.domain.time import rfc3339
from chanflow.review.journal import Record
from chanflow.review.journal_cases import STATE_KIND, JournalCases, market_state_record, memory_in_a_line, told_by


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """A run with a trade that closes at its target, and an order that is refused for its stop."""
    bought = trade(stop_price=Decimal("99.95"), take_profit_price=Decimal("100.08"))
    given = [(200.3, bought), (300.3, replace(bought, client_order_id="mine-0002", stop_price=Decimal(190)))]
    return HandDesk(tmp_path_factory.mktemp("run"), given, duration_s=800).run().records()


def test_a_desks_trade_and_refusal_are_told(records: list[Record]) -> None:
    told = told_by(records)
    first, second = (case.decision for case in told.cases)
    (closed,) = told.trades
    body = next(r.body for r in records if r.kind == "trade_closed")
    assert (first.fate, first.position_id, first.analyst) == ("approved", body["position_id"], "manual")
    assert (second.fate, second.reason, second.outcome) == ("refused", "stop_side", None)
    assert (closed.decision_id, closed.net_quote) == (first.decision_id, Decimal(body["net_quote"]))
    intent = next(r.body for r in records if r.kind == "order_intent")
    assert closed.risk_quote == (Decimal(intent["reference_price"]) - Decimal("99.95")) * Decimal(body["qty_base"])
    assert first.outcome == closed.outcome
    assert closed.outcome.r_multiple == pytest.approx(float(closed.net_quote) / float(closed.risk_quote or 0))


def test_a_journal_that_is_followed_tells_each_change_once_it_is_written(records: list[Record]) -> None:
    fold = JournalCases()
    changes = [(r.kind, told) for r in records if (told := fold.take(r.kind, r.at, r.body)) is not None]
    assert [kind for kind, _ in changes] == [
        "trade_proposal", "approved_order", "order_intent", "trade_proposal", "refusal", "trade_closed",
    ] or [kind for kind, _ in changes] == [
        "trade_proposal", "approved_order", "order_intent", "trade_closed", "trade_proposal", "refusal",
    ]  # fmt: skip
    assert isinstance(changes[0][1], Case)
    assert sum(isinstance(told, ClosedTrade) for _, told in changes) == 1
    assert fold.told == told_by(records)


def record(kind: str, body: Any) -> Record:
    return Record(0, rfc3339(T0), kind, "", body, "", "")


def proposal(**more: Any) -> Record:
    body = {
        "decision_id": "d1", "symbol": "BTCUSDT", "level": "30m", "action": "open_long", "setup": "buy2",
        "confidence": 0.7, "leverage": 2, "position_id": None, "strategy": "default", "analyst": "llm",
        "abstain_reason": None, "reasoning_short": "二买", "meta": {"model": "m/x"},
        "evidence": [{"ref": claim, "claim": claim} for claim in ("divergence", "divergence", "flow")],
    }  # fmt: skip
    return record("trade_proposal", body | more)


def approval(name: str = "a1", **terms: Any) -> Record:
    made = {"reduce_only": False, "stop_price": "90", "limit_price": "100"} | terms
    return record("approved_order", {"approved_id": name, "decision_id": "d1", "terms": made})


def intent(name: str = "a1", position: str = "p1", reference: str | None = "100") -> Record:
    return record("order_intent", {"approved_id": name, "position_id": position, "reference_price": reference})


def closing(position: str = "p1", **more: Any) -> Record:
    body = {
        "position_id": position, "external": False, "symbol": "BTCUSDT", "side": "long", "opened_ns": T0,
        "closed_ns": T0 + 5, "gross_quote": "31", "fees_quote": "1", "net_quote": "30", "qty_base": "2",
        "exit_leg": "take_profit",
    }  # fmt: skip
    return record("trade_closed", body | more)


def test_figures_and_what_memory_said_belong_to_the_decision_that_follows() -> None:
    state = made_state(3)
    (case,) = told_by(
        [
            record(STATE_KIND, market_state_record("d1", state, "range")),
            record("memory_used", {"decision_id": "d1", "memory": None}),
            proposal(),
        ]
    ).cases
    assert (case.state, case.decision.regime, case.decision.memory_said) == (state, "range", "no memory")
    assert (case.decision.model, case.decision.claims) == ("m/x", ("divergence", "flow"))


def test_r_is_profit_after_cost_by_the_risk_at_entry() -> None:
    (closed,) = told_by([proposal(), approval(), intent(), closing()]).trades
    assert (closed.risk_quote, closed.r_multiple) == (Decimal(20), 1.5)


@pytest.mark.parametrize(("terms", "reference", "risk"), [({}, None, Decimal(20)), ({"stop_price": None}, "100", None)])
def test_risk_falls_back_on_the_limit_and_is_unknown_without_a_stop(
    terms: dict[str, Any], reference: str | None, risk: Decimal | None
) -> None:
    (closed,) = told_by([proposal(), approval(**terms), intent(reference=reference), closing()]).trades
    assert closed.risk_quote == risk


@pytest.mark.parametrize(("action", "reason", "fate"), [("abstain", "no_setup", "abstained"), ("hold", None, "held")])
def test_those_who_stay_out_are_told_too(action: str, reason: str | None, fate: str) -> None:
    (case,) = told_by([proposal(action=action, abstain_reason=reason)]).cases
    assert (case.decision.fate, case.decision.reason) == (fate, reason or "")


def test_an_exit_does_not_take_a_position_from_the_decision_that_opened_it() -> None:
    told = told_by([
        proposal(), approval(), intent(), proposal(decision_id="d2", action="close"),
        record("approved_order", {"approved_id": "a2", "decision_id": "d2", "terms": {"reduce_only": True}}),
        intent("a2"), closing(),
    ])  # fmt: skip
    assert told.trades[0].decision_id == "d1"
    assert [case.decision.outcome is None for case in told.cases] == [False, True]


def test_a_decision_with_one_leg_approved_is_an_order() -> None:
    refusal = record("refusal", {"decision_id": "d1", "reasons": [{"code": "max_exposure", "message": ""}]})
    for order in ([approval(), refusal], [refusal, approval()]):
        (case,) = told_by([proposal(), *order]).cases
        assert case.decision.fate == "approved"


def test_trades_that_are_not_ours_are_passed_over() -> None:
    assert told_by([closing("unknown")]).trades == ()
    assert told_by([proposal(), approval(), intent(), closing(external=True)]).trades == ()


def test_long_fractions_of_an_average_are_kept_to_twelve_decimals() -> None:
    (closed,) = told_by([proposal(), approval(), intent(), closing(net_quote="0.1234567890123456789")]).trades
    assert closed.net_quote == Decimal("0.123456789012")


@pytest.mark.parametrize(
    ("memory", "line"),
    [
        (None, "no memory"),
        ({}, "no comparable cases"),
        ({"figures": {"n": 7, "mean_r": 0.4}}, "7 similar cases, mean +0.40 R"),
        ({"figures": None, "lessons": [{"ref": "lesson#1"}]}, "no comparable cases; lessons lesson#1"),
        ({"missing": ["similar cases: slow"]}, "no comparable cases; did not answer: similar cases: slow"),
    ],
)
def test_what_memory_said_fits_a_line(memory: Any, line: str) -> None:
    assert memory_in_a_line(memory) == line
