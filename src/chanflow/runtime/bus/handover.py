"""Between log and handlers: what a claim becomes for its handler, and what a handler's end becomes for the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from chanflow.domain.errors import InvalidArgument, StorageUnwritable
from chanflow.domain.message import Envelope
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.runtime.bus import log
from chanflow.runtime.bus.codec import Codec
from chanflow.runtime.bus.log import Claim, LeaseLost, Record, Taken
from chanflow.runtime.bus.port import Dead, Delivery, Effect, Handler, Subscription, Transaction
from chanflow.runtime.bus.writer import Work, Writer

Step = Callable[[Transaction, int], Taken]


@dataclass(frozen=True, slots=True)
class Group:
    """A group as this process serves it: the manner its subscriptions share, and a handler per topic."""

    policy: Subscription
    handlers: dict[str, Handler] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The handler returned. Should one of its effects raise, the next attempt is due `at_once` or after a backoff."""

    group: Group
    claim: Claim
    outputs: tuple[Record, ...]
    effects: tuple[Effect, ...]
    at_once: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed; the next is due at `retry_ns`."""

    group: Group
    claim: Claim
    error: str
    retry_ns: int


Outcome = Done | Failed


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts: doubling from `first_s` to `cap_s`, each between half and all of that."""

    first_s: float
    cap_s: float
    jitter: Random

    def wait_ns(self, attempt: int) -> int:
        """Return how long to wait after attempt number `attempt` failed."""
        whole_s = min(self.cap_s, self.first_s * 2.0 ** min(attempt - 1, 60))
        return int(whole_s * (0.5 + 0.5 * self.jitter.random()) * NS_PER_S)


class Handover:
    """Gives claims to handlers and settles them, one commit a turn: the last claim's end and the next one's start."""

    def __init__(
        self,
        writer: Writer,
        *,
        clock: Clock,
        codec: Codec,
        backoff: Backoff,
        on_death: Callable[[Dead], None],
        wake: Callable[[str], None],
    ) -> None:
        self.clock = clock
        self._writer = writer
        self._codec = codec
        self._backoff = backoff
        self._on_death = on_death
        self._wake = wake

    def brief(self, group: Group, claim: Claim) -> tuple[Handler, Envelope, Delivery]:
        """Return what the handler is called with. Raises InvalidArgument if this process cannot read the message."""
        handler = group.handlers.get(claim.record.topic)
        if handler is None:
            raise InvalidArgument(f"group {claim.group!r} has no handler for {claim.record.topic} in this process")
        return handler, self._codec.decode(claim.record.body), Delivery(claim.group, claim.attempt)

    def done(self, group: Group, claim: Claim, delivery: Delivery, *, at_once: bool) -> Outcome:
        """Return the outcome of a handler that returned: done, or failed if an output cannot travel."""
        outputs, effects = delivery.finish()
        try:
            records = tuple(self.record(message) for message in outputs)
        except InvalidArgument as fault:
            return self.failed(group, claim, fault, at_once=at_once)
        return Done(group, claim, records, effects, at_once)

    def failed(self, group: Group, claim: Claim, fault: BaseException, *, at_once: bool) -> Failed:
        """Return the outcome of an attempt that failed, due again at once or after a backoff."""
        wait_ns = 0 if at_once else self._backoff.wait_ns(claim.attempt)
        return Failed(group, claim, f"{type(fault).__name__}: {fault}", self.clock.now_ns() + wait_ns)

    def record(self, message: Envelope) -> Record:
        """Return `message` as the log keeps it. Raises InvalidArgument."""
        return Record(message.id.bytes, message.topic, message.key, self._codec.encode(message))

    async def turn(self, outcome: Outcome | None, step: Step) -> tuple[list[Claim], bool]:
        """Settle `outcome` and take `step` in one commit; return the claims and whether a message was acknowledged.

        An outcome whose lease is lost leaves no trace. An effect that raises turns its outcome into a
        failure. If the caller is cancelled meanwhile, the claims are given back. Raises StorageUnwritable.
        """
        while True:
            settling = outcome
            try:
                taken = await self._uninterrupted(_turn_work(settling, step, self.clock.now_ns()))
            except StorageUnwritable:
                raise
            except LeaseLost:
                outcome = None
            except Exception as fault:  # an effect of the handler raised: its attempt failed
                if not isinstance(settling, Done):
                    raise
                outcome = self.failed(settling.group, settling.claim, fault, at_once=settling.at_once)
            else:
                break
        for death in taken.deaths:
            self._on_death(death)
        if isinstance(settling, Done):
            for topic in sorted({record.topic for record in settling.outputs}):
                self._wake(topic)
        return taken.claims, isinstance(settling, Done)

    async def give_back(self, claims: list[Claim]) -> None:
        """Return claims untried, their attempts uncounted."""
        now_ns = self.clock.now_ns()

        def work(tx: Transaction) -> None:
            for claim in claims:
                log.release(tx, claim, now_ns)

        if claims:
            await self._writer.submit(work)

    async def renew(self, group: Group, claim: Claim) -> bool:
        """Extend the claim to a full lease from now; return whether it was still held."""
        until_ns = self.clock.now_ns() + group.policy.lease_ns
        return await self._writer.submit(lambda tx: log.renew(tx, claim, until_ns))

    async def _uninterrupted(self, work: Work[Taken]) -> Taken:
        """Return what `work` gave. A cancelled caller still waits for the thread, so that no claim is left hanging."""
        answer = self._writer.submit(work)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            await asyncio.wait((answer,))
            if answer.exception() is None:
                await self.give_back(answer.result().claims)
            raise


def _turn_work(outcome: Outcome | None, step: Step, now_ns: int) -> Work[Taken]:
    def work(tx: Transaction) -> Taken:
        deaths: list[Dead] = []
        match outcome:
            case Done(group, claim, outputs, effects):
                log.acknowledge(tx, group.policy, claim, now_ns, outputs=outputs, effects=effects)
            case Failed(group, claim, error, retry_ns):
                deaths = log.fail(tx, group.policy, claim, error, now_ns, retry_ns=retry_ns)
        taken = step(tx, now_ns)
        return Taken(taken.claims, deaths + taken.deaths)

    return work
