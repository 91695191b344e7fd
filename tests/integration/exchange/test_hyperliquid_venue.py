"""Our Hyperliquid venue against Hyperliquid's doors of the emulated exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from eth_account import Account
from made_hyperliquid import AGENT_KEY, MASTER_KEY, Desk, running

from chanflow.adapters.transport.websocket import PicowsConnector
from chanflow.adapters.venues.emulator.hearing import hear
from chanflow.adapters.venues.emulator.hyperliquid import feeds
from chanflow.adapters.venues.hyperliquid.client import Client, Keys
from chanflow.adapters.venues.hyperliquid.nonces import Nonces
from chanflow.adapters.venues.hyperliquid.venue import HyperliquidVenue
from chanflow.domain.errors import SettingsInvalid, VenueBusy
from chanflow.domain.order import OrderState
from chanflow.execution.ports import (
    Accepted,
    Action,
    FillCursor,
    NotFound,
    OrderChange,
    OrderRef,
    Unknown,
    VenueEvent,
    VenueOrder,
    VenueOrderState,
    VenueRefused,
)
from chanflow.runtime.clock import SystemClock

pytestmark = [pytest.mark.slow, pytest.mark.server]

MASTER, AGENT = Account.from_key(MASTER_KEY), Account.from_key(AGENT_KEY)
QTY = Decimal("0.01")
_ids = iter(range(1, 1_000))


def name() -> str:
    return f"0x{next(_ids):032x}"


@dataclass
class Bench:
    """A venue, and what it has told so far."""

    venue: HyperliquidVenue
    desk: Desk
    told: list[VenueEvent] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for event in self.venue.events():
            self.told.append(event)
            self.news.set()

    async def until(self, client_id: str, *kinds: str) -> list[VenueEvent]:
        """Return an order's events once they are of these kinds, in this order."""
        async with asyncio.timeout(20):
            while [e.kind for e in self.of(client_id)] != list(kinds):
                self.news.clear()
                await self.news.wait()
        return self.of(client_id)

    def of(self, client_id: str) -> list[VenueEvent]:
        return [event for event in self.told if event.client_order_id == client_id]

    async def mid(self) -> Decimal:
        return await self.venue._mid("BTC")

    async def far(self) -> Decimal:
        """Return a price to buy at that nothing reaches."""
        return (await self.mid() * Decimal("0.9")).quantize(Decimal(1))

    async def limit(self, **changes: object) -> VenueOrder:
        order = VenueOrder(name(), "BTC", "buy", QTY, False, await self.far(), None, None, "gtc")
        return replace(order, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def bench(desk: Desk, home: Path, *, listening: bool = True) -> AsyncIterator[Bench]:
    clock = SystemClock()
    client = Client(desk.url, Keys(MASTER.address, AGENT_KEY), Nonces(home / "nonce", clock), clock)
    client.budget.spend = lambda _weight, urgent=False: None  # type: ignore[method-assign]  # many tests, one minute
    made = Bench(HyperliquidVenue(client, PicowsConnector(clock), clock, Random(1)), desk)
    task = None
    if listening:
        await made.venue.open()
        task = asyncio.create_task(made.listen())
    yield made
    await made.venue.close()
    if task is not None:
        await task


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running(agents={AGENT.address: MASTER.address}) as desk:
        yield desk


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the agent's file is; a venue that is opened there again is the same desk after a restart."""
    return tmp_path


async def test_an_order_lives_and_is_cancelled(desk: Desk, home: Path) -> None:
    async with bench(desk, home) as b:
        order = await b.limit()
        ref = OrderRef("BTC", order.client_order_id)
        assert await b.venue.order(ref) == NotFound()
        assert await b.venue.submit(order) == Accepted()
        (accepted,) = await b.until(order.client_order_id, "accepted")
        assert accepted.leaves_base == QTY
        (alive,) = await b.venue.open_orders()
        assert (alive.client_order_id, alive.state, alive.limit_price) == (
            order.client_order_id, OrderState.ACCEPTED, order.limit_price,
        )  # fmt: skip
        assert await b.venue.cancel(ref) == Accepted()
        await b.until(order.client_order_id, "accepted", "canceled")
        gone = await b.venue.order(ref)
        assert isinstance(gone, VenueOrderState)
        assert gone.state is OrderState.CANCELED
        again = await b.venue.cancel(ref)
        assert isinstance(again, VenueRefused)
        assert again.action is Action.ASK_ORDER


async def test_taking_the_market_is_told_and_booked_to_the_last_digit(desk: Desk, home: Path) -> None:
    async with bench(desk, home) as b:
        order = replace(await b.limit(), limit_price=None, time_in_force="ioc")
        assert await b.venue.submit(order) == Accepted()
        _, fill = await b.until(order.client_order_id, "accepted", "fill")
        assert (fill.qty_base, fill.leaves_base, fill.maker, fill.fee_asset) == (QTY, 0, False, "USDC")
        (position,) = await b.venue.positions()
        assert (position.symbol, position.qty_base, position.average_price) == ("BTC", QTY, fill.price)
        (balance,) = await b.venue.balances()
        assert (balance.asset, balance.wallet) == ("USDC", 10_000 - fill.fee_quote)
        (booked,) = await b.venue.fills(FillCursor({}))
        assert (booked.trade_id, booked.client_order_id, booked.fee_quote) == (
            fill.trade_id, order.client_order_id, fill.fee_quote,
        )  # fmt: skip
        assert await b.venue.fills(FillCursor({"BTC": booked.trade_id})) == []
        state = await b.venue.order(OrderRef("BTC", order.client_order_id))
        assert isinstance(state, VenueOrderState)
        assert (state.state, state.filled_base, state.average_price) == (OrderState.FILLED, QTY, fill.price)


async def test_entry_stop_and_target_go_in_one_batch(desk: Desk, home: Path) -> None:
    async with bench(desk, home) as b:
        mid = await b.mid()
        order = replace(
            await b.limit(), limit_price=None, time_in_force="ioc", stop_price=mid * Decimal("0.97"),
            take_profit_price=mid * Decimal("1.05"), leverage=5,
        )  # fmt: skip
        entry, stop = order.client_order_id, f"{order.client_order_id}-sl"
        assert await b.venue.submit(order) == Accepted()
        await b.until(entry, "accepted", "fill")
        (placed,) = await b.until(stop, "accepted")
        assert placed.leaves_base == QTY
        alive = {each.client_order_id: each for each in await b.venue.open_orders()}
        assert alive.keys() == {stop, f"{entry}-tp"}
        assert (alive[stop].is_stop, alive[stop].side, alive[stop].reduce_only) == (True, "sell", True)
        assert alive[stop].trigger_price is not None
        assert not alive[f"{entry}-tp"].is_stop
        await asyncio.to_thread(desk.do, lambda: fall(desk, int(mid * Decimal("0.96"))))
        events = await b.until(stop, "accepted", "triggered", "linked", "fill")
        assert events[-1].qty_base == QTY
        await b.until(f"{entry}-tp", "accepted", "canceled")
        assert [p for p in await b.venue.positions() if p.qty_base] == []


def fall(desk: Desk, mark: int) -> None:
    """Let the mark of BTC be somewhere else, until the next one comes."""
    world = desk.exchange.world
    listing = world.listings["BTCUSDT"]
    hear(world, listing, listing.core.set_mark(world.now_ns, mark * 10))


async def test_funding_is_read_and_the_wallet_agrees_to_the_last_digit(desk: Desk, home: Path) -> None:
    async with bench(desk, home) as b:
        order = replace(await b.limit(), limit_price=None, time_in_force="ioc")
        await b.venue.submit(order)
        _, fill = await b.until(order.client_order_id, "accepted", "fill")
        await asyncio.to_thread(desk.do, lambda: fund(desk))
        await b.until("", "account")
        (paid,) = await b.venue.funding(0)
        assert (paid.symbol, paid.amount_quote < 0) == ("BTC", True)
        (balance,) = await b.venue.balances()
        assert balance.wallet == 10_000 - fill.fee_quote + paid.amount_quote
        assert await b.venue.funding(paid.at_ns + 1_000_000) == []


def fund(desk: Desk) -> None:
    """Settle funding of BTC at 0.01 %: who is long pays."""
    world = desk.exchange.world
    listing = world.listings["BTCUSDT"]
    hear(world, listing, listing.core.fund(world.now_ns, 100_000))


async def test_a_liquidation_is_told_as_one(desk: Desk, home: Path) -> None:
    async with bench(desk, home) as b:
        mid = await b.mid()
        order = replace(await b.limit(), limit_price=None, time_in_force="ioc", qty_base=Decimal(3), leverage=50)
        assert await b.venue.submit(order) == Accepted()
        async with asyncio.timeout(20):
            while sum(e.qty_base for e in b.of(order.client_order_id)) != 3:
                b.news.clear()
                await b.news.wait()
        await asyncio.to_thread(desk.do, lambda: fall(desk, int(mid * Decimal("0.9"))))
        async with asyncio.timeout(20):
            while not any(event.kind == "liquidation" for event in b.told):
                b.news.clear()
                await b.news.wait()
        assert [p for p in await b.venue.positions() if p.qty_base] == []
        forced = next(event for event in b.told if event.kind == "liquidation")
        assert forced.client_order_id.startswith("oid:")
        assert forced.detail.startswith("Liquidated Cross Long 3")


async def test_a_restart_knows_an_attached_stop_by_the_desks_name(desk: Desk, home: Path) -> None:
    async with bench(desk, home, listening=False) as b:
        order = replace(await b.limit(), limit_price=None, time_in_force="ioc", stop_price=await b.far())
        assert await b.venue.submit(order) == Accepted()
    async with bench(desk, home, listening=False) as b:
        (stop,) = await b.venue.open_orders()
        assert stop.client_order_id == f"{order.client_order_id}-sl"
        assert await b.venue.cancel(OrderRef("BTC", stop.client_order_id)) == Accepted()


async def test_an_amendment_is_one_event_and_one_order(desk: Desk, home: Path) -> None:
    async with bench(desk, home) as b:
        order = await b.limit()
        ref = OrderRef("BTC", order.client_order_id)
        await b.venue.submit(order)
        await b.until(order.client_order_id, "accepted")
        change = OrderChange(qty_base=Decimal("0.02"), limit_price=(await b.far()) - 100)
        assert await b.venue.amend(ref, change) == Accepted()
        events = await b.until(order.client_order_id, "accepted", "amended")
        assert events[-1].qty_base == Decimal("0.02")
        (alive,) = await b.venue.open_orders()
        assert (alive.qty_base, alive.limit_price) == (Decimal("0.02"), change.limit_price)
        assert await b.venue.cancel(ref) == Accepted()
        await b.until(order.client_order_id, "accepted", "amended", "canceled")


async def test_an_order_of_an_earlier_process_is_amended(desk: Desk, home: Path) -> None:
    async with bench(desk, home, listening=False) as b:
        order = await b.limit()
        await b.venue.submit(order)
    async with bench(desk, home) as b:
        price = await b.far() - 50
        ref = OrderRef("BTC", order.client_order_id)
        assert await b.venue.amend(ref, OrderChange(limit_price=price)) == Accepted()
        await b.until(order.client_order_id, "amended")
        (alive,) = await b.venue.open_orders()
        assert alive.limit_price == price


async def test_a_stop_of_its_own_is_moved(desk: Desk, home: Path) -> None:
    async with bench(desk, home) as b:
        await b.venue.submit(replace(await b.limit(), limit_price=None, time_in_force="ioc"))
        far = await b.far()
        stop = VenueOrder(name(), "BTC", "sell", QTY, True, None, None, None, conditional="stop_market",
                          trigger_price=far)  # fmt: skip
        assert await b.venue.submit(stop) == Accepted()
        await b.until(stop.client_order_id, "accepted")
        moved = OrderChange(trigger_price=far + 500)
        assert await b.venue.amend(OrderRef("BTC", stop.client_order_id), moved) == Accepted()
        await b.until(stop.client_order_id, "accepted", "amended")
        (alive,) = await b.venue.open_orders()
        assert (alive.is_stop, alive.trigger_price) == (True, far + 500)


async def test_an_id_that_left_before_is_not_sent_again(desk: Desk, home: Path) -> None:
    async with bench(desk, home, listening=False) as b:
        order = await b.limit()
        assert await b.venue.submit(order) == Accepted()
        again = await b.venue.submit(order)
        assert isinstance(again, VenueRefused)
        assert again.action is Action.ASK_DUPLICATE
        assert len(await b.venue.open_orders()) == 1


@pytest.fixture
def losing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Begin to lose the answers: what is asked for is done, and HTTP 500 is all that is heard."""
    answer = desk.server.actions.answer

    def lost(body: object) -> dict[str, object]:
        answer(body)
        raise RuntimeError("the answer is lost")

    return lambda: monkeypatch.setattr(desk.server.actions, "answer", lost)


async def test_an_order_whose_answer_was_lost_is_found_and_not_doubled(
    desk: Desk, home: Path, losing: Callable[[], None]
) -> None:
    async with bench(desk, home) as b:
        order = await b.limit()
        losing()
        assert isinstance(await b.venue.submit(order), Unknown)
        await b.until(order.client_order_id, "accepted")
        found = await b.venue.order(OrderRef("BTC", order.client_order_id))
        assert isinstance(found, VenueOrderState)
        assert found.state is OrderState.ACCEPTED
        again = await b.venue.submit(order)
        assert isinstance(again, VenueRefused)
        assert again.action is Action.ASK_DUPLICATE


async def test_an_amendment_whose_answer_was_lost_is_heard_once(
    desk: Desk, home: Path, losing: Callable[[], None]
) -> None:
    async with bench(desk, home) as b:
        order = await b.limit()
        ref = OrderRef("BTC", order.client_order_id)
        await b.venue.submit(order)
        await b.until(order.client_order_id, "accepted")
        losing()
        assert isinstance(await b.venue.amend(ref, OrderChange(qty_base=QTY * 2)), Unknown)
        await b.until(order.client_order_id, "accepted", "amended")
        found = await b.venue.order(ref)
        assert isinstance(found, VenueOrderState)
        assert (found.state, found.qty_base) == (OrderState.ACCEPTED, QTY * 2)
        await b.until(order.client_order_id, "accepted", "amended")


async def test_an_amendment_that_never_arrived_is_known_by_asking(
    desk: Desk, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(desk, home) as b:
        order = await b.limit()
        ref = OrderRef("BTC", order.client_order_id)
        await b.venue.submit(order)
        await b.until(order.client_order_id, "accepted")
        monkeypatch.setattr(desk.server.actions, "answer", None)
        assert isinstance(await b.venue.amend(ref, OrderChange(qty_base=QTY * 2)), Unknown)
        assert [event.kind for event in b.of(order.client_order_id)] == ["accepted"]
        found = await b.venue.order(ref)
        assert isinstance(found, VenueOrderState)
        assert found.qty_base == QTY
        await b.until(order.client_order_id, "accepted", "amend_rejected")


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({"qty_base": Decimal("0.0001")}, Action.FIX_RULES),
        ({"qty_base": Decimal("0.0000001")}, Action.FIX_RULES),
        ({"time_in_force": "fok"}, Action.FIX_RULES),
        ({"symbol": "MOON"}, Action.FIX_RULES),
        ({"qty_base": Decimal(100)}, Action.REFRESH_ACCOUNT),
        ({"reduce_only": True}, Action.RECONCILE),
        ({"time_in_force": "ioc"}, Action.REPLAN),
        ({"leverage": 1_000}, Action.FIX_RULES),
    ],
)
async def test_a_refusal_says_what_is_to_be_done(
    desk: Desk, home: Path, changes: dict[str, object], action: Action
) -> None:
    async with bench(desk, home, listening=False) as b:
        told = await b.venue.submit(await b.limit(**changes))
        assert isinstance(told, VenueRefused)
        assert told.action is action
        assert await b.venue.open_orders() == []


async def test_the_rules_are_the_venues(desk: Desk, home: Path) -> None:
    async with bench(desk, home, listening=False) as b:
        rules = await b.venue.rules()
        assert {s: (r.tick, r.step) for s, r in rules.items()} == {
            "BTC": (Decimal(1), Decimal("0.00001")), "ETH": (Decimal("0.1"), Decimal("0.0001")),
        }  # fmt: skip
        assert (rules["BTC"].quote, rules["BTC"].min_notional_quote) == ("USDC", 10)
        assert rules["BTC"].taker_fee_frac == Decimal("0.0005")


async def test_the_dead_man_switch_is_armed_only_while_flat(desk: Desk, home: Path) -> None:
    async with bench(desk, home, listening=False) as b:
        assert await b.venue.arm_dead_man(60_000) == Accepted()
        assert await b.venue.arm_dead_man(0) == Accepted()
        assert isinstance(await b.venue.arm_dead_man(4_999), VenueRefused)
        await b.venue.submit(replace(await b.limit(), limit_price=None, time_in_force="ioc"))
        refused = await b.venue.arm_dead_man(60_000)
        assert isinstance(refused, VenueRefused)
        assert "stops of BTC" in refused.message


async def test_the_venues_clock_is_read(desk: Desk, home: Path) -> None:
    async with bench(desk, home, listening=False) as b:
        sample = await b.venue.server_time()
        assert abs(sample.offset_ns) < 10**9
        assert sample.round_trip_ns > 0


async def test_the_agent_is_checked(desk: Desk, home: Path) -> None:
    async with bench(desk, home, listening=False) as b:
        await b.venue.check_agent()
        assert b.told == []
    clock = SystemClock()
    for keys, words in (
        (Keys(AGENT.address, MASTER_KEY), "is no agent of"),
        (Keys(MASTER.address, MASTER_KEY), "can withdraw"),
    ):
        other = HyperliquidVenue(
            Client(desk.url, keys, Nonces(home / "nonce", clock), clock), PicowsConnector(clock), clock, Random(1)
        )
        with pytest.raises(SettingsInvalid, match=words):
            await other.check_agent()
        await other.close()


async def test_a_broken_socket_comes_back_with_a_gap_and_the_missed_fill(
    desk: Desk, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(desk, home) as b:
        order = await b.limit(limit_price=await b.mid() - 2)
        # From here on the sockets hear nothing of the account; then they break.
        monkeypatch.setattr(feeds, "_tell_user", lambda *_: None)
        assert await b.venue.submit(replace(order, limit_price=None, time_in_force="ioc")) == Accepted()
        monkeypatch.undo()
        await asyncio.to_thread(desk.do, lambda: [each.send(None) for each in desk.server.feeds._subscribers])  # type: ignore[arg-type,func-returns-value]
        events = await b.until(order.client_order_id, "accepted", "fill")
        gap = next(event for event in b.told if event.kind == "gap")
        assert b.told.index(gap) < b.told.index(events[0])


async def test_silence_is_no_answer(desk: Desk, home: Path) -> None:
    clock = SystemClock()
    client = Client("http://127.0.0.1:9", Keys(MASTER.address, AGENT_KEY), Nonces(home / "nonce", clock), clock)
    venue = HyperliquidVenue(client, PicowsConnector(clock), clock, Random(1))
    with pytest.raises(VenueBusy):
        await venue.positions()
    assert isinstance(await venue.order(OrderRef("BTC", name())), Unknown)
    assert isinstance(await venue.arm_dead_man(0), Unknown)
    await venue.close()
