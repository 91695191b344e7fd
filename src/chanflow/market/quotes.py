"""What a desk asks a venue's public market data for before it trades: quotes of a moment, and closed minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

Side = tuple[tuple[Decimal, Decimal], ...]
"""(price, quantity in base), best price first."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Mark, book and funding of one symbol. Times are the venue's own, in Unix ns.

    `funding_rate_frac` is paid by a long at `next_funding_ns` and every `funding_every_ns` after it.
    """

    symbol: str
    mark: Decimal
    mark_ns: int
    bids: Side
    asks: Side
    book_ns: int
    funding_rate_frac: Decimal
    next_funding_ns: int
    funding_every_ns: int

    def funding_frac(self, from_ns: int, to_ns: int) -> Decimal:
        """Return what a long pays between two moments, as a share of notional, at today's rate."""
        first_ns = self.next_funding_ns
        while first_ns <= from_ns:
            first_ns += self.funding_every_ns
        times = 0 if first_ns > to_ns else 1 + (to_ns - first_ns) // self.funding_every_ns
        return self.funding_rate_frac * times


@dataclass(frozen=True, slots=True)
class Minute:
    """One closed minute: when it opened, in Unix ms, its last price, and what was traded, in quote."""

    open_ms: int
    close: Decimal
    volume_quote: Decimal


class Quotes(Protocol):
    """A venue's public market data, asked for. Each question raises VenueBusy where it is not answered as expected."""

    async def quote(self, symbol: str) -> Quote:
        """Return the symbol's market as it stands."""
        ...

    async def minutes(self, symbol: str, since_ms: int, until_ms: int) -> Sequence[Minute]:
        """Return the minutes that opened in [since_ms, until_ms), oldest first."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...
