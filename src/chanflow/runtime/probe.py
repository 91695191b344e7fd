"""Asks a model for prices of days, without any data, and reads from the lake what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

from chanflow.analyst.prices import PriceList
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.market_data import Bar
from chanflow.domain.prompt import load_prompt
from chanflow.domain.question import Mind, Question, ToolCall, ToolResult, ToolSpec
from chanflow.domain.time import MS_PER_DAY, Clock, Ids
from chanflow.review.probe import SCHEMA, Probe, Recalled, naive_guesses, probed

MOST_DAYS = 400
MAX_TOKENS = 4_000
"""Of one recollection, both ways."""


class Closes(Protocol):
    """Where closed bars come from."""

    def klines(self, symbol: str, level: str, *, start_ms: int | None, end_ms: int | None, limit: int) -> list[Bar]:
        """Return at most `limit` closed bars that open in [start_ms, end_ms)."""
        ...


class _NoTools:
    def specs(self) -> tuple[ToolSpec, ...]:
        return ()

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        del args
        raise InvalidArgument(f"there is no tool {name[:40]}", field="name")


def days_of(texts: Sequence[str]) -> tuple[date, ...]:
    """Return days written as 2024-03-01, between commas or one by one, in order.

    Raises InvalidArgument for what is no day, for one that stands twice, and for fewer than 2 or more than 400.
    """
    days: list[date] = []
    for text in (part.strip() for each in texts for part in each.split(",")):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            raise InvalidArgument(f"--dates has {text!r}, a day is written like 2024-03-01", field="dates") from None
    if len(set(days)) < len(days):
        raise InvalidArgument("--dates names a day twice: once is enough", field="dates")
    if not 2 <= len(days) <= MOST_DAYS:
        raise InvalidArgument(f"--dates names {len(days)} days, allowed is 2 to {MOST_DAYS}", field="dates")
    return tuple(sorted(days))


def closes_of(bars: Closes, symbol: str, days: Sequence[date]) -> tuple[float, ...]:
    """Return a symbol's close on each day, UTC. Raises NotFound for a day of which there is no closed daily bar."""
    closes = []
    for day in days:
        at_ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)
        found = bars.klines(symbol, "1d", start_ms=at_ms, end_ms=at_ms + MS_PER_DAY, limit=1)
        if not found:
            raise NotFound(f"there is no closed daily bar of {symbol} on {day}: leave the day out, or pull its data")
        closes.append(found[0].close)
    return tuple(closes)


def most_cost(model: str, days: int, prices: PriceList) -> Decimal:
    """Return what a probe may cost in USD at most. Raises BudgetSpent for a model without a price."""
    return days * max(prices.cost(model, MAX_TOKENS, 0), prices.cost(model, 0, MAX_TOKENS))


async def probe(
    model: str, symbol: str, days: Sequence[date], closes: Sequence[float], mind: Mind, *, clock: Clock, ids: Ids,
    language: str = "en", on_share: Callable[[float], Any] = lambda _: None,
) -> Probe:  # fmt: skip
    """Ask a model for a symbol's close on each day, one question a day, and return how near it came."""
    prompt = load_prompt("chanflow.review", "probe", language)
    rows = []
    for at, (day, close, naive) in enumerate(zip(days, closes, naive_guesses(closes), strict=True), 1):
        question = Question(
            question_id=str(ids.uuid7()), agent="analyst", account="paper", model=model, instructions=prompt.text,
            prompt_hash=prompt.hash, text=f"symbol {symbol}, day {day}", output_name=prompt.output, output=SCHEMA,
            as_of_ns=clock.now_ns(), max_requests=2, max_tool_calls=1, max_tokens=MAX_TOKENS,
        )  # fmt: skip
        reply = await mind.answer(question, _NoTools(), _nothing_wrong)
        rows.append(Recalled(str(day), close, _price(reply.draft), naive))
        on_share(at / len(days))
    return probed(model, symbol, rows)


def _nothing_wrong(_draft: Mapping[str, Any], _calls: Sequence[ToolCall]) -> Sequence[str]:
    return ()


def _price(draft: Mapping[str, Any] | None) -> float | None:
    if draft is None or draft.get("known") is not True:
        return None
    price = float(draft["price"])
    return price if price > 0 else None
