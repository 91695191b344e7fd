"""Gets answers from language models: `domain.question.Mind`, by way of pydantic-ai, which is loaded at first use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chanflow.adapters.llm.bounds import CallBounds
from chanflow.adapters.llm.fault import CallFault
from chanflow.adapters.llm.library import load_library, require_library, set_library
from chanflow.adapters.llm.providers import RULES, Provider, split_model
from chanflow.adapters.llm.scrub import Scrubber
from chanflow.domain.errors import BudgetSpent, InvalidArgument
from chanflow.domain.question import Check, Mind, Problem, Purse, Question, Reply, Toolbox, ToolCall
from chanflow.domain.time import Clock, Randomness

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.usage import RunUsage

    from chanflow.adapters.llm.asked import Journey
    from chanflow.adapters.llm.caller import Price
    from chanflow.adapters.llm.cassette import Tape

_GRACE_S = 0.5
"""A call ends itself at the deadline, and is written down; only then is the rest of the answer ended from outside."""


class ModelMind(Mind):
    """Asks the models of a question one after the other until one answers. Close it when it is no longer needed."""

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        purse: Purse,
        price: Price,
        clock: Clock,
        randomness: Randomness,
        tape: Tape | None = None,
        bounds: CallBounds | None = None,
    ) -> None:
        """`price` is asked for the cost of models that are not free; without a `tape` nothing is kept.

        Raises MissingExtra where pydantic-ai is not installed, InvalidArgument for two providers of one name.
        """
        require_library()
        self._providers = {provider.name: provider for provider in providers}
        if len(self._providers) != len(providers):
            raise InvalidArgument("two providers have one name", field="providers")
        self._purse, self._price, self._clock, self._tape = purse, price, clock, tape
        self._chance = randomness.stream("llm_retries")
        self._bounds = bounds or CallBounds()
        self._scrubber = Scrubber([provider.api_key for provider in providers])
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._desk: Any = None

    async def open(self) -> None:
        """Load pydantic-ai, in a thread; a desk that does so at its start spares its first question the seconds."""
        await asyncio.to_thread(load_library)
        set_library()

    async def answer(self, question: Question, toolbox: Toolbox, check: Check) -> Reply:
        """Return the answer; whatever a model or its server does wrong is in the reply.

        The time begins to run when the mind is open; it opens itself.
        Raises CassetteMiss in a strict replay and StorageUnwritable where a tape cannot be written, since then the run
        could not be repeated; besides, what toolbox and check raise that is no refusal.
        """
        await self.open()
        from pydantic_ai.usage import RunUsage

        from chanflow.adapters.llm.asked import Journey

        deadline = asyncio.get_running_loop().time() + question.timeout_s
        journey, usage = Journey(question, deadline), RunUsage()
        calls: list[ToolCall] = []
        whole = asyncio.timeout_at(deadline + _GRACE_S)
        fault = CallFault("model_error", "no model is named")
        try:
            async with whole:
                for name in (question.model, *question.fallback):
                    if name == RULES:
                        break
                    try:
                        draft = await self._try(name, journey, usage, toolbox, check, calls)
                    except CallFault as told:
                        fault = told
                        if told.problem != "model_error":
                            return _reply(journey, calls, name, problem=told.problem, detail=told.detail)
                    else:
                        return _reply(journey, calls, name, draft=draft)
        except TimeoutError:
            if not whole.expired():
                raise
            fault = CallFault("timeout", f"no answer within {question.timeout_s:g} s")
        return _reply(journey, calls, "", problem=fault.problem, detail=fault.detail)

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    async def _try(
        self, name: str, journey: Journey, usage: RunUsage, toolbox: Toolbox, check: Check, calls: list[ToolCall]
    ) -> Mapping[str, Any]:
        """Return one model's answer; what tools it used is added to `calls`. Raises as `run.work` does."""
        from chanflow.adapters.llm.asked import AskedModel
        from chanflow.adapters.llm.models import library_model
        from chanflow.adapters.llm.run import Attempt, work

        try:
            home, model_name = split_model(name)
        except InvalidArgument as fault:
            raise CallFault("model_error", str(fault)) from fault
        provider = self._providers.get(home)
        if provider is None:
            raise CallFault("model_error", f"no provider is called {home!r}")
        caller, recorder = self._at_desk()
        asked = AskedModel(
            library_model(provider, model_name, self._client(provider)), model=name, free=provider.free, caller=caller,
            recorder=recorder, scrubber=self._scrubber, bounds=self._bounds, journey=journey,
        )  # fmt: skip
        attempt = Attempt(journey.question, toolbox, check)
        try:
            return await work(
                attempt, asked, output_mode=provider.output_mode, usage=usage, tool_s=self._bounds.tool_s,
                cost_limit=self._most_cost(name, provider, journey.question),
            )  # fmt: skip
        finally:
            calls.extend(attempt.calls)

    def _most_cost(self, name: str, provider: Provider, question: Question) -> Decimal | None:
        """Return what a run may cost if all its tokens were the dearest, as the library's own limit; None in replay."""
        if self._tape is not None and self._tape.mode == "replay":
            return None
        if provider.free:
            return Decimal(0)
        try:
            tokens = question.max_tokens
            return max(self._price(name, tokens, 0), self._price(name, 0, tokens))
        except BudgetSpent as fault:
            raise CallFault("budget", str(fault)) from fault

    def _at_desk(self) -> tuple[Any, Any]:
        """Return who makes the calls and who keeps them, made at first use."""
        if self._desk is None:
            from chanflow.adapters.llm.asked import Recorder
            from chanflow.adapters.llm.caller import Caller

            caller = Caller(
                purse=self._purse, price=self._price, clock=self._clock, chance=self._chance, bounds=self._bounds,
                scrubber=self._scrubber,
            )  # fmt: skip
            self._desk = (caller, Recorder(self._tape))
        caller, recorder = self._desk
        return caller, recorder

    def _client(self, provider: Provider) -> httpx2.AsyncClient:
        client = self._clients.get(provider.name)
        if client is None:
            from chanflow.adapters.llm.client import bounded_client

            client = self._clients[provider.name] = bounded_client(
                connect_s=provider.connect_s, stall_s=provider.stall_s, max_bytes=self._bounds.max_bytes
            )
        return client


def _reply(
    journey: Journey,
    calls: Sequence[ToolCall],
    model: str,
    *,
    draft: Mapping[str, Any] | None = None,
    problem: Problem | None = None,
    detail: str = "",
) -> Reply:
    exchanges = tuple(journey.exchanges)
    return Reply(
        draft=draft,
        problem=problem,
        detail=detail,
        model=model or (exchanges[-1].model if exchanges else ""),
        latency_ms=sum(e.latency_ms for e in exchanges),
        tool_calls=tuple(calls),
        exchanges=exchanges,
    )
