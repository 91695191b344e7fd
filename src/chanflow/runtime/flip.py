"""A sample of a run's questions put to their model again: the same words, look-ups as they were answered then.

No tape answers, so each one is a new answer, and is paid from the desk's budget as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.prices import PriceList
from chanflow.analyst.sections import Memory
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.question import Check, Mind, Question, Toolbox, ToolCall, ToolResult, ToolSpec
from chanflow.domain.time import Ids
from chanflow.review.flips import Asked
from chanflow.review.journal import Record
from chanflow.runtime import reply_record
from chanflow.runtime.codec import decode
from chanflow.runtime.model_parts import MakeModel
from chanflow.runtime.thinking import content_hash
from chanflow.runtime.what_if import settings_of

MOST_AGAIN = 50
MOST_SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Sampled:
    """A question as it was put, with its check and its tools, what was answered, and what the answer used."""

    question: Question
    check: Check
    toolbox: Toolbox
    recorded: str
    tokens_in: int
    tokens_out: int


class RecordedToolbox:
    """The tools of a question that is asked again: what was looked up then is answered as it was, no more is known."""

    def __init__(self, specs: tuple[ToolSpec, ...], calls: Sequence[ToolCall]) -> None:
        self._specs = specs
        self._told = {_key(call.name, call.args): call.result for call in calls}

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the tools in the order in which a model is told of them."""
        return self._specs

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        """Return what this very call gave; a failure where nobody made it then."""
        missing = '{"error": "not_available", "message": "this was not looked up, decide without it"}'
        return self._told.get(_key(name, args)) or ToolResult(missing, failed=True)


def _key(name: str, args: Mapping[str, Any]) -> tuple[str, str]:
    return name, canonical_json(args)


def sampled(records: Sequence[Record], make_model: MakeModel, *, count: int, seed: int) -> tuple[Sampled, ...]:
    """Return `count` questions of a run that its model answered, drawn by `seed`, in the order of the run.

    All of them where there are fewer. Raises InvalidArgument where a model answered none, or where this version would
    put a question in other words, so that an answer to it would say nothing of the one of then.
    """
    if not 1 <= count <= MOST_SAMPLE:
        raise InvalidArgument(f"--sample is {count}, allowed is 1 to {MOST_SAMPLE}", field="sample")
    by_kind: dict[str, dict[str, Mapping[str, Any]]] = {
        kind: {r.body["decision_id"]: r.body for r in records if r.kind == kind}
        for kind in ("llm_request", "briefing", "memory_used", reply_record.KIND)
    }
    answered = [name for name, body in by_kind[reply_record.KIND].items() if body["draft"] is not None]
    if not answered:
        raise InvalidArgument("no model answered a question of this run: there is nothing to ask again", field="run")
    chosen = set(Random(seed).sample(answered, min(count, len(answered))))  # noqa: S311 - no secret
    settings = settings_of(records[0])
    found = []
    for decision_id in (name for name in answered if name in chosen):
        of = {kind: bodies[decision_id] for kind, bodies in by_kind.items()}
        parts = make_model(settings, of["briefing"]["body"]["symbol"])
        if parts is not None:
            found.append(_sampled(of, parts.analyst))
    return tuple(found)


def _sampled(of: Mapping[str, Mapping[str, Any]], analyst: Any) -> Sampled:
    memory = of["memory_used"]["memory"]
    briefing = replace(
        decode(Briefing, of["briefing"]["body"]), memory=None if memory is None else decode(Memory, memory)
    )
    question, check = analyst.question(briefing)
    reply = reply_record.reply_of(of[reply_record.KIND])
    toolbox = RecordedToolbox(analyst.toolbox(briefing).specs(), reply.tool_calls)
    if content_hash(question, toolbox) != of["llm_request"]["content_hash"]:
        raise InvalidArgument(
            f"decision {briefing.decision_id} would be asked in other words by this version: nothing can be compared",
            field="run",
        )
    draft = reply.draft or {}
    return Sampled(
        replace(question, fallback=()), check, toolbox, str(draft.get("action")), reply.tokens_in, reply.tokens_out
    )


def require_times(again: int) -> None:
    """Raise InvalidArgument for a number of times that nobody is asked."""
    if not 1 <= again <= MOST_AGAIN:
        raise InvalidArgument(f"--flip is {again}, allowed is 1 to {MOST_AGAIN}", field="flip")


def likely_cost(sample: Sequence[Sampled], again: int, prices: PriceList) -> Decimal:
    """Return what asking all of a sample `again` times will cost in USD if each answer uses what it used then.

    Raises BudgetSpent for a model without a price.
    """
    return again * sum((prices.cost(s.question.model, s.tokens_in, s.tokens_out) for s in sample), Decimal(0))


async def ask_again(
    sample: Sequence[Sampled], mind: Mind, *, again: int, ids: Ids, on_share: Callable[[float], Any] = lambda _: None
) -> tuple[Asked, ...]:
    """Ask each question of a sample `again` times, one after the other. `on_share` hears how much is done, 0 to 1.

    Each time is a question of its own to the budget, whose limit of tokens is one answer's.
    """
    asked = []
    for number, each in enumerate(sample):
        answers: list[str] = []
        unanswered: list[str] = []
        for time in range(again):
            reply = await mind.answer(replace(each.question, question_id=str(ids.uuid7())), each.toolbox, each.check)
            if reply.draft is None:
                unanswered.append(reply.problem or "model_error")
            else:
                answers.append(str(reply.draft.get("action")))
            on_share((number * again + time + 1) / (len(sample) * again))
        asked.append(Asked(each.question.question_id, each.recorded, tuple(answers), tuple(unanswered)))
    return tuple(asked)
