"""The gate's answer for rows and windows of market data. A bad row is quarantined, and its window is not ok.

A window that is not ok gives no features, and risk opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chanflow.domain.time import NS_PER_MS

STALE_MS = 1_500
"""Best quotes older than this are stale, in ms."""

NO_DATA = "no_data"
"""The one code that no row can have."""
MISSING_FIELD = "missing_field"
NULL_FIELD = "null_field"
BAD_VALUE = "bad_value"
OFF_GRID = "off_grid"
CROSSED = "crossed"
CHAIN_BREAK = "chain_break"
TIME_BACK = "time_back"
DUPLICATE = "duplicate"
PRICE_JUMP = "price_jump"
LATENCY = "latency"
STALE = "stale"

ROW_CODES = (
    MISSING_FIELD, NULL_FIELD, BAD_VALUE, OFF_GRID, CROSSED, CHAIN_BREAK, TIME_BACK, DUPLICATE, PRICE_JUMP, LATENCY,
    STALE,
)  # fmt: skip
"""The codes of a row, at the bits of the masks that the native `QualityGate` gives."""

CODE_BITS = {code: 1 << bit for bit, code in enumerate(ROW_CODES)}
"""Each code's bit in a mask."""

QUARANTINE_BITS = (1 << len(ROW_CODES)) - 1 - CODE_BITS[STALE]
"""The bits that condemn the row itself: old quotes are no fault of the trade that shows them, only of its window."""


@dataclass(frozen=True, slots=True)
class DataQuality:
    """Whether a window may be used, and why not: codes in the order they are checked, empty when ok."""

    ok: bool
    codes: tuple[str, ...]


def window_quality(
    *, at_ns: int, last_quote_ns: int | None, bid: float | None, ask: float | None, book_ok: bool | None
) -> DataQuality:
    """Return the gate's answer at event time `at_ns`, the end of the window.

    `last_quote_ns` is the event time of the newest best quotes, `bid` and `ask` their prices, None before the first;
    `book_ok` says that the book's update chain held throughout, None where the source has no depth at all.
    """
    codes = []
    if last_quote_ns is None or bid is None or ask is None:
        codes.append(NO_DATA)
    else:
        if not bid < ask:
            codes.append(CROSSED)
        if at_ns - last_quote_ns > STALE_MS * NS_PER_MS:
            codes.append(STALE)
    if book_ok is False:
        codes.append(CHAIN_BREAK)
    return DataQuality(not codes, tuple(codes))


def codes_of(mask: int) -> tuple[str, ...]:
    """Return the names of a row's codes."""
    return tuple(code for code, bit in CODE_BITS.items() if mask & bit)


def is_quarantined(mask: int) -> bool:
    """Return whether a row with this mask is kept out of the lake's rows."""
    return mask & QUARANTINE_BITS != 0


def with_rows(window: DataQuality, masks: Iterable[int]) -> DataQuality:
    """Return the window's answer joined with those of its rows: any code of a row makes the window not ok.

    A duplicate does not, since it was dropped and nothing is missing.
    """
    seen = 0
    for mask in masks:
        seen |= mask
    codes = window.codes + tuple(code for code in codes_of(seen & ~CODE_BITS[DUPLICATE]) if code not in window.codes)
    return DataQuality(not codes, codes)
