"""One call of a model: paid for first, bounded in time and size, repeated where that can help. Imports pydantic-ai."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from pydantic_ai.exceptions import ModelAPIError, ModelConnectionError, ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from chanflow.adapters.llm.bounds import CallBounds
from chanflow.adapters.llm.client import ReplyTooLong
from chanflow.adapters.llm.fault import CallFault
from chanflow.adapters.llm.messages import response_value
from chanflow.adapters.llm.scrub import Scrubber
from chanflow.domain.errors import ChanflowError
from chanflow.domain.question import Claim, Problem, Purse, Question
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock

Price = Callable[[str, int, int], Decimal]
"""Returns what a model takes for tokens in and out, in USD. Raises BudgetSpent for a model without a price."""

_LETTERS_PER_TOKEN = 16
"""Letters of reply that are read for each token that was asked for; no language needs as many."""
_MOST_TOKENS = 1_000_000_000
"""A server that reports more has counted wrongly."""
_DETAIL = 200
_BUSY = (408, 409, 425, 429)
"""Statuses below 500 after which the same request may succeed."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One request as it is to be sent: at most `room` tokens out, answered before `deadline` (the loop's seconds).

    `tokens_in` is the estimate of its tokens, `most_in` what they cannot exceed.
    """

    question: Question
    model: str
    free: bool
    messages: list[ModelMessage]
    settings: ModelSettings
    parameters: ModelRequestParameters
    tokens_in: int
    most_in: int
    room: int
    deadline: float


@dataclass(slots=True)
class Outcome:
    """What came of it, all attempts together: a `response_value`, or why there is none."""

    response: dict[str, Any] | None = None
    fault: CallFault | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = Decimal(0)
    latency_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that gave nothing: may it be repeated, after how long, and does the provider charge for it."""

    problem: Problem
    detail: str
    again: bool = False
    after_s: float | None = None
    charged: bool = True


class Caller:
    """Makes calls. A call is reserved in the purse before it is sent, at its worst case, and settled by what was used.

    An attempt that the server refused (a status below 500) or that never reached it is settled at nothing, any other
    that failed at what was reserved. One that was cancelled stays unsettled, which counts as spent.
    """

    def __init__(
        self, *, purse: Purse, price: Price, clock: Clock, chance: Random, bounds: CallBounds, scrubber: Scrubber
    ) -> None:
        self._purse, self._price, self._clock, self._chance = purse, price, clock, chance
        self._bounds, self._scrubber = bounds, scrubber

    async def ask(self, model: Model, asking: Asking) -> Outcome:
        """Return what came of a request, repeated at most `max_retries` times; only a cancellation is raised."""
        outcome = Outcome()
        begun_ns = self._clock.monotonic_ns()
        for attempt in range(self._bounds.max_retries + 1):
            failed = await self._attempt(model, asking, outcome)
            if failed is None:
                outcome.fault = None
                break
            outcome.fault = CallFault(failed.problem, failed.detail)
            if not failed.again or attempt == self._bounds.max_retries or not await self._wait(failed, attempt, asking):
                break
        outcome.latency_ms = (self._clock.monotonic_ns() - begun_ns) // NS_PER_MS
        return outcome

    def cost(self, asking: Asking, tokens_in: int, tokens_out: int) -> Decimal:
        """Return what tokens cost, in USD. Raises BudgetSpent for a model that has no price and is not free."""
        return Decimal(0) if asking.free else self._price(asking.model, tokens_in, tokens_out)

    async def _wait(self, failed: _Failed, attempt: int, asking: Asking) -> bool:
        """Wait before the next attempt; False, at once, where the deadline comes first."""
        wait_s = self._bounds.retry_base_s * 2**attempt * (0.5 + self._chance.random() / 2)
        if failed.after_s is not None:
            wait_s = max(wait_s, failed.after_s)
        if asyncio.get_running_loop().time() + wait_s >= asking.deadline:
            return False
        await self._clock.sleep_until(self._clock.now_ns() + int(wait_s * NS_PER_S))
        return True

    async def _attempt(self, model: Model, asking: Asking, outcome: Outcome) -> _Failed | None:
        """Add one attempt to `outcome`; None where it holds a response."""
        question = asking.question
        try:
            worst = max(self.cost(asking, tokens, asking.room) for tokens in (asking.tokens_in, asking.most_in))
            claim = Claim(
                question_id=question.question_id, agent=question.agent, account=question.account, model=asking.model,
                tokens=asking.tokens_in + asking.room, cost_usd=worst,
            )  # fmt: skip
            reservation = await self._purse.reserve(claim)
        except ChanflowError as fault:
            return _Failed("budget", self._told(str(fault)))
        failed: _Failed | None = None
        used: tuple[int, int] | None = None
        try:
            response = await self._send(model, asking)
        except Exception as fault:  # noqa: BLE001  (what a server does wrong arrives in any shape)
            failed = self._failed(fault, asking)
            used = None if failed.charged else (0, 0)
        else:
            outcome.response = response_value(response)
            used = _used(response)
        try:
            cost_usd = worst if used is None else self.cost(asking, *used)
            used = used or (asking.tokens_in, asking.room)
            await self._purse.settle(reservation, tokens_in=used[0], tokens_out=used[1], cost_usd=cost_usd)
        except ChanflowError as fault:
            outcome.response = None
            used, cost_usd = (asking.tokens_in, asking.room), worst
            failed = _Failed("budget", self._told(f"what a call cost could not be written: {fault}"))
        outcome.tokens_in += used[0]
        outcome.tokens_out += used[1]
        outcome.cost_usd += cost_usd
        return failed

    async def _send(self, model: Model, asking: Asking) -> ModelResponse:
        most = self._bounds.max_output_tokens * _LETTERS_PER_TOKEN
        settings = ModelSettings(**asking.settings)
        async with (
            asyncio.timeout_at(asking.deadline),
            model.request_stream(asking.messages, settings, asking.parameters) as stream,
        ):
            read = 0
            async for event in stream:
                read += _letters(event)
                if read > most:
                    raise ReplyTooLong(f"the reply is longer than {most} letters")
            return stream.get()

    def _failed(self, fault: Exception, asking: Asking) -> _Failed:
        if any(isinstance(cause, ReplyTooLong) for cause in _causes(fault)):
            long = next(cause for cause in _causes(fault) if isinstance(cause, ReplyTooLong))
            return _Failed("invalid_output", f"{asking.model}: {long}")
        if isinstance(fault, TimeoutError) and not isinstance(fault, ModelAPIError):
            return _Failed("timeout", f"{asking.model}: no answer within {asking.question.timeout_s:g} s")
        if isinstance(fault, ModelHTTPError) and not fault.in_stream:
            status = fault.status_code
            busy = status >= 500 or status in _BUSY
            told = f"{asking.model}: HTTP {status}: {_body_text(fault.body)}"
            return _Failed("model_error", self._told(told), busy, fault.retry_after, charged=status >= 500)
        if isinstance(fault, ModelConnectionError):
            sent = fault.phase not in {"pool", "connect"}
            return _Failed("model_error", self._told(f"{asking.model}: {fault}"), again=True, charged=sent)
        again = isinstance(fault, ModelAPIError)
        return _Failed("model_error", self._told(f"{asking.model}: {type(fault).__name__}: {fault}"), again=again)

    def _told(self, text: str) -> str:
        shown = "".join(letter if letter.isprintable() else " " for letter in self._scrubber.text(text))
        return shown if len(shown) <= _DETAIL else shown[: _DETAIL - 1] + "…"


def _used(response: ModelResponse) -> tuple[int, int] | None:
    """Return tokens in and out as reported, None where a server reports none."""
    told_in, told_out = response.usage.input_tokens, response.usage.output_tokens
    if told_in <= 0 or told_out < 0:
        return None
    return min(told_in, _MOST_TOKENS), min(told_out, _MOST_TOKENS)


def _letters(event: Any) -> int:
    """Return how many letters one step of a stream brought."""
    held = getattr(event, "delta", None) or getattr(event, "part", None)
    texts = (getattr(held, name, None) for name in ("content", "content_delta", "args", "args_delta"))
    # A part's end tells the whole part once more.
    return 0 if getattr(event, "event_kind", "") == "part_end" else sum(len(t) for t in texts if isinstance(t, str))


def _causes(fault: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    here: BaseException | None = fault
    while here is not None and here not in found:
        found.append(here)
        here = here.__cause__ or here.__context__
    return found


def _body_text(body: object) -> str:
    if isinstance(body, dict):
        error = body.get("error", body)
        told = error.get("message") if isinstance(error, dict) else error
        return str(told) if told is not None else ""
    return str(body) if body is not None else ""
