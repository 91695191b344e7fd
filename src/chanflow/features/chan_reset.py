"""Where a guard of the Chan engine (缠论) ended what could not go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ResetReason = Literal["gap", "long_stroke"]


@dataclass(frozen=True, slots=True)
class Reset:
    """A reset, known after raw bar `bar`.

    `gap`: more than `reset_gap_ms` of open time passed between `from_bar` and `bar`, namely `gap_ms`; with `bar` a new
    era begins, in which everything starts afresh. `long_stroke`: there was no new stroke for `max_stroke_bars` after
    the last one's end at `from_bar`; the next stroke may end below a peak.
    """

    bar: int
    ts_ms: int
    reason: ResetReason
    from_bar: int
    from_ts_ms: int
    gap_ms: int | None
