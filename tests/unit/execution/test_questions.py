"""A desk whose user stream is dead ends with the books of one that heard all, by asking alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from chanflow_native import SyntheticMarket
from made_desk import NOW, SIM, D
from made_execution import MemoryJournal, approved

from chanflow.adapters.venues.simulated import SimulatedVenue
from chanflow.domain.errors import VenueBusy
from chanflow.domain.order import OrderEvent, OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.ports import FillCursor, Outcome, Unknown, VenueOrder
from chanflow.execution.questions import ask_venue, catch_up, pursue
from chanflow.execution.router import Router
from chanflow.runtime.clock import SimulatedClock

FROM_THE_START = FillCursor({})


class World:
    """A desk at the simulated venue in a synthetic market."""

    def __init__(self, seed: int) -> None:
        self.clock = SimulatedClock(NOW)
        self.market = SyntheticMarket(seed, NOW)
        self.venue = SimulatedVenue(
            SIM, self.clock, price_decimals=2, qty_decimals=3, order_latency_ns=2 * NS_PER_MS,
            response_latency_ns=2 * NS_PER_MS, deposit_quote=D(10_000),
        )  # fmt: skip
        self.journal = MemoryJournal([])
        self.router = Router(
            account="paper", venue=self.venue, instruments={"SIMUSDT": SIM}, journal=self.journal, clock=self.clock,
            capital_quote=D(10_000),
        )  # fmt: skip
        self.router.open_books()

    def until(self, after_s: float, *, hearing: bool) -> None:
        at_ns = NOW + round(after_s * NS_PER_S)
        self.clock.advance_to(at_ns)
        batch = self.market.advance(at_ns)
        if batch.bid is not None and batch.ask is not None:
            self.bid, self.ask = D(repr(batch.bid)), D(repr(batch.ask))
        for event in self.venue.push(batch):
            if hearing:
                self.router.hear(event)

    async def catch_up(self) -> bool:
        """Ask the venue, take in what was missed; returns whether openings may go on."""
        found = await catch_up(
            self.router, self.venue, FROM_THE_START, quote="USDT", funding_since_ns=0, clock=self.clock
        )
        return found.clean

    async def pursue(self, until_s: int) -> list[OrderEvent]:
        """Ask about unknown orders twice a second until one's fate is known, hearing nothing."""
        while self.clock.now_ns() < NOW + until_s * NS_PER_S:
            self.until((self.clock.now_ns() - NOW) / NS_PER_S + 0.5, hearing=False)
            events = await pursue(
                self.router, self.venue, FROM_THE_START, quote="USDT", funding_since_ns=0, clock=self.clock
            )
            if events:
                return events
        return []

    async def enter(self, near: Decimal) -> None:
        terms = {"entry_price": None, "stop_price": self.bid - near, "take_profit_price": self.ask + near}
        await self.router.execute(approved(now_ns=NOW, venue="simulated", **terms))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_asking_alone_gives_the_books_of_hearing(seed: int) -> None:
    heard, deaf = World(seed), World(seed)
    for world in (heard, deaf):
        world.until(1, hearing=True)
        await world.enter(D("0.20"))
    for after_s in range(60, 3_600, 60):
        heard.until(after_s, hearing=True)
        deaf.until(after_s, hearing=False)
        assert await deaf.catch_up()
        assert deaf.router.ledger.wallet_quote == heard.router.ledger.wallet_quote
        assert deaf.router.ledger.holdings == heard.router.ledger.holdings
        assert {i: o.state for i, o in deaf.router.orders.items() if o.state.terminal} == {
            i: o.state for i, o in heard.router.orders.items() if o.state.terminal
        }
    assert heard.journal.of("trade_closed") != []
    assert deaf.journal.of("anomaly") == []


@pytest.mark.parametrize("executed", [True, False])
async def test_the_fate_of_an_order_nobody_answered_for_is_found_out(executed: bool) -> None:
    world = World(1)
    world.until(1, hearing=True)
    sent, submit = [], world.venue.submit

    async def unanswered(order: VenueOrder) -> Outcome:
        sent.append(order.client_order_id)
        if executed:
            await submit(order)
        return Unknown("the connection closed")

    world.venue.submit = unanswered  # type: ignore[method-assign]
    await world.enter(D(5))
    (order,) = world.router.orders.values()
    assert order.state is OrderState.UNKNOWN
    (event,) = await world.pursue(until_s=60)
    assert (event.detail, order.state) == (
        ("found", OrderState.FILLED) if executed else ("never_arrived", OrderState.REJECTED)
    )
    assert (len(sent), world.router.inquiries) == (1, {})
    assert (await world.catch_up(), world.router.snapshot().reconciled) == (True, True)
    assert all(p.protected for p in world.router.snapshot().positions)
    assert bool(world.router.snapshot().positions) == executed
    assert world.journal.of("anomaly") == []


async def test_a_question_that_fails_is_left_unanswered() -> None:
    world = World(1)
    world.until(1, hearing=True)
    await world.enter(D(5))

    async def busy(*_: object) -> None:
        raise VenueBusy("wait 3 s")

    world.venue.positions = world.venue.order = busy  # type: ignore[method-assign, assignment]
    local = world.router.local("USDT")
    answers = await ask_venue(world.venue, local, FROM_THE_START, funding_since_ns=0, clock=world.clock)
    assert answers.positions is None
    assert list(answers.orders.values()) == [Unknown("the question was not answered")]
    assert answers.fills == ()


async def test_a_fault_that_is_no_answer_to_wait_for_rises() -> None:
    world = World(1)

    async def broken(*_: object) -> None:
        raise KeyError("SIMUSDT")

    world.venue.fills = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyError):
        await ask_venue(world.venue, world.router.local("USDT"), FROM_THE_START, funding_since_ns=0, clock=world.clock)
