"""A mock order: what the simulated venue makes of one signal when the market stands at the signal's price."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import chanflow_native

from chanflow.adapters.venues.simulated import SimulatedVenue
from chanflow.domain.time import NS_PER_MS
from chanflow.execution.client_ids import client_order_id
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import Accepted, VenueEvent, VenueOrder
from chanflow.market.rules import instrument_of
from chanflow.runtime.broker_signals import BrokerSignal
from chanflow.runtime.clock import SimulatedClock

QTY_BASE = Decimal("0.001")
"""What every mock order is for, in base units, as in the earlier service."""
QTY_DECIMALS = 3
VENUE = "mock"
_STEPS = {"accepted": Step.ACCEPT, "expired": Step.EXPIRE, "rejected": Step.REJECT, "canceled": Step.CANCEL}


async def mock_order(
    signal: BrokerSignal, number: int, *, order_latency_ns: int, response_latency_ns: int
) -> dict[str, Any]:
    """Return the order of a signal as the output has it, the run's `number`th.

    A market order meets a book whose touch is the signal's price, on a venue of its own: so a fill depends on nothing
    but the signal. Times are Unix ms: `order_ts_ms` is when the end of the order is known here.
    """
    clock = SimulatedClock(signal.known_ms * NS_PER_MS)
    decimals = max(0, -int(signal.price.normalize().as_tuple().exponent))
    instrument = instrument_of(VENUE, signal.symbol, price_decimals=decimals, qty_decimals=QTY_DECIMALS)
    venue = SimulatedVenue(
        instrument, clock, price_decimals=decimals, qty_decimals=QTY_DECIMALS,
        order_latency_ns=order_latency_ns, response_latency_ns=response_latency_ns,
    )  # fmt: skip
    client_id = client_order_id(VENUE, "broker", signal.signal_id.replace("|", "/"), "entry", 1)
    order = Order(client_id, signal.symbol, signal.side, "entry", QTY_BASE, False, "", "")
    history = [_moment(order, clock)]
    venue.advance(_book(signal, decimals))
    order.step(Step.SEND)
    history.append(_moment(order, clock))
    outcome = await venue.submit(VenueOrder(client_id, signal.symbol, signal.side, QTY_BASE, False, None, None, None))
    if not isinstance(outcome, Accepted):
        order.step(Step.REJECT)
        history.append(_moment(order, clock))
    fee = Decimal(0)
    clock.advance_to(clock.now_ns() + order_latency_ns + response_latency_ns)
    for event in venue.push(_nothing(decimals)):
        fee += event.fee_quote
        _follow(order, event, venue.name)
        history.append({"state": order.state.name, "ts_ms": event.known_ns // NS_PER_MS})
    return {
        "order_id": f"MOCK_{number:06d}",
        "symbol": signal.symbol,
        "side": signal.side.upper(),
        "strength": "STRONG" if signal.strong else "NORMAL",
        "signal_type": signal.signal_type,
        "signal_score": signal.score,
        "signal_ts_ms": signal.ts_ms,
        "order_ts_ms": history[-1]["ts_ms"],
        "status": order.state.name,
        "filled_qty": float(order.filled_base),
        "filled_price": None if order.average_price is None else float(order.average_price),
        "fee": float(fee),
        "state_history": history,
    }


def line_of_order(order: dict[str, Any]) -> bytes:
    """Return an order as a line of JSON, its end included."""
    return json.dumps(order, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _follow(order: Order, event: VenueEvent, venue: str) -> None:
    if event.kind == "fill":
        from chanflow.domain.order import Fill

        order.fill(
            Fill(venue, order.symbol, event.trade_id, order.client_order_id, order.side, event.price, event.qty_base,
                 event.fee_quote, event.maker, event.event_ns, event.known_ns)
        )  # fmt: skip
    else:
        order.step(_STEPS[event.kind])


def _moment(order: Order, clock: SimulatedClock) -> dict[str, Any]:
    return {"state": order.state.name, "ts_ms": clock.now_ns() // NS_PER_MS}


def _book(signal: BrokerSignal, decimals: int) -> Any:
    """Return a quote one tick wide whose touch on the order's side is the signal's price, with enough behind it."""
    touch, lots = int(signal.price.scaleb(decimals)), int(QTY_BASE.scaleb(QTY_DECIMALS)) * 1_000
    bid, ask = (touch - 1, touch) if signal.side == "buy" else (touch, touch + 1)
    quote = ("quote", signal.known_ms, signal.known_ms * NS_PER_MS, 1, bid, lots, ask, lots)
    return chanflow_native.batch_of_events([quote], decimals, QTY_DECIMALS)


def _nothing(decimals: int) -> Any:
    return chanflow_native.batch_of_events([], decimals, QTY_DECIMALS)
