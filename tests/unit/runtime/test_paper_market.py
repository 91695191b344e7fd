"""The broker's market: the touch is what it was told, on the symbol's ticks."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from chanflow.execution.ports import FillCursor, OrderRef, VenueOrder, VenueRefused
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.paper_market import PaperMarket

D = Decimal


def market() -> tuple[PaperMarket, SimulatedClock]:
    clock = SimulatedClock(1_000_000_000)
    return PaperMarket(clock, order_latency_ns=1_000_000, response_latency_ns=1_000_000), clock


@pytest.mark.parametrize(
    ("symbol", "price", "side", "bid", "ask"),
    [
        ("BTCUSDT", "50000.04", "buy", "49999.9", "50000"),
        ("BTCUSDT", "50000.04", "sell", "50000", "50000.1"),
        ("ETHUSDT", "3000", "buy", "2999.99", "3000"),
        ("PEPEUSDT", "0.00001234", "sell", "0.00001234", "0.00001235"),
    ],
)
def test_the_price_is_the_touch_of_the_side_that_trades(symbol: str, price: str, side: str, bid: str, ask: str) -> None:
    paper, _ = market()
    assert paper.tell(symbol, side, D(price)) == (D(bid), D(ask))  # type: ignore[arg-type]


def test_an_order_is_filled_at_the_touch_once_its_time_has_passed() -> None:
    paper, clock = market()
    paper.tell("ETHUSDT", "buy", D(3000))
    asyncio.run(paper.submit(VenueOrder("q1", "ETHUSDT", "buy", D("0.5"), False, None, None, None)))
    assert list(paper.heard()) == []
    clock.advance_to(clock.now_ns() + paper.latency_ns)
    assert [(event.kind, event.price) for event in paper.heard()] == [("accepted", 0), ("fill", D(3000))]
    [position] = asyncio.run(paper.positions())
    [fill] = asyncio.run(paper.fills(FillCursor({})))
    assert (position.qty_base, fill.price) == (D("0.5"), D(3000))


def test_a_symbol_without_a_price_is_not_traded() -> None:
    paper, _ = market()
    order = VenueOrder("q1", "ETHUSDT", "buy", D(1), False, None, None, None)
    assert isinstance(asyncio.run(paper.submit(order)), VenueRefused)
    assert isinstance(asyncio.run(paper.cancel(OrderRef("ETHUSDT", "q1"))), VenueRefused)
