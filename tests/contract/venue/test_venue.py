"""What every venue does alike: a desk that works with one of them works with each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from made_venues import DEPOSIT, Bench, LiveBench

from chanflow.domain.order import Fill, OrderState
from chanflow.execution.ports import (
    Accepted,
    Action,
    FillCursor,
    NotFound,
    OrderChange,
    OrderRef,
    Outcome,
    VenueEvent,
    VenueOrder,
    VenueOrderState,
    VenueRefused,
)

D = Decimal
START = FillCursor({})


def of(bench: Bench, leg: str) -> list[VenueEvent]:
    return [event for event in bench.heard if event.client_order_id == bench.name(leg)]


def filled(bench: Bench, leg: str) -> bool:
    return any(event.kind == "fill" and event.leaves_base == 0 for event in of(bench, leg))


async def market(bench: Bench, leg: str, side: str = "buy", *, reduce_only: bool = False) -> Outcome:
    assert side in ("buy", "sell")
    order = VenueOrder(bench.name(leg), bench.symbol, "buy", bench.qty, reduce_only, None, None, None)
    return await bench.venue.submit(order if side == "buy" else replace(order, side="sell"))


async def open_position(bench: Bench) -> list[Fill]:
    assert await market(bench, "entry") == Accepted()
    await bench.until(lambda: filled(bench, "entry"))
    return list(await bench.venue.fills(START))


async def resting(bench: Bench, leg: str = "resting") -> VenueOrder:
    """Send a buy that stays far below the market."""
    bid, _ = await bench.quotes()
    price = (bid * D("0.97")).quantize(D(1))
    order = VenueOrder(bench.name(leg), bench.symbol, "buy", bench.qty, False, price, None, None, "gtc", leverage=2)
    assert await bench.venue.submit(order) == Accepted()
    await bench.until(lambda: any(event.kind == "accepted" for event in of(bench, leg)))
    return order


def ref(bench: Bench, leg: str) -> OrderRef:
    return OrderRef(bench.symbol, bench.name(leg))


async def refusal(bench: Bench, leg: str, outcome: Outcome) -> Action:
    """Return the action of a refusal, told at once or by an event."""
    if isinstance(outcome, VenueRefused):
        return outcome.action
    await bench.until(lambda: any(event.kind == "rejected" for event in of(bench, leg)))
    return next(event.action for event in of(bench, leg) if event.kind == "rejected")


async def test_a_market_order_is_accepted_and_filled(bench: Bench) -> None:
    await open_position(bench)
    kinds = [event.kind for event in of(bench, "entry")]
    assert kinds[0] == "accepted"
    assert set(kinds[1:]) == {"fill"}
    assert sum(event.qty_base for event in of(bench, "entry") if event.kind == "fill") == bench.qty


async def test_fills_are_read_as_they_were_heard(bench: Bench) -> None:
    fills = await open_position(bench)
    heard = [
        (e.trade_id, e.price, e.qty_base, e.fee_quote, e.maker, e.event_ns)
        for e in of(bench, "entry")
        if e.kind == "fill"
    ]
    assert [(f.trade_id, f.price, f.qty_base, f.fee_quote, f.maker, f.event_ns) for f in fills] == heard
    assert {(f.client_order_id, f.side, f.venue) for f in fills} == {(bench.name("entry"), "buy", bench.venue.name)}


async def test_no_fill_is_read_twice(bench: Bench) -> None:
    fills = await open_position(bench)
    assert await bench.venue.fills(FillCursor({bench.symbol: fills[-1].trade_id})) in ([], ())
    await market(bench, "exit", "sell", reduce_only=True)
    await bench.until(lambda: filled(bench, "exit"))
    later = await bench.venue.fills(FillCursor({bench.symbol: fills[-1].trade_id}))
    assert {fill.client_order_id for fill in later} == {bench.name("exit")}


async def test_the_position_is_what_was_filled_and_the_wallet_paid_the_fee(bench: Bench) -> None:
    fills = await open_position(bench)
    (held,) = [one for one in await bench.venue.positions() if one.symbol == bench.symbol]
    assert held.qty_base == bench.qty
    (wallet,) = [one.wallet for one in await bench.venue.balances() if one.asset == bench.quote]
    assert wallet == DEPOSIT - sum((fill.fee_quote for fill in fills), D(0))


async def test_a_closed_position_is_flat(bench: Bench) -> None:
    await open_position(bench)
    assert await market(bench, "exit", "sell", reduce_only=True) == Accepted()
    await bench.until(lambda: filled(bench, "exit"))
    assert [one for one in await bench.venue.positions() if one.qty_base] == []


async def test_a_filled_order_is_found_as_filled(bench: Bench) -> None:
    fills = await open_position(bench)
    found = await bench.venue.order(ref(bench, "entry"))
    assert isinstance(found, VenueOrderState)
    worth = sum((f.price * f.qty_base for f in fills), D(0))
    assert (found.state, found.filled_base) == (OrderState.FILLED, bench.qty)
    assert abs(found.average_price - worth / bench.qty) <= D("0.01")


async def test_an_order_never_sent_is_not_found(bench: Bench) -> None:
    assert await bench.venue.order(ref(bench, "never")) == NotFound()


async def test_a_cancel_of_an_order_never_sent_asks_for_it(bench: Bench) -> None:
    outcome = await bench.venue.cancel(ref(bench, "never"))
    if isinstance(outcome, VenueRefused):
        assert outcome.action is Action.ASK_ORDER
        return
    await bench.until(lambda: any(event.kind == "cancel_rejected" for event in of(bench, "never")))
    assert of(bench, "never")[0].action is Action.ASK_ORDER


async def test_reducing_what_is_not_held_is_refused_and_asks_for_reconciliation(bench: Bench) -> None:
    outcome = await market(bench, "reduce", "sell", reduce_only=True)
    assert await refusal(bench, "reduce", outcome) is Action.RECONCILE
    assert [one for one in await bench.venue.positions() if one.qty_base] == []


async def test_the_same_id_twice_is_no_second_order(standing: Bench) -> None:
    order = await resting(standing)
    outcome = await standing.venue.submit(order)
    assert isinstance(outcome, VenueRefused)
    assert outcome.action is Action.ASK_DUPLICATE
    assert [one.client_order_id for one in await standing.venue.open_orders()] == [order.client_order_id]


async def test_a_resting_order_is_open_until_it_is_cancelled(standing: Bench) -> None:
    order = await resting(standing)
    (found,) = await standing.venue.open_orders()
    assert (found.client_order_id, found.state, found.qty_base) == (
        order.client_order_id, OrderState.ACCEPTED, standing.qty,
    )  # fmt: skip
    assert (found.limit_price, found.reduce_only, found.is_stop) == (order.limit_price, False, False)
    assert await standing.venue.cancel(ref(standing, "resting")) == Accepted()
    await standing.until(lambda: of(standing, "resting")[-1].kind == "canceled")
    assert list(await standing.venue.open_orders()) == []
    gone = await standing.venue.order(ref(standing, "resting"))
    assert isinstance(gone, VenueOrderState)
    assert gone.state is OrderState.CANCELED


async def test_an_amendment_is_heard_with_the_new_terms(standing: Bench) -> None:
    order = await resting(standing)
    assert order.limit_price is not None
    change = OrderChange(qty_base=standing.qty * 2, limit_price=order.limit_price - 10)
    assert await standing.venue.amend(ref(standing, "resting"), change) == Accepted()
    await standing.until(lambda: of(standing, "resting")[-1].kind == "amended")
    assert of(standing, "resting")[-1].qty_base == standing.qty * 2
    (found,) = await standing.venue.open_orders()
    assert (found.qty_base, found.limit_price) == (standing.qty * 2, order.limit_price - 10)


def stop(bench: Bench, trigger: Decimal) -> VenueOrder:
    return VenueOrder(
        bench.name("stop"), bench.symbol, "sell", bench.qty, True, None, None, None, conditional="stop_market",
        trigger_price=trigger,
    )  # fmt: skip


async def test_a_stop_waits_among_the_open_orders_until_it_is_cancelled(standing: Bench) -> None:
    bid, _ = await standing.quotes()
    wanted = stop(standing, (bid * D("0.95")).quantize(D(1)))
    await open_position(standing)
    assert await standing.venue.submit(wanted) == Accepted()
    (found,) = await standing.venue.open_orders()
    assert (found.client_order_id, found.is_stop, found.reduce_only) == (standing.name("stop"), True, True)
    assert (found.trigger_price, found.qty_base) == (wanted.trigger_price, standing.qty)
    assert await standing.venue.cancel(ref(standing, "stop")) == Accepted()
    await standing.until(lambda: of(standing, "stop")[-1].kind == "canceled")
    assert list(await standing.venue.open_orders()) == []


async def triggered(standing: LiveBench) -> str:
    """Put a stop a tick below the mark and let the market fall through it; returns its leg."""
    rules = (await standing.venue.rules())[standing.symbol]
    for number in range(1, 40):
        leg = f"stop {number}"
        (held,) = await standing.venue.positions()
        assert held.mark_price is not None
        trigger = rules.nearest_price(held.mark_price) - rules.tick
        order = replace(stop(standing, trigger), client_order_id=standing.name(leg))
        if isinstance(await standing.venue.submit(order), VenueRefused):
            continue  # the mark has passed it meanwhile
        await standing.fall()
        await standing.until(lambda leg=leg: any(event.kind == "triggered" for event in of(standing, leg)))
        return leg
    pytest.fail("40 stops were refused")


async def test_a_triggered_stop_closes_the_position_under_its_own_id(standing: LiveBench) -> None:
    await open_position(standing)
    leg = await triggered(standing)
    await standing.until(lambda: filled(standing, leg))
    kinds = [event.kind for event in of(standing, leg)]
    assert kinds[0] == "accepted"
    assert kinds.index("triggered") < kinds.index("linked") < kinds.index("fill")
    assert [one for one in await standing.venue.positions() if one.qty_base] == []
    fills: Sequence[Fill] = await standing.venue.fills(START)
    assert {fill.client_order_id for fill in fills} == {standing.name("entry"), standing.name(leg)}
    found = await standing.venue.order(ref(standing, leg))
    assert isinstance(found, VenueOrderState)
    assert (found.state, found.filled_base) == (OrderState.FILLED, standing.qty)


async def test_a_maker_only_order_that_would_take_does_not_trade(standing: Bench) -> None:
    _, ask = await standing.quotes()
    price = (ask * D("1.002")).quantize(D(1))
    order = VenueOrder(standing.name("maker"), standing.symbol, "buy", standing.qty, False, price, None, None, "gtx")
    outcome = await standing.venue.submit(order)
    if isinstance(outcome, VenueRefused):
        assert outcome.action is Action.REPLAN
    else:
        await standing.until(lambda: of(standing, "maker")[-1].kind in ("expired", "rejected"))
    assert list(await standing.venue.fills(START)) == []


async def test_the_rules_name_what_is_traded(bench: Bench) -> None:
    rules = (await bench.venue.rules())[bench.symbol]
    assert rules.symbol == bench.symbol
    assert min(rules.tick, rules.step, rules.min_qty) > 0
    assert 0 <= rules.maker_fee_frac <= rules.taker_fee_frac < 1


async def test_ids_fit_the_venue(bench: Bench) -> None:
    able = bench.venue.capabilities
    name = bench.name("any")
    assert len(name) <= able.client_id_length
    assert re.fullmatch(r"q[a-z2-7]{26}" if able.client_id_alphabet == "base32" else r"0x[0-9a-f]{32}", name)


async def test_the_venues_clock_is_told(bench: Bench) -> None:
    sample = await bench.venue.server_time()
    assert abs(sample.offset_ns) < 5_000_000_000
    assert sample.round_trip_ns >= 0
