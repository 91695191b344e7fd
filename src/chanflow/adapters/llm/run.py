"""One model works on one question: its tools, its answer, one repair. Imports pydantic-ai."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic_ai import (
    Agent,
    CostNotFoundWarning,
    ModelRetry,
    NativeOutput,
    PromptedOutput,
    RunContext,
    StructuredDict,
    Tool,
    ToolOutput,
    UsageLimitUnavailableWarning,
)
from pydantic_ai.exceptions import AgentRunError, UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RunUsage, UsageLimits

from chanflow.adapters.llm.fault import CallFault
from chanflow.adapters.llm.providers import OutputMode
from chanflow.adapters.llm.verdict import FormJudge
from chanflow.domain.errors import InvalidArgument, Rejected, Retryable
from chanflow.domain.question import Check, Question, Toolbox, ToolCall, ToolResult, ToolSpec

MOST_RESULT_BYTES = 4096
"""Of one tool result, as a model is shown it."""

_REPAIR_LETTERS = 2000
_ANSWER = "Your answer. Call this once, alone, as the last step."
_TWO_ANSWERS = "there are two different answers in one reply; give one"


@dataclass(slots=True)
class Attempt:
    """One model's work on a question: the tools it used, and what was last wrong with its answer."""

    question: Question
    toolbox: Toolbox
    check: Check
    calls: list[ToolCall] = field(default_factory=list)
    wrong: tuple[str, ...] = ()


async def work(
    attempt: Attempt,
    model: Model,
    *,
    output_mode: OutputMode,
    usage: RunUsage,
    tool_s: float,
    cost_limit: Decimal | None,
) -> Mapping[str, Any]:
    """Return an answer that passed schema and check. Raises CallFault where there is none, CassetteMiss in replay.

    `usage` counts on over all models of a question. A fault of the toolbox or the check that is no refusal rises.
    """
    question = attempt.question
    agent: Agent[object, dict[str, Any]] = Agent(
        model,
        name=question.agent,
        output_type=_output(question, output_mode),
        instructions=question.instructions,
        retries={"tools": 1, "output": 1},
        tool_timeout=tool_s,
        tools=[_tool(attempt, spec) for spec in attempt.toolbox.specs()],
    )
    agent.output_validator(_judge(attempt, FormJudge(question.output)))
    limits = UsageLimits(
        request_limit=question.max_requests,
        tool_calls_limit=question.max_tool_calls,
        total_tokens_limit=question.max_tokens,
        cost_limit=cost_limit,
    )
    settings = ModelSettings(temperature=question.temperature)
    try:
        result = await agent.run(
            question.text, usage_limits=limits, usage=usage, model_settings=settings, infer_name=False
        )  # fmt: skip
    except UsageLimitExceeded as fault:
        raise CallFault("invalid_output", f"no answer within the limits of the run: {fault.message[:200]}") from fault
    except UnexpectedModelBehavior as fault:
        raise CallFault("invalid_output", "; ".join(attempt.wrong) or fault.message[:200]) from fault
    except (CostNotFoundWarning, UsageLimitUnavailableWarning) as fault:
        raise CallFault("budget", f"what the run costs is not known: {fault}"[:300]) from fault
    except AgentRunError as fault:
        raise CallFault("model_error", f"{type(fault).__name__}: {fault.message[:200]}") from fault
    return result.output


def _output(question: Question, mode: OutputMode) -> Any:
    schema = json.loads(json.dumps(question.output))  # the library writes into what it is given
    shape = StructuredDict(schema, name=question.output_name)
    match mode:
        case "native":
            return NativeOutput(shape, name=question.output_name)
        case "prompted":
            return PromptedOutput(shape, name=question.output_name)
    return ToolOutput(shape, name=question.output_name, description=_ANSWER)


def _judge(attempt: Attempt, form: FormJudge) -> Callable[[RunContext[object], dict[str, Any]], dict[str, Any]]:
    def judge(context: RunContext[object], draft: dict[str, Any]) -> dict[str, Any]:
        wrong: Sequence[str] = form.problems(draft)
        if not wrong and _answers(context, attempt.question.output_name) > 1:
            wrong = (_TWO_ANSWERS,)
        if not wrong:
            wrong = attempt.check(draft, tuple(attempt.calls))
        attempt.wrong = tuple(wrong)
        if wrong:
            raise ModelRetry("\n".join(wrong)[:_REPAIR_LETTERS])
        return draft

    return judge


def _answers(context: RunContext[object], name: str) -> int:
    """Return how many different answers the newest reply holds, as calls of the answer's tool."""
    last = next((m for m in reversed(context.messages) if isinstance(m, ModelResponse)), None)
    if last is None:
        return 0
    return len({p.args_as_json_str() for p in last.parts if isinstance(p, ToolCallPart) and p.tool_name == name})


def _tool(attempt: Attempt, spec: ToolSpec) -> Tool[object]:
    async def use(**args: Any) -> str:
        try:
            result = _bounded(await attempt.toolbox.call(spec.name, args))
        except InvalidArgument as fault:
            raise ModelRetry(str(fault)[:_REPAIR_LETTERS]) from fault
        except (Rejected, Retryable) as fault:
            told = json.dumps({"error": fault.code, "message": str(fault)[:_REPAIR_LETTERS]}, ensure_ascii=False)
            result = ToolResult(told, failed=True)
        attempt.calls.append(ToolCall(spec.name, args, result))
        return result.text

    schema = json.loads(json.dumps(spec.schema))
    return Tool.from_schema(use, spec.name, spec.description, schema, sequential=True)


def _bounded(result: ToolResult) -> ToolResult:
    size = len(result.text.encode())
    if size <= MOST_RESULT_BYTES:
        return result
    told = {"error": "too_long", "message": f"the result has {size} bytes, at most {MOST_RESULT_BYTES} are shown"}
    return ToolResult(json.dumps(told), failed=True)
