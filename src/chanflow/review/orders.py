"""The orders of a run, folded out of its journal: what was asked, what the gate said, what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from chanflow.domain.opinion import Side
from chanflow.domain.order import Check, FillView, Leg, OrderState, OrderView, Reason, Refused
from chanflow.domain.time import parse_rfc3339
from chanflow.review.moved_triggers import MovedTriggers

_OPPOSITE: dict[Side, Side] = {"buy": "sell", "sell": "buy"}


@dataclass(slots=True)
class _Kept:
    client_order_id: str
    proposal_id: str
    symbol: str
    side: Side
    leg: Leg
    qty_base: Decimal
    sent_ns: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    reduce_only: bool = False
    state: OrderState = OrderState.INITIALIZED
    filled_base: Decimal = Decimal(0)
    leaves_base: Decimal = Decimal(0)
    detail: str = ""
    updated_ns: int = 0
    fills: dict[str, FillView] = field(default_factory=dict)


class OrdersFold:
    """Takes a journal's records in order, and knows the orders they tell of."""

    def __init__(self) -> None:
        self._orders: dict[str, _Kept] = {}
        self._approvals: dict[str, Any] = {}
        self._decided: dict[str, str] = {}
        self._by_proposal: dict[str, list[str]] = {}
        self._by_hand: dict[str, str] = {}
        self._moved = MovedTriggers()
        self.commands: dict[str, dict[str, Any]] = {}
        """Arguments of the trades that were ordered by hand, by the caller's own id."""
        self.refusals: dict[str, Refused] = {}
        """Refusals of trades that were ordered by hand, by proposal."""
        self._readers: dict[str, Callable[[str, str, Any], None]] = {
            "command": self._command,
            "refusal": self._refusal,
            "approved_order": self._approval,
            "order_intent": self._intent,
            "order_denied": self._denied,
            "order_event": self._event,
            "fill": self._fill,
        }

    def take(self, kind: str, at: str, correlation_id: str, body: Any) -> None:
        """Take one record: its kind, its time in RFC 3339, its correlation id and its body as JSON knows it."""
        moved = self._moved.take(kind, body)
        if moved is not None:
            self._trigger(*moved)
        reader = self._readers.get(kind)
        if reader is not None:
            reader(at, correlation_id, body)

    def views(self) -> list[OrderView]:
        """Return every order, in the order in which they were first told of."""
        return [self._view(order) for order in self._orders.values()]

    def of_proposal(self, proposal_id: str) -> list[OrderView]:
        """Return the orders that a proposal became: one, or one an attempt."""
        return [self._view(self._orders[client_id]) for client_id in self._by_proposal.get(proposal_id, ())]

    def of(self, client_order_id: str) -> OrderView | None:
        """Return an order by the id it has at the venue, or None."""
        order = self._orders.get(client_order_id)
        return None if order is None else self._view(order)

    def _view(self, order: _Kept) -> OrderView:
        return OrderView(
            client_order_id=order.client_order_id,
            command_id=self._by_hand.get(order.proposal_id) if order.leg in ("entry", "exit") else None,
            proposal_id=order.proposal_id, symbol=order.symbol, side=order.side, leg=order.leg,
            qty_base=order.qty_base, limit_price=order.limit_price, stop_price=order.stop_price,
            take_profit_price=order.take_profit_price, reduce_only=order.reduce_only, state=order.state,
            filled_base=order.filled_base, leaves_base=order.leaves_base, detail=order.detail, sent_ns=order.sent_ns,
            updated_ns=order.updated_ns, fills=tuple(order.fills.values()),
        )  # fmt: skip

    # ── the kinds of record ───────────────────────────────────────────────────

    def _command(self, _at: str, _correlation: str, body: Any) -> None:
        if body["kind"] == "execute_trade":
            own = body["args"]["client_order_id"]
            self.commands[own] = body["args"]
            self._by_hand[body["proposal_id"]] = own

    def _refusal(self, _at: str, _correlation: str, body: Any) -> None:
        if body["proposal_id"] in self._by_hand:
            self.refusals[body["proposal_id"]] = Refused(
                body["proposal_id"], body["decision_id"], body["symbol"], body["at_ns"],
                tuple(Reason(**each) for each in body["reasons"]), tuple(Check(**each) for each in body["checks"]),
            )  # fmt: skip

    def _approval(self, _at: str, _correlation: str, body: Any) -> None:
        self._approvals[body["approved_id"]] = body
        self._decided[body["decision_id"]] = body["approved_id"]

    def _intent(self, at: str, _correlation: str, body: Any) -> None:
        approved = self._approvals[body["approved_id"]]
        self._keep(body["client_order_id"], body["leg"], approved, at)

    def _denied(self, at: str, correlation: str, body: Any) -> None:
        approved = self._approvals[self._decided[correlation]]
        leg: Leg = "exit" if approved["terms"]["reduce_only"] else "entry"
        self._keep(body["client_order_id"], leg, approved, at)

    def _keep(self, client_id: str, leg: Leg, approved: Any, at: str) -> None:
        terms = approved["terms"]
        self._orders[client_id] = _Kept(
            client_id, approved["proposal_id"], terms["symbol"], terms["side"], leg, Decimal(terms["qty_base"]),
            parse_rfc3339(at), _price(terms["limit_price"]), _price(terms["stop_price"]),
            _price(terms["take_profit_price"]), terms["reduce_only"], updated_ns=parse_rfc3339(at),
        )  # fmt: skip
        self._by_proposal.setdefault(approved["proposal_id"], []).append(client_id)

    def _event(self, _at: str, _correlation: str, body: Any) -> None:
        order = self._orders.get(body["client_order_id"]) or self._child(body)
        if order is None:
            return
        order.state = OrderState(body["state"])
        order.filled_base, order.leaves_base = Decimal(body["filled_base"]), Decimal(body["leaves_base"])
        order.detail, order.updated_ns = body["detail"], body["at_ns"]
        if not order.state.terminal:
            order.qty_base = max(order.qty_base, order.filled_base + order.leaves_base)

    def _trigger(self, client_id: str, price: Decimal) -> None:
        order = self._orders.get(client_id)
        if order is not None and order.leg == "stop":
            order.stop_price = price
        elif order is not None:
            order.take_profit_price = price

    def _child(self, body: Any) -> _Kept | None:
        """Return the venue's own order that protects an entry: its stop or its take-profit."""
        client_id = body["client_order_id"]
        parent = self._orders.get(client_id.rpartition("-")[0])
        if parent is None:
            return None
        stop = body["leg"] == "stop"
        child = _Kept(
            client_id, parent.proposal_id, parent.symbol, _OPPOSITE[parent.side], body["leg"],
            Decimal(body["filled_base"]) + Decimal(body["leaves_base"]), body["at_ns"],
            stop_price=parent.stop_price if stop else None,
            take_profit_price=None if stop else parent.take_profit_price, reduce_only=True,
        )  # fmt: skip
        self._orders[client_id] = child
        return child

    def _fill(self, _at: str, _correlation: str, body: Any) -> None:
        order = self._orders.get(body["client_order_id"])
        if order is not None:
            order.fills[body["trade_id"]] = FillView(
                body["trade_id"], Decimal(body["price"]), Decimal(body["qty_base"]), Decimal(body["fee_quote"]),
                body["maker"], body["event_ns"],
            )  # fmt: skip


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
