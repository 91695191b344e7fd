"""A question in a person's words: understood, planned, carried out as the one who asks, and answered by reference.

Steps run as soon as those they wait for have ended, several at once. Each is a call of the catalogue as the asking
principal: the same scopes, quotas and audit as any other call. What changes something waits for a yes, which names the
very plan that was shown.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chanflow.analyst.answer import Answer, write
from chanflow.analyst.grammar import MAX_TEXT, Unclear, language_of, plan_of
from chanflow.analyst.phrases import say
from chanflow.analyst.plan import Plan, Step, fill
from chanflow.analyst.synthesis import template_of
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.prompt import Language
from chanflow.operations.alerts import keyed
from chanflow.operations.bars import known_symbols
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.outcome import Declined, Failed, body_of
from chanflow.operations.principal import Door, Principal

READ_SCOPES = frozenset({"market:read", "analysis:read", "account:read", "journal:read", "research:run"})
"""What an operation may need without being asked about first: it changes nothing of the desk."""

Kind = Literal["plan", "started", "done", "failed", "confirm", "answer", "unclear"]


@dataclass(frozen=True, slots=True)
class Said:
    """One event of an answer on its way; `body` is JSON data."""

    kind: Kind
    body: Mapping[str, Any]


class Planner(Protocol):
    """Understands a question with a model."""

    async def plan(self, text: str, language: Language, known: Sequence[str]) -> Plan | Unclear | None:
        """Return the plan, what is unclear, or None where the model gave nothing of use."""
        ...

    async def template(
        self, text: str, plan: Plan, results: Mapping[str, Any], failed: Mapping[str, str]
    ) -> str | None:
        """Return a text with places that answers, checked against `results`; None where the model gave none."""
        ...


OpenPlanner = Callable[[Catalogue], AbstractAsyncContextManager[Planner | None]]
"""Opens what understands questions over a catalogue, and closes it."""


@asynccontextmanager
async def no_planner(_: Catalogue) -> AsyncIterator[None]:
    """Give no planner: the grammar does it all."""
    yield None


@dataclass(slots=True)
class _Course:
    """How far a plan is."""

    results: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> set[str]:
        return {*self.results, *self.failed}


class Chat:
    """Answers questions over one catalogue; with `planner` by a model, else by the grammar."""

    def __init__(self, catalogue: Catalogue, planner: Planner | None = None) -> None:
        self._catalogue = catalogue
        self.planner = planner

    async def ask(
        self, text: str, principal: Principal, *, door: Door, confirm: str | None = None
    ) -> AsyncIterator[Said]:
        """Yield the plan, each step as it begins and ends, and the answer.

        A plan that changes something is asked about (`confirm`, with a token); the steps that change nothing are done
        meanwhile. Asked again with that token it is done as a whole. Raises Declined for a text that is too long.
        """
        if not text.strip() or len(text) > MAX_TEXT:
            sentence = f"the question has {len(text)} characters, allowed are 1 to {MAX_TEXT}"
            raise Declined("invalid_argument", sentence, field="text")
        plan = await self._understood(text)
        if isinstance(plan, Unclear):
            yield Said("unclear", {"text": plan.text, "language": plan.language})
            return
        token = _token(plan, principal)
        writes = [step for step in plan.steps if self._changes(step, door)]
        allowed = confirm == token or not writes
        yield Said("plan", self._shown(plan, door, {step.id for step in writes}))
        course = _Course()
        left = [step for step in plan.steps if allowed or step not in writes]
        async for said in self._carry_out(plan, left, course, principal, door):
            yield said
        if not allowed:
            words = say("confirm", plan.language, operations=", ".join(step.operation for step in writes))
            yield Said("confirm", {"token": token, "steps": [step.id for step in writes], "text": words})
            if not course.ended:
                return
        answer = await self._answered(text, plan, course)
        yield Said("answer", {
            "text": answer.text, "language": plan.language, "failed": dict(course.failed),
            "figures": [{"ref": figure.ref, "shown": figure.shown} for figure in answer.figures],
        })  # fmt: skip

    async def _understood(self, text: str) -> Plan | Unclear:
        known = await asyncio.to_thread(known_symbols, self._catalogue.services.klines)
        if self.planner is not None:
            found = await self.planner.plan(text, language_of(text), known)
            if found is not None:
                return found
        return plan_of(text, known)

    async def _answered(self, text: str, plan: Plan, course: _Course) -> Answer:
        if self.planner is not None:
            template = await self.planner.template(text, plan, course.results, course.failed)
            if template is not None:
                return write(template, course.results)
        return write(template_of(plan, course.results, course.failed), course.results)

    def _changes(self, step: Step, door: Door) -> bool:
        operation = self._catalogue.get(step.operation, door)
        return operation is not None and operation.scope not in READ_SCOPES

    def _shown(self, plan: Plan, door: Door, writes: set[str]) -> Mapping[str, Any]:
        steps, cost = [], dict[str, int]()
        for step in plan.steps:
            operation = self._catalogue.get(step.operation, door)
            charges = dict(operation.charges) if operation is not None else {}
            for quota, units in charges.items():
                cost[quota] = cost.get(quota, 0) + units
            steps.append({"id": step.id, "agent": step.agent, "operation": step.operation, "args": dict(step.args),
                          "after": sorted(plan.waits_for(step)), "asks": step.id in writes})  # fmt: skip
        return {"intent": plan.intent, "language": plan.language, "steps": steps, "cost": cost,
                "notes": list(plan.notes)}  # fmt: skip

    # ── carrying out ──────────────────────────────────────────────────────────

    async def _carry_out(
        self, plan: Plan, steps: Sequence[Step], course: _Course, principal: Principal, door: Door
    ) -> AsyncIterator[Said]:
        waiting = list(steps)
        running: dict[asyncio.Task[Mapping[str, Any] | str], Step] = {}
        try:
            while waiting or running:
                for step in [s for s in waiting if plan.waits_for(s) <= course.ended]:
                    waiting.remove(step)
                    yield Said("started", {"id": step.id, "operation": step.operation})
                    running[asyncio.create_task(self._call(plan, step, course, principal, door))] = step
                if not running:
                    # What is left waits for a step that waits for a yes.
                    return
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=lambda each: running[each].id):
                    yield self._ended(running.pop(task), task.result(), course)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    @staticmethod
    def _ended(step: Step, came: Mapping[str, Any] | str, course: _Course) -> Said:
        if isinstance(came, str):
            course.failed[step.id] = came
            return Said("failed", {"id": step.id, "operation": step.operation, "message": came})
        course.results[step.id] = came
        return Said("done", {"id": step.id, "operation": step.operation})

    async def _call(
        self, plan: Plan, step: Step, course: _Course, principal: Principal, door: Door
    ) -> Mapping[str, Any] | str:
        """Return the body of what a step gave, or why it gave nothing."""
        if self._catalogue.get(step.operation, door) is None:
            return say("no_operation", plan.language)
        try:
            filled = fill(step.args, course.results)
        except InvalidArgument as fault:
            return str(fault)
        request_id = self._catalogue.new_request_id()
        args = keyed(step.operation, filled.args, principal.id)
        outcome = await self._catalogue.execute(principal, step.operation, args, door=door, request_id=request_id)
        if isinstance(outcome, Failed):
            return outcome.error.message
        body: Mapping[str, Any] = body_of(outcome)
        return {**body, "cuts": list(filled.cuts)} if filled.cuts else body


def _token(plan: Plan, principal: Principal) -> str:
    """Return what a yes must name: the plan as it was shown, and who asked for it."""
    shown = canonical_json({"principal": principal.id, "plan": plan})
    return hashlib.sha256(shown.encode()).hexdigest()[:32]
