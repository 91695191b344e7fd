"""The guardian's hands: cancels and exits as they leave, with no gate in between.

What is under way is not sent twice, and a closing is tried again with patience, until the position is flat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Protocol

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.instrument import Instrument
from chanflow.domain.message import Topic
from chanflow.domain.opinion import Side
from chanflow.domain.order import Leg, OrderEvent
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.books import Opened
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import Venue
from chanflow.execution.router import Exit, Router
from chanflow.risk.gate import Gate
from chanflow.risk.guardian import SLICE_ATTEMPTS, GuardianAction, GuardianState, close_sent, stop_failed
from chanflow.risk.halt import HaltState

PATIENCE_NS = 10 * NS_PER_S
"""The longest wait between two attempts to close; it doubles from one second."""
DEAD_MAN_MS = 1_000
DEAD_MAN_AGAIN_NS = 30 * NS_PER_S


class Publish(Protocol):
    """Journals a message and puts it on its way."""

    def __call__(self, topic: Topic, payload: Any, *, correlation: str) -> Awaitable[None]:
        """Return when the message is kept."""
        ...


Send = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Lets a command leave: at once and awaited, or as a task of its own where answers take long."""


async def at_once(command: Callable[[], Awaitable[None]]) -> None:
    """Send, and return when the venue has answered."""
    await command()


class Hands:
    """Sends what the guardian asks for, for one account."""

    def __init__(
        self, *, gate: Gate, router: Router, venue: Venue, clock: Clock, publish: Publish, send: Send = at_once
    ) -> None:
        self._gate, self._router, self._venue = gate, router, venue
        self._clock, self._publish, self._send = clock, publish, send
        self._exits: set[str] = set()
        self._tried_ns: dict[str, int] = {}
        self._stops: dict[str, str] = {}
        self._dead_man_ns: int | None = None

    def can_close(self, action: GuardianAction, state: GuardianState) -> bool:
        """Return whether a closing is to be sent now: one of ours is not under way, and the last was not just tried."""
        symbol = action.symbol
        tries = dict(state.attempts).get(symbol, 0)
        wait_ns = 0 if tries == 0 else min(PATIENCE_NS, NS_PER_S << min(tries - 1, 4))
        early = self._clock.now_ns() - self._tried_ns.get(symbol, 0) < wait_ns
        mine = any(o.client_order_id in self._exits for o in self._living(symbol, "exit"))
        return not early and not mine and self._held(symbol) is not None

    def can_place_stop(self, symbol: str, state: GuardianState) -> tuple[bool, GuardianState]:
        """Return whether a stop is to be sent; one that came to nothing is counted first."""
        sent = self._stops.get(symbol)
        if sent is None:
            return True, state
        if self._router.orders[sent].state.terminal:
            del self._stops[symbol]
            state = stop_failed(state, symbol)
        return False, state

    def can_arm(self) -> bool:
        """Return whether the dead-man switch is there, takes no stop with it, and was not armed a moment ago."""
        last_ns = self._dead_man_ns
        safe = self._venue.capabilities.dead_man == "orders"
        return safe and (last_ns is None or self._clock.now_ns() - last_ns >= DEAD_MAN_AGAIN_NS)

    def openings(self) -> list[Order]:
        """Return the entries that may still be cancelled."""
        return [o for o in self._router.living() if o.leg == "entry" and o.may(Step.REQUEST_CANCEL)]

    async def cancel_openings(self) -> None:
        """Cancel every entry that lives."""
        for order in self.openings():
            await self._cancel(order)

    async def close(self, action: GuardianAction, state: GuardianState) -> tuple[bool, GuardianState]:
        """Send one exit, reduce-only: a slice at the collar that takes what is there, or the market at last.

        Somebody's exit that holds the quantity goes first, and the next look closes. Returns whether one was sent.
        """
        symbol, standing = action.symbol, self._living(action.symbol, "exit")
        for order in standing:
            if order.may(Step.REQUEST_CANCEL):
                await self._cancel(order)
        found = self._held(symbol)
        if standing or found is None:
            return False, state
        opened, held_base = found
        instrument, mark = self._gate.rules.instruments[symbol], self._router.books.marks[symbol]
        reach = self._gate.limits.price_collar_frac * (-1 if held_base > 0 else 1)
        limit = instrument.nearest_price(mark * (1 + reach)) if action.how == "ioc" else None
        side: Side = "sell" if held_base > 0 else "buy"
        qty = _whole(min(action.qty_base, abs(held_base)), abs(held_base), instrument)
        order, send = self._router.prepare(Exit(opened.entry, "exit", side, qty, limit_price=limit))
        self._exits.add(order.client_order_id)
        self._tried_ns[symbol] = self._clock.now_ns()
        await self._leave(send, order.client_order_id)
        return True, close_sent(state, symbol)

    async def place_stop(self, action: GuardianAction, state: GuardianState) -> GuardianState:
        """Place the stop that a position lacks; returns the guardian's state after a failure, if it was one."""
        opened = self._router.books.opened(action.symbol)
        if opened is None or not opened.entry or opened.stop_price is None:
            return stop_failed(state, action.symbol)
        side: Side = "sell" if action.side == "sell" else "buy"
        order, send = self._router.prepare(
            Exit(opened.entry, "stop", side, action.qty_base, trigger_price=opened.stop_price)
        )
        self._stops[action.symbol] = order.client_order_id
        await self._leave(send, order.client_order_id)
        return state

    async def arm_dead_man(self) -> None:
        """Let the venue cancel what waits to open."""
        self._dead_man_ns = self._clock.now_ns()

        async def ask() -> None:
            await self._venue.arm_dead_man(DEAD_MAN_MS)

        await self._send(ask)

    def flatten(
        self, halted: HaltState, ledger: AccountSnapshot, state: GuardianState, closing: set[str]
    ) -> list[GuardianAction]:
        """Return the closings that a halt asks for, of what the guardian does not close by itself."""
        if not halted.close:
            return []
        tries = dict(state.attempts)
        return [
            GuardianAction(
                "close", f"close:{p.symbol}:{tries.get(p.symbol, 0)}", "halt", halted.text, p.symbol, abs(p.qty_base),
                "sell" if p.qty_base > 0 else "buy", "ioc" if tries.get(p.symbol, 0) < SLICE_ATTEMPTS else "market",
            )
            for p in ledger.positions
            if p.symbol not in closing
        ]  # fmt: skip

    # ── sending ───────────────────────────────────────────────────────────────

    def _held(self, symbol: str) -> tuple[Opened, Decimal] | None:
        """Return the terms and the quantity of a position of ours; what is not ours cannot be closed by an exit."""
        opened, held = self._router.books.opened(symbol), self._router.ledger.holdings.get(symbol)
        if opened is None or not opened.entry or held is None or held.qty_base == 0:
            return None
        return opened, held.qty_base

    def _living(self, symbol: str, leg: Leg) -> list[Order]:
        return [o for o in self._router.living() if o.symbol == symbol and o.leg == leg]

    async def _cancel(self, order: Order) -> None:
        async def ask() -> None:
            event = await self._router.cancel(order.client_order_id)
            await self._publish("order_event", event, correlation=order.client_order_id)

        await self._send(ask)

    async def _leave(self, send: Callable[[], Awaitable[OrderEvent]], client_id: str) -> None:
        async def go() -> None:
            await self._publish("order_event", await send(), correlation=client_id)

        await self._send(go)


def _whole(qty: Decimal, held: Decimal, instrument: Instrument) -> Decimal:
    """Return `qty` on the step; all of the position where less than a step would be closed or left."""
    floored = instrument.floor_qty(qty)
    return held if floored <= 0 or held - floored < instrument.step else floored
