"""The SQLite bus against a model that keeps its deliveries in a plain list."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chanflow.domain.errors import NotFound
from chanflow.domain.message import Envelope, Topic
from chanflow.runtime.bus import Delivery, SqliteBus, Subscription, log, schema

LEASE_S = 30
MAX_ATTEMPTS = 3
KEYS = st.sampled_from(["a", "b", "c"])

GROUPS: tuple[tuple[str, tuple[Topic, ...], dict[str, Any]], ...] = (
    ("skip", ("signal", "fill"), {"ordered": True, "on_dead": "skip"}),
    ("block", ("signal",), {"ordered": True, "on_dead": "block"}),
    ("loose", ("fill",), {"ordered": False, "on_dead": "skip"}),
)
NAMES = [name for name, _, _ in GROUPS]


class HandClock:
    def __init__(self) -> None:
        self.at_ns = 1_800_000_000_000_000_000

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns

    async def sleep_until(self, at_ns: int) -> None:
        raise AssertionError("a drain does not wait")


@dataclass(eq=False)
class Expected:
    """A delivery of the model."""

    seq: int
    number: int
    key: str
    group: str
    attempts: int = 0
    due_ns: int = 0
    dead: bool = False


class BusMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "bus.db"
        self.runner = asyncio.Runner()
        self.clock = HandClock()
        self.failing: dict[tuple[str, int], int] = {}
        self.delivered: list[tuple[str, int, int]] = []
        self.waiting: list[Expected] = []
        self.heads: dict[tuple[str, str], Expected] = {}
        self.known: set[int] = set()
        self.relaying: set[int] = set()
        self.bus: SqliteBus | None = None

    @initialize()
    def open(self) -> None:
        self.bus = SqliteBus(self.path, clock=self.clock, jitter=Random(1))
        self.policies: dict[str, Subscription] = {}
        for group, topics, options in GROUPS:
            for topic in topics:
                self.policies[group] = self.bus.subscribe(
                    topic, group=group, handler=self.handle, max_attempts=MAX_ATTEMPTS, lease_s=LEASE_S, **options
                )
        self.runner.run(self.bus.open())

    def teardown(self) -> None:
        if self.bus is not None:
            self.runner.run(self.bus.close())
        self.runner.close()
        self.folder.cleanup()

    async def handle(self, message: Envelope, delivery: Delivery) -> None:
        number, group = message.id.int, delivery.group
        self.delivered.append((group, number, delivery.attempt))
        if message.payload["relay"] and group == "skip":
            delivery.publish(self.envelope(number + 10_000, "fill", message.key, relay=False))
        if self.failing.get((group, number), 0) > 0:
            self.failing[group, number] -= 1
            raise ValueError("told to fail")

    def envelope(self, number: int, topic: Topic, key: str, *, relay: bool) -> Envelope:
        return Envelope(UUID(int=number), topic, 1, 1, 1, "model", None, "model", key, {"relay": relay})

    @rule(
        number=st.integers(1, 40),
        topic=st.sampled_from(["signal", "fill", "refusal"]),
        key=KEYS,
        relay=st.booleans(),
        fails=st.tuples(*(st.sampled_from([0, 0, 0, 1, 2, 3, 7]) for _ in GROUPS)),
    )
    def publish(self, number: int, topic: Topic, key: str, fails: tuple[int, ...], *, relay: bool) -> None:
        if number not in self.known:
            self.failing |= {(group, number): times for group, times in zip(NAMES, fails, strict=True)}
        self.runner.run(self.bus.publish(self.envelope(number, topic, key, relay=relay)))
        self.expect(number, topic, key, relay=relay)

    @rule()
    def drain(self) -> None:
        failing = dict(self.failing)
        self.delivered = []
        handled = self.runner.run(self.bus.drain())
        assert (self.delivered, handled) == self.model_drain(failing)

    @rule(group=st.sampled_from(NAMES))
    def a_process_claims_and_vanishes(self, group: str) -> None:
        due = [each for each in self.due() if each.group == group]
        connection = schema.connect(self.path)
        connection.execute("BEGIN IMMEDIATE")
        taken = log.claim(connection, self.policies[group], self.clock.at_ns, 1)
        connection.execute("COMMIT")
        connection.close()
        assert bool(due) == bool(taken.claims or taken.deaths)
        for death in taken.deaths:
            (head,) = (e for e in self.due() if (e.group, e.number) == (group, death.message_id.int))
            assert head.attempts == MAX_ATTEMPTS
            self.die(head)
        for claim in taken.claims:
            (head,) = (e for e in self.due() if (e.group, e.number) == (group, UUID(bytes=claim.record.id).int))
            head.attempts += 1
            assert claim.attempt == head.attempts
            head.due_ns = self.clock.at_ns + LEASE_S * 1_000_000_000

    @rule(seconds=st.sampled_from([1, 10, 31]))
    def time_passes(self, seconds: int) -> None:
        self.clock.at_ns += seconds * 1_000_000_000

    @rule()
    def restart(self) -> None:
        self.runner.run(self.bus.close())
        self.open()

    @precondition(lambda self: any(each.dead for each in self.waiting))
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        letter = data.draw(st.sampled_from([each for each in self.waiting if each.dead]))
        self.runner.run(self.bus.replay(letter.group, UUID(int=letter.number)))
        letter.dead, letter.attempts, letter.due_ns = False, 0, 0
        self.heads.setdefault((letter.group, letter.key), letter)

    @rule(group=st.sampled_from(NAMES), number=st.integers(1, 40))
    def replay_of_what_is_not_dead(self, group: str, number: int) -> None:
        if not any(each.dead and (each.group, each.number) == (group, number) for each in self.waiting):
            with pytest.raises(NotFound):
                self.runner.run(self.bus.replay(group, UUID(int=number)))

    @invariant()
    def lag_and_dead_letters_agree(self) -> None:
        if self.bus is None:
            return
        for group in NAMES:
            mine = [each for each in self.waiting if each.group == group]
            lag = self.runner.run(self.bus.lag(group))
            assert (lag.pending, lag.dead) == (sum(not e.dead for e in mine), sum(e.dead for e in mine))
            letters = self.runner.run(self.bus.dead(group))
            assert [each.message_id.int for each in letters] == [e.number for e in mine if e.dead]
            assert {each.blocks for each in letters} <= {group == "block"}

    def expect(self, number: int, topic: Topic, key: str, *, relay: bool) -> None:
        """A message is appended: one delivery for each group of its topic, unless its id is known."""
        if number not in self.known:
            self.known.add(number)
            self.relaying |= {number} if relay else set()
            for group, topics, _ in GROUPS:
                if topic in topics:
                    self.waiting.append(Expected(len(self.known), number, key, group))
                    self.heads.setdefault((group, key), self.waiting[-1])

    def due(self) -> list[Expected]:
        """The deliveries free to be claimed: of an ordered group the heads of its keys, else all."""
        return [
            each
            for each in self.waiting
            if not each.dead
            and each.due_ns <= self.clock.at_ns
            and (each.group == "loose" or self.heads[each.group, each.key] is each)
        ]

    def leave(self, gone: Expected) -> None:
        """A head makes way for the next of its key."""
        del self.heads[gone.group, gone.key]
        for each in self.waiting:
            if (each.group, each.key) == (gone.group, gone.key) and each is not gone and not each.dead:
                self.heads.setdefault((each.group, each.key), each)

    def die(self, each: Expected) -> None:
        each.dead = True
        if each.group == "skip":
            self.leave(each)

    def model_drain(self, failing: dict[tuple[str, int], int]) -> tuple[list[tuple[str, int, int]], int]:
        delivered, handled = [], 0
        while due := self.due():
            each = min(due, key=lambda e: (e.seq, NAMES.index(e.group)))
            if each.attempts == MAX_ATTEMPTS:
                self.die(each)
                continue
            each.attempts += 1
            delivered.append((each.group, each.number, each.attempts))
            if failing.get((each.group, each.number), 0) > 0:
                failing[each.group, each.number] -= 1
                if each.attempts == MAX_ATTEMPTS:
                    self.die(each)
                continue
            handled += 1
            self.waiting.remove(each)
            if each.group != "loose":
                self.leave(each)
            if each.group == "skip" and each.number in self.relaying:
                self.expect(each.number + 10_000, "fill", each.key, relay=False)
        return delivered, handled


BusMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBusAgainstModel = pytest.mark.slow(BusMachine.TestCase)
