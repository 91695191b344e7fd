"""Orders folded out of a journal: what stands there, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from chanflow.domain.order import OrderState
from chanflow.review.orders import OrdersFold

AT = "2026-01-05T00:00:00.000000000Z"
AT_NS = 1_767_571_200_000_000_000
TERMS = {
    "symbol": "SIMUSDT", "side": "buy", "qty_base": "2", "leverage": 1, "reduce_only": False, "limit_price": "100.5",
    "stop_price": "95", "take_profit_price": "110", "time_in_force": "gtc",
}  # fmt: skip


def approve(fold: OrdersFold, **terms: Any) -> None:
    body = {"approved_id": "a1", "proposal_id": "p1", "decision_id": "d1", "terms": TERMS | terms}
    fold.take("approved_order", AT, "d1", body)


def send(fold: OrdersFold) -> None:
    approve(fold)
    fold.take("order_intent", AT, "d1", {"client_order_id": "q1", "approved_id": "a1", "leg": "entry"})


def event(fold: OrdersFold, state: str, filled: str, leaves: str, client_id: str = "q1", leg: str = "entry") -> None:
    body = {
        "client_order_id": client_id, "symbol": "SIMUSDT", "leg": leg, "state": state, "filled_base": filled,
        "leaves_base": leaves, "at_ns": AT_NS + 5, "detail": "heard",
    }  # fmt: skip
    fold.take("order_event", AT, "", body)


def fill(fold: OrdersFold, trade_id: str, price: str, qty: str) -> None:
    body = {
        "trade_id": trade_id, "client_order_id": "q1", "price": price, "qty_base": qty, "fee_quote": "0.1",
        "maker": False, "event_ns": AT_NS + 4,
    }  # fmt: skip
    fold.take("fill", AT, "q1", body)


def test_an_intent_is_an_order_of_which_nothing_is_known_yet() -> None:
    fold = OrdersFold()
    send(fold)
    [order] = fold.views()
    assert (order.state, order.limit_price, order.sent_ns) == (OrderState.INITIALIZED, Decimal("100.5"), AT_NS)


def test_events_and_fills_move_it() -> None:
    fold = OrdersFold()
    send(fold)
    fill(fold, "1", "100", "0.5")
    fill(fold, "2", "101", "1.5")
    event(fold, "filled", "2", "0")
    [order] = fold.views()
    assert (order.state, order.filled_base, order.average_price) == (OrderState.FILLED, 2, Decimal("100.75"))
    assert (order.updated_ns, order.detail) == (AT_NS + 5, "heard")


def test_a_fill_that_is_told_twice_counts_once() -> None:
    fold = OrdersFold()
    send(fold)
    fill(fold, "1", "100", "0.5")
    fill(fold, "1", "100", "0.5")
    assert len(fold.views()[0].fills) == 1


def test_what_protects_an_entry_is_an_order_of_its_own() -> None:
    fold = OrdersFold()
    send(fold)
    event(fold, "accepted", "0", "2", client_id="q1-sl", leg="stop")
    stop = fold.of("q1-sl")
    assert stop is not None
    assert (stop.side, stop.leg, stop.stop_price, stop.qty_base, stop.reduce_only) == ("sell", "stop", 95, 2, True)


def test_a_denied_order_is_told_of_with_its_terms() -> None:
    fold = OrdersFold()
    approve(fold, reduce_only=True)
    fold.take("order_denied", AT, "d1", {"client_order_id": "q1", "why": "expired"})
    event(fold, "denied", "0", "0", leg="exit")
    [order] = fold.views()
    assert (order.leg, order.state, order.qty_base) == ("exit", OrderState.DENIED, 2)


def test_an_order_by_hand_has_its_givers_id_and_a_refusal_its_reasons() -> None:
    fold = OrdersFold()
    args = {"client_order_id": "mine-0001"}
    fold.take("command", AT, "", {"kind": "execute_trade", "args": args, "proposal_id": "p1", "at_ns": AT_NS})
    send(fold)
    reasons = [{"code": "expired", "message": "too late"}]
    checks = [{"name": "expired", "value": "", "bound": "", "ok": False}]
    refusal = {"decision_id": "d1", "symbol": "SIMUSDT", "at_ns": AT_NS, "reasons": reasons, "checks": checks}
    fold.take("refusal", AT, "", {"proposal_id": "p1"} | refusal)
    fold.take("refusal", AT, "", {"proposal_id": "p2"} | refusal)
    assert [order.command_id for order in fold.of_proposal("p1")] == ["mine-0001"]
    assert fold.refusals["p1"].reasons[0].code == "expired"
    assert "p2" not in fold.refusals


def test_records_of_other_kinds_are_passed_over() -> None:
    fold = OrdersFold()
    fold.take("mark", AT, "", {"price": "1"})
    event(fold, "filled", "1", "0", client_id="external-1")
    assert fold.views() == []
