"""Hyperliquid behind the venue port: an agent wallet signs, and every question and stream names the master address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Final

from chanflow.adapters.venues.hyperliquid.client import EXPIRES_AFTER_MS, Client
from chanflow.adapters.venues.hyperliquid.hearing import Hearing
from chanflow.adapters.venues.hyperliquid.names import cloid_of, exit_cloid, number_of
from chanflow.adapters.venues.hyperliquid.parse import (
    QUOTE,
    VENUE,
    FillRow,
    OrderRow,
    assets_of,
    cursor_ms,
    fees_of,
    fill_rows,
    funding_rows,
    instruments_of,
    name_of,
    open_rows,
    order_state,
    positions_of,
    reading,
    status_row,
    wallet_of,
)
from chanflow.adapters.venues.hyperliquid.replies import Verdict
from chanflow.adapters.venues.hyperliquid.stream import Tracked, UserStream
from chanflow.adapters.venues.hyperliquid.terms import Unfit, amended_terms, batch_of, take_market
from chanflow.adapters.venues.hyperliquid.wire import (
    Asset,
    OrderTerms,
    cancel_action,
    cancel_by_cloid_action,
    leverage_action,
    modify_action,
    order_action,
    schedule_cancel_action,
)
from chanflow.domain.errors import InvalidArgument, SettingsInvalid, VenueBusy, VenueUnreachable
from chanflow.domain.instrument import Instrument
from chanflow.domain.order import Fill
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.execution.ports import (
    Accepted,
    Action,
    Capabilities,
    ClockSample,
    FillCursor,
    NotFound,
    OrderChange,
    OrderRef,
    Outcome,
    Unknown,
    VenueBalance,
    VenueEvent,
    VenueFunding,
    VenueOrder,
    VenueOrderState,
    VenuePosition,
    VenueRefused,
)
from chanflow.market.ports import Connector

CAPABILITIES: Final = Capabilities(
    stop_kinds=frozenset({"stop_market", "take_profit_market"}), times_in_force=frozenset({"gtc", "ioc", "gtx"}),
    attached_stops=True, batch_orders=40, amend=True, dead_man="orders_and_stops", client_id_alphabet="hex",
    client_id_length=34, client_ids_unique_forever=False, receive_window_ns=EXPIRES_AFTER_MS * NS_PER_MS,
    funding_interval_s=3_600,
)  # fmt: skip
RULES_GOOD_NS: Final = 240 * NS_PER_S
DEAD_MAN_MIN_MS: Final = 5_000
OPEN_WITHIN_S: Final = 15
FILLS_A_PAGE: Final = 2_000
_LOCAL: Final = -100
"""Code of what we refuse ourselves: nothing was sent."""


class HyperliquidVenue:
    """One account's perpetuals; `open` before anything is sent, `close` at the end."""

    name = VENUE

    def __init__(
        self, client: Client, connector: Connector, clock: Clock, random: Random, *, market_bound_bps: int = 50,
        cross: bool = True,
    ) -> None:  # fmt: skip
        """`market_bound_bps` is how far from the mid an order without a price may take. `cross` is the margin mode."""
        self._client = client
        self._clock = clock
        self._bound_frac = Decimal(market_bound_bps) / 10_000
        self._cross = cross
        self._stream = UserStream()
        self._hearing = Hearing(client, connector, clock, random, self._stream, self.named)
        self._assets: dict[str, Asset] = {}
        self._rules: dict[str, Instrument] = {}
        self._rules_ns = 0
        self._leverage: dict[str, int] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""
        return CAPABILITIES

    @property
    def url(self) -> str:
        """Where it is reached, which is also which net its orders are signed for."""
        return self._client.url

    async def open(self) -> None:
        """Read the venue's clock, check the agent, read the rules, and listen.

        Raises SettingsInvalid for an agent that is not the master's, VenueBusy or VenueUnreachable without an answer.
        """
        await self.server_time()
        await self.check_agent()
        await self.rules()
        self._hearing.start()
        opened = asyncio.ensure_future(self._hearing.subscribed.wait())
        late = asyncio.ensure_future(self._clock.sleep_until(self._clock.now_ns() + OPEN_WITHIN_S * NS_PER_S))
        await asyncio.wait({opened, late}, return_when=asyncio.FIRST_COMPLETED)
        late.cancel()
        if not opened.done():
            opened.cancel()
            await self.close()
            raise VenueUnreachable(f"Hyperliquid's user streams did not open within {OPEN_WITHIN_S} s")

    async def check_agent(self) -> None:
        """Ask whose agent our wallet is. Raises SettingsInvalid unless it is the master's, VenueBusy without answer."""
        if self._client.agent == self._client.master:
            raise SettingsInvalid("the key is the master's own, which can withdraw: approve an agent and give its key")
        role = await self._client.ask("userRole", user=self._client.agent)
        with reading("userRole"):
            owner = str(role["data"]["user"]).lower() if role["role"] == "agent" else None
        if owner != self._client.master:
            raise SettingsInvalid(
                f"{self._client.agent} is no agent of {self._client.master}: approve a new one, never an old one again"
            )

    # ── commands ──────────────────────────────────────────────────────────────

    async def submit(self, order: VenueOrder) -> Outcome:
        """Send one order with what is attached to it, in one batch. One without a price takes the market, bounded.

        The venue takes a cloid twice, so an id that left before is refused here.
        """
        if self._stream.known(order.client_order_id) is not None:
            return VenueRefused(_LOCAL, f"not sent: {order.client_order_id} left before", Action.ASK_DUPLICATE)
        try:
            asset = await self._asset(order.symbol)
            reference = await self._mid(order.symbol) if take_market(order) else None
            batch = batch_of(order, asset, reference, self._bound_frac)
            action = order_action(batch, "normalTpsl" if len(batch) > 1 else "na")
        except (Unfit, InvalidArgument) as fault:
            return VenueRefused(_LOCAL, f"not sent: {fault}", Action.FIX_RULES)
        except VenueBusy as fault:
            return VenueRefused(_LOCAL, f"not sent: {fault}", Action.PAUSE)
        leverage = await self._set_leverage(order, asset)
        if leverage is not None:
            return leverage
        names = self._name_batch(order, batch)
        told = await self._client.command(action, len(batch), urgent=order.reduce_only)
        self._answered(names, told)
        return told[0].outcome

    def _name_batch(self, order: VenueOrder, batch: Sequence[OrderTerms]) -> list[str]:
        names = [order.client_order_id, *(f"{order.client_order_id}-{terms.tpsl}" for terms in batch[1:])]
        for name, terms in zip(names, batch, strict=True):
            self._stream.sent(name, str(terms.cloid), terms)
        return names

    def _answered(self, names: Sequence[str], told: Sequence[Verdict]) -> None:
        """Let the orders of a batch follow their verdicts; an exit that was refused alone is told as an event."""
        now_ns = self._clock.now_ns()
        entered = isinstance(told[0].outcome, Accepted)
        for name, verdict in zip(names, told, strict=True):
            refused = verdict.outcome if isinstance(verdict.outcome, VenueRefused) else None
            if refused is not None:
                self._stream.refused(name)
            if refused is not None and name != names[0] and entered:
                detail = f"{refused.code}: {refused.message}"
                self._hearing.tell(
                    [VenueEvent("rejected", name, now_ns, now_ns, Decimal(0), detail=detail, action=refused.action)]
                )
            self._hearing.tell(self._stream.acked(name, verdict.oid, now_ns))

    async def _set_leverage(self, order: VenueOrder, asset: Asset) -> Outcome | None:
        """Set the leverage an opening order wants; returns None once it stands, else why the order is not sent."""
        wanted = order.leverage
        if wanted is None or order.reduce_only or self._leverage.get(order.symbol) == wanted:
            return None
        told = await self._client.command(leverage_action(asset, wanted, cross=self._cross))
        match told[0].outcome:
            case Accepted():
                self._leverage[order.symbol] = wanted
                return None
            case VenueRefused(code, message, action):
                return VenueRefused(code, f"not sent: leverage {wanted}: {message}", action)
            case Unknown(cause):
                return VenueRefused(_LOCAL, f"not sent: nobody knows whether leverage {wanted} was set: {cause}")

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for an order to be cancelled, by its cloid or by the venue's number."""
        cloid, oid = cloid_of(ref.client_order_id), number_of(ref.client_order_id)
        try:
            asset = await self._asset(ref.symbol)
        except (Unfit, VenueBusy) as fault:
            return VenueRefused(_LOCAL, f"not sent: {fault}")
        if cloid is not None:
            action = cancel_by_cloid_action(asset, cloid)
        elif oid is not None:
            action = cancel_action(asset, oid)
        else:
            return VenueRefused(_LOCAL, f"not sent: {ref.client_order_id!r} is no name of an order here")
        return (await self._client.command(action, urgent=True))[0].outcome

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        """Ask for an order to be replaced under its own cloid; the quantity asked for is the whole one."""
        name, cloid = ref.client_order_id, cloid_of(ref.client_order_id)
        try:
            if cloid is None:
                raise Unfit(f"{name!r} has no cloid: only orders of ours can be amended")
            asset = await self._asset(ref.symbol)
            known, before = await self._recalled(name, cloid, asset)
            filled, leaves = known.filled_base, known.leaves_base
            terms = amended_terms(before, change, asset, filled_base=filled, leaves_base=leaves)
            action = modify_action(cloid if known.oid is None else known.oid, terms)
        except (Unfit, InvalidArgument) as fault:
            return VenueRefused(_LOCAL, f"not sent: {fault}", Action.FIX_RULES)
        except VenueBusy as fault:
            return VenueRefused(_LOCAL, f"not sent: {fault}", Action.PAUSE)
        self._stream.replacing(name)
        verdict = (await self._client.command(action, urgent=terms.reduce_only))[0]
        now_ns = self._clock.now_ns()
        if isinstance(verdict.outcome, VenueRefused):
            self._hearing.tell(self._stream.kept(name, now_ns))
        elif isinstance(verdict.outcome, Accepted) and verdict.oid is not None:
            self._hearing.tell(self._stream.replaced(name, verdict.oid, terms, now_ns))
        return verdict.outcome

    async def _recalled(self, name: str, cloid: str, asset: Asset) -> tuple[Tracked, OrderTerms]:
        """Return an order and its terms; one sent before this process began is learnt of from the venue."""
        known = self._stream.known(name)
        if known is not None and known.terms is not None:
            return known, known.terms
        row = status_row(await self._client.ask("orderStatus", user=self._client.master, oid=cloid))
        if row is None:
            raise Unfit(f"the venue knows no order {name}")
        terms = _terms_of(row, asset, cloid)
        known = self._stream.sent(name, cloid, terms)
        fills = await self._fills_since(row.placed_ms)
        self._hearing.tell(self._stream.recalled(known, row, fills, self._clock.now_ns()))
        return known, terms

    async def arm_dead_man(self, ttl_ms: int) -> Outcome:
        """Ask for every order to be cancelled in `ttl_ms`, at least 5 s; 0 disarms.

        It takes stops too, so it is refused while a position is open.
        """
        if ttl_ms != 0:
            if ttl_ms < DEAD_MAN_MIN_MS:
                return VenueRefused(_LOCAL, f"not sent: {ttl_ms} ms, the least is {DEAD_MAN_MIN_MS}")
            try:
                held = [p.symbol for p in await self.positions() if p.qty_base != 0]
            except VenueBusy as fault:
                return VenueRefused(_LOCAL, f"not sent: whether the account is flat is not known: {fault}")
            if held:
                return VenueRefused(_LOCAL, f"not sent: it would take the stops of {', '.join(sorted(held))}")
        at_ms = None if ttl_ms == 0 else self._clock.now_ns() // NS_PER_MS + self._client.offset_ms + ttl_ms
        return (await self._client.command(schedule_cancel_action(at_ms)))[0].outcome

    # ── questions ─────────────────────────────────────────────────────────────

    async def rules(self) -> Mapping[str, Instrument]:
        """Return the rules of each perpetual, fees of the account included; read again after 240 s."""
        if not self._rules or self._clock.now_ns() - self._rules_ns > RULES_GOOD_NS:
            body = await self._client.ask("metaAndAssetCtxs")
            maker, taker = fees_of(await self._client.ask("userFees", user=self._client.master))
            with reading("metaAndAssetCtxs"):
                self._assets = assets_of(body[0])
            self._rules = instruments_of(body, maker_fee_frac=maker, taker_fee_frac=taker)
            self._rules_ns = self._clock.now_ns()
        return self._rules

    async def _asset(self, symbol: str) -> Asset:
        if not self._assets:
            self._assets = assets_of(await self._client.ask("meta"))
        if symbol not in self._assets:
            raise Unfit(f"there is no perpetual {symbol}")
        return self._assets[symbol]

    async def _mid(self, symbol: str) -> Decimal:
        mids = await self._client.ask("allMids")
        with reading("allMids"):
            return Decimal(mids[symbol])

    async def order(self, ref: OrderRef) -> VenueOrderState | NotFound | Unknown:
        """Return one order as the venue has it, what was filled under numbers before included."""
        cloid, oid = cloid_of(ref.client_order_id), number_of(ref.client_order_id)
        if cloid is None and oid is None:
            return NotFound()
        try:
            body = await self._client.ask("orderStatus", user=self._client.master, oid=cloid or oid)
            row = status_row(body)
            if row is None:
                return NotFound()
            if cloid is not None:
                self._stream.call(cloid, ref.client_order_id)
            return await self._state(row, ref.client_order_id)
        except VenueBusy as fault:
            return Unknown(str(fault))

    async def _state(self, row: OrderRow, name: str) -> VenueOrderState:
        await self._witness(row, name)
        known = self._stream.known(name)
        filled, worth = Decimal(0), Decimal(0)
        if row.leaves_base != row.qty_base or row.state.terminal or (known is not None and known.past):
            numbers = {row.oid} if known is None else {row.oid, *known.past}
            for fill in await self._fills_since(0 if known and known.past else row.placed_ms):
                if fill.oid in numbers or (fill.cloid is not None and fill.cloid == row.cloid):
                    filled, worth = filled + fill.qty_base, worth + fill.qty_base * fill.price
        return order_state(row, name, filled, worth)

    async def _witness(self, row: OrderRow, name: str) -> None:
        """Let the stream learn from an answer what it has been waiting for: the fate of a replacement."""
        known, now_ns = self._stream.known(name), self._clock.now_ns()
        if known is None or known.oid is None:
            self._hearing.tell(self._stream.acked(name, row.oid, now_ns))
        elif known.replacing and row.oid not in known.past:
            if row.oid == known.oid:
                state_ns = row.updated_ms * NS_PER_MS
                held = self._stream.kept(name, now_ns)
                refused = VenueEvent("amend_rejected", name, state_ns, now_ns, known.leaves_base)
                self._hearing.tell([refused, *held])
            else:
                self._hearing.tell(self._stream.update(row, now_ns))

    async def open_orders(self) -> Sequence[VenueOrderState]:
        """Return every order that lives, stops included."""
        body = await self._client.ask("frontendOpenOrders", user=self._client.master)
        return [await self._state(row, await self.named(row)) for row in open_rows(body)]

    async def named(self, row: OrderRow | FillRow) -> str:
        """Return what the desk calls an order. Whether it is an attached exit is asked of the venue, once."""
        if row.cloid is None:
            return name_of(row)
        known = self._stream.name_of(row.cloid)
        if known is not None:
            return known
        name = row.cloid
        for which in ("sl", "tp"):
            entry = exit_cloid(row.cloid, "sl" if which == "sl" else "tp")
            if self._stream.name_of(entry) is None:
                body = await self._client.ask("orderStatus", user=self._client.master, oid=entry)
                if status_row(body) is None:
                    continue
            name = f"{entry}-{which}"
            break
        self._stream.call(row.cloid, name)
        return name

    async def positions(self) -> Sequence[VenuePosition]:
        """Return what is held."""
        return positions_of(await self._client.ask("clearinghouseState", user=self._client.master))

    async def balances(self) -> Sequence[VenueBalance]:
        """Return the wallet in USDC."""
        body = await self._client.ask("clearinghouseState", user=self._client.master)
        return [VenueBalance(QUOTE, wallet_of(body))]

    async def fills(self, since: FillCursor) -> Sequence[Fill]:
        """Return the fills from the cursor's ms on, oldest first, the cursor's own left out; the venue keeps 10,000."""
        cursors = {symbol: cursor_ms(ref) or 0 for symbol, ref in since.last_trade_id.items()}
        taken = set(since.last_trade_id.values())
        rows = await self._fills_since(min(cursors.values(), default=0))
        now_ns = self._clock.now_ns()
        return [
            row.fill(await self.named(row), now_ns)
            for row in rows
            if row.at_ms >= cursors.get(row.symbol, 0) and row.ref not in taken
        ]

    async def _fills_since(self, start_ms: int) -> list[FillRow]:
        """Return all fills from `start_ms` on, oldest first, page by page."""
        seen: dict[str, FillRow] = {}
        while True:
            body = await self._client.ask("userFillsByTime", user=self._client.master, startTime=start_ms)
            page = fill_rows(body)
            fresh = [row for row in page if row.ref not in seen]
            seen.update((row.ref, row) for row in fresh)
            if len(page) < FILLS_A_PAGE or not fresh:
                return list(seen.values())
            start_ms = page[-1].at_ms

    async def funding(self, since_ns: int) -> Sequence[VenueFunding]:
        """Return the funding payments from `since_ns` on, oldest first."""
        paid: dict[str, VenueFunding] = {}
        start_ms = -(-since_ns // NS_PER_MS)
        while True:
            body = await self._client.ask("userFunding", user=self._client.master, startTime=start_ms)
            page = funding_rows(body)
            fresh = [row for row in page if row.ref not in paid]
            paid.update((row.ref, row) for row in fresh)
            if len(page) < 500 or not fresh:
                return list(paid.values())
            start_ms = page[-1].at_ns // NS_PER_MS

    async def server_time(self) -> ClockSample:
        """Return one reading of the venue's clock, and expire our orders by it from now on."""
        before, wall_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        body = await self._client.ask("exchangeStatus")
        round_trip_ns = self._clock.monotonic_ns() - before
        with reading("exchangeStatus"):
            venue_ns = int(body["time"]) * NS_PER_MS
        offset_ns = venue_ns - (wall_ns + round_trip_ns // 2)
        self._client.offset_ms = offset_ns // NS_PER_MS
        return ClockSample(offset_ns, round_trip_ns)

    # ── what it tells ─────────────────────────────────────────────────────────

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what the venue tells until `close`; a `gap` after each reconnection."""
        async for event in self._hearing.events():
            yield event

    async def close(self) -> None:
        """End the streams and give back threads and connections."""
        await self._hearing.close()
        await asyncio.to_thread(self._client.close)


def _terms_of(row: OrderRow, asset: Asset, cloid: str) -> OrderTerms:
    """Return what an order was asked for, as far as the venue still tells it."""
    terms = OrderTerms(
        asset, row.side, row.qty_base, row.limit_price, row.reduce_only, cloid,
        {"Alo": "Alo", "Ioc": "Ioc"}.get(row.tif or "", "Gtc"),  # type: ignore[arg-type]
    )  # fmt: skip
    if not row.is_trigger:
        return terms
    return replace(terms, trigger_price=row.trigger_price, tpsl="sl" if row.is_stop else "tp")
