"""The chat with a model: a planner and a synthesizer over `domain.question.Mind`.

What a model gives is checked before it is used: operations that there are, arguments that they take, places that lead
to results. What a model may not plan at all are the steps that are a person's alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from chanflow.analyst.grammar import Unclear
from chanflow.analyst.plan import Plan, references
from chanflow.analyst.planner import (
    ChatConfig,
    answer_check,
    answer_question,
    plan_check,
    plan_question,
    read_plan,
)
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.prompt import Language
from chanflow.domain.question import Mind, ToolResult, ToolSpec
from chanflow.operations.alerts import keyed
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.people import PEOPLE_OPERATIONS
from chanflow.operations.principal import Door
from chanflow.operations.schema import input_schema

A_PERSONS_ALONE = frozenset(
    {"approve", "set_level", "resume", "lift_wall", *(operation.name for operation in PEOPLE_OPERATIONS)}
)
"""Operations that no model may so much as plan."""


class NoTools:
    """The toolbox of who needs none."""

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return no tool."""
        return ()

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        """Raise InvalidArgument: there is no tool."""
        del args
        raise InvalidArgument(f"there is no tool {name[:40]}", field="name")


class ModelPlanner:
    """Plans and answers with a model; whatever it does wrong leaves the grammar to do it."""

    def __init__(self, catalogue: Catalogue, mind: Mind, config: ChatConfig, *, door: Door = "rest") -> None:
        self._catalogue, self._mind, self._config, self._door = catalogue, mind, config, door

    async def plan(self, text: str, language: Language, known: Sequence[str]) -> Plan | Unclear | None:
        """Return the plan, what is unclear, or None where the model gave nothing of use."""
        question = plan_question(text, language, self._offered(), known, self._config, **self._who())
        reply = await self._mind.answer(question, NoTools(), plan_check(language, self._faults, self._config))
        if reply.draft is None:
            return None
        found = read_plan(reply.draft, language)
        if isinstance(found, InvalidArgument):
            return None
        return Unclear(language, found) if isinstance(found, str) else found

    async def template(
        self, text: str, plan: Plan, results: Mapping[str, Any], failed: Mapping[str, str]
    ) -> str | None:
        """Return a text with places that answers, checked against `results`; None where the model gave none."""
        question = answer_question(text, plan, results, failed, self._config, **self._who())
        reply = await self._mind.answer(question, NoTools(), answer_check(text, plan, results))
        return None if reply.draft is None else str(reply.draft["text"])

    def _who(self) -> dict[str, Any]:
        services = self._catalogue.services
        return {"question_id": str(services.ids.uuid7()), "account": services.account_mode,
                "now_ns": services.clock.now_ns()}  # fmt: skip

    def _offered(self) -> list[ToolSpec]:
        return [
            ToolSpec(operation.name, operation.doc_en, input_schema(operation))
            for operation in self._catalogue.of(self._door)
            if operation.name not in A_PERSONS_ALONE
        ]

    def _faults(self, name: str, args: Mapping[str, Any]) -> Sequence[str]:
        """Return what is wrong with a planned call; what comes from earlier steps is checked once it is there."""
        operation = self._catalogue.get(name, self._door)
        if operation is None or name in A_PERSONS_ALONE:
            return (f"there is no operation {name[:40]}",)
        schema = input_schema(operation)
        unknown = sorted(set(args) - set(schema["properties"]))
        if unknown:
            return (f"{name} has no argument {unknown[0][:40]}; it has {', '.join(schema['properties'])}",)
        if any(references(args)):
            return ()
        try:
            operation.input.model_validate(dict(keyed(name, args, "planner")))
        except ValidationError as fault:
            first = fault.errors(include_input=False, include_url=False)[0]
            return (f"{'.'.join(map(str, first['loc'])) or 'the arguments'}: {first['msg']}",)
        return ()
