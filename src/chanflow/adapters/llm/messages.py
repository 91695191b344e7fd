"""What is said to a model and what it says, as plain values of our own: they outlive the library's shapes.

Times, run ids and ids of tool calls are left out of requests, as they differ where nothing else does. Imports
pydantic-ai.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic_ai.messages import (
    FinishReason,
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    RetryFeedbackPart,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

_REFUSED = "The model refused to answer."


def request_value(
    model: str, settings: ModelSettings, parameters: ModelRequestParameters, messages: Sequence[ModelMessage]
) -> dict[str, Any]:
    """Return a request as a JSON value: all that can change the answer, and nothing else.

    Raises TypeError for a kind of message that this desk never sends.
    """
    output = parameters.output_object
    return {
        "model": model,
        "settings": {name: value for name, value in sorted(settings.items()) if value is not None},
        "tools": [_tool(tool) for tool in parameters.function_tools],
        "output": {
            "mode": parameters.output_mode,
            "tools": [_tool(tool) for tool in parameters.output_tools],
            "schema": None if output is None else {"name": output.name, "schema": output.json_schema},
        },
        "messages": [message_value(message) for message in messages],
    }


def message_value(message: ModelMessage) -> dict[str, Any]:
    """Return a message as a JSON value, without times and ids. Raises TypeError for a kind that is never sent."""
    if isinstance(message, ModelResponse):
        parts = response_value(message)["parts"]
        return {"role": "model", "parts": [_nameless(part) for part in parts if "thinking" not in part]}
    return {
        "role": "desk",
        "instructions": _clean(message.instructions or ""),
        "parts": [_request_part(part) for part in message.parts],
    }


def response_value(response: ModelResponse) -> dict[str, Any]:
    """Return what a model said as a JSON value: text, thinking, calls of tools in order, and why it ended."""
    parts: list[dict[str, Any]] = []
    for part in response.parts:
        if isinstance(part, TextPart) and part.content:
            parts.append({"text": _clean(part.content)})
        elif isinstance(part, ThinkingPart) and part.content:
            parts.append({"thinking": _clean(part.content)})
        elif isinstance(part, ToolCallPart):
            call = {"name": _clean(part.tool_name), "args": _clean(part.args_as_json_str()), "id": part.tool_call_id}
            parts.append({"call": call})
    finish = response.finish_reason or ""
    if finish == "content_filter":
        if not any("text" in part or "call" in part for part in parts):
            told = (response.provider_details or {}).get("refusal")
            parts.append({"text": _clean(told) if isinstance(told, str) and told else _REFUSED})
        finish = "stop"
    return {"parts": parts, "finish": finish, "model": _clean(response.model_name or "")}


def library_response(value: Mapping[str, Any], *, tokens_in: int, tokens_out: int, cost_usd: Decimal) -> ModelResponse:
    """Return the library's form of a `response_value`, without its thinking, which no model is shown again."""
    parts: list[ModelResponsePart] = []
    for part in value["parts"]:
        if "text" in part:
            parts.append(TextPart(content=part["text"]))
        elif "call" in part:
            call = part["call"]
            parts.append(ToolCallPart(tool_name=call["name"], args=call["args"], tool_call_id=call["id"]))
    finish: FinishReason | None = value["finish"] or None
    usage = RequestUsage(input_tokens=tokens_in, output_tokens=tokens_out, cost=cost_usd)
    return ModelResponse(parts=parts, usage=usage, model_name=value["model"], finish_reason=finish)


def _tool(tool: Any) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description or "", "schema": tool.parameters_json_schema}


def _request_part(part: Any) -> dict[str, Any]:
    match part:
        case ToolReturnPart():
            return {"tool": part.tool_name, "result": _clean(part.model_response_str())}
        case RetryFeedbackPart():
            return {"repair": _clean(part.model_response())}
        case SystemPromptPart():
            return {"system": _clean(part.content)}
        case UserPromptPart() if isinstance(part.content, str):
            return {"user": _clean(part.content)}
    raise TypeError(f"a message of kind {type(part).__name__} is never sent from here")


def _nameless(part: dict[str, Any]) -> dict[str, Any]:
    if "call" not in part:
        return part
    return {"call": {"name": part["call"]["name"], "args": part["call"]["args"]}}


def _clean(text: str) -> str:
    """Return `text` without halves of characters, which no file could keep."""
    return text.encode("utf-8", "replace").decode()
