"""Questions out, replies in: the part of a desk that waits for a model, so that nothing else has to.

A `Thinker` stands outside the deterministic core. The core hands it a question and goes on; a reply is taken between
two steps, as an input (`answers.py`). Whatever a mind does wrong, a reply comes of it: too slow is `timeout`, a fault
is `model_error`. What has been cancelled never replies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import Broken
from chanflow.domain.point_in_time import FutureRow
from chanflow.domain.question import Check, Mind, Question, Reply, Toolbox
from chanflow.domain.time import NS_PER_MS
from chanflow.review.journal import Record
from chanflow.runtime import reply_record
from chanflow.runtime.watched_toolbox import WatchedToolbox

GRACE_S = 5.0
"""A mind keeps its own deadline; one that does not is cut off this much later."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A reply that waits to be taken; `due_ns` is when it would have come on the desk's clock, Unix ns.

    `future` are the rows that tools gave on the way although they were not known yet.
    """

    question_id: str
    reply: Reply
    due_ns: int
    future: tuple[FutureRow, ...] = ()


class Thinker(Protocol):
    """Whom the core hands its questions to."""

    def ask(self, question: Question, toolbox: Toolbox, check: Check) -> None:
        """Begin to think; returns at once."""
        ...

    def next(self) -> Thought | None:
        """Return the reply that is due first and forget it; None where none has come."""
        ...

    def due_ns(self) -> int | None:
        """Return when the first reply that has come is due, Unix ns; None where none has come."""
        ...

    async def settle(self) -> None:
        """Return once every question has its reply."""
        ...

    async def close(self) -> None:
        """Cancel what is being thought about, and wait until it has ended."""
        ...


class NoThinking:
    """Asks nobody: every reply is in the journal, or never comes."""

    def ask(self, question: Question, toolbox: Toolbox, check: Check) -> None:
        """Do nothing."""

    def next(self) -> Thought | None:
        """Return None."""
        return None

    def due_ns(self) -> int | None:
        """Return None."""
        return None

    async def settle(self) -> None:
        """Return at once."""

    async def close(self) -> None:
        """Return at once."""


class _Arriving(NoThinking):
    """Replies that have come and wait for their moment."""

    def __init__(self) -> None:
        self._come: list[Thought] = []

    def next(self) -> Thought | None:
        """Return the reply that is due first and forget it; None where none has come."""
        if not self._come:
            return None
        first = min(self._come, key=lambda thought: (thought.due_ns, thought.question_id))
        self._come.remove(first)
        return first

    def due_ns(self) -> int | None:
        """Return when the first reply that has come is due, Unix ns; None where none has come."""
        return min((thought.due_ns for thought in self._come), default=None)


class Thinking(_Arriving):
    """Asks a mind, one task a question.

    A reply is due `latency_ms` after its question's moment: the reply's own, or for every reply `latency_ms` where that
    is given, so that a played day does not depend on how long a model took. `on_reply` is called as one comes.
    """

    def __init__(
        self, mind: Mind, *, latency_ms: int | None = None, on_reply: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__()
        self._mind = mind
        self._latency_ms = latency_ms
        self._on_reply = on_reply
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._fault: Broken | None = None

    def ask(self, question: Question, toolbox: Toolbox, check: Check) -> None:
        """Begin to think; returns at once. A question that is being thought about already is not asked twice."""
        if question.question_id not in self._tasks:
            task = asyncio.create_task(self._think(question, toolbox, check))
            self._tasks[question.question_id] = task

    def due_ns(self) -> int | None:
        """Return when the first reply that has come is due, Unix ns; None where none has come.

        Raises what a mind raised that must end the desk, such as CassetteMiss.
        """
        if self._fault is not None:
            raise self._fault
        return super().due_ns()

    async def settle(self) -> None:
        """Return once every question has its reply."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """Cancel what is being thought about, and wait until it has ended."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks, self._come = {}, []

    async def _think(self, question: Question, toolbox: Toolbox, check: Check) -> None:
        try:
            reply = await self._answer(question, toolbox, check)
        except Broken as fault:
            self._fault = fault
            self._on_reply()
            return
        finally:
            del self._tasks[question.question_id]
        if self._latency_ms is not None:
            reply = replace(reply, latency_ms=self._latency_ms)
        due_ns = question.as_of_ns + max(0, reply.latency_ms) * NS_PER_MS
        future = tuple(toolbox.future) if isinstance(toolbox, WatchedToolbox) else ()
        self._come.append(Thought(question.question_id, reply, due_ns, future))
        self._on_reply()

    async def _answer(self, question: Question, toolbox: Toolbox, check: Check) -> Reply:
        try:
            async with asyncio.timeout(question.timeout_s + GRACE_S):
                return await self._mind.answer(question, toolbox, check)
        except TimeoutError:
            return Reply(
                None, "timeout", f"no answer within {question.timeout_s:g} s", question.model,
                int(question.timeout_s * 1_000),
            )  # fmt: skip
        except Broken:
            raise
        except Exception as fault:  # noqa: BLE001  (a model's adapter must not end the desk)
            return Reply(None, "model_error", f"{type(fault).__name__} while asking the model", question.model)


class FrozenThinking(_Arriving):
    """Answers as a journal's models did, by what they were asked: another prompt gets no answer, and `differs` says so.

    A reply is due as long after its question as it took effect then.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        super().__init__()
        self._requests: dict[str, Mapping[str, Any]] = {}
        self._replies: dict[str, list[tuple[int, Reply]]] = {}
        self.differs: Question | None = None
        """The first question whose content nobody was asked then."""
        for record in records:
            if record.kind == "llm_request":
                self._requests[record.body["question_id"]] = record.body
            elif record.kind == reply_record.KIND:
                question_id, at_ns = reply_record.asked_of(record)
                asked = self._requests[question_id]
                delay_ns = at_ns - int(asked["as_of_ns"])
                found = self._replies.setdefault(asked["content_hash"], [])
                found.append((delay_ns, reply_record.reply_of(record.body)))

    def ask(self, question: Question, toolbox: Toolbox, check: Check) -> None:
        """Find the reply to what is asked."""
        del check
        found = self._replies.get(content_hash(question, toolbox))
        if found:
            delay_ns, reply = found.pop(0)
            self._come.append(Thought(question.question_id, reply, question.as_of_ns + delay_ns))
        elif self.differs is None:
            self.differs = question


def content_hash(question: Question, toolbox: Toolbox) -> str:
    """Return the hash of all that a model sees of a question: prompt, briefing, tools and the form of its answer."""
    tools = [{"name": t.name, "description": t.description, "schema": t.schema} for t in toolbox.specs()]
    return sha256_of(
        {
            "model": question.model, "fallback": question.fallback, "temperature": question.temperature,
            "instructions": question.instructions, "text": question.text, "output_name": question.output_name,
            "output": question.output, "tools": tools,
        }
    )  # fmt: skip
