"""Replies of a model as inputs of a run: journaled before they have any effect, taken from the journal when run again.

An `llm_response` record says what came of a question and `at_ns`, the desk's time at which it takes effect. The run
first takes the market up to that moment, then makes of it what it makes. Resumed or replayed, it meets the record at
the same place between two steps, and nobody is asked: so a run with a model comes out byte for byte.

A run that keeps no time of day waits for its replies before the next step, and takes each when it would have come. One
that keeps it goes on meanwhile; a question that an earlier process had out is then abandoned, never asked again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import JournalDiverged
from chanflow.domain.question import Check, Question, Reply, Toolbox
from chanflow.domain.time import parse_rfc3339
from chanflow.review.journal import JournalWriter, Record
from chanflow.runtime import reply_record
from chanflow.runtime.thinking import Thinker

ABANDONED = "decision_abandoned"
_NEAR_NS = 250_000_000
"""As near as this to a step the reply is taken with it: a bar that has ended may still wait for stragglers."""


class Desk(Protocol):
    """Whose questions they are."""

    def now_ns(self) -> int:
        """Return the desk's time, Unix ns."""
        ...

    async def step(self, until_ns: int) -> None:
        """Take the market up to a moment."""
        ...

    def decision_of(self, question_id: str) -> str | None:
        """Return the decision that waits for a question's answer, None where none does."""
        ...

    async def answered(self, question_id: str, reply: Reply) -> None:
        """Make of a reply what it is worth."""
        ...

    async def abandon(self, question_id: str) -> None:
        """Let a decision go that nobody will answer."""
        ...


class AnswerDesk:
    """Takes replies for one desk.

    `market_ns` tells what time the market has where the desk keeps the time of day; without it the desk waits for its
    replies.
    """

    def __init__(
        self, desk: Desk, journal: JournalWriter, thinker: Thinker, *, market_ns: Callable[[], int] | None = None
    ) -> None:
        self._desk, self._journal, self._thinker, self._market_ns = desk, journal, thinker, market_ns
        standing = journal.standing
        self._asked_before = {r.body["question_id"] for r in standing if r.kind == "llm_request"}
        self._answered = {r.body["question_id"] for r in standing if r.kind in (reply_record.KIND, ABANDONED)}
        self._orphans: list[str] = []

    def ask(self, question: Question, toolbox: Toolbox, check: Check) -> None:
        """Hand a question to the thinker, unless the journal has what came of it."""
        if question.question_id in self._answered:
            return
        if self._market_ns is not None and question.question_id in self._asked_before:
            self._orphans.append(question.question_id)
            return
        self._thinker.ask(question, toolbox, check)

    async def repeat(self) -> bool:
        """Take the reply that the journal has here, if it has one here. Raises JournalDiverged for one of no use."""
        standing = self._journal.expected
        if standing is None or standing.kind not in (reply_record.KIND, ABANDONED):
            return False
        if parse_rfc3339(standing.at) != self._desk.now_ns():
            return False
        question_id, at_ns = reply_record.asked_of(standing)
        if self._desk.decision_of(question_id) is None:
            raise JournalDiverged(f"record {standing.seq} answers {question_id}, which the re-run does not ask")
        if standing.kind == ABANDONED:
            await self._abandon(question_id)
        else:
            await self._act(standing.body, question_id, at_ns)
        return True

    async def settle(self) -> None:
        """Wait for the replies to what was asked, where the desk keeps no time of day."""
        if self._market_ns is None:
            await self._thinker.settle()

    async def take(self, until_ns: int) -> bool:
        """Take the next reply that has come, at the latest at `until_ns`. False where there is none."""
        if self._journal.expected is not None:
            return False
        if self._orphans:
            await self._abandon(self._orphans.pop(0))
            return True
        due_ns, now_ns = self._thinker.due_ns(), self._desk.now_ns()
        if due_ns is None or (self._market_ns is None and due_ns > until_ns):
            return False
        thought = self._thinker.next()
        assert thought is not None  # it has come
        decision_id = self._desk.decision_of(thought.question_id)
        if decision_id is None:
            return True
        moment_ns = thought.due_ns if self._market_ns is None else self._market_ns()
        at_ns = max(now_ns, min(moment_ns, until_ns))
        if until_ns - at_ns < _NEAR_NS:
            at_ns = until_ns
        body = reply_record.response_body(thought.question_id, decision_id, thought.reply, at_ns, future=thought.future)
        await self._act(body, thought.question_id, at_ns)
        return True

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._thinker.close()

    async def _act(self, body: Mapping[str, Any], question_id: str, at_ns: int) -> None:
        self._journal.append(reply_record.KIND, body, correlation_id=str(body["decision_id"]), durable=True)
        if at_ns > self._desk.now_ns():
            await self._desk.step(at_ns)
        await self._desk.answered(question_id, reply_record.reply_of(json.loads(canonical_json(body))))

    async def _abandon(self, question_id: str) -> None:
        decision_id, now_ns = self._desk.decision_of(question_id), self._desk.now_ns()
        body = {"question_id": question_id, "decision_id": decision_id, "at_ns": now_ns,
                "why": "the process that asked has ended"}  # fmt: skip
        self._journal.append(ABANDONED, body, correlation_id=str(decision_id), durable=True)
        await self._desk.abandon(question_id)


__all__ = ["ABANDONED", "AnswerDesk", "Desk", "Record"]
