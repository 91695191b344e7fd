"""Questions, toolboxes and purses for models that are scripted servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from chanflow.adapters.llm.bounds import CallBounds
from chanflow.adapters.llm.cassette import Tape
from chanflow.adapters.llm.mind import ModelMind
from chanflow.adapters.llm.providers import Provider
from chanflow.adapters.llm.scripted.script import read_script
from chanflow.adapters.llm.scripted.server import ScriptedServer
from chanflow.domain.errors import BudgetSpent, InvalidArgument
from chanflow.domain.question import Claim, Question, ToolCall, ToolResult, ToolSpec
from chanflow.runtime.clock import SeededRandomness, SystemClock

KEY = "planted-key-0123456789"

VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"enum": ["hold", "open_long"]},
        "leverage": {"type": "integer", "minimum": 1, "maximum": 5},
        "ref": {"type": "string", "minLength": 1},
    },
    "required": ["action"],
    "additionalProperties": False,
}

QUESTION = Question(
    question_id="q-1", agent="analyst", account="main", model="local/scripted", instructions="You judge markets.",
    prompt_hash="0" * 64, text="What about BTCUSDT?", output_name="verdict", output=VERDICT, as_of_ns=0, timeout_s=20,
)  # fmt: skip


def ask(**changes: Any) -> Question:
    return replace(QUESTION, **changes)


def good(draft: Mapping[str, Any], calls: Sequence[ToolCall]) -> tuple[str, ...]:
    """Find nothing wrong with any answer."""
    return ()


class Box:
    """A toolbox of one tool, `look`, which takes a symbol and nothing else."""

    def __init__(self, *, text: str = '{"price":"61250"}') -> None:
        self.text = text
        self.asked: list[Mapping[str, Any]] = []

    def specs(self) -> tuple[ToolSpec, ...]:
        schema = {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]}
        return (ToolSpec("look", "Look at a market.", schema),)

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        self.asked.append(args)
        if args.get("symbol") != "BTCUSDT":
            raise InvalidArgument(f"symbol is {args.get('symbol')!r}, there is BTCUSDT")
        return ToolResult(self.text, ("kline:1",), 5)


class Empty:
    """A toolbox of nothing."""

    def specs(self) -> tuple[ToolSpec, ...]:
        return ()

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        raise AssertionError(name)


@dataclass
class CountingPurse:
    """Holds claims against a cap. What is reserved or spent never passes it; `highest` is the most there ever was."""

    cap_usd: Decimal = Decimal(1_000)
    claims: list[Claim] = field(default_factory=list)
    held: dict[str, Decimal] = field(default_factory=dict)
    settled: list[tuple[int, int, Decimal]] = field(default_factory=list)
    spent: Decimal = Decimal(0)
    highest: Decimal = Decimal(0)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    async def reserve(self, claim: Claim) -> str:
        if self.spent + sum(self.held.values()) + claim.cost_usd > self.cap_usd:
            raise BudgetSpent(f"{claim.cost_usd} more would pass {self.cap_usd}")
        self.claims.append(claim)
        self.first.set()
        name = str(len(self.claims))
        self.held[name] = claim.cost_usd
        self.highest = max(self.highest, self.spent + sum(self.held.values()))
        return name

    async def settle(self, reservation: str, *, tokens_in: int, tokens_out: int, cost_usd: Decimal) -> None:
        del self.held[reservation]
        self.spent += cost_usd
        self.highest = max(self.highest, self.spent + sum(self.held.values()))
        self.settled.append((tokens_in, tokens_out, cost_usd))


def price(model: str, tokens_in: int, tokens_out: int) -> Decimal:
    """A dollar for a million tokens in, four for a million out."""
    if not model.startswith(("local/", "other/")):
        raise BudgetSpent(f"{model} has no price")
    return (tokens_in + 4 * tokens_out) / Decimal(1_000_000)


class HastyClock(SystemClock):
    """Real time, but nobody sleeps: what was waited for is kept, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def sleep_until(self, at_ns: int) -> None:
        self.waits.append((at_ns - self.now_ns()) / 1e9)
        await asyncio.sleep(0)


@dataclass
class Desk:
    """A mind, its purse, its clock, and the server it asks."""

    mind: ModelMind
    purse: CountingPurse
    clock: HastyClock
    server: ScriptedServer


def mind_at(
    *providers: Provider,
    purse: CountingPurse,
    clock: SystemClock | None = None,
    tape: Tape | None = None,
    bounds: CallBounds | None = None,
) -> ModelMind:
    return ModelMind(
        providers, purse=purse, price=price, clock=clock or HastyClock(), randomness=SeededRandomness(7), tape=tape,
        bounds=bounds,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def desk(
    script: str, *, purse: CountingPurse | None = None, tape: Tape | None = None, bounds: CallBounds | None = None,
    **provider: Any,
) -> AsyncIterator[Desk]:  # fmt: skip
    """Serve a script on loopback, and a mind that asks it as provider `local`."""
    purse, clock = purse or CountingPurse(), HastyClock()
    async with ScriptedServer(read_script(script), clock=SystemClock()) as server:
        values = {"kind": "openai_compatible", "api_key": KEY, "base_url": server.base_url} | provider
        mind = mind_at(Provider(name="local", **values), purse=purse, clock=clock, tape=tape, bounds=bounds)
        try:
            yield Desk(mind, purse, clock, server)
        finally:
            await mind.close()
