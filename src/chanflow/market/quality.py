"""The gate's answer for a window of market data. A window that is not ok gives no features, and risk opens nothing."""

from __future__ import annotations

from dataclasses import dataclass

from chanflow.domain.time import NS_PER_MS

STALE_MS = 1_500
"""Best quotes older than this are stale, in ms."""

NO_DATA = "no_data"
CROSSED = "crossed"
CHAIN_BREAK = "chain_break"
STALE = "stale"


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
