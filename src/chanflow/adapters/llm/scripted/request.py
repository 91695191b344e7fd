"""A chat completion as it was asked for: is it one, and in which form does it want its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

_TEXT = {"type": "string", "minLength": 1}
_CALL = {
    "type": "object",
    "required": ["id", "type", "function"],
    "properties": {
        "id": _TEXT,
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "required": ["name", "arguments"],
            "properties": {"name": _TEXT, "arguments": {"type": "string"}},
        },
    },
}
_MESSAGE = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
        "content": {"type": ["string", "array", "null"]},
        "tool_calls": {"type": "array", "items": _CALL, "minItems": 1},
        "tool_call_id": _TEXT,
    },
    "allOf": [
        {
            "if": {"properties": {"role": {"const": "tool"}}},
            "then": {"required": ["tool_call_id", "content"]},
            "else": {"not": {"required": ["tool_call_id"]}},
        }
    ],
}
_TOOL = {
    "type": "object",
    "required": ["type", "function"],
    "properties": {
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                "description": {"type": "string"},
                "parameters": {"type": "object"},
                "strict": {"type": ["boolean", "null"]},
            },
        },
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": _TEXT,
        "messages": {"type": "array", "items": _MESSAGE, "minItems": 1, "maxItems": 1000},
        "stream": {"type": "boolean"},
        "stream_options": {"type": "object", "properties": {"include_usage": {"type": "boolean"}}},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "max_tokens": {"type": "integer", "minimum": 1},
        "max_completion_tokens": {"type": "integer", "minimum": 1},
        "tools": {"type": "array", "items": _TOOL, "minItems": 1, "maxItems": 128},
        "tool_choice": {
            "anyOf": [
                {"enum": ["none", "auto", "required"]},
                {"type": "object", "required": ["type"], "properties": {"function": {"required": ["name"]}}},
            ]
        },
        "response_format": {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": ["text", "json_object", "json_schema"]}},
            "if": {"properties": {"type": {"const": "json_schema"}}},
            "then": {"required": ["json_schema"], "properties": {"json_schema": {"required": ["name", "schema"]}}},
        },
    },
    "dependentRequired": {"tool_choice": ["tools"], "stream_options": ["stream"]},
}
"""What of the interface this server knows; other fields are let through."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The form of an answer: a call of the tool `name`, or text; `schema` is empty where none was given."""

    how: Literal["tool", "text"]
    name: str
    schema: Mapping[str, Any]


def request_fault(body: Any) -> str | None:
    """Return what is wrong with a request, None for one that is good."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    worst = min(Draft202012Validator(SCHEMA).iter_errors(body), key=lambda e: len(e.absolute_path), default=None)
    if worst is not None:
        place = ".".join(str(step) for step in worst.absolute_path) or "the request"
        return f"{place}: {worst.message[:200]}"
    for tool in body.get("tools", ()):
        try:
            Draft202012Validator.check_schema(tool["function"].get("parameters", {}))
        except Exception as fault:  # noqa: BLE001  (a schema can be broken in any way)
            return f"the parameters of tool {tool['function']['name']} are no JSON schema: {type(fault).__name__}"
    return _unanswered(body["messages"])


def _unanswered(messages: list[dict[str, Any]]) -> str | None:
    """Return which call of a tool lacks its result, or which result its call."""
    open_ids: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_ids:
                return f"the result {message['tool_call_id']!r} answers no call before it"
            open_ids.remove(message["tool_call_id"])
            continue
        if open_ids:
            return f"the call {open_ids[0]!r} has no result"
        open_ids = [call["id"] for call in message.get("tool_calls", ())]
    return f"the call {open_ids[0]!r} has no result" if open_ids else None


def wanted(body: Mapping[str, Any]) -> Wanted:
    """Return the form in which a request wants its answer.

    A JSON schema as response format is plain. Where tools must be used, the answer is the one named, or the last, as
    clients put their answer after their tools. A schema in the instructions asks for text.
    """
    form = body.get("response_format", {})
    if form.get("type") == "json_schema":
        return Wanted("text", form["json_schema"]["name"], form["json_schema"]["schema"])
    tools = [tool["function"] for tool in body.get("tools", ())]
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, dict) and "function" in choice:
        tools = [tool for tool in tools if tool["name"] == choice["function"]["name"]] or tools
    written = _schema_in(said(body, ("system", "developer")))
    if tools and (choice != "auto" or written is None) and choice != "none":
        return Wanted("tool", tools[-1]["name"], tools[-1].get("parameters", {}))
    return Wanted("text", "answer", written or {})


def said(body: Mapping[str, Any], roles: tuple[str, ...] = ()) -> str:
    """Return the text of all messages, or of those of some roles."""
    texts: list[str] = []
    for message in body["messages"]:
        if roles and message["role"] not in roles:
            continue
        content = message.get("content")
        if isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            texts.extend(part["text"] for part in content if isinstance(part, dict) and "text" in part)
    return "\n".join(texts)


def objects_in(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects that stand in a text, outermost only."""
    found: list[dict[str, Any]] = []
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append(value)
        at = text.find("{", end)
    return found


def _schema_in(text: str) -> dict[str, Any] | None:
    return next((each for each in objects_in(text) if each.get("type") == "object" and "properties" in each), None)
