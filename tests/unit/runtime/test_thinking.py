"""Questions go out and replies come in; whatever a mind does wrong, a reply comes of it, and nobody is asked twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from made_model import NoTools

from chanflow.domain.errors import CassetteMiss
from chanflow.domain.point_in_time import FutureRow
from chanflow.domain.question import Check, Question, Reply, Toolbox
from chanflow.domain.time import NS_PER_MS
from chanflow.runtime import thinking
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.thinking import NoThinking, Thinking
from chanflow.runtime.watched_toolbox import WatchedToolbox


def question(name: str = "q1", **changes: Any) -> Question:
    values: dict[str, Any] = {
        "question_id": name, "agent": "analyst", "account": "paper", "model": "local/one", "instructions": "",
        "prompt_hash": "", "text": "", "output_name": "x", "output": {}, "as_of_ns": 1_000, "timeout_s": 0.01,
    }  # fmt: skip
    return Question(**{**values, **changes})


class Mind:
    def __init__(self, said: Callable[[], Any]) -> None:
        self.said, self.asked, self.ended = said, 0, 0

    async def answer(self, question: Question, toolbox: Toolbox, check: Check) -> Reply:
        self.asked += 1
        try:
            said = self.said()
            if asyncio.iscoroutine(said):
                said = await said
            if isinstance(said, BaseException):
                raise said
            return said
        finally:
            self.ended += 1


def sound(_draft: Any, _calls: Any) -> tuple[str, ...]:
    return ()


async def thought_of(mind: Mind, **more: Any) -> Any:
    thinker = Thinking(mind, **more)
    thinker.ask(question(), NoTools(), sound)
    await thinker.settle()
    return thinker.next()


async def test_a_reply_is_due_its_latency_after_the_question() -> None:
    thought = await thought_of(Mind(lambda: Reply({"action": "hold"}, latency_ms=700)))
    assert (thought.due_ns, thought.question_id) == (1_000 + 700 * NS_PER_MS, "q1")


async def test_a_configured_latency_stands_for_every_reply_s_own() -> None:
    thought = await thought_of(Mind(lambda: Reply({}, latency_ms=700)), latency_ms=1_500)
    assert (thought.due_ns, thought.reply.latency_ms) == (1_000 + 1_500 * NS_PER_MS, 1_500)


async def test_a_mind_that_keeps_no_deadline_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinking, "GRACE_S", 0.0)
    mind = Mind(lambda: asyncio.Event().wait())
    thought = await thought_of(mind)
    assert (thought.reply.problem, mind.ended) == ("timeout", 1)


async def test_a_fault_of_an_adapter_is_a_reply() -> None:
    thought = await thought_of(Mind(lambda: ZeroDivisionError("a secret in words")))
    assert (thought.reply.problem, thought.reply.detail) == ("model_error", "ZeroDivisionError while asking the model")


async def test_what_must_end_the_desk_ends_it() -> None:
    thinker = Thinking(Mind(lambda: CassetteMiss("the tape has no such question")))
    thinker.ask(question(), NoTools(), sound)
    await thinker.settle()
    with pytest.raises(CassetteMiss):
        thinker.due_ns()


async def test_a_question_that_is_out_is_not_asked_twice() -> None:
    mind = Mind(lambda: Reply({}))
    thinker = Thinking(mind)
    thinker.ask(question(), NoTools(), sound)
    thinker.ask(question(), NoTools(), sound)
    await thinker.settle()
    assert mind.asked == 1


async def test_what_is_closed_never_replies() -> None:
    mind = Mind(lambda: asyncio.Event().wait())
    heard: list[str] = []
    thinker = Thinking(mind, on_reply=lambda: heard.append("reply"))
    thinker.ask(question(timeout_s=60), NoTools(), sound)
    await asyncio.sleep(0)
    await thinker.close()
    assert (mind.ended, heard, thinker.next()) == (1, [], None)


async def test_replies_come_in_the_order_in_which_they_are_due() -> None:
    latencies = iter((900, 300))
    thinker = Thinking(Mind(lambda: Reply({}, latency_ms=next(latencies))))
    for name in ("slow", "quick"):
        thinker.ask(question(name), NoTools(), sound)
    await thinker.settle()
    assert [thinker.next().question_id for _ in range(2)] == ["quick", "slow"]  # type: ignore[union-attr]


async def test_rows_from_the_future_go_with_the_reply() -> None:
    row = FutureRow("get_klines", "kline:1m@later", 2_000, 1_000)
    box = WatchedToolbox(lambda on_future: (on_future(row), NoTools())[1])
    thinker = Thinking(Mind(lambda: Reply({})))
    thinker.ask(question(), box, sound)
    await thinker.settle()
    assert thinker.next().future == (row,)  # type: ignore[union-attr]


async def test_nobody_is_asked_where_nobody_thinks() -> None:
    nobody = NoThinking()
    nobody.ask(question(), NoTools(), sound)
    await nobody.settle()
    assert (nobody.next(), nobody.due_ns()) == (None, None)


async def test_a_reply_wakes_a_desk_that_sleeps() -> None:
    queue = CommandQueue(SystemClock(), lambda: 0)
    queue.open()
    thinker = Thinking(Mind(lambda: Reply({})), on_reply=queue.wake)
    thinker.ask(question(), NoTools(), sound)
    async with asyncio.timeout(5):
        await queue.sleep(_for_ever())
    assert thinker.due_ns() is not None


async def _for_ever() -> None:
    await asyncio.Event().wait()
