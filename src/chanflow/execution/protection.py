"""Protection: a position of ours has its stop at the venue, or it is closed.

Where the venue attaches no stops, the stop of an entry is an order of its own: reduce-only, at market once the mark
price reaches its trigger. It follows the position: what is not covered is covered by one more, and stops for more than
is held, or at another trigger, are replaced (the new one stands before the old one goes). A position that no stop
covers in time, whose stop was refused thrice, or whose stop would go off at once, is closed at market.

`Protection.act` looks at the account as it stands and returns what must be sent now. It keeps no record of what it
has sent: the orders say it. So it comes to the same after a restart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Literal

from chanflow.domain.journal import Journal
from chanflow.domain.opinion import Side
from chanflow.domain.order import OrderEvent, OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import Action, Capabilities
from chanflow.execution.router import Exit, Router

ZERO = Decimal(0)
NAKED_NS = 5 * NS_PER_S
"""How long a position may stand without a stop."""
CLOSE_AFTER_NS = 4 * NS_PER_S
"""After so long it is closed, so that it is gone in time."""
ATTEMPTS = 3
"""So many refused stops in a row close the position."""
AGAIN_NS = 500 * NS_PER_MS
"""After a refused stop, how long until the next."""
CLOSE_AGAIN_NS = NS_PER_S
STALE_NS = 2 * NS_PER_S
"""A stop or exit nobody answered for counts no more after this. It can only reduce, so another beside it does no harm,
and should it have arrived after all it is cancelled as one too many."""

_SURE = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.TRIGGERED, OrderState.PENDING_AMEND)
_LOST = (OrderState.UNKNOWN, OrderState.SUBMITTED, OrderState.INITIALIZED)

Send = Callable[[], Awaitable[OrderEvent]]
"""A command that is journaled and not sent yet."""


@dataclass(frozen=True, slots=True)
class Held:
    """A position of ours and the terms it stands under. `side` is the one that closes it."""

    symbol: str
    entry: str
    side: Side
    qty_base: Decimal
    stop_price: Decimal
    take_profit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Cover:
    """How a leg's orders cover a position: those that do, those that are too many, and what is not covered."""

    kept: tuple[Order, ...]
    extra: tuple[Order, ...]
    missing_base: Decimal

    @property
    def sure(self) -> bool:
        """Whether all of the position is covered by orders that certainly stand."""
        return self.missing_base == 0 and all(map(stands, self.kept))


def stands(order: Order) -> bool:
    """Return whether an order certainly stands at the venue."""
    return order.state in _SURE or (order.state is OrderState.SUBMITTED and order.acknowledged)


def held(router: Router) -> dict[str, Held]:
    """Return the positions that entries of ours have opened, by symbol."""
    found = {}
    for symbol, holding in sorted(router.ledger.holdings.items()):
        opened = router.books.opened(symbol)
        if holding.qty_base != 0 and opened is not None and opened.entry and opened.stop_price is not None:
            side: Literal["buy", "sell"] = "sell" if holding.qty_base > 0 else "buy"
            found[symbol] = Held(
                symbol, opened.entry, side, abs(holding.qty_base), opened.stop_price, opened.take_profit_price
            )
    return found


def cover(living: Iterable[Order], position: Held, trigger_price: Decimal) -> Cover:
    """Return how `living`, the orders of one leg in the position's symbol, cover it.

    Orders that certainly stand come first, older before newer; together they are for no more than is held.
    """
    kept: list[Order] = []
    extra: list[Order] = []
    missing = position.qty_base
    for order in sorted(living, key=lambda o: not stands(o)):
        fits = order.side == position.side and order.trigger_price in (None, trigger_price)
        if fits and order.state is not OrderState.PENDING_CANCEL and order.leaves_base <= missing:
            kept.append(order)
            missing -= order.leaves_base
        else:
            extra.append(order)
    return Cover(tuple(kept), tuple(extra), missing)


def bare_base(living: Iterable[Order], position: Held) -> Decimal:
    """Return how much of a position no stop certainly covers, whatever its trigger."""
    covered = sum((o.leaves_base for o in living if o.side == position.side and stands(o)), ZERO)
    return max(ZERO, position.qty_base - covered)


def refused_in_a_row(stops: Iterable[Order]) -> list[Order]:
    """Return the stops refused, or proven never to have arrived, since the last one that stood."""
    failed: list[Order] = []
    for order in stops:
        if order.state is OrderState.REJECTED:
            failed.append(order)
        elif order.acknowledged or order.state not in _LOST:
            failed.clear()
    return failed


def _under_way(here: Iterable[Order], position: Held) -> bool:
    """Return whether orders that are filling now will close all of a position: nothing is resized under them."""
    going = (OrderState.TRIGGERED, OrderState.PARTIALLY_FILLED)
    filling = (
        o for o in here
        if o.side == position.side and ((o.leg == "exit" and stands(o)) or (o.leg != "entry" and o.state in going))
    )  # fmt: skip
    return sum((o.leaves_base for o in filling), ZERO) >= position.qty_base


class Protection:
    """Keeps the positions of one account under their stops."""

    def __init__(self, router: Router, capabilities: Capabilities, journal: Journal, clock: Clock) -> None:
        self._router = router
        self._journal = journal
        self._clock = clock
        own = not capabilities.attached_stops
        self._stops = own and "stop_market" in capabilities.stop_kinds
        self._targets = own and "take_profit_market" in capabilities.stop_kinds
        self._since: dict[str, int] = {}
        self._not_before: dict[str, int] = {}
        self.closing: dict[str, str] = {}
        """The symbols that are being closed, and why."""

    @property
    def next_ns(self) -> int | None:
        """When to look again though nothing was heard; None while every position is covered."""
        if not (self._since or self.closing):
            return None
        soon_ns = self._clock.now_ns() + AGAIN_NS // 2
        ends = (since_ns + CLOSE_AFTER_NS for since_ns in self._since.values())
        return min([soon_ns, *(at_ns for at_ns in ends if at_ns > self._clock.now_ns())])

    def naked(self) -> dict[str, int]:
        """Return since when, in Unix ns, each symbol has a position that no stop certainly covers."""
        return dict(self._since)

    def act(self) -> list[Send]:
        """Return what must be sent now, in any order. Raises JournalUnwritable."""
        positions, now_ns = held(self._router), self._clock.now_ns()
        living = self._router.living()
        symbols = {*positions, *self._since, *self.closing, *(o.symbol for o in living if o.leg != "entry")}
        sends: list[Send] = []
        for symbol in sorted(symbols):
            here = [o for o in living if o.symbol == symbol and not self._stale(o, now_ns)]
            position = positions.get(symbol)
            if position is not None:
                sends += self._guard(position, here)
            elif self._flat(symbol):
                sends += self._clear(symbol, here)
        return sends

    def _flat(self, symbol: str) -> bool:
        holding = self._router.ledger.holdings.get(symbol)
        return holding is None or holding.qty_base == 0

    def _clear(self, symbol: str, here: Sequence[Order]) -> list[Send]:
        """Let go of what protected a position that is gone, and of entries whose position was closed under them."""
        for known in (self._since, self._not_before, self.closing):
            known.pop(symbol, None)
        return self._cancels(o for o in here if o.leg in ("stop", "take_profit") or (o.leg == "entry" and o.fills))

    def _guard(self, position: Held, here: Sequence[Order]) -> list[Send]:
        now_ns, symbol = self._clock.now_ns(), position.symbol
        stops = [o for o in here if o.leg == "stop"]
        if bare_base(stops, position) == 0:
            self._since.pop(symbol, None)
        else:
            self._since.setdefault(symbol, now_ns)
        why = self._lost_cause(position, now_ns)
        if why is not None and symbol not in self.closing:
            self.closing[symbol] = why
            self._journal.append("risk_event", {"kind": "force_close", "symbol": symbol, "cause": why}, durable=True)
        if symbol in self.closing:
            return self._close(position, here, now_ns)
        if not self._stops or (symbol not in self._since and _under_way(here, position)):
            return []
        standing = cover(stops, position, position.stop_price)
        sends = self._follow(position, "stop", position.stop_price, standing, now_ns)
        if standing.sure and self._targets and position.take_profit_price is not None:
            targets = cover([o for o in here if o.leg == "take_profit"], position, position.take_profit_price)
            if len(self._failed(position, "take_profit")) < ATTEMPTS:
                sends += self._follow(position, "take_profit", position.take_profit_price, targets, now_ns)
        return sends

    def _follow(
        self, position: Held, leg: Literal["stop", "take_profit"], trigger_price: Decimal, standing: Cover, now_ns: int
    ) -> list[Send]:
        """Cover what is missing; once all is covered for certain, let go of what is too much."""
        if standing.missing_base > 0:
            failed = self._failed(position, leg)
            if failed and now_ns < self._router.touched[failed[-1].client_order_id] + AGAIN_NS:
                return []
            wanted = Exit(position.entry, leg, position.side, standing.missing_base, trigger_price)
            return [self._router.prepare(wanted)[1]]
        return self._cancels(standing.extra) if standing.sure else []

    def _failed(self, position: Held, leg: Literal["stop", "take_profit"]) -> list[Order]:
        approved_id = self._router.orders[position.entry].approved_id
        return refused_in_a_row(self._router.exits(approved_id, leg))

    def _lost_cause(self, position: Held, now_ns: int) -> str | None:
        """Return why a position must be closed now, or None while its stop stands or may still be placed."""
        failed = self._failed(position, "stop")
        told = self._router.refusals.get(failed[-1].client_order_id) if failed else None
        if told is not None and told.action is Action.REPLAN and failed[-1].trigger_price == position.stop_price:
            # The market is beyond its stop, even where an older one further away still stands.
            return f"the venue refuses its stop as the market stands: {told.message}"
        if position.symbol not in self._since:
            return None
        naked_ns = now_ns - self._since[position.symbol]
        if len(failed) >= ATTEMPTS:
            return f"its stop was refused {len(failed)} times"
        if naked_ns >= CLOSE_AFTER_NS:
            return f"no stop covers it for {naked_ns // NS_PER_MS} ms, {NAKED_NS // NS_PER_MS} are allowed"
        return None

    def _close(self, position: Held, here: Sequence[Order], now_ns: int) -> list[Send]:
        """Cancel what would open more, and close at market what no exit under way will."""
        sends = self._cancels(o for o in here if o.leg == "entry")
        under_way = sum((o.leaves_base for o in here if o.leg == "exit"), ZERO)
        rest = position.qty_base - under_way
        if rest > 0 and now_ns >= self._not_before.get(position.symbol, 0):
            self._not_before[position.symbol] = now_ns + CLOSE_AGAIN_NS
            sends.append(self._router.prepare(Exit(position.entry, "exit", position.side, rest))[1])
        return sends

    def _stale(self, order: Order, now_ns: int) -> bool:
        lost = order.leg != "entry" and order.state in _LOST and not order.acknowledged
        return lost and now_ns - self._router.touched[order.client_order_id] >= STALE_NS

    def _cancels(self, orders: Iterable[Order]) -> list[Send]:
        return [partial(self._router.cancel, o.client_order_id) for o in orders if o.may(Step.REQUEST_CANCEL)]
