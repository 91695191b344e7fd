"""A question to a model, the tools it may look things up with, and its answer.

Whoever asks (analyst, planner, review, learner) writes a `Question` and says by a `Check` what is wrong with an answer;
a `Mind` gets the answer from a model. Nobody who asks knows the model's library, and a model's fault is an answer too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

Problem = Literal["model_error", "invalid_output", "budget", "timeout"]
"""Why there is no answer: the model failed, answered wrongly twice, may not be paid for, or took too long."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it; `schema` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave: JSON text as the model sees it, and the ids of all that it shows.

    `known_ns` is the latest moment at which any of it could be known, Unix ns; None where nothing in it has a time.
    """

    text: str
    refs: tuple[str, ...] = ()
    known_ns: int | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One use of a tool."""

    name: str
    args: Mapping[str, Any]
    result: ToolResult


class Toolbox(Protocol):
    """The tools of one question. They only read, and nothing that was not known at its `as_of`."""

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the tools in the order in which a model is told of them."""
        ...

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        """Return what a tool gives. Raises InvalidArgument for arguments it does not take or a name it has not."""
        ...


Check = Callable[[Mapping[str, Any], Sequence[ToolCall]], Sequence[str]]
"""Returns what is wrong with an answer, a sentence each, given the tools used on the way; nothing where it is good."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked. `output` is the JSON schema its answer must have, `output_name` what that is called.

    `model` is provider/name as in the settings, `fallback` those asked next. `timeout_s` bounds the whole answer,
    `max_requests` the calls of the model, `max_tool_calls` those of tools, `max_tokens` all tokens of the run.
    """

    question_id: str
    agent: str
    account: str
    model: str
    instructions: str
    prompt_hash: str
    text: str
    output_name: str
    output: Mapping[str, Any]
    as_of_ns: int
    timeout_s: float = 60.0
    fallback: tuple[str, ...] = ()
    temperature: float = 0.0
    max_requests: int = 6
    max_tool_calls: int = 10
    max_tokens: int = 24_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of a model, as it is recorded: canonical JSON of what was sent and what came back.

    `response` is None where nothing came, and `fault` says why. `cost_usd` is by our own price list.
    """

    model: str
    key: str
    request: str
    response: str | None
    fault: str | None
    tokens_in: int
    tokens_out: int
    cost_usd: Decimal
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a question: `draft` has passed schema and check, or `problem` and `detail` say why there is none."""

    draft: Mapping[str, Any] | None
    problem: Problem | None = None
    detail: str = ""
    model: str = ""
    latency_ms: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    exchanges: tuple[Exchange, ...] = field(default=())

    @property
    def tokens_in(self) -> int:
        """Tokens sent, all calls together."""
        return sum(e.tokens_in for e in self.exchanges)

    @property
    def tokens_out(self) -> int:
        """Tokens received, all calls together."""
        return sum(e.tokens_out for e in self.exchanges)

    @property
    def cost_usd(self) -> Decimal:
        """What all calls cost together."""
        return sum((e.cost_usd for e in self.exchanges), Decimal(0))


class Mind(Protocol):
    """Gets answers from a model."""

    async def answer(self, question: Question, toolbox: Toolbox, check: Check) -> Reply:
        """Return the answer; whatever a model or its server does wrong is in the reply, never an exception."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What one call of a model may cost at worst, told before it is made."""

    question_id: str
    agent: str
    account: str
    model: str
    tokens: int
    cost_usd: Decimal


class Purse(Protocol):
    """Keeps what models may cost. No purse, no call."""

    async def reserve(self, claim: Claim) -> str:
        """Return the reservation's id. Raises BudgetSpent where a limit would be passed or nothing can be written."""
        ...

    async def settle(self, reservation: str, *, tokens_in: int, tokens_out: int, cost_usd: Decimal) -> None:
        """Replace a reservation by what was used. One that is never settled counts as spent."""
        ...
