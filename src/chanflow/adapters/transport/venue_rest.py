"""Requests to a venue: signed with its time, within its limits, and each command to exactly one outcome.

What differs from venue to venue is a `Dialect`: which answers are a verdict, and how counts and time are told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, TypeVar

from chanflow.adapters.transport.allowance import Allowance, Urgency
from chanflow.adapters.transport.bodies import checked, load, retry_after_s
from chanflow.adapters.transport.ccxt_door import CcxtDoor, Reply
from chanflow.domain.errors import OrderFateUnknown, VenueBusy
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.execution.ports import Accepted, Action, ClockSample, Outcome, Unknown, VenueRefused

T = TypeVar("T")

CLOCK_SAMPLES: Final = 5
LONGEST_WAIT_S: Final[Mapping[Urgency, float]] = {Urgency.ASK: 2.5, Urgency.OPEN: 0.5, Urgency.PROTECT: 10.0}
"""How long a request waits for room: an opening later than this would be another trade, a closing has to go."""
_PAUSES_S: Final[Mapping[int, float]] = {418: 120.0, 403: 300.0, 429: 60.0}
"""How long to be quiet after these, where the answer does not say."""
_OWN_LIMIT: Final = -1003


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one venue is talked to over REST.

    `outcome_of` takes status and body; `used_counts` gives (limit, span in s, used) from headers; `server_ms` reads the
    venue's time from the answer of `time_path`. The names of APIs are ccxt's.
    """

    outcome_of: Callable[[int, bytes], Outcome]
    used_counts: Callable[[Mapping[str, str]], tuple[tuple[str, int, int], ...]]
    server_ms: Callable[[Any], int]
    private_api: str
    public_api: str
    time_path: str


class VenueRest:
    """Signs, paces and sends. `allowance` counts what is sent; the door signs with the venue's clock."""

    def __init__(self, door: CcxtDoor, allowance: Allowance, clock: Clock, dialect: Dialect) -> None:
        self._door, self.allowance, self._clock, self._dialect = door, allowance, clock, dialect

    async def command(
        self, method: str, path: str, params: Any, *, urgency: Urgency, orders: int = 0, weight: int = 1
    ) -> tuple[Outcome, Any]:
        """Send what changes something. Returns its outcome, and the answer's body where it was accepted."""
        refusal = await self._room({"weight": weight, "orders": orders}, urgency)
        if refusal is not None:
            return refusal, None
        reply = await self._send(self._dialect.private_api, method, path, params)
        outcome = self._outcome(reply)
        if isinstance(outcome, VenueRefused) and outcome.action is Action.RESYNC_CLOCK and await self.sync():
            # It was not executed, so once more under the same id cannot double it.
            reply = await self._send(self._dialect.private_api, method, path, params)
            outcome = self._outcome(reply)
        return outcome, load(reply.body) if isinstance(outcome, Accepted) and 200 <= reply.status < 300 else None

    async def question(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        weight: int,
        api: str | None = None,
        urgency: Urgency = Urgency.ASK,
        method: str = "GET",
    ) -> Any:
        """Return the body of an answer, or the VenueRefused that came instead.

        Raises VenueBusy where there was no answer, or no room to ask.
        """
        refusal = await self._room({"weight": weight}, urgency)
        if refusal is not None:
            raise VenueBusy(f"{path} was not asked for: {refusal.message}")
        reply = await self._send(api or self._dialect.private_api, method, path, params)
        outcome = self._outcome(reply)
        if isinstance(outcome, VenueRefused) and outcome.action is Action.RESYNC_CLOCK and await self.sync():
            reply = await self._send(api or self._dialect.private_api, method, path, params)
            outcome = self._outcome(reply)
        match outcome:
            case Unknown(cause=cause):
                raise VenueBusy(f"{path} was not answered: {cause}")
            case VenueRefused(action=Action.PAUSE, message=message):
                raise VenueBusy(f"{path} was not answered: {message}")
            case VenueRefused():
                return outcome
        return load(reply.body)

    async def answer(
        self,
        path: str,
        params: Mapping[str, str],
        read: Callable[[Any], T],
        *,
        weight: int,
        api: str | None = None,
    ) -> T:
        """Return what `read` makes of an answer's body.

        Raises VenueBusy as `question` does, OrderFateUnknown where it is refused or is not as documented.
        """
        found = await self.question(path, params, weight=weight, api=api)
        if isinstance(found, VenueRefused):
            raise OrderFateUnknown(f"{path} was refused with {found.code}: {found.message}")
        try:
            return read(found)
        except ValueError as fault:
            raise OrderFateUnknown(f"{path} cannot be read: {fault}") from fault

    # ── time ──────────────────────────────────────────────────────────────────

    async def sample(self) -> ClockSample:
        """Return one reading of the venue's clock, taken to be of the middle of the round trip."""
        begun_ns = self._clock.monotonic_ns()
        at_ns = self._clock.now_ns()
        words = self._dialect
        body = await self.question(words.time_path, {}, weight=1, api=words.public_api, urgency=Urgency.PROTECT)
        trip_ns = self._clock.monotonic_ns() - begun_ns
        if isinstance(body, VenueRefused):
            raise VenueBusy(f"time was refused with {body.code}: {body.message}")
        told_ns = checked("time", lambda: words.server_ms(body)) * NS_PER_MS
        return ClockSample(offset_ns=told_ns - (at_ns + trip_ns // 2), round_trip_ns=trip_ns)

    async def sync(self) -> bool:
        """Set the clock by the median of five readings; False, and the old setting, where there was not even one."""
        samples = []
        for _ in range(CLOCK_SAMPLES):
            try:
                samples.append(await self.sample())
            except (VenueBusy, ValueError):
                continue
        if not samples:
            return False
        self._door.offset_ns = int(median(one.offset_ns for one in samples))
        self.allowance.offset_ns = self._door.offset_ns
        return True

    @property
    def offset_ns(self) -> int:
        """The venue's clock less ours, as it was last set."""
        return self._door.offset_ns

    async def close(self) -> None:
        """Give the connections back."""
        await self._door.close()

    # ── sending ───────────────────────────────────────────────────────────────

    async def _room(self, costs: Mapping[str, int], urgency: Urgency) -> VenueRefused | None:
        """Return once there is room to send, or the refusal where there will be none soon enough."""
        return await room(self.allowance, self._clock, costs, urgency)

    def _outcome(self, reply: Reply) -> Outcome:
        if reply.status == 0:
            return Unknown(f"no answer: {reply.body.decode(errors='replace')}")
        return self._dialect.outcome_of(reply.status, reply.body)

    async def _send(self, api: str, method: str, path: str, params: Any) -> Reply:
        reply = await self._door.ask(api, method, path, copy(params))
        for name, span_s, used in self._dialect.used_counts(reply.headers):
            self.allowance.correct(name, span_s, used)
        if reply.status in _PAUSES_S:
            self.allowance.pause(retry_after_s(reply.headers, otherwise_s=_PAUSES_S[reply.status]))
        return reply


async def room(allowance: Allowance, clock: Clock, costs: Mapping[str, int], urgency: Urgency) -> VenueRefused | None:
    """Wait for room, no longer than `urgency` allows. Returns None with it, else the refusal: nothing was sent."""
    until_ns = clock.now_ns() + int(LONGEST_WAIT_S[urgency] * NS_PER_S)
    while (wait_ns := allowance.wait_ns(costs, urgency)) > 0:
        if clock.now_ns() + wait_ns > until_ns:
            why = "the venue asked for quiet" if allowance.paused_until_ns else "the limits leave no room"
            return VenueRefused(_OWN_LIMIT, f"not sent: {why} for {wait_ns / NS_PER_S:.1f} s more", Action.PAUSE)
        await clock.sleep_until(clock.now_ns() + wait_ns)
    return None


async def every(seconds: float, clock: Clock, act: Callable[[], Awaitable[object]]) -> None:
    """Do `act` each so many seconds until cancelled; where the venue does not answer, the next time does."""
    while True:
        await clock.sleep_until(clock.now_ns() + int(seconds * NS_PER_S))
        try:
            await act()
        except (VenueBusy, OrderFateUnknown):
            continue
