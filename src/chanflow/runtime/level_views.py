"""The structure (缠论) of several levels of one symbol, as a briefing tells it: only closed bars, only what was known.

Each level has an engine that keeps its history, so that every row says since when it has been known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chanflow.analyst.structure import CenterRow, LegRow, LevelView, PointRow, Role, Trend, Way
from chanflow.domain.evidence import point_ref, structure_ref
from chanflow.domain.market_data import LEVEL_MS, LEVEL_UP, Bar
from chanflow.domain.structure import State
from chanflow.domain.time import NS_PER_MS
from chanflow.features.chan import LEVELS, POINT_TYPES, STATES, Engine, Structure

STROKES, SEGMENTS, CENTERS, POINTS = 6, 3, 3, 8
"""So many of each a briefing tells, the newest."""
_VOID = STATES.index("void")
_CONFIRMED = STATES.index("confirmed")


def levels_around(level: str) -> tuple[tuple[Role, str], ...]:
    """Return the decision level, the one above and the one below, as far as there are any."""
    below = [name for name in LEVEL_MS if LEVEL_MS[name] < LEVEL_MS[level] and LEVEL_UP.get(name) == level]
    found: list[tuple[Role, str]] = [("decision", level)]
    if level in LEVEL_UP:
        found.append(("up", LEVEL_UP[level]))
    if below:
        found.append(("down", below[-1]))
    return tuple(found)


class LevelFollower:
    """One level as its bars close."""

    def __init__(self, level: str, preset: str = "default") -> None:
        self.level = level
        self._engine = Engine(preset, history=True)
        self._closes_ms: list[int] = []

    def push(self, bar: Bar) -> None:
        """Read a closed bar."""
        self._engine.push(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
        self._closes_ms.append(bar.close_ms)

    def view(self, role: Role, *, decision: str) -> LevelView | None:
        """Return what the level shows; ids name it where it is not the `decision` level. None before the first bar."""
        if not self._closes_ms:
            return None
        shown = _Shown(self._engine.structure(), self._closes_ms, self.level, self.level != decision)
        return LevelView(
            level=self.level, role=role, closed_ns=self._closes_ms[-1] * NS_PER_MS, trend=shown.trend(),
            strokes=shown.legs("stroke", STROKES), segments=shown.legs("segment", SEGMENTS),
            centers=shown.centers(), points=shown.points(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shown:
    """One level's structure and the closes of its bars, read into rows."""

    structure: Structure
    closes_ms: Sequence[int]
    level: str
    elsewhere: bool

    def legs(self, kind: Literal["stroke", "segment"], most: int) -> tuple[LegRow, ...]:
        columns: Any = self.structure.strokes if kind == "stroke" else self.structure.segments
        return tuple(self._leg(kind, columns, at) for at in _newest(columns.state, most))

    def _leg(self, kind: Literal["stroke", "segment"], columns: Any, at: int) -> LegRow:
        state = STATES[columns.state[at]]
        revision = None if state == "confirmed" else int(columns.end_bar[at])
        way: Way = "up" if columns.direction[at] > 0 else "down"
        return LegRow(
            ref=structure_ref(kind, at, level=self._named, revision=revision),
            known_ns=self._known_ns(state, columns.confirmed_bar[at]), way=way,
            start_ns=int(columns.start_ts_ms[at]) * NS_PER_MS, start_price=float(columns.start_price[at]),
            end_ns=int(columns.end_ts_ms[at]) * NS_PER_MS, end_price=float(columns.end_price[at]), state=state,
        )  # fmt: skip

    def centers(self) -> tuple[CenterRow, ...]:
        found = self.structure.centers
        of_strokes = np.flatnonzero((found.level == LEVELS.index("stroke")) & (found.state != _VOID))
        return tuple(self._center(found, int(at)) for at in of_strokes[-CENTERS:])

    def _center(self, found: Any, at: int) -> CenterRow:
        state = STATES[found.state[at]]
        revision = None if state == "confirmed" else int(found.end_stroke[at])
        return CenterRow(
            ref=structure_ref("center", at, level=self._named, revision=revision),
            known_ns=self._known_ns(state, found.confirmed_bar[at]),
            low=float(found.low[at]), high=float(found.high[at]), peak_low=float(found.peak_low[at]),
            peak_high=float(found.peak_high[at]), start_ns=int(found.start_ts_ms[at]) * NS_PER_MS,
            end_ns=int(found.end_ts_ms[at]) * NS_PER_MS, state=state,
        )  # fmt: skip

    def points(self) -> tuple[PointRow, ...]:
        found = self.structure.points
        alive = np.flatnonzero(found.state != _VOID)
        order = alive[np.argsort(found.bar[alive], kind="stable")][-POINTS:]
        return tuple(row for at in order for row in self._point(found, int(at)))

    def _point(self, found: Any, at: int) -> list[PointRow]:
        side: Literal["buy", "sell"] = "buy" if found.side[at] > 0 else "sell"
        suffix = "-seg" if LEVELS[found.level[at]] == "segment" else ""
        ratio = float(found.divergence[at])
        rows = []
        for bit, name in enumerate(POINT_TYPES):
            if not found.types[at] >> bit & 1:
                continue
            sure = bool(found.confirmed_types[at] >> bit & 1)
            state: State = "confirmed" if sure else "provisional"
            known_ns = self._known_ns(state, found.confirmed_bar[at])
            rows.append(
                PointRow(
                    ref=point_ref(
                        f"{side}{name}{suffix}", self.level, int(found.element[at]),
                        revision=None if sure else int(found.bar[at]),
                    ),
                    known_ns=known_ns, side=side, type=name, at_ns=int(found.ts_ms[at]) * NS_PER_MS,
                    price=float(found.price[at]), state=state, confirmed_ns=known_ns if sure else None,
                    ratio=None if np.isnan(ratio) else ratio,
                )
            )  # fmt: skip
        return rows

    def trend(self) -> Trend | None:
        """Return the direction of the last trend type (走势类型) of strokes; a consolidation is a range."""
        found = self.structure.trends
        of_strokes = np.flatnonzero(found.level == LEVELS.index("stroke"))
        if not len(of_strokes):
            return None
        last = int(of_strokes[-1])
        if found.kind[last] == 0:
            return "range"
        return "up" if found.direction[last] > 0 else "down"

    @property
    def _named(self) -> str | None:
        return self.level if self.elsewhere else None

    def _known_ns(self, state: State, confirmed_bar: Any) -> int:
        """Return when a row was known as it stands: what may still change, only since the last bar."""
        at = int(confirmed_bar) if state == "confirmed" and int(confirmed_bar) >= 0 else len(self.closes_ms) - 1
        return self.closes_ms[at] * NS_PER_MS


def _newest(state: NDArray[np.uint8], most: int) -> list[int]:
    """Return the rows that are not void, the last `most` of them."""
    return [int(at) for at in np.flatnonzero(state != _VOID)[-most:]]
