"""An account at work: it is made whole, then it hears, protects, and checks what it believes, until it is stopped.

Five things go on side by side, so that none waits for another: hearing the venue's events, protecting positions,
sending what was decided, asking, and missing the guardian. Nothing is opened before books and venue were found to
agree. Silence is never taken for agreement, and a difference that stands twice ends openings until a full comparison
finds none. While guardian or monitor are silent nothing is opened either; the guardian gone, what waits to open is
cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from chanflow.domain.errors import BooksDisagree, ChanflowError, Retryable, Uncertain
from chanflow.domain.journal import Journal
from chanflow.domain.order import ApprovedOrder, OrderEvent, ProtectionMoved
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.cadence import AFTER_FILL_NS, FIRST_WORD_NS, Cadence, News
from chanflow.execution.checks import Checks, ReadSoFar
from chanflow.execution.dead_man import DeadMan
from chanflow.execution.heartbeat import SILENT_NS, Heartbeat
from chanflow.execution.lifecycle import Step
from chanflow.execution.ports import FillCursor, OrderChange, Venue, VenueEvent
from chanflow.execution.protection import Protection
from chanflow.execution.questions import answer_or_none
from chanflow.execution.reconcile import accept_external
from chanflow.execution.router import Happened, Router

TRIES = 5
LONGEST_NS = 15 * NS_PER_S
"""So much time between two comparisons at the start, at most."""
RECONNECT_NS = NS_PER_S // 4
_TRY_AGAIN = ("ask_again", "reread", "block")
"""What asking again may heal; the rest heals by what is done about it."""


def _quiet(*_: object) -> None:
    """Tell nobody."""


class Running:
    """One account at one venue, from start to stop."""

    def __init__(
        self,
        *,
        router: Router,
        venue: Venue,
        journal: Journal,
        clock: Clock,
        quote: str,
        read: ReadSoFar | None = None,
        on_happened: Callable[[Happened], None] = _quiet,
        on_alert: Callable[[str, str], None] = _quiet,
    ) -> None:
        self.router = router
        self.protection = Protection(router, venue.capabilities, journal, clock)
        self.ready = asyncio.Event()
        """Set once books and venue were found to agree, and openings are allowed."""
        self._venue = venue
        self._journal = journal
        self._clock = clock
        self._quote = quote
        self._on_happened = on_happened
        self._on_alert = on_alert
        self._dead_man = DeadMan(router, venue, clock)
        self._cadence = Cadence()
        self._checks = Checks(
            router=router, venue=venue, journal=journal, clock=clock, quote=quote, read=read,
            on_happened=self._tell, on_alert=on_alert,
        )  # fmt: skip
        self._to_protect, self._to_check = News(clock), News(clock)
        self._compared = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        router.blocked = "the account has not been compared with the venue yet"

    # ── what may be asked of it ───────────────────────────────────────────────

    async def run(self, *, accept_difference: bool = False) -> None:
        """Make the account whole and keep it so until cancelled.

        Raises BooksDisagree where five comparisons left a difference or a question without an answer (exit code 5), and
        JournalUnwritable.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._hear())
                tasks.create_task(self._protect())
                tasks.create_task(self._miss(self.router.guardian, cancels=True))
                tasks.create_task(self._miss(self.router.monitor, cancels=False))
                await self.start(accept_difference=accept_difference)
                await self._check()
        except BaseExceptionGroup as faults:
            raise _first(faults) from faults
        finally:
            self._tasks = None
            self.ready.clear()

    async def execute(self, approved: ApprovedOrder) -> OrderEvent:
        """Send an approved order once; see `Router.execute`."""
        try:
            return await self.router.execute(approved)
        finally:
            self._cadence.hasten("in_flight", self._clock.now_ns() + FIRST_WORD_NS)
            self._wake()

    async def cancel(self, client_id: str) -> OrderEvent:
        """Cancel an order; see `Router.cancel`."""
        try:
            return await self.router.cancel(client_id)
        finally:
            self._wake()

    async def amend(self, client_id: str, change: OrderChange) -> OrderEvent:
        """Amend an order; see `Router.amend`."""
        try:
            return await self.router.amend(client_id, change)
        finally:
            self._wake()

    async def protect(self, approved: ApprovedOrder) -> ProtectionMoved:
        """Put a position under other prices; see `Router.protect`. The new stop stands before the old one goes."""
        try:
            return await self.router.protect(approved)
        finally:
            self._wake()

    async def send(self, command: Callable[[], Awaitable[Any]]) -> None:
        """Let a command go on its way without waiting for its answer, which may take long."""
        self._send([command])

    # ── start ─────────────────────────────────────────────────────────────────

    async def start(self, *, accept_difference: bool = False) -> None:
        """Compare books and venue until they agree; what was missed is taken in and missing stops are placed meanwhile.

        With `accept_difference` what is left of positions and wallet is booked as the venue has it. Raises
        BooksDisagree after five comparisons that left what asking again may heal.
        """
        await self._begin()
        tries = 0
        while True:
            result, answers = await self._checks.full()
            self._send(self.protection.act())
            self._compared.set()
            left = [f for f in result.findings if f.remedy in _TRY_AGAIN]
            if accept_difference and left and all(f.kind in ("position", "balance") for f in left):
                self.router.accept(accept_external(self.router.local(self._quote), answers, self.router.books.marks))
                accept_difference = False
                continue
            if self._checks.agrees(result):
                self._cadence.start(self._clock.now_ns())
                self.ready.set()
                return
            tries += bool(left)
            if tries == TRIES:
                raise BooksDisagree(f"{TRIES} comparisons with {self._venue.name} left: " + "; ".join(map(str, left)))
            await self._wait(NS_PER_S << tries if left else LONGEST_NS)

    async def _wait(self, longest_ns: int) -> None:
        """Wait before the next comparison, asking meanwhile for orders of unknown fate.

        A comparison costs a venue dear: where only those keep it from being clean, it waits until they are known.
        """
        until_ns, asked = self._clock.now_ns() + longest_ns, bool(self.router.inquiries)
        while True:
            asking = [i.next_ns for i in self.router.inquiries.values() if i.next_ns is not None]
            soon_ns = self._clock.now_ns() + NS_PER_S
            await self._clock.sleep_until(min([until_ns, *asking] if asking else [until_ns, soon_ns]))
            await self._checks.pursue()
            known = not self.router.inquiries and (asked or longest_ns == LONGEST_NS)
            if known or self._clock.now_ns() >= until_ns:
                return

    async def _begin(self) -> None:
        """Note where the venue's fills stand before our first order: what is older is not ours to book."""
        for tries in range(1, TRIES + 1):
            if self._checks.read is not None:
                return
            fills = await answer_or_none(self._venue.fills(FillCursor({})))
            if fills is not None:
                last = FillCursor({fill.symbol: fill.trade_id for fill in fills})
                self._checks.read_to(ReadSoFar(last, last, self._clock.now_ns()))
                return
            await self._clock.sleep_until(self._clock.now_ns() + (NS_PER_S << tries) // 2)
        raise BooksDisagree(f"{self._venue.name} was asked for its fills {TRIES} times and never answered")

    # ── hearing ───────────────────────────────────────────────────────────────

    async def _hear(self) -> None:
        """Take in what the venue tells; when its stream breaks, compare everything and listen again."""
        while True:
            try:
                async for event in self._venue.events():
                    self._take(event)
            except (Retryable, Uncertain) as fault:
                self._on_alert("stream", str(fault))
            self._gap()
            await self._clock.sleep_until(self._clock.now_ns() + RECONNECT_NS)

    def _take(self, event: VenueEvent) -> None:
        if event.kind in ("gap", "liquidation", "account"):
            self._told_of(event)
            return
        try:
            happened = self.router.hear(event)
        except BooksDisagree as fault:
            # The fill is booked and openings are halted; hearing goes on, there may be a position to protect.
            self._on_alert("books_disagree", str(fault))
            happened = None
        if happened is not None:
            self._tell(happened)
        self._wake()

    def _told_of(self, event: VenueEvent) -> None:
        """Take news that is no step of an order of ours: what it came to is asked for."""
        self._journal.append("venue_event", event)
        if event.kind == "account":
            self._cadence.hasten("figures", self._clock.now_ns() + AFTER_FILL_NS)
            self._to_check.tell()
            return
        if event.kind == "liquidation":
            figures = {"price": event.price, "qty_base": event.qty_base, "trade_id": event.trade_id}
            cause = event.detail or "the venue closed a position of ours"
            self._journal.append("risk_event", {"kind": "venue_liquidation", "cause": cause, **figures}, durable=True)
            self._on_alert("venue_liquidation", cause)
        self._gap()

    def _tell(self, happened: Happened) -> None:
        if happened.fill is not None:
            self._cadence.hasten("figures", self._clock.now_ns() + AFTER_FILL_NS)
            self._journal.append("account", self.router.snapshot())
        self._on_happened(happened)

    def _gap(self) -> None:
        """What was told while nobody listened is lost: ask for everything, at once and when the stream is back."""
        now_ns = self._clock.now_ns()
        self._cadence.hasten("full", now_ns)
        self._cadence.afterwards(now_ns + 2 * NS_PER_S)
        self._to_check.tell()

    def _wake(self) -> None:
        self._to_protect.tell()
        self._to_check.tell()

    # ── guardian and monitor ──────────────────────────────────────────────────────────

    async def _miss(self, beat: Heartbeat | None, *, cancels: bool) -> None:
        """Say when one that watches falls silent or is heard again; where it `cancels`, entries that wait go then."""
        await self.ready.wait()
        began_ns, held = self._clock.now_ns(), False
        while beat is not None:
            await self._clock.sleep_until(self._clock.now_ns() + NS_PER_S)
            why, now_ns = beat.missing(self._clock.now_ns()), self._clock.now_ns()
            starting = beat.last_ns is None and now_ns - began_ns <= SILENT_NS
            if starting or (why is not None) == held:
                continue
            held = why is not None
            mode, cause = ("hold_risk", why) if why is not None else ("active", f"the {beat.who} looks again")
            self._journal.append("mode", {"mode": mode, "cause": cause}, durable=True)
            self._on_alert(beat.who, str(cause))
            if held and cancels:
                waiting = [o for o in self.router.living() if o.leg == "entry" and o.may(Step.REQUEST_CANCEL)]
                self._send(partial(self.router.cancel, order.client_order_id) for order in waiting)

    # ── protecting and asking ─────────────────────────────────────────────────

    async def _protect(self) -> None:
        # What a restart knows of positions may be old: nothing is placed before the venue was asked once.
        await self._compared.wait()
        while True:
            self._send([*self.protection.act(), *self._dead_man.act()])
            moments = (self.protection.next_ns, self._dead_man.next_ns)
            await self._to_protect.wait(min((at_ns for at_ns in moments if at_ns is not None), default=None))

    def _send(self, sends: Iterable[Callable[[], Awaitable[Any]]]) -> None:
        """Let commands go on their way without waiting for their answers."""
        for send in sends:
            if self._tasks is None:
                raise RuntimeError("nothing can be sent for an account that is not running: await run()")
            self._tasks.create_task(self._answered(send))

    async def _answered(self, send: Callable[[], Awaitable[Any]]) -> None:
        try:
            await send()
        except (Retryable, Uncertain) as fault:
            self._on_alert("command", str(fault))
        self._wake()

    async def _check(self) -> None:
        while True:
            for check in self._cadence.take(self._clock.now_ns()):
                await self._checks.run(check)
                self._to_protect.tell()
            if await self._checks.pursue():
                self._to_protect.tell()
            asking = [i.next_ns for i in self.router.inquiries.values() if i.next_ns is not None]
            await self._to_check.wait(min([self._cadence.next_ns, *asking]))


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the fault to tell of: one of ours, if there is any."""
    leaves = list(_leaves(faults))
    return next((fault for fault in leaves if isinstance(fault, ChanflowError)), leaves[0])


def _leaves(fault: BaseException) -> Iterable[BaseException]:
    if not isinstance(fault, BaseExceptionGroup):
        yield fault
        return
    for inner in fault.exceptions:
        yield from _leaves(inner)
