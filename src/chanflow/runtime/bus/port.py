"""What agents know of the bus. Handlers know nothing of the carrier behind it.

Delivery is at least once. A carrier writes the *inbox*, one row per (group, message id), in the transaction that
acknowledges the message; a repeat is acknowledged unseen. What a handler publishes through its `Delivery`, and what it
writes with `Delivery.also`, lands in that same transaction: all of it or none. Effects outside the database carry an id
derived from the message's, so that a redelivery cannot double them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.message import TOPICS, Envelope
from chanflow.domain.time import NS_PER_S

OnDead = Literal["skip", "block"]


class Rows(Protocol):
    """What a statement gave."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...


class Transaction(Protocol):
    """An open transaction of the database the bus lives in. A `sqlite3.Connection` after `BEGIN IMMEDIATE` is one."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""
        ...


Effect = Callable[[Transaction], None]


class Delivery:
    """One delivery, as its handler sees it: whose it is, which attempt, and what shall be committed with it."""

    __slots__ = ("_effects", "_open", "_outputs", "attempt", "group")

    def __init__(self, group: str, attempt: int) -> None:
        self.group = group
        self.attempt = attempt
        self._outputs: list[Envelope] = []
        self._effects: list[Effect] = []
        self._open = True

    def publish(self, message: Envelope) -> None:
        """Publish `message` in the transaction that acknowledges this delivery; never, if the handler fails."""
        self._must_be_open()
        self._outputs.append(message)

    def also(self, effect: Effect) -> None:
        """Run `effect` in the transaction that acknowledges this delivery, on the carrier's writer thread.

        It only executes statements: it neither commits nor rolls back. If it raises, the attempt has failed.
        """
        self._must_be_open()
        self._effects.append(effect)

    def finish(self) -> tuple[tuple[Envelope, ...], tuple[Effect, ...]]:
        """Return what to publish and to run with the acknowledgement; called once, by the carrier."""
        self._open = False
        return tuple(self._outputs), tuple(self._effects)

    def _must_be_open(self) -> None:
        if not self._open:
            raise InvalidArgument("the delivery is settled; publish before the handler returns")


Handler = Callable[[Envelope, Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A group's standing order for a topic. Within a group, all but topic and handler is the same for every topic."""

    topic: str
    group: str
    handler: Handler
    concurrency: int
    ordered: bool
    max_attempts: int
    lease_s: float
    on_dead: OnDead

    def __post_init__(self) -> None:
        if self.topic not in TOPICS:
            raise InvalidArgument(f"topic {self.topic!r} is unknown, known are {', '.join(TOPICS)}", field="topic")
        if not self.group:
            raise InvalidArgument("a group needs a name", field="group")
        if self.concurrency < 1:
            raise InvalidArgument(f"concurrency is {self.concurrency}, at least 1 is needed", field="concurrency")
        if self.max_attempts < 1:
            raise InvalidArgument(f"max_attempts is {self.max_attempts}, at least 1 is needed", field="max_attempts")
        if not 0 < self.lease_s <= 86_400:
            raise InvalidArgument(f"lease_s is {self.lease_s}, allowed is over 0 to 86400", field="lease_s")
        if self.on_dead not in ("skip", "block"):
            raise InvalidArgument(f"on_dead is {self.on_dead!r}, allowed are skip and block", field="on_dead")
        if self.on_dead == "block" and not self.ordered:
            raise InvalidArgument("on_dead='block' stops a key, so it needs ordered=True", field="on_dead")

    @property
    def lease_ns(self) -> int:
        """Return how long a claim holds, in ns."""
        return int(self.lease_s * NS_PER_S)

    @property
    def manner(self) -> tuple[object, ...]:
        """Return what all subscriptions of one group share."""
        return self.concurrency, self.ordered, self.max_attempts, self.lease_s, self.on_dead


@dataclass(frozen=True, slots=True)
class Dead:
    """A message a group gave up on. `blocks` tells that its key waits for a person; `body` is the envelope's JSON."""

    group: str
    message_id: UUID
    topic: str
    key: str
    attempts: int
    error: str
    died_ns: int
    blocks: bool
    body: str


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind: deliveries not yet done, age of the oldest in seconds (0 if none), dead letters."""

    pending: int
    oldest_s: float
    dead: int


class Bus(Protocol):
    """Publish and subscribe."""

    async def publish(self, *messages: Envelope, tx: Transaction | None = None, also: Sequence[Effect] = ()) -> None:
        """Return once all `messages` are durable, in one transaction with what `also` writes.

        A second message of the same id is ignored. With `tx` all is written in the caller's transaction and is
        durable when that commits. Raises InvalidArgument for an envelope that cannot travel, StorageUnwritable if it
        cannot be stored, and as what `also` writes does.
        """
        ...

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
        """Deliver each message of `topic`, from now on and across restarts, to one handler of `group`.

        `ordered`: one in flight per key, oldest first. After `max_attempts` a message is dead: `skip` goes on with
        its key, `block` stops the key until a replay. Raises InvalidArgument.
        """
        ...

    async def dead(self, group: str) -> list[Dead]:
        """Return the group's dead letters, oldest first."""
        ...

    async def replay(self, group: str, message_id: UUID) -> None:
        """Give a dead letter all its attempts again. Raises NotFound."""
        ...

    async def lag(self, group: str) -> Lag:
        """Return how far the group is behind."""
        ...


class Carrier(Bus, Protocol):
    """A bus as wiring holds it: opened, served, closed."""

    async def open(self) -> None:
        """Connect. Raises StorageUnwritable."""
        ...

    async def close(self) -> None:
        """Finish what is queued and disconnect."""
        ...

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Run the subscriptions in the background for as long as the block lasts."""
        ...
