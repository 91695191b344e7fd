"""What changes something is done once under a key of the caller's own, and is not charged twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from made_access import access_desk
from made_trading import TRADE, HandTrading, hand_trading, on_disk

from chanflow.access.quota import demands
from chanflow.domain.errors import VenueBusy
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined, Done, Failed, Outcome, body_of
from chanflow.operations.policy import Enforcer
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.trading import EVERY_PLAN

pytestmark = pytest.mark.asyncio
OTHER = replace(LOCAL_OPERATOR, id="other")


class Add(Arguments):
    """How much is added."""

    amount: int


class Added(Answer):
    """What it came to."""

    total: int


@dataclass
class Adder:
    """Counts what it did; `fails` is raised after the work."""

    total: int = 0
    fails: Exception | None = None
    before: Callable[[], Any] = field(default=lambda: asyncio.sleep(0))

    async def add(self, asked: Asked[Add]) -> Added:
        await self.before()
        self.total += asked.args.amount
        if self.fails is not None:
            raise self.fails
        return Added(total=self.total)

    def operation(self, **changes: Any) -> Operation[Add, Added]:
        base: dict[str, Any] = {
            "name": "add_up", "title": "Add", "doc_en": "Adds.", "doc_zh": "加。", "scope": "chat:use",
            "plans": EVERY_PLAN, "charges": {"api_call": 1}, "rate_class": "write", "input": Add, "output": Added,
            "hints": Hints(read_only=False), "timeout_s": 5, "path": "/add", "handler": self.add,
            "digest": lambda done: Digest(str(done.total), (), ()),
        }  # fmt: skip
        return Operation(**{**base, **changes})


@dataclass
class Keyed:
    """An adder behind a catalogue."""

    adder: Adder
    trading: HandTrading
    catalogue: Catalogue

    async def ask(self, amount: int = 2, *, key: str | None = "key-1", who: Any = LOCAL_OPERATOR) -> Outcome:
        args = {"amount": amount}
        return await self.catalogue.execute(who, "add_up", args, door="rest", request_id="r-1", key=key)

    async def total(self, amount: int = 2, **asked: Any) -> int:
        outcome = await self.ask(amount, **asked)
        assert isinstance(outcome, Done), outcome
        total: int = outcome.result.model_dump()["total"]
        return total

    async def code(self, amount: int = 2, **asked: Any) -> str:
        outcome = await self.ask(amount, **asked)
        assert isinstance(outcome, Failed), outcome
        return outcome.error.code


@asynccontextmanager
async def keyed(root: Path, desk: Any, **changes: Any) -> AsyncIterator[Keyed]:
    adder = Adder()
    async with hand_trading(root, desk.memory_services()) as trading:
        yield Keyed(adder, trading, Catalogue(trading.services, (adder.operation(**changes),)))


@pytest.fixture
async def calls(tmp_path: Path, desk: Any) -> AsyncIterator[Keyed]:
    async with keyed(tmp_path, desk) as found:
        yield found


async def test_the_same_key_gives_the_same_answer_and_works_once(calls: Keyed) -> None:
    assert [await calls.total(), await calls.total(), await calls.total()] == [2, 2, 2]
    assert calls.adder.total == 2
    assert await calls.total(key="key-2") == 4
    assert await calls.total(key=None) == 6


async def test_the_same_key_with_another_body_is_a_conflict(calls: Keyed) -> None:
    await calls.total()
    assert await calls.code(3) == "idempotency_conflict"
    assert calls.adder.total == 2


async def test_keys_of_others_are_other_keys(calls: Keyed) -> None:
    assert [await calls.total(), await calls.total(who=OTHER)] == [2, 4]


async def test_a_key_is_forgotten_after_a_day(calls: Keyed) -> None:
    await calls.total()
    calls.trading.desk.clock.at_ns += NS_PER_DAY
    assert await calls.total() == 2
    calls.trading.desk.clock.at_ns += 1
    assert await calls.total() == 4


async def test_calls_at_once_with_one_key_work_once(calls: Keyed) -> None:
    assert await asyncio.gather(*(calls.total() for _ in range(20))) == [2] * 20
    assert calls.adder.total == 2


async def test_a_refusal_is_kept_and_what_came_to_nothing_may_be_tried_again(calls: Keyed) -> None:
    calls.adder.fails = Declined("conflict", "not now")
    assert [await calls.code(), await calls.code()] == ["conflict", "conflict"]
    assert calls.adder.total == 2
    calls.adder.fails = Declined("venue_busy", "wait")
    assert await calls.code(key="key-2") == "venue_busy"
    calls.adder.fails = None
    assert await calls.total(key="key-2") == 6


@pytest.mark.parametrize(("idempotent", "then"), [(True, "done"), (False, "conflict")])
async def test_after_a_fault_it_is_done_again_only_where_that_is_safe(
    tmp_path: Path, desk: Any, idempotent: bool, then: str
) -> None:
    async with keyed(tmp_path, desk, hints=Hints(read_only=False, idempotent=idempotent)) as calls:
        calls.adder.fails = RuntimeError("a bug")
        assert await calls.code() == "internal"
        calls.adder.fails = None
        first = await calls.ask()
        assert isinstance(first, Failed)
        assert "may still be at work" in first.error.message
        assert first.error.retry_after_ms == 10_000
        calls.trading.desk.clock.at_ns += 10 * NS_PER_S
        outcome = await calls.ask()
        assert ("done" if isinstance(outcome, Done) else outcome.error.code) == then


async def test_an_answer_with_a_secret_is_not_kept(tmp_path: Path, desk: Any) -> None:
    async with keyed(tmp_path, desk, keeps=lambda _: False) as calls:
        assert await calls.total() == 2
        outcome = await calls.ask()
        assert isinstance(outcome, Failed)
        assert "shown once" in outcome.error.message
        assert calls.adder.total == 2


async def test_a_preview_is_not_kept_and_the_order_is(tmp_path: Path, desk: Any) -> None:
    async with hand_trading(tmp_path, desk.memory_services()) as trading:
        first = await trading.token(**TRADE, key="key-1")
        second = await trading.token(**TRADE, key="key-1")
        assert first != second
        done = await trading.body(**TRADE, confirmation_token=second, key="key-1")
        again = await trading.body(**TRADE, confirmation_token=second, key="key-1")
        assert (done.status, again) == ("filled", done)


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "ключ", "a\n"])
async def test_a_key_that_is_none_is_refused(calls: Keyed, key: str) -> None:
    outcome = await calls.ask(key=key)
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.field) == ("invalid_argument", "Idempotency-Key")
    assert calls.adder.total == 0


async def test_a_desk_that_keeps_no_answers_takes_no_key(calls: Keyed, desk: Any) -> None:
    bare = replace(calls.trading.services, requests=desk.memory_services().requests)
    calls.catalogue = Catalogue(bare, (calls.adder.operation(),))
    assert await calls.code() == "conflict"
    assert await calls.total(key=None) == 2


async def test_what_only_reads_needs_no_key(tmp_path: Path, desk: Any) -> None:
    async with keyed(tmp_path, desk, hints=Hints(read_only=True)) as calls:
        assert [await calls.total(), await calls.total()] == [2, 4]


async def test_the_key_itself_is_not_kept(calls: Keyed, tmp_path: Path) -> None:
    await calls.total(key="a-very-secret-key")
    assert b"a-very-secret-key" not in on_disk(tmp_path)


async def test_an_answer_of_another_version_is_given_as_it_was(calls: Keyed) -> None:
    await calls.total()

    class Other(Answer):
        sum: int

    calls.catalogue = Catalogue(calls.trading.services, (calls.adder.operation(output=Other),))
    outcome = await calls.ask()
    assert body_of(outcome) == {"total": 2}


@asynccontextmanager
async def charged(root: Path, desk: Any, **changes: Any) -> AsyncIterator[tuple[Keyed, Callable[[], Any], Any]]:
    """Give an adder on a desk that counts, what tells how many calls were charged, and the caller."""
    made = access_desk(root / "access", desk.memory_services())
    async with hand_trading(root / "trading", made.services) as trading, made.books.serving():
        services = replace(trading.services, access=made.books)
        adder = Adder()
        policy = Enforcer(made.books, services.clock, services.ids).policy()
        who = replace(LOCAL_OPERATOR, plan="free")

        async def used() -> int:
            plan = made.books.plans["free"]
            found = await made.books.counters.used(who.account, demands({"api_call": 1}, plan, services.clock.now_ns()))
            return found["api_call"]

        yield Keyed(adder, trading, Catalogue(services, (adder.operation(**changes),), policy)), used, who


async def test_a_repeated_call_is_charged_once(tmp_path: Path, desk: Any) -> None:
    async with charged(tmp_path, desk) as (calls, used, who):
        for _ in range(3):
            assert await calls.total(who=who) == 2
        assert await used() == 1
        await calls.code(3, who=who)
        assert await used() == 1
        await calls.total(who=who, key="key-2")
        assert await used() == 2


async def test_a_call_that_is_done_again_after_a_crash_is_charged_once(tmp_path: Path, desk: Any) -> None:
    class Crash(BaseException):
        """The process ends here."""

    async def crash() -> None:
        raise Crash

    async with charged(tmp_path, desk, hints=Hints(read_only=False, idempotent=True)) as (calls, used, who):
        calls.adder.before = crash
        with pytest.raises(Crash):
            await calls.ask(who=who)
        assert await used() == 1
        calls.adder.before = lambda: asyncio.sleep(0)
        calls.trading.desk.clock.at_ns += 11 * NS_PER_S
        assert await calls.total(who=who) == 2
        assert await used() == 1


async def test_a_call_that_was_given_back_is_charged_when_it_is_done(tmp_path: Path, desk: Any) -> None:
    async with charged(tmp_path, desk) as (calls, used, who):
        calls.adder.fails = VenueBusy("wait")
        outcome = await calls.ask(who=who)
        assert isinstance(outcome, Failed)
        assert await used() == 0
        calls.adder.fails = None
        calls.trading.desk.clock.at_ns += NS_PER_S
        await calls.total(who=who)
        assert await used() == 1
