"""The service that tells people: alerts come in from the bus, are kept, and go out over every channel by itself.

An alert is kept in `alerts.db` before the message that brought it is acknowledged, and noted as told after its channel
took it. So a kill at any point loses none, and may tell one twice. Each channel has a worker and a thread of its own: a
slow one delays nobody, least of all the desk. What the service does is on the time of day and never in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from chanflow.adapters.notify.outbox import Outbox, Place
from chanflow.domain.alert import Alert, Messenger, compose
from chanflow.domain.errors import DeliveryFailed, StorageUnwritable
from chanflow.domain.message import Envelope, Topic
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.runtime.alert_policy import MINUTE_NS, AlertPolicy, ChannelRule, ChannelState, Told, Waiting, message_of
from chanflow.runtime.alert_sources import RefusalBurst, alert_from, alert_of, alert_of_fault, alert_of_refusal
from chanflow.runtime.capped_call import CappedCall

if TYPE_CHECKING:
    from chanflow.runtime.bus.port import Bus, Delivery

T = TypeVar("T")

GROUP = "alerts"
TOPICS: tuple[Topic, ...] = ("alert", "risk_event", "refusal")
HEARTBEAT = "(heartbeat)"
"""The name under which pings are counted; no channel can have it."""

GRACE_S = 6.0
"""At the end the workers have so long for what may go at once: one attempt and a little."""

Note = Callable[[str], object]
Ping = Callable[[], Awaitable[None]]


class Alerts:
    """Takes alerts and tells them. Made in the loop that serves it."""

    def __init__(
        self,
        *,
        rules: Iterable[ChannelRule],
        messengers: Mapping[str, Messenger],
        outbox: Outbox,
        clock: Clock,
        attempt_s: float = 5.0,
        burst: RefusalBurst | None = None,
        ping: Ping | None = None,
        ping_every_s: float = 60.0,
        on_note: Note = lambda _: None,
    ) -> None:
        """Raise StorageUnwritable where the outbox cannot be read. Every rule has a messenger of its name."""
        self._messengers, self._outbox, self._clock = messengers, outbox, clock
        self._attempt_s, self._on_note = attempt_s, on_note
        self._burst = burst or RefusalBurst(10, 300)
        self._ping, self._ping_every_ns = ping, int(ping_every_s * NS_PER_S)
        self.policy = AlertPolicy(restored(rules, outbox, clock.now_ns(), on_note))
        self._calls = {name: CappedCall(name, clock) for name in self.policy.channels}
        self._woken = {name: asyncio.Event() for name in self.policy.channels}
        self._busy: set[str] = set()
        self._moved = asyncio.Event()
        self._taking = asyncio.Lock()
        self._unkept = 0
        self._unwritable = False

    # ── coming in ─────────────────────────────────────────────────────────────

    def subscribe(self, bus: Bus) -> None:
        """Listen to what stages say. A message is acknowledged once its alert is kept."""
        for topic in TOPICS:
            bus.subscribe(topic, group=GROUP, handler=self._hear)

    async def _hear(self, message: Envelope, _: Delivery) -> None:
        await self.hear(
            message.topic, message.payload, at_ns=message.ts_ns, source=message.producer, alert_id=str(message.id)
        )  # fmt: skip

    async def hear(
        self, topic: Topic, payload: Mapping[str, Any], *, at_ns: int, source: str, alert_id: str
    ) -> None:  # fmt: skip
        """Take what a stage said, by its topic; one whose id was taken before is passed over."""
        if topic == "risk_event":
            await self.take(alert_of(payload, at_ns=at_ns, source=source), alert_id=alert_id)
        elif topic == "refusal":
            await self.take(alert_of_refusal(payload, at_ns=at_ns), alert_id=alert_id)
            if (burst := self._burst.take(at_ns)) is not None:
                await self.take(burst, alert_id=f"{alert_id}:burst")
        else:
            await self.take(alert_from(payload, at_ns=at_ns), alert_id=alert_id)

    async def take(self, alert: Alert, *, alert_id: str, but: str | None = None) -> None:
        """Keep an alert and have it told, by all who want it `but` one; one whose id was taken before is passed over.

        It is durable on return. Where the file fails it is told all the same, from memory, and the failure noted.
        """
        async with self._taking:
            if await self._kept(partial(self._outbox.known, alert_id)):
                return
            now_ns = self._clock.now_ns()
            counted = {name: state.tally.repeats for name, state in self.policy.channels.items()}
            routes = self.policy.routes(alert, now_ns, but=but)
            repeats = [n for n, state in self.policy.channels.items() if state.tally.repeats != counted[n]]
            places = [Place(name, due_ns) for name, due_ns in routes.items()]
            number = await self._kept(partial(self._outbox.place, alert_id, alert, places, now_ns, repeats=repeats))
            if number is None:
                self._unkept += 1
                number = -self._unkept
            for route in self.policy.take(number, alert, routes, now_ns):
                await self._drop(route.channel, route.dropped, now_ns)
                self._woken[route.channel].set()

    async def watch(self, desk: Coroutine[Any, Any, T], *, run_id: str) -> T:
        """Await a desk; a fault that ends it is told before it rises."""
        try:
            return await desk
        except Exception as fault:
            now_ns = self._clock.now_ns()
            await self.take(alert_of_fault(fault, at_ns=now_ns), alert_id=f"fault:{run_id}:{now_ns}")
            raise

    # ── going out ─────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def serving(self, *, grace_s: float = GRACE_S) -> AsyncIterator[None]:
        """Tell alerts while the block lasts, and at its end for `grace_s` what may go at once; the rest stays kept."""
        await self._kept(partial(self._outbox.forget_told, self._clock.now_ns()))
        workers = [asyncio.create_task(self._work(name), name=f"alerts {name}") for name in self.policy.channels]
        if self._ping is not None:
            workers.append(asyncio.create_task(self._beat(self._ping), name="alerts heartbeat"))
        for worker in workers:
            worker.add_done_callback(self._ended)
        try:
            yield
        finally:
            try:
                await self._flush(grace_s)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        if not worker.cancelled() and worker.exception() is not None:
            self._on_note(
                f"{worker.get_name()} ended: {type(worker.exception()).__name__}; its alerts wait in the file"
            )

    async def _work(self, name: str) -> None:
        state = self.policy.channels[name]
        while True:
            self._woken[name].clear()
            now_ns = self._clock.now_ns()
            await self._escalate(name, now_ns)
            batch = state.ready(now_ns)
            if batch:
                await self._tell(name, batch)
            else:
                await self._rest(self._woken[name], state.next_ns(now_ns))

    async def _tell(self, name: str, batch: Sequence[Waiting]) -> None:
        """Send a batch as one message, and note what became of it."""
        state, messenger = self.policy.channels[name], self._messengers[name]
        send = partial(messenger.send, message_of(batch), cap_s=self._attempt_s)
        numbers = [each.number for each in batch]
        self._busy.add(name)
        try:
            await self._calls[name].run(send, cap_s=self._attempt_s)
        except DeliveryFailed as fault:
            now_ns = self._clock.now_ns()
            state.failed(batch, now_ns)
            await self._kept(partial(self._outbox.failed, name, numbers, str(fault), now_ns))
            if state.dead(now_ns):
                await self._tell_others(name, str(fault), now_ns)
        else:
            now_ns = self._clock.now_ns()
            state.sent(batch, now_ns)
            await self._kept(partial(self._outbox.sent, name, numbers, now_ns))
        finally:
            self._busy.discard(name)
            self._moved.set()

    async def _tell_others(self, name: str, why: str, now_ns: int) -> None:
        """Tell the other channels, once an outage, that this one is dead."""
        state = self.policy.channels[name]
        notice = compose(
            severity="warning",
            title=f"alert channel {name} fails",
            body=f"{len(state.waiting)} alerts wait in it. The last failure: {why}",
            dedupe_key=f"channel:{name}",
            at_ns=now_ns,
            source="alerts",
        )
        await self.take(notice, alert_id=f"channel:{name}:{state.failing_since_ns}", but=name)

    async def _escalate(self, name: str, now_ns: int) -> None:
        for route in self.policy.escalate(name, now_ns):
            place = Place(route.channel, route.waiting.due_ns)
            await self._kept(partial(self._outbox.hand_on, route.waiting.number, place, now_ns))
            await self._drop(route.channel, route.dropped, now_ns)
            self._woken[route.channel].set()

    async def _drop(self, channel: str, numbers: Sequence[int], now_ns: int) -> None:
        if numbers:
            await self._kept(partial(self._outbox.dropped, channel, numbers, now_ns))
            self._on_note(f"alert channel {channel} has no room: {len(numbers)} dropped")

    async def _rest(self, woken: asyncio.Event, until_ns: int | None) -> None:
        """Return when woken, or at `until_ns`."""
        if until_ns is None:
            await woken.wait()
            return
        waits = [asyncio.ensure_future(woken.wait()), asyncio.ensure_future(self._clock.sleep_until(until_ns))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _flush(self, grace_s: float) -> None:
        """Return when nothing may go any more at this moment, or after `grace_s`."""
        until_ns = self._clock.now_ns() + int(grace_s * NS_PER_S)
        while (now_ns := self._clock.now_ns()) < until_ns:
            self._moved.clear()
            if not self._busy and not any(state.ready(now_ns) for state in self.policy.channels.values()):
                return
            await self._rest(self._moved, until_ns)

    async def _beat(self, ping: Ping) -> None:
        while True:
            at_ns = self._clock.now_ns()
            try:
                await ping()
            except DeliveryFailed as fault:
                await self._kept(partial(self._outbox.failed, HEARTBEAT, (), str(fault), self._clock.now_ns()))
            else:
                await self._kept(partial(self._outbox.sent, HEARTBEAT, (), self._clock.now_ns()))
            await self._clock.sleep_until(at_ns + self._ping_every_ns)

    async def _kept(self, write: Callable[[], T]) -> T | None:
        """Do something to the file, in a thread. A file that fails is noted, once, and None returned."""
        try:
            done = await asyncio.to_thread(write)
        except StorageUnwritable as fault:
            if not self._unwritable:
                self._on_note(f"{fault}; until then alerts are told from memory")
            self._unwritable = True
            return None
        self._unwritable = False
        return done


def restored(rules: Iterable[ChannelRule], outbox: Outbox, now_ns: int, on_note: Note) -> list[ChannelState]:
    """Return the channels as the outbox left them: what waits, what was told lately, how many messages went out.

    What waits in a channel that is no more is dropped, and noted.
    """
    states = {rule.name: ChannelState(rule) for rule in rules}
    longest_ns = max((state.rule.dedupe_ns for state in states.values()), default=0)
    for heard in outbox.heard(now_ns - longest_ns):
        if heard.channel in states:
            states[heard.channel].told[heard.alert.dedupe_key] = Told(heard.alert.severity, heard.placed_ns)
    for name, at_ns in outbox.messages(now_ns - MINUTE_NS):
        if name in states:
            states[name].sent_ns.append(at_ns)
    gone: dict[str, list[int]] = {}
    for left in outbox.left():
        if left.channel in states:
            waiting = Waiting(left.number, left.alert, left.due_ns, left.attempts)
            states[left.channel].waiting[left.number] = waiting
        else:
            gone.setdefault(left.channel, []).append(left.number)
    for name, numbers in sorted(gone.items()):
        outbox.dropped(name, numbers, now_ns)
        on_note(f"alert channel {name} is no more: {len(numbers)} that waited in it are dropped")
    return list(states.values())
