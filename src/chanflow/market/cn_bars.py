"""A-share bars as vendors tell them: stamped by day or at their end, in lots or shares, suspended days among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from chanflow.domain.errors import InvalidArgument
from chanflow.market.calendar import SHANGHAI, CnCalendar

LOT_SHARES = 100

MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "1h": 60}
"""Levels below a day that vendors have, with their minutes."""


@dataclass(frozen=True, slots=True)
class CnBar:
    """A bar as a vendor tells it: `stamp` is a date (YYYY-MM-DD or YYYYMMDD) or the time of the bar's end in Shanghai.

    Volume in shares, amount in CNY.
    """

    stamp: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    amount: float


def cn_columns(bars: Iterable[CnBar], level: str, start_ms: int, end_ms: int) -> dict[str, Sequence[Any]]:
    """Return the bars that open in [start_ms, end_ms), oldest first, without suspended ones (volume 0)."""
    traded = [bar for bar in bars if bar.volume > 0]
    # A bar that ends at 10:30 is the one to which 10:29:59.999 belongs.
    stamps = [_ms(bar.stamp) - (level in MINUTES) for bar in traded]
    open_ms, close_ms = CnCalendar().edges(np.array(stamps, dtype=np.int64), level)
    wanted = [at for at in np.argsort(open_ms, kind="stable").tolist() if start_ms <= open_ms[at] < end_ms]
    columns: dict[str, Sequence[Any]] = {
        "open_ms": [int(open_ms[at]) for at in wanted],
        "close_ms": [int(close_ms[at]) for at in wanted],
    }
    for name in ("open", "high", "low", "close", "volume", "amount"):
        columns[name] = [float(getattr(traded[at], name)) for at in wanted]
    return columns


def cn_factors(found: Iterable[tuple[str, float]], start_ms: int, end_ms: int) -> dict[str, Sequence[Any]]:
    """Return cumulative factors by the time from which each holds, oldest first, where they change.

    The factor that holds at `start_ms` already is told as of then.
    """
    rows = sorted((_ms(stamp), float(factor)) for stamp, factor in found)
    changed = [row for at, row in enumerate(rows) if at == 0 or row[1] != rows[at - 1][1]]
    inside = [row for row in changed if start_ms <= row[0] < end_ms]
    before = [row for row in changed if row[0] < start_ms]
    if before and (not inside or inside[0][0] > start_ms):
        inside.insert(0, (start_ms, before[-1][1]))
    return {"ts_ms": [ms for ms, _ in inside], "factor": [factor for _, factor in inside]}


def cn_code(symbol: str) -> tuple[str, str]:
    """Return the six digits and the exchange (SH, SZ, BJ) of a symbol like 600000.SH. Raises InvalidArgument."""
    digits, dot, exchange = symbol.upper().partition(".")
    if not (dot and len(digits) == 6 and digits.isdigit() and exchange in ("SH", "SZ", "BJ")):
        raise InvalidArgument(f"symbol {symbol[:32]!r} is no A-share, such as 600000.SH", field="symbols")
    return digits, exchange


def cn_date(ms: int, *, pattern: str = "%Y%m%d") -> str:
    """Return the Shanghai date of a time."""
    return datetime.fromtimestamp(ms / 1_000, SHANGHAI).strftime(pattern)


def cn_last_date(end_ms: int, *, pattern: str = "%Y%m%d") -> str:
    """Return the last Shanghai date before a time."""
    return cn_date(end_ms - 1, pattern=pattern)


def _ms(stamp: str) -> int:
    text = str(stamp).strip()
    digits = "".join(letter for letter in text if letter.isdigit())
    if len(digits) not in (8, 12, 14, 17):
        raise InvalidArgument(f"{text[:32]!r} is no date or time of Shanghai", field="stamp")
    moment = datetime.strptime(digits[:8], "%Y%m%d").replace(tzinfo=SHANGHAI)
    if len(digits) > 8:
        clock = digits[8:14].ljust(6, "0")
        moment += timedelta(hours=int(clock[:2]), minutes=int(clock[2:4]), seconds=int(clock[4:]))
    return int(moment.timestamp() * 1_000)
