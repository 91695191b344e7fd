"""What the gate must know of the market."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

BookSide = tuple[tuple[Decimal, Decimal], ...]
"""(price, quantity in base), best price first."""


@dataclass(frozen=True, slots=True)
class MarketView:
    """One symbol at one moment. What is None, stale or not ok refuses every opening."""

    mark: Decimal | None
    mark_ns: int | None
    book_ok: bool
    sigma_frac: Decimal | None = None
    """Annual volatility, see `volatility.py`."""
    volume_1m_quote: Decimal | None = None
    """Median volume of one minute."""
    rules_ns: int | None = None
    """When the instrument's rules were last read from the venue."""
    clock_offset_ms: int | None = None
    """Our clock against the venue's; unknown refuses, its size is the venue adapter's affair."""
    funding_frac: Decimal | None = None
    """Funding that a long is expected to pay until the position expires, as a share of notional; negative: receives."""
    maintenance_frac: Decimal | None = None
    """The venue's maintenance margin, as a share of notional; None counts with the assumed one."""
    asks: BookSide = ()
    bids: BookSide = ()
