"""Whether a model remembers a market: what it says a price was on a day, without data, beside what it really was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from chanflow.domain.interval import Interval, wilson

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"known": {"type": "boolean"}, "price": {"type": "number", "minimum": 0, "maximum": 1e12}},
    "required": ["known", "price"],
    "additionalProperties": False,
}
"""The form of a recollection."""

LEAST_DAYS = 8
"""Of fewer recollections nothing is concluded, however near they are."""

Finding = Literal["remembers", "no_sign", "too_few"]
MEANING: dict[Finding, str] = {
    "remembers": "it says these prices better than who knows only their middle: what it decides on such days may be "
                 "memory, and only days after its cutoff, or a masked run, say what it is worth",
    "no_sign": "it says these prices no better than who knows only their middle: no sign that it remembers them, which "
               "is no proof that it does not",
    "too_few": f"fewer than {LEAST_DAYS} prices were said: nothing can be concluded",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recalled:
    """One day: the true close, what the model said (None where it knew none), and what a naive guess would say."""

    day: str
    close: float
    said: float | None
    naive: float

    @property
    def error_frac(self) -> float | None:
        """How far off the model was, as a share of the close."""
        return None if self.said is None else abs(self.said / self.close - 1.0)

    @property
    def naive_error_frac(self) -> float:
        """How far off the naive guess was."""
        return abs(self.naive / self.close - 1.0)


@dataclass(frozen=True, slots=True)
class Probe:
    """A model's memory of one symbol. `nearer` of `said` recollections beat the naive guess; `share` bounds that."""

    model: str
    symbol: str
    rows: tuple[Recalled, ...]
    said: int
    error_frac: float | None
    naive_error_frac: float | None
    nearer: int
    share: Interval | None
    finding: Finding


def naive_guesses(closes: Sequence[float]) -> tuple[float, ...]:
    """Return for each day the middle of the other days' closes: who knows the market's level, and no day of it."""
    return tuple(median([*closes[:at], *closes[at + 1 :]]) for at in range(len(closes)))


def probed(model: str, symbol: str, rows: Sequence[Recalled]) -> Probe:
    """Return what recollections come to. It remembers where it beats the guess more often than chance allows."""
    said = [row for row in rows if row.error_frac is not None]
    errors = [row.error_frac for row in said if row.error_frac is not None]
    nearer = sum(error < row.naive_error_frac for error, row in zip(errors, said, strict=True))
    share = wilson(nearer, len(said)) if said else None
    finding: Finding = "too_few"
    if share is not None and len(said) >= LEAST_DAYS:
        finding = "remembers" if share.low > 0.5 else "no_sign"
    return Probe(
        model, symbol, tuple(rows), len(said), median(errors) if errors else None,
        median([row.naive_error_frac for row in said]) if said else None, nearer, share, finding,
    )  # fmt: skip
