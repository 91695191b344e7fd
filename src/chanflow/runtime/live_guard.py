"""The guardian of a desk at a venue: a task of its own, which nothing else waits for and which waits for nobody.

It looks every second, and at once after a fill or whatever else it is told of. What the venue says of positions is
asked by another task; an answer that does not come makes the guardian's inputs old, and what is old holds openings.
When this task dies, execution misses its sign of life and opens nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from chanflow.domain.errors import Rejected, Retryable, Uncertain
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.cadence import News
from chanflow.execution.ledger import RoundTrip
from chanflow.execution.ports import Venue
from chanflow.execution.router import Router
from chanflow.risk.guardian import Mark, VenueView
from chanflow.runtime.risk_desk import LOOK_NS, RiskDesk

CALM_NS = 4 * NS_PER_S
"""How often the venue is asked while nothing is held and nothing lives; well within what counts as stale."""


class LiveGuard:
    """Lets one desk's risk look, for as long as `run` runs."""

    def __init__(
        self, risk: RiskDesk, router: Router, venue: Venue, clock: Clock, *, on_look: Callable[[], Awaitable[None]]
    ) -> None:
        """`on_look` is awaited before each look."""
        self._risk, self._router, self._venue, self._clock, self._on_look = risk, router, venue, clock, on_look
        self._news = News(clock)
        self._heard = False
        self._closed: list[RoundTrip] = []
        self._seized: list[str] = []
        self._quoted: dict[str, Mark] = {}
        self._told: dict[str, Decimal] = {}
        self._told_marks: dict[str, Mark] = {}
        self._told_ns: int | None = None
        self._answers = True

    # ── what it is told ───────────────────────────────────────────────────────

    def quoted(self, symbol: str, mark: Mark) -> None:
        """Take a mark price; a jump is looked at at once."""
        self._quoted[symbol] = mark
        self._news.tell()

    def filled(self, trade: RoundTrip | None) -> None:
        """Hear of a fill, and of the trade that it ended."""
        if trade is not None:
            self._closed.append(trade)
        self._wake()

    def seized(self, what: str) -> None:
        """Hear that the venue closed a position of ours by force."""
        self._seized.append(what)
        self._wake()

    def _wake(self) -> None:
        self._heard = True
        self._news.tell()

    # ── at work ───────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Look until cancelled. Raises what keeps it from looking; execution then holds by itself."""
        self._told_ns = self._clock.now_ns()
        asking = asyncio.create_task(self._ask())
        looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait({asking, looking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (asking, looking):
                task.cancel()
            ends = await asyncio.gather(asking, looking, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end

    async def _ask(self) -> None:
        while True:
            asked_ns = self._clock.now_ns()
            try:
                told = await self._venue.positions()
            except (Retryable, Uncertain, Rejected):
                self._answers = False
            else:
                self._told = {p.symbol: p.qty_base for p in told if p.qty_base != 0}
                self._told_marks = {
                    p.symbol: Mark(p.mark_price, asked_ns) for p in told if p.mark_price is not None and p.qty_base != 0
                }
                self._told_ns, self._answers = asked_ns, True
            at_stake = bool(self._told) or bool(self._router.snapshot().positions) or bool(self._router.living())
            await self._clock.sleep_until(asked_ns + (LOOK_NS if at_stake else CALM_NS))

    async def _look(self) -> None:
        while True:
            heard, self._heard = self._heard, False
            seized, self._seized = tuple(self._seized), []
            while self._closed:
                await self._risk.closed(self._closed.pop(0))
            await self._on_look()
            told = VenueView(self._told_ns, None, dict(self._told), self._answers, seized)
            await self._risk.look(self._marks(), heard=heard or bool(seized), told=told)
            await self._news.wait(self._clock.now_ns() + LOOK_NS)

    def _marks(self) -> dict[str, Mark]:
        """Return the newest mark of everything held, here or there: quoted, told by the venue, or else the last known.

        One that is only known from before counts from when it was first needed.
        """
        held = {p.symbol: p.mark_price for p in self._router.snapshot().positions}
        for symbol, price in held.items():
            self._quoted.setdefault(symbol, Mark(price, self._clock.now_ns()))
        newest = dict(self._quoted)
        for symbol, mark in self._told_marks.items():
            if symbol not in newest or newest[symbol].at_ns < mark.at_ns:
                newest[symbol] = mark
        return {symbol: mark for symbol, mark in newest.items() if symbol in held or symbol in self._told}
