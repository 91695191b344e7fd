"""Order flow as the stages speak of it. It is contemporaneous: it explains the move of the moment, not the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FlowWindow:
    """The order flow of one window of bins ending at `ts_ms`. OFI and TFI in base units, spread in bps.

    `score` is the mean fusion score over the eligible bins, None where none was eligible; `consistency` is
    min/max of the two flows' shares, 0 where they disagree.
    """

    ts_ms: int
    bins: int
    eligible_bins: int
    book_ok: bool
    ofi: float
    tfi: float
    score: float | None
    consistency: float
    spread_bps: float | None
    strong_bins: int


@dataclass(frozen=True, slots=True)
class FlowDivergence:
    """A divergence (背驰) of price and one channel of its order flow. Times in Unix ms; the pivot was not known before.

    It may be acted on from its detection, never from its pivot.
    """

    channel: str
    kind: Literal["bull", "bear"]
    detected_ms: int
    pivot_ms: int


@dataclass(frozen=True, slots=True)
class FlowBin:
    """One closed bin of order flow. Figures are None in warm-up, and where the book was not sound."""

    ts_ms: int
    fusion_score: float | None
    z_ofi: float | None
    z_cvd: float | None
    divergences: tuple[FlowDivergence, ...]
