"""How figures are written in a briefing: prices by the tick, times by the level, words on one line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from chanflow.domain.instrument import Instrument
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.time import MS_PER_DAY, NS_PER_S

MAX_NAME = 40
MAX_SENTENCE = 160
MAX_PRICE = 10**12


@dataclass(frozen=True, slots=True)
class Row:
    """One line that may be cut, the oldest first; `age` is in any unit that its section keeps to. `refs` it shows."""

    text: str
    age: int
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section: lines that stay, the ids in them, and rows that may be cut."""

    name: str
    lines: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    refs: tuple[str, ...] = ()


def price_text(instrument: Instrument, price: Decimal | float | None) -> str:
    """Return a price on its tick with the tick's decimals; `?` for what is none, or beyond any price."""
    if price is None or not math.isfinite(price) or not -MAX_PRICE <= price <= MAX_PRICE:
        return "?"
    exact = price if isinstance(price, Decimal) else Decimal(repr(price))
    return f"{instrument.nearest_price(exact).quantize(instrument.tick):f}"


def time_text(at_ns: int, level: str) -> str:
    """Return a moment as a level needs it, UTC: a day, minutes, or seconds for levels below a minute."""
    moment = datetime.fromtimestamp(at_ns // NS_PER_S, UTC)
    interval_ms = LEVEL_MS.get(level, MS_PER_DAY)
    if interval_ms >= MS_PER_DAY:
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%m-%d %H:%M}" if interval_ms >= 60_000 else f"{moment:%m-%d %H:%M:%S}"


def number_text(value: float | None, digits: int = 3) -> str:
    """Return a figure in at most `digits` significant digits, `?` for what is none."""
    return "?" if value is None or not math.isfinite(value) else f"{value:.{digits}g}"


def share_text(value: Decimal | float | None) -> str:
    """Return a share as a percentage, `?` for what is none."""
    return "?" if value is None or not math.isfinite(value) else f"{float(value) * 100:.4g}%"


def yes(value: bool | None) -> str:
    """Return yes, no, or ? for what is not known."""
    return "?" if value is None else "yes" if value else "no"
