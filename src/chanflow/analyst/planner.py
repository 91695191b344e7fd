"""Planning and answering with a model: the questions put to it, and what is wrong with what it says.

Whoever carries plans out knows the operations; here they are rows of name, schema and words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chanflow.analyst.answer import loose_numbers, write
from chanflow.analyst.plan import MAX_STEPS, Plan, steps_of
from chanflow.analyst.sections import OutsideText
from chanflow.analyst.untrusted import wrapped
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.prompt import Language, filled, load_prompt
from chanflow.domain.question import Check, Question, ToolSpec

ROOM = "chanflow.analyst"
MAX_SYMBOLS = 300
"""So many symbols are named to a planner; where there are more it is told that there are."""
MAX_RESULTS = 24_000
"""Characters of results that a synthesizer is shown."""
MAX_ANSWER = 4_000

PLAN_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["steps", "unclear"],
    "properties": {
        "steps": {
            "type": "array",
            "maxItems": MAX_STEPS,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "agent", "operation", "args"],
                "properties": {
                    "id": {"type": "string", "maxLength": 24},
                    "agent": {"enum": ["analysis", "learner", "monitor", "account"]},
                    "operation": {"type": "string", "maxLength": 48},
                    "args": {"type": "object"},
                    "after": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_STEPS},
                },
            },
        },
        "unclear": {"type": ["string", "null"], "maxLength": 600},
    },
}
ANSWER_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1, "maxLength": MAX_ANSWER}},
}

Faults = Callable[[str, Mapping[str, Any]], Sequence[str]]
"""Returns what is wrong with a call of an operation, given its arguments as they were planned."""


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """How the chat asks: which models, how many steps a plan may have, and what one answer may take."""

    model: str
    max_steps: int = MAX_STEPS
    max_tokens: int = 24_000
    timeout_s: float = 60.0


def plan_question(
    text: str, language: Language, operations: Sequence[ToolSpec], symbols: Sequence[str], config: ChatConfig, *,
    question_id: str, account: str, now_ns: int,
) -> Question:  # fmt: skip
    """Return the question that asks for a plan."""
    prompt = load_prompt(ROOM, "planner", language)
    listed = "\n".join(f"- {o.name}: {o.description} {canonical_json(o.schema)}" for o in operations)
    named = ", ".join(symbols[:MAX_SYMBOLS]) + (f" and {len(symbols) - MAX_SYMBOLS} more" if len(symbols) > MAX_SYMBOLS
                                                else "")  # fmt: skip
    instructions = filled(prompt, {"operations": listed, "symbols": named or "none", "steps": str(config.max_steps)})
    return Question(
        question_id=question_id, agent="chat", account=account, model=config.model, instructions=instructions,
        prompt_hash=prompt.hash, text=_asked(text), output_name="Plan", output=PLAN_SCHEMA, as_of_ns=now_ns,
        timeout_s=config.timeout_s, max_requests=2, max_tool_calls=1, max_tokens=config.max_tokens,
    )  # fmt: skip


def plan_check(language: Language, faults: Faults, config: ChatConfig) -> Check:
    """Return what is wrong with a plan: its form, its operations, their arguments."""

    def check(draft: Mapping[str, Any], _: Sequence[Any]) -> Sequence[str]:
        found = read_plan(draft, language)
        if isinstance(found, str):
            return () if found else ("give steps, or say in unclear what is missing",)
        if isinstance(found, InvalidArgument):
            return (str(found),)
        if len(found.steps) > config.max_steps:
            return (f"the plan has {len(found.steps)} steps, allowed are {config.max_steps}",)
        return tuple(f"step {step.id}: {fault}" for step in found.steps for fault in faults(step.operation, step.args))

    return check


def read_plan(draft: Mapping[str, Any], language: Language) -> Plan | str | InvalidArgument:
    """Return the plan that a draft spells; the question back where it has no steps; or what is wrong with it."""
    rows, unclear = draft.get("steps"), draft.get("unclear")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return InvalidArgument("steps must be a list of steps", field="steps")
    if not rows:
        return unclear if isinstance(unclear, str) else ""
    try:
        return Plan("model", language, steps_of(rows))
    except InvalidArgument as fault:
        return fault


def answer_question(
    text: str, plan: Plan, results: Mapping[str, Any], failed: Mapping[str, str], config: ChatConfig, *,
    question_id: str, account: str, now_ns: int,
) -> Question:  # fmt: skip
    """Return the question that asks for the words of an answer. Results that are too long lose their last rows."""
    prompt = load_prompt(ROOM, "synthesizer", plan.language)
    share = MAX_RESULTS // max(1, len(results))
    shown = "\n".join(f"{step}: {_short(results[step], share)}" for step in results)
    reasons = "\n".join(f"{step} failed: {reason}" for step, reason in failed.items())
    return Question(
        question_id=question_id, agent="chat", account=account, model=config.model, instructions=prompt.text,
        prompt_hash=prompt.hash, text=f"{_asked(text)}\n\nResults:\n{shown}\n{reasons}", output_name="AnswerText",
        output=ANSWER_SCHEMA, as_of_ns=now_ns, timeout_s=config.timeout_s, max_requests=2, max_tool_calls=1,
        max_tokens=config.max_tokens,
    )  # fmt: skip


def answer_check(text: str, plan: Plan, results: Mapping[str, Any]) -> Check:
    """Return what is wrong with an answer: places that lead to nothing, and numbers that come from nowhere."""
    allowed = [text, canonical_json([step.args for step in plan.steps])]

    def check(draft: Mapping[str, Any], _: Sequence[Any]) -> Sequence[str]:
        template = draft.get("text")
        if not isinstance(template, str) or not 0 < len(template) <= MAX_ANSWER:
            return (f"text must have 1 to {MAX_ANSWER} characters",)
        try:
            write(template, results)
        except InvalidArgument as fault:
            return (str(fault),)
        loose = loose_numbers(template, allowed)
        return tuple(f"{number} stands in the text: write its place in the results instead" for number in loose[:5])

    return check


def _asked(text: str) -> str:
    return wrapped(OutsideText("question#1", 0, "person", text))


def _short(body: Any, most: int) -> str:
    """Return JSON of a body in at most `most` characters: lists lose rows from their end, and how many is said."""
    keep = 500
    while len(shown := canonical_json(_cut(body, keep))) > most and keep > 1:
        keep //= 2
    return shown[:most]


def _cut(body: Any, keep: int) -> Any:
    if isinstance(body, Mapping):
        return {name: _cut(value, keep) for name, value in body.items()}
    if isinstance(body, list):
        rows = [_cut(value, keep) for value in body[:keep]]
        return rows if len(body) <= keep else [*rows, f"and {len(body) - keep} more"]
    return body
