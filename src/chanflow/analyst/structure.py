"""The structure of one level as a briefing tells it. Times are Unix ns, prices floats in quote as the engine has them.

`known_ns` is when a row in its present form could first be known: the close of the bar that showed or confirmed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chanflow.domain.structure import State

Way = Literal["up", "down"]
Trend = Literal["up", "down", "range"]
Role = Literal["decision", "up", "down"]


@dataclass(frozen=True, slots=True)
class LegRow:
    """A stroke (笔) or a segment (线段), as its id says."""

    ref: str
    known_ns: int
    way: Way
    start_ns: int
    start_price: float
    end_ns: int
    end_price: float
    state: State


@dataclass(frozen=True, slots=True)
class CenterRow:
    """A center (中枢): its range low (ZD) to high (ZG), its peaks (DD, GG)."""

    ref: str
    known_ns: int
    low: float
    high: float
    peak_low: float
    peak_high: float
    start_ns: int
    end_ns: int
    state: State


@dataclass(frozen=True, slots=True)
class PointRow:
    """A buying or selling point (买卖点) of one type; `type` is the engine's own word: 1 1p 2 2s 3a 3b.

    `confirmed_ns` is None before. `nested` says whether a nested interval (区间套) supports it, None where nobody
    looked. `ratio` is the force of the exit by that of the entry, for types 1 and 1p.
    """

    ref: str
    known_ns: int
    side: Literal["buy", "sell"]
    type: str
    at_ns: int
    price: float
    state: State
    confirmed_ns: int | None = None
    nested: bool | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class PointFigures:
    """What was measured of points of one name (side and type): nothing where it is None. Shares are 0 to 1.

    `hit_rate` of `n` entries reached the target before the stop, `ci_low` to `ci_high` with 95 % confidence;
    `retract_rate` of all ever shown were withdrawn; half were confirmed within `lag_bars_p50` bars. `known_ns` is when
    it was measured.
    """

    name: str
    n: int | None
    hit_rate: float | None
    ci_low: float | None
    ci_high: float | None
    retract_rate: float | None
    lag_bars_p50: int | None
    known_ns: int = 0

    @property
    def ref(self) -> str:
        """What a fault calls it; nobody cites a measurement."""
        return f"figures:{self.name}"


@dataclass(frozen=True, slots=True)
class LevelView:
    """One level: rows oldest first, `closed_ns` the close of its last bar. `trend` is None without a center."""

    level: str
    role: Role
    closed_ns: int
    trend: Trend | None
    strokes: tuple[LegRow, ...] = ()
    segments: tuple[LegRow, ...] = ()
    centers: tuple[CenterRow, ...] = ()
    points: tuple[PointRow, ...] = ()
    figures: tuple[PointFigures, ...] = ()
