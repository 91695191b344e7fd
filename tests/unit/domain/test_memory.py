from __future__ import annotations

from decimal import Decimal

import pytest
from made_cases import HOUR, T0, made_decision, made_trade

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.memory import Outcome, Recalled


@pytest.mark.parametrize(("pnl", "result"), [("0.01", "success"), ("0", "failure"), ("-1", "failure")])
def test_success_is_a_profit_after_cost(pnl: str, result: str) -> None:
    assert Outcome(decision_id="d", closed_ns=T0, pnl_quote=Decimal(pnl), r_multiple=None).result == result


def test_an_outcome_is_known_only_after_the_close() -> None:
    decision = made_decision("d", closed_ns=T0 + HOUR)
    assert decision.known_before(T0 + HOUR).result == "pending"
    assert decision.known_before(T0 + HOUR + 1) is decision
    assert made_decision("d").result == "pending"


@pytest.mark.parametrize("more", [{"confidence": 1.1}, {"confidence": -0.1}, {"symbol": ""}, {"level": ""}])
def test_a_decision_outside_its_bounds_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        made_decision("d", **more)


@pytest.mark.parametrize(("risk", "r"), [("20", 0.5), (None, None), ("0", None)])
def test_r_is_profit_by_risk_where_there_was_any(risk: str | None, r: float | None) -> None:
    trade = made_trade("d", net="10", risk=risk)
    assert (trade.r_multiple, trade.outcome.r_multiple, trade.outcome.decision_id) == (r, r, "d")


def test_a_memory_that_did_not_answer_is_not_empty() -> None:
    assert Recalled(as_of_ns=T0).empty
    assert not Recalled(as_of_ns=T0, skipped=("knowledge: slow",)).empty
