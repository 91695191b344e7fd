"""The model that the library runs: it answers from the tape, or asks, and writes down every exchange.

Imports pydantic-ai.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import CompletedStreamedResponse, Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from chanflow.adapters.llm.bounds import CallBounds
from chanflow.adapters.llm.caller import Asking, Caller, Outcome
from chanflow.adapters.llm.cassette import Tape
from chanflow.adapters.llm.estimate import bytes_of, tokens_at_most
from chanflow.adapters.llm.fault import CallFault
from chanflow.adapters.llm.messages import library_response, message_value, request_value
from chanflow.adapters.llm.scrub import Scrubber
from chanflow.domain.canonical import canonical_json, sha256_of
from chanflow.domain.question import Exchange, Problem, Question

_TRUSTED_SHARE = 8
"""A server's count of a prompt is believed if it is no less than this part of our estimate."""


@dataclass(slots=True)
class Journey:
    """What one question has led to so far. `deadline` is in the loop's seconds."""

    question: Question
    deadline: float
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """Tokens of all calls, both ways."""
        return sum(e.tokens_in + e.tokens_out for e in self.exchanges)


@dataclass(slots=True)
class Recorder:
    """The tape of a mind, if it has one, and who is asking for what just now."""

    tape: Tape | None
    asking: dict[str, tuple[asyncio.Lock, int]] = field(default_factory=dict)

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncGenerator[None]:
        """Hold the only right to ask for `key`: whoever asks the same meanwhile gets the answer from the tape."""
        if self.tape is None:
            yield
            return
        lock, waiting = self.asking.get(key, (asyncio.Lock(), 0))
        self.asking[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self.asking.pop(key)
            if waiting > 1:
                self.asking[key] = (lock, waiting - 1)


class AskedModel(WrapperModel):
    """One model for one question. It never sends what the tape can answer, and in replay nothing at all."""

    def __init__(
        self,
        wrapped: Model,
        *,
        model: str,
        free: bool,
        caller: Caller,
        recorder: Recorder,
        scrubber: Scrubber,
        bounds: CallBounds,
        journey: Journey,
    ) -> None:
        super().__init__(wrapped)
        self._model, self._free = model, free
        self._caller, self._recorder, self._scrubber = caller, recorder, scrubber
        self._bounds, self._journey = bounds, journey
        self._measured: tuple[int, int] | None = None

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Return what the model said. Raises CallFault where it said nothing, CassetteMiss in a strict replay."""
        settings = ModelSettings(**(model_settings or {}))
        whole = canonical_json(request_value(self._model, settings, model_request_parameters, messages))
        tokens_in = self._tokens_in(whole, messages)
        left = self._journey.question.max_tokens - self._journey.tokens - tokens_in
        if left < self._bounds.min_output_tokens:
            limit = self._journey.question.max_tokens
            raise CallFault(
                "budget", f"{self._journey.tokens} tokens used, {tokens_in} to send, {limit} allowed: no room to answer"
            )
        settings["max_tokens"] = min(left, self._bounds.max_output_tokens)
        value = self._scrubber.value(request_value(self._model, settings, model_request_parameters, messages))
        asking = Asking(
            question=self._journey.question, model=self._model, free=self._free, messages=messages, settings=settings,
            parameters=model_request_parameters, tokens_in=tokens_in, most_in=bytes_of(whole, len(messages)),
            room=settings["max_tokens"], deadline=self._journey.deadline,
        )  # fmt: skip
        row, response = await self._exchange(asking, canonical_json(value), sha256_of(value))
        self._journey.exchanges.append(row)
        if response is None:
            raise _recorded_fault(row.fault or "")
        self._measured = (len(messages), row.tokens_in + row.tokens_out)
        return library_response(
            response, tokens_in=row.tokens_in, tokens_out=row.tokens_out, cost_usd=row.cost_usd
        )  # fmt: skip

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,  # noqa: ARG002  (the library's)
    ) -> AsyncGenerator[StreamedResponse]:
        """Give what `request` returns as a stream that has already ended."""
        response = await self.request(messages, model_settings, model_request_parameters)
        yield CompletedStreamedResponse(model_request_parameters, response)

    async def _exchange(self, asking: Asking, request: str, key: str) -> tuple[Exchange, dict[str, Any] | None]:
        tape = self._recorder.tape
        async with self._recorder.turn(key):
            kept = tape.find(key) if tape is not None else None
            if kept is not None:
                return kept, _loaded(kept.response)
            if tape is not None and tape.mode == "replay":
                raise tape.missed(key, request)
            outcome = await self._caller.ask(self.wrapped, asking)
            response = self._scrubber.value(outcome.response) if outcome.response is not None else None
            row = _row(self._model, key, request, response, outcome)
            if tape is not None:
                await asyncio.to_thread(tape.keep, row)
            return row, response

    def _tokens_in(self, request: str, messages: list[ModelMessage]) -> int:
        """Return the tokens of a request at most; what a server has counted already is not estimated again."""
        whole = tokens_at_most(request, len(messages))
        if self._measured is None:
            return whole
        known, counted = self._measured
        added = messages[known + 1 :]  # after the model's own words, whose tokens were counted as output
        told = counted + tokens_at_most(canonical_json([message_value(m) for m in added]), len(added))
        return min(whole, told) if told * _TRUSTED_SHARE >= whole else whole


def _row(model: str, key: str, request: str, response: dict[str, Any] | None, outcome: Outcome) -> Exchange:
    fault = outcome.fault
    return Exchange(
        model=model,
        key=key,
        request=request,
        response=canonical_json(response) if response is not None else None,
        fault=f"{fault.problem}: {fault.detail}" if fault is not None else None,
        tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out,
        cost_usd=outcome.cost_usd,
        latency_ms=outcome.latency_ms,
    )


def _loaded(response: str | None) -> dict[str, Any] | None:
    import json

    return json.loads(response) if response is not None else None


def _recorded_fault(text: str) -> CallFault:
    problem, _, detail = text.partition(": ")
    known: tuple[Problem, ...] = ("model_error", "invalid_output", "budget", "timeout")
    return CallFault(next((p for p in known if p == problem), "model_error"), detail)
