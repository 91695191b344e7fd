"""Requests to Binance USD-M: in time, within the limits, and each command to exactly one outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import Any, Final, TypeVar

from chanflow.adapters.transport.allowance import Allowance, Limit, Urgency
from chanflow.adapters.transport.ccxt_door import CcxtDoor, Reply
from chanflow.adapters.venues.binance.error_codes import outcome_of
from chanflow.adapters.venues.binance.rest_words import checked, load, retry_after_s, used_counts
from chanflow.domain.errors import OrderFateUnknown, VenueBusy
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.execution.ports import Accepted, Action, ClockSample, Outcome, Unknown, VenueRefused

T = TypeVar("T")

LIMITS: Final = (Limit("weight", 60, 2_400), Limit("orders", 10, 300), Limit("orders", 60, 1_200))
"""What holds until `exchangeInfo` has told the account's own limits."""

RECEIVE_WINDOW_MS: Final = 5_000
CLOCK_SAMPLES: Final = 5
LONGEST_WAIT_S: Final[Mapping[Urgency, float]] = {Urgency.ASK: 0.0, Urgency.OPEN: 0.5, Urgency.PROTECT: 10.0}
"""How long a request waits for room: an opening later than this would be another trade, a closing has to go."""
_PAUSES_S: Final[Mapping[int, float]] = {418: 120.0, 403: 300.0, 429: 60.0}
"""How long to be quiet after these, where the answer does not say."""
_OWN_LIMIT: Final = -1003


class BinanceRest:
    """Signs, paces and sends. `allowance` counts what is sent; the door signs with the venue's clock."""

    def __init__(self, door: CcxtDoor, allowance: Allowance, clock: Clock) -> None:
        self._door, self.allowance, self._clock = door, allowance, clock

    async def command(
        self, method: str, path: str, params: Mapping[str, str], *, urgency: Urgency, orders: int = 0, weight: int = 1
    ) -> tuple[Outcome, Any]:
        """Send what changes something. Returns its outcome, and the answer's body where it was accepted."""
        refusal = await self._room({"weight": weight, "orders": orders}, urgency)
        if refusal is not None:
            return refusal, None
        reply = await self._send("fapiPrivate", method, path, params)
        outcome = _outcome(reply)
        if isinstance(outcome, VenueRefused) and outcome.action is Action.RESYNC_CLOCK and await self.sync():
            # It was not executed, so once more under the same id cannot double it.
            reply = await self._send("fapiPrivate", method, path, params)
            outcome = _outcome(reply)
        return outcome, load(reply.body) if isinstance(outcome, Accepted) and 200 <= reply.status < 300 else None

    async def question(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        weight: int,
        api: str = "fapiPrivate",
        urgency: Urgency = Urgency.ASK,
        method: str = "GET",
    ) -> Any:
        """Return the body of an answer, or the VenueRefused that came instead.

        Raises VenueBusy where there was no answer, or no room to ask.
        """
        refusal = await self._room({"weight": weight}, urgency)
        if refusal is not None:
            raise VenueBusy(f"{path} was not asked for: {refusal.message}")
        reply = await self._send(api, method, path, params)
        outcome = _outcome(reply)
        if isinstance(outcome, VenueRefused) and outcome.action is Action.RESYNC_CLOCK and await self.sync():
            reply = await self._send(api, method, path, params)
            outcome = _outcome(reply)
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
        api: str = "fapiPrivate",
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
        body = await self.question("time", {}, weight=1, api="fapiPublic", urgency=Urgency.PROTECT)
        trip_ns = self._clock.monotonic_ns() - begun_ns
        if isinstance(body, VenueRefused):
            raise VenueBusy(f"time was refused with {body.code}: {body.message}")
        told_ns = checked("time", lambda: int(body["serverTime"])) * NS_PER_MS
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

    async def _send(self, api: str, method: str, path: str, params: Mapping[str, str]) -> Reply:
        reply = await self._door.ask(api, method, path, dict(params))
        for name, span_s, used in used_counts(reply.headers):
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


def _outcome(reply: Reply) -> Outcome:
    if reply.status == 0:
        return Unknown(f"no answer: {reply.body.decode(errors='replace')}")
    return outcome_of(reply.status, reply.body)


async def every(seconds: float, clock: Clock, act: Callable[[], Awaitable[object]]) -> None:
    """Do `act` each so many seconds until cancelled; where the venue does not answer, the next time does."""
    while True:
        await clock.sleep_until(clock.now_ns() + int(seconds * NS_PER_S))
        try:
            await act()
        except (VenueBusy, OrderFateUnknown):
            continue
