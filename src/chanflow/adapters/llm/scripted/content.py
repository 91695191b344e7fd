"""What a rule's reply says in the end: its answer in the form that was asked for, spoiled where a fault says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from chanflow.adapters.llm.scripted.filling import filled, resolved
from chanflow.adapters.llm.scripted.request import Wanted, objects_in, said, wanted
from chanflow.adapters.llm.scripted.script import Call, Rule
from chanflow.adapters.llm.scripted.sense import sensible

NO_SUCH_VALUE = "no_such_value"
NO_SUCH_TOOL = "no_such_tool"
_GIANT_WORD = "word "
_FAR = 1_000_000
_MAX_LONG: dict[str, Any] = {
    "action": "open_long", "side": "buy", "size_quote": "1000000000", "leverage": 125, "confidence": 1.0,
}  # fmt: skip


@dataclass(slots=True)
class Content:
    """A reply: thinking, text, and calls of tools as names with the JSON text of their arguments."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)


def content_of(rule: Rule, body: Mapping[str, Any]) -> Content:
    """Return what a rule replies to a request."""
    form = wanted(body)
    rule = _obeying(rule, body) if _kind(rule) == "obey_injection" else rule
    if rule.sense:
        sense = sensible(body, form)
        rule = replace(rule, calls=rule.calls + sense.calls, answer=sense.answer, sense=False)
    if _kind(rule) == "max_long":
        rule = replace(rule, calls=(), answer=filled(form.schema, {**(rule.answer or {}), **_MAX_LONG}))
    content = Content(rule.text, rule.thinking, [(call.name, _json(call.args)) for call in rule.calls])
    if rule.answer is not None:
        for answer in _answers(rule, form):
            if form.how == "tool":
                content.calls.append((form.name, _json(answer)))
            else:
                content.text += _json(answer)
    return _spoiled(rule, content)


def _kind(rule: Rule) -> str:
    return rule.fault.kind if rule.fault is not None else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _answers(rule: Rule, form: Wanted) -> Iterator[Mapping[str, Any]]:
    """Yield the answer of a rule; twice, and two different ones, under `two_calls`."""
    assert rule.answer is not None
    kind = _kind(rule)
    if kind == "wrong_enum":
        yield _with(rule.answer, form.schema, lambda part: "enum" in part, lambda _: NO_SUCH_VALUE)
    elif kind == "out_of_range":
        yield _with(rule.answer, form.schema, _bounded, lambda part: (part.get("maximum") or 0) + _FAR)
    else:
        yield rule.answer
    if kind == "two_calls":
        yield _with(rule.answer, form.schema, _other_choices, lambda part: part["enum"][-1])


def _with(answer: Mapping[str, Any], schema: Mapping[str, Any], fits: Any, value: Any) -> dict[str, Any]:
    """Return an answer with its first field whose schema fits set to another value."""
    for name, part in schema.get("properties", {}).items():
        known = resolved(part, schema)
        if fits(known) and answer.get(name) != value(known):
            return {**answer, name: value(known)}
    return dict(answer)


def _bounded(part: Mapping[str, Any]) -> bool:
    return part.get("type") in {"integer", "number"} and ("maximum" in part or "minimum" in part)


def _other_choices(part: Mapping[str, Any]) -> bool:
    return len(part.get("enum", ())) > 1


def _spoiled(rule: Rule, content: Content) -> Content:
    match _kind(rule):
        case "cut_json":
            content.calls = [(name, args[: max(len(args) // 2, 1)]) for name, args in content.calls]
            content.text = content.text[: len(content.text) // 2]
        case "unknown_tool":
            content = Content(calls=[(NO_SUCH_TOOL, "{}")])
        case "empty":
            content = Content()
        case "giant":
            assert rule.fault is not None
            content = Content(text=_GIANT_WORD * rule.fault.tokens)
    return content


def _obeying(rule: Rule, body: Mapping[str, Any]) -> Rule:
    """Return a rule that does what outside text says: the tool it names with the object beside it, else the object.

    Outside text stands between `<untrusted …>` and `</untrusted>`. Where it says nothing, the rule stays.
    """
    outside = _outside(said(body, ("user", "tool")))
    orders = objects_in(outside)
    if not orders:
        return rule
    words = outside[: outside.find("{")].replace("`", " ").split()
    named = next((after for word, after in pairwise(words) if word.lower() == "call"), None)
    if named is not None and said_tool_results(body) == 0:
        return replace(rule, calls=(Call(named, orders[0]),), answer=None, sense=False)
    return replace(rule, calls=(), answer=orders[-1], sense=False)


def said_tool_results(body: Mapping[str, Any]) -> int:
    """Return how many results of tools a conversation holds."""
    return sum(message["role"] == "tool" for message in body["messages"])


def _outside(text: str) -> str:
    parts = [part.partition(">")[2].partition("</untrusted>")[0] for part in text.split("<untrusted")[1:]]
    return "\n".join(parts)
