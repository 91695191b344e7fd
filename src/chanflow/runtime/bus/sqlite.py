"""The bus in an SQLite file: a message commits together with the business data it follows from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar
from uuid import UUID

from chanflow.domain.errors import Broken, InvalidArgument, StorageUnwritable
from chanflow.domain.message import Envelope
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.runtime.bus import log, schema
from chanflow.runtime.bus.codec import Codec
from chanflow.runtime.bus.crew import Crew
from chanflow.runtime.bus.handover import Backoff, Group, Handover, Outcome
from chanflow.runtime.bus.log import Claim
from chanflow.runtime.bus.port import Dead, Effect, Handler, Lag, OnDead, Subscription, Transaction
from chanflow.runtime.bus.writer import Work, Writer

T = TypeVar("T")

SWEEP_EVERY_S = 3_600


def _unheard(_: Dead) -> None:
    """Nobody asked to be told of deaths; `dead` lists them."""


class SqliteBus:
    """The SQLite carrier. Subscriptions run either by `drain` (deterministic) or by `serving` (concurrent).

    `clock` says what is due; `jitter` spreads the retries of `serving`; `on_death` is told of each message given up,
    after its commit. Messages are kept `retention_s` after all groups are done with them, inbox rows twice as long.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        jitter: Random,
        schemas: Mapping[str, int] | None = None,
        on_death: Callable[[Dead], None] = _unheard,
        retention_s: float = 7 * 86_400,
        backoff_s: float = 0.5,
        backoff_cap_s: float = 30,
        poll_s: float = 0.2,
        stop_grace_s: float = 10,
    ) -> None:
        self._clock = clock
        self._retention_ns = int(retention_s * NS_PER_S)
        self._poll_s = poll_s
        self._stop_grace_s = stop_grace_s
        self._writer = Writer(partial(schema.connect, path), path)
        self._handover = Handover(
            self._writer,
            clock=clock,
            codec=Codec(schemas or {}),
            backoff=Backoff(backoff_s, backoff_cap_s, jitter),
            on_death=on_death,
            wake=self._wake,
        )
        self._groups: dict[str, Group] = {}
        self._unregistered: list[Subscription] = []
        self._crews: dict[str, Crew] = {}
        self._running: str | None = None

    async def open(self) -> None:
        """Connect, make the tables, keep the subscriptions made so far. Raises StorageUnwritable."""
        await self._writer.start()
        await self._register()

    async def close(self) -> None:
        """Finish what is queued and disconnect; nothing to do if it is not open."""
        await self._writer.stop()

    async def within(self, step: Callable[[Transaction], T]) -> T:
        """Return what `step` gives, run in one transaction of this database. Raises as it does, StorageUnwritable."""
        return await self._run(step)

    async def publish(self, *messages: Envelope, tx: Transaction | None = None, also: Sequence[Effect] = ()) -> None:
        """Return once `messages` are durable, or, with `tx`, written in the caller's transaction on this database.

        What `also` writes is written in the same transaction. A second message of the same id is ignored. A
        transaction is begun with BEGIN IMMEDIATE and committed soon: until then the bus waits. What it publishes is
        seen by `serving` at its next poll. Raises InvalidArgument, StorageUnwritable, and as an effect does.
        """
        records = [self._handover.record(message) for message in messages]
        now_ns = self._clock.now_ns()

        def write(own: Transaction) -> None:
            for effect in also:
                effect(own)
            for record in records:
                log.append(own, record, now_ns)

        if tx is not None:
            if not getattr(tx, "in_transaction", True):
                raise InvalidArgument("publish(tx=...) needs an open transaction; BEGIN IMMEDIATE first", field="tx")
            for new in self._unregistered:
                log.register(tx, new.topic, new.group, ordered=new.ordered)
            write(tx)
            return
        await self._run(write)
        for message in messages:
            self._wake(message.topic)

    def subscribe(
        self,
        topic: str,
        *,
        group: str,
        handler: Handler,
        concurrency: int = 1,
        ordered: bool = True,
        max_attempts: int = 5,
        lease_s: float = 30,
        on_dead: OnDead = "skip",
    ) -> Subscription:
        """Deliver each message of `topic` published from now on to `handler`; see `Bus.subscribe`.

        The group is served in the order of its first subscription, and in one kind of process. Raises
        InvalidArgument.
        """
        if self._running is not None:
            raise InvalidArgument(f"the bus is {self._running}; subscribe before that")
        new = Subscription(topic, group, handler, concurrency, ordered, max_attempts, lease_s, on_dead)
        known = self._groups.setdefault(group, Group(new))
        if known.policy.manner != new.manner:
            raise InvalidArgument(f"group {group!r} serves {known.policy.topic} in another manner; give both the same")
        if topic in known.handlers:
            raise InvalidArgument(f"group {group!r} has a handler for {topic} already")
        known.handlers[topic] = handler
        self._unregistered.append(new)
        return new

    async def forget(self, group: str) -> None:
        """Drop what is stored of a group that no process serves any more, its dead letters included."""
        if group in self._groups:
            raise InvalidArgument(f"group {group!r} is subscribed here; only a group nobody serves can be forgotten")
        await self._run(lambda tx: log.forget(tx, group))

    async def dead(self, group: str) -> list[Dead]:
        """Return the group's dead letters, oldest first."""
        return await self._run(lambda tx: log.dead_letters(tx, group))

    async def replay(self, group: str, message_id: UUID) -> None:
        """Give a dead letter all its attempts again; a key it blocked moves on once it is handled. Raises NotFound."""
        now_ns = self._clock.now_ns()
        await self._run(lambda tx: log.revive(tx, group, message_id, now_ns))
        if group in self._crews:
            self._crews[group].wake()

    async def lag(self, group: str) -> Lag:
        """Return how far the group is behind."""
        now_ns = self._clock.now_ns()
        return await self._run(lambda tx: log.lag(tx, group, now_ns))

    async def sweep(self) -> int:
        """Delete messages past retention that no delivery names, and old inbox rows; return how many messages."""
        now_ns = self._clock.now_ns()
        swept, after = 0, 0
        going: int | None = 0
        while going is not None:
            after = going
            count, going = await self._run(partial(_sweep_step, after_seq=after, before_ns=now_ns - self._retention_ns))
            swept += count
        while await self._run(lambda tx: log.sweep_inbox(tx, now_ns - 2 * self._retention_ns)):
            pass
        return swept

    async def drain(self) -> int:
        """Deliver everything due, one at a time by sequence then by the groups' order; return how many were handled.

        No background task and no waiting: a handler that fails is tried again at once, and after its last attempt
        its message is dead. What handlers publish is delivered too. Raises StorageUnwritable, and a handler's Broken:
        that one says to stop, so its message is given back untried.
        """
        self._start("draining")
        try:
            await self._register()
            policies = [group.policy for group in self._groups.values()]
            outcome: Outcome | None = None
            handled = 0
            while True:
                claims, acknowledged = await self._handover.turn(
                    outcome, lambda tx, now_ns: log.claim_oldest(tx, policies, now_ns)
                )
                handled += acknowledged
                if not claims:
                    return handled
                outcome = await self._handle(claims[0])
        finally:
            self._running = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run all subscriptions in the background for as long as the block lasts.

        At its end no more is claimed, handlers have `stop_grace_s` to finish, and what is then cancelled is given
        back. If the database fails meanwhile, the block is cancelled and StorageUnwritable raised.
        """
        self._start("serving")
        try:
            await self._register()
            self._crews = {
                name: Crew(group, self._handover, poll_s=self._poll_s, stop_grace_s=self._stop_grace_s)
                for name, group in self._groups.items()
            }
            service = asyncio.create_task(self._serve())
            async with _cancelled_by(service):
                try:
                    yield
                finally:
                    for crew in self._crews.values():
                        crew.stop()
        finally:
            self._crews = {}
            self._running = None

    async def _serve(self) -> None:
        """Run the crews until they are told to stop. Raises what stopped one, within an ExceptionGroup."""
        async with asyncio.TaskGroup() as tasks:
            crews = [tasks.create_task(crew.run()) for crew in self._crews.values()]
            sweeper = tasks.create_task(self._sweep_hourly())
            if crews:
                await asyncio.wait(crews)
            sweeper.cancel()

    async def _handle(self, claim: Claim) -> Outcome:
        """Run the handler of a claim here and now; return its outcome."""
        group = self._groups[claim.group]
        try:
            handler, message, delivery = self._handover.brief(group, claim)
            await handler(message, delivery)
        except asyncio.CancelledError as fault:
            if (drainer := asyncio.current_task()) is not None and drainer.cancelling():
                await self._handover.give_back([claim])
                raise
            return self._handover.failed(group, claim, fault, at_once=True)
        except Broken:
            await self._handover.give_back([claim])
            raise
        except Exception as fault:  # noqa: BLE001  # whatever else a handler raises, it is one failed attempt
            return self._handover.failed(group, claim, fault, at_once=True)
        return self._handover.done(group, claim, delivery, at_once=True)

    def _start(self, what: str) -> None:
        if self._running is not None:
            raise InvalidArgument(f"the bus is {self._running} already; it drains or serves, one at a time")
        self._running = what

    def _wake(self, topic: str) -> None:
        for crew in self._crews.values():
            if topic in crew.group.handlers:
                crew.wake()

    async def _run(self, work: Work[T]) -> T:
        await self._register()
        return await self._writer.submit(work)

    async def _register(self) -> None:
        """Store the subscriptions made since the last call."""
        if self._unregistered:
            new = tuple(self._unregistered)
            await self._writer.submit(lambda tx: _register_all(tx, new))
            del self._unregistered[: len(new)]

    async def _sweep_hourly(self) -> None:
        while True:
            await self.sweep()
            await self._clock.sleep_until(self._clock.now_ns() + SWEEP_EVERY_S * NS_PER_S)


def _sweep_step(tx: Transaction, *, after_seq: int, before_ns: int) -> tuple[int, int | None]:
    return log.sweep_messages(tx, after_seq, before_ns)


def _register_all(tx: Transaction, subscriptions: tuple[Subscription, ...]) -> None:
    for new in subscriptions:
        log.register(tx, new.topic, new.group, ordered=new.ordered)


@asynccontextmanager
async def _cancelled_by(service: asyncio.Task[None]) -> AsyncIterator[None]:
    """Cancel the block if `service` fails; at its end wait for `service`. Raises its StorageUnwritable, bare."""
    owner = asyncio.current_task()

    def alarm(ended: asyncio.Task[None]) -> None:
        if owner is not None and _failed(ended):
            owner.cancel()

    service.add_done_callback(alarm)
    try:
        yield
    except asyncio.CancelledError:
        if owner is None or not _failed(service):
            raise
        owner.uncancel()
    finally:
        service.remove_done_callback(alarm)
        try:
            await service
        except BaseExceptionGroup as faults:
            if (fault := _storage_fault(faults)) is not None:
                raise fault from faults
            raise


def _failed(task: asyncio.Task[None]) -> bool:
    """Return whether `task` ended with an exception of its own."""
    return task.done() and not task.cancelled() and task.exception() is not None


def _storage_fault(fault: BaseException) -> StorageUnwritable | None:
    """Return the storage fault in `fault`, however deep, if there is nothing else in it."""
    while isinstance(fault, BaseExceptionGroup) and len(fault.exceptions) == 1:
        fault = fault.exceptions[0]
    if isinstance(fault, BaseExceptionGroup):
        inner = [_storage_fault(each) for each in fault.exceptions]
        return None if None in inner else inner[0]
    return fault if isinstance(fault, StorageUnwritable) else None
