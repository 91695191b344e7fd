"""The simulated venue behind the port: when its answers are heard, and in which words."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from chanflow_native import SyntheticMarket
from made_desk import NOW, SIM, D

from chanflow.adapters.venues.simulated import SimulatedVenue
from chanflow.execution.ports import (
    Accepted,
    Action,
    FillCursor,
    NotFound,
    OrderChange,
    OrderRef,
    VenueBalance,
    VenueEvent,
    VenueOrder,
    VenuePosition,
    VenueRefused,
)
from chanflow.runtime.clock import SimulatedClock

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
FAR = D(50)


class Traded:
    """A venue, its market and its clock, a minute after the market's start."""

    def __init__(self, *, order_ms: int = 2, response_ms: int = 2, seed: int = 1) -> None:
        self.clock = SimulatedClock(NOW)
        self.market = SyntheticMarket(seed, NOW)
        self.venue = SimulatedVenue(
            SIM, self.clock, price_decimals=2, qty_decimals=3, order_latency_ns=order_ms * NS_PER_MS,
            response_latency_ns=response_ms * NS_PER_MS, deposit_quote=D(10_000),
        )  # fmt: skip
        self.bid = self.ask = D(0)
        assert self.until(60 * NS_PER_S) == []

    def until(self, after_ns: int) -> list[VenueEvent]:
        """Move market and clock to `after_ns` after the start; returns what is heard."""
        self.clock.advance_to(NOW + after_ns)
        batch = self.market.advance(NOW + after_ns)
        if batch.bid is not None and batch.ask is not None:
            self.bid, self.ask = D(repr(batch.bid)), D(repr(batch.ask))
        return list(self.venue.push(batch))

    def buy(self, qty: str = "2", *, far: Decimal = FAR) -> VenueOrder:
        """Return a protected market buy whose exits are `far` away."""
        return VenueOrder("q1", "SIMUSDT", "buy", D(qty), False, None, self.bid - far, self.ask + far)


def kinds(events: list[VenueEvent]) -> list[tuple[str, str]]:
    return [(e.client_order_id, e.kind) for e in events]


async def test_an_entry_fills_and_its_exits_are_placed() -> None:
    at = Traded()
    order = at.buy()
    assert await at.venue.submit(order) == Accepted()
    events = at.until(61 * NS_PER_S)
    fills = [e for e in events if e.kind == "fill"]
    assert kinds(events)[:2] == [("q1", "accepted"), ("q1", "fill")]
    assert [(e.client_order_id, e.kind) for e in events if e.kind == "accepted"][1:] == [
        ("q1-sl", "accepted"), ("q1-tp", "accepted"),
    ]  # fmt: skip
    assert sum(f.qty_base for f in fills) == D(2)
    assert fills[-1].leaves_base == 0
    assert await at.venue.positions() == (VenuePosition("SIMUSDT", D(2)),)


async def test_an_answer_is_heard_once_the_clock_has_reached_it() -> None:
    at = Traded(order_ms=2, response_ms=5_000)
    await at.venue.submit(at.buy())
    assert at.until(61 * NS_PER_S) == []
    assert await at.venue.positions() == (VenuePosition("SIMUSDT", D(2)),)
    assert at.until(65 * NS_PER_S + 2 * NS_PER_MS - 1) == []
    heard = at.until(65 * NS_PER_S + 2 * NS_PER_MS)
    assert kinds(heard)[:2] == [("q1", "accepted"), ("q1", "fill")]
    assert {e.known_ns - e.event_ns for e in heard} == {5_000 * NS_PER_MS}
    assert max(e.known_ns for e in heard) <= at.clock.now_ns()


async def test_an_answer_is_heard_once() -> None:
    at = Traded()
    await at.venue.submit(at.buy())
    assert at.until(61 * NS_PER_S) != []
    assert at.until(61 * NS_PER_S + 1) == []


async def test_figures_are_exact_decimals_and_the_fee_is_price_times_quantity_times_rate() -> None:
    at = Traded()
    await at.venue.submit(at.buy("1.234"))
    fills = [e for e in at.until(61 * NS_PER_S) if e.kind == "fill"]
    assert sum(f.qty_base for f in fills) == D("1.234")
    for one in fills:
        assert all(isinstance(v, Decimal) for v in (one.price, one.qty_base, one.fee_quote, one.leaves_base))
        assert SIM.on_tick(one.price)
        assert not one.maker
        assert one.fee_quote == one.price * one.qty_base * D("0.0005") > 0


async def test_a_taker_buys_at_the_ask_or_above() -> None:
    at = Traded(order_ms=0)
    ask = at.ask
    await at.venue.submit(at.buy("0.1"))
    prices = [e.price for e in at.until(60 * NS_PER_S + 5 * NS_PER_MS) if e.kind == "fill"]
    assert prices
    assert min(prices) >= ask


async def test_a_stop_brings_the_position_home() -> None:
    at = Traded(seed=2)
    order = replace(at.buy("1"), stop_price=at.bid - D("0.08"), take_profit_price=at.ask + FAR)
    await at.venue.submit(order)
    heard: list[VenueEvent] = []
    for minute in range(2, 181):
        heard += at.until(minute * 60 * NS_PER_S)
        if not at.venue.live:
            break
    assert kinds(heard)[-3:] == [("q1-sl", "triggered"), ("q1-sl", "fill"), ("q1-tp", "canceled")]
    assert await at.venue.positions() == (VenuePosition("SIMUSDT", D(0)),)


async def test_a_take_profit_brings_the_position_home() -> None:
    at = Traded(seed=2)
    order = replace(at.buy("1"), stop_price=at.bid - FAR, take_profit_price=at.ask + D("0.08"))
    await at.venue.submit(order)
    heard: list[VenueEvent] = []
    for minute in range(2, 181):
        heard += at.until(minute * 60 * NS_PER_S)
        if not at.venue.live:
            break
    assert kinds(heard)[-3:] == [("q1-tp", "triggered"), ("q1-tp", "fill"), ("q1-sl", "canceled")]


async def test_a_limit_takes_what_it_can_and_lets_the_rest_go() -> None:
    at = Traded()
    limit = at.ask
    await at.venue.submit(replace(at.buy("1000"), limit_price=limit))
    events = at.until(61 * NS_PER_S)
    bought = sum(e.qty_base for e in events if e.kind == "fill")
    assert 0 < bought < 1_000
    (gone,) = [e for e in events if e.kind == "expired"]
    assert (gone.client_order_id, gone.leaves_base) == ("q1", 1_000 - bought)
    assert all(e.price <= limit for e in events)


async def test_it_is_live_from_the_order_to_the_last_answer() -> None:
    at = Traded(response_ms=500)
    assert not at.venue.live
    await at.venue.submit(at.buy("1"))
    assert at.venue.live
    at.until(61 * NS_PER_S)
    assert at.venue.live
    await at.venue.submit(VenueOrder("q2", "SIMUSDT", "sell", D(1), True, None, None, None))
    at.until(61 * NS_PER_S + 400 * NS_PER_MS)
    assert await at.venue.positions() == (VenuePosition("SIMUSDT", D(0)),)
    assert at.venue.live
    heard = at.until(62 * NS_PER_S)
    assert kinds(heard)[:2] == [("q2", "accepted"), ("q2", "fill")]
    assert not at.venue.live


async def test_a_bare_position_is_live() -> None:
    at = Traded()
    await at.venue.submit(at.buy("1"))
    at.until(61 * NS_PER_S)
    for exit_id in ("q1-sl", "q1-tp"):
        await at.venue.cancel(OrderRef("SIMUSDT", exit_id))
    assert kinds(at.until(62 * NS_PER_S)) == [("q1-sl", "canceled"), ("q1-tp", "canceled")]
    assert at.venue.live


async def test_the_instruments_rules_are_the_venues() -> None:
    at = Traded()
    await at.venue.submit(replace(at.buy("0.049"), stop_price=None, take_profit_price=None))
    (event,) = at.until(61 * NS_PER_S)
    assert event.kind == "rejected"
    assert re.fullmatch(r"-4164: notional 4\.9\d* is below 5\.0+", event.detail)
    assert await at.venue.positions() == (VenuePosition("SIMUSDT", D(0)),)


async def test_a_client_id_used_before_is_refused() -> None:
    at = Traded()
    await at.venue.submit(at.buy())
    assert await at.venue.submit(at.buy()) == VenueRefused(-4116, "client id q1 was used before", Action.ASK_DUPLICATE)


async def test_what_is_refused_on_arrival_is_told_with_its_code() -> None:
    at = Traded()
    assert await at.venue.submit(VenueOrder("q1", "SIMUSDT", "sell", D(1), True, None, None, None)) == Accepted()
    (event,) = at.until(61 * NS_PER_S)
    assert (event.kind, event.detail) == ("rejected", "-2022: position 0 has nothing for this order to reduce")


async def test_a_cancel_is_answered_by_an_event() -> None:
    at = Traded()
    await at.venue.submit(at.buy())
    at.until(61 * NS_PER_S)
    assert await at.venue.cancel(OrderRef("SIMUSDT", "q1-tp")) == Accepted()
    assert kinds(at.until(62 * NS_PER_S)) == [("q1-tp", "canceled")]
    assert await at.venue.cancel(OrderRef("SIMUSDT", "never")) == VenueRefused(
        -2011, "no order was ever called never", Action.ASK_ORDER
    )


@pytest.mark.parametrize("changes", [{"qty_base": D("1.0001")}, {"limit_price": D("100.001")}])
async def test_figures_finer_than_the_venue_counts_raise(changes: dict[str, Decimal]) -> None:
    at = Traded()
    with pytest.raises(ValueError, match="is finer than the venue counts"):
        await at.venue.submit(replace(at.buy(), **changes))


async def test_a_moved_trigger_is_told_as_an_amendment_of_the_same_quantity() -> None:
    at = Traded()
    await at.venue.submit(at.buy())
    at.until(61 * NS_PER_S)
    nearer = at.bid - D(20)
    assert await at.venue.amend(OrderRef("SIMUSDT", "q1-sl"), OrderChange(trigger_price=nearer)) == Accepted()
    (event,) = at.until(62 * NS_PER_S)
    assert (event.client_order_id, event.kind, event.qty_base) == ("q1-sl", "amended", D(2))


async def test_a_trigger_that_would_fire_at_once_is_told_as_a_refused_amendment() -> None:
    at = Traded()
    await at.venue.submit(at.buy())
    at.until(61 * NS_PER_S)
    beyond = at.ask + D(20)
    assert await at.venue.amend(OrderRef("SIMUSDT", "q1-sl"), OrderChange(trigger_price=beyond)) == Accepted()
    (event,) = at.until(62 * NS_PER_S)
    assert (event.client_order_id, event.kind, event.detail[:6]) == ("q1-sl", "amend_rejected", "-2021:")


async def test_only_triggers_can_be_amended_and_there_is_no_dead_man() -> None:
    at = Traded()
    changed = await at.venue.amend(OrderRef("SIMUSDT", "q1"), OrderChange(qty_base=D(1), trigger_price=D(90)))
    assert isinstance(changed, VenueRefused)
    assert isinstance(await at.venue.arm_dead_man(60_000), VenueRefused)
    assert at.venue.capabilities.dead_man == "none"


async def test_questions_are_answered_from_the_venues_own_books() -> None:
    at = Traded(response_ms=5_000)
    assert await at.venue.order(OrderRef("SIMUSDT", "q1")) == NotFound()
    await at.venue.submit(at.buy())
    assert at.until(61 * NS_PER_S) == []
    order = await at.venue.order(OrderRef("SIMUSDT", "q1"))
    assert not isinstance(order, NotFound)
    fills = await at.venue.fills(FillCursor({}))
    assert (order.state, order.filled_base) == ("filled", D(2)) == ("filled", sum(f.qty_base for f in fills))
    assert [(o.client_order_id, o.is_stop, o.qty_base) for o in await at.venue.open_orders()] == [
        ("q1-sl", True, D(2)), ("q1-tp", False, D(2)),
    ]  # fmt: skip
    assert await at.venue.balances() == (VenueBalance("USDT", 10_000 - sum((f.fee_quote for f in fills), D(0))),)
    assert await at.venue.fills(FillCursor({"SIMUSDT": fills[-1].trade_id})) == ()
    assert (await at.venue.rules())["SIMUSDT"] == SIM


async def test_events_are_the_same_whether_taken_or_awaited() -> None:
    taken, awaited = Traded(), Traded()
    for one in (taken, awaited):
        await one.venue.submit(one.buy())
    awaited.clock.advance_to(NOW + 61 * NS_PER_S)
    awaited.venue.advance(awaited.market.advance(NOW + 61 * NS_PER_S))
    assert [e async for e in awaited.venue.events()] == taken.until(61 * NS_PER_S) != []
    assert [e async for e in awaited.venue.events()] == []
