"""Several levels of one symbol at once (多级别联立): the structure of each, linked to the next coarser one, both ways.

One rule of time: a child belongs to the parent whose [start bar open, end bar close) contains the child's end. Where
two parents share the bar of their common peak, the earlier one has it. Only closed bars enter, so that an answer for a
time uses nothing that was unknown then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chanflow.domain.structure import State
from chanflow.features import chan

LINKED = ("strokes", "segments", "super_segments", "centers")
"""The lists of a structure that have links, besides the bars."""
POINT_TYPES = ("1", "1p", "2", "2s", "3a", "3b")
"""The point type of each bit of a `types` column, lowest first."""
DIVERGENCE_BITS = 0b11
"""Types 1 and 1p: points that a divergence (背驰) makes."""
VOID = 2
NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class LevelBars:
    """The closed bars of one level: one array per column, times in Unix ms UTC, prices in quote units.

    A bar covers [open_ms, close_ms). Raises ValueError when columns differ in length, a bar does not end after its
    open, or one opens before the end of the bar before it.
    """

    level: str
    open_ms: NDArray[np.int64]
    close_ms: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        columns = (self.open_ms, self.close_ms, self.open, self.high, self.low, self.close, self.volume)
        sizes = sorted({len(column) for column in columns if column is not None})
        if len(sizes) > 1:
            raise ValueError(f"columns of the {self.level} bars have lengths {sizes}: give all of one length")
        wrong = np.asarray(self.close_ms <= self.open_ms)
        wrong[1:] |= self.open_ms[1:] < self.close_ms[:-1]
        if wrong.any():
            at = int(np.argmax(wrong))
            raise ValueError(f"{self.level} bar {at} does not end after its open, or opens before the last one ends")

    def __len__(self) -> int:
        return len(self.open_ms)

    def closed_by(self, ts_ms: ArrayLike) -> NDArray[np.int64]:
        """Return, for each time, the index of the last bar that was closed then, -1 for none."""
        return np.searchsorted(self.close_ms, np.asarray(ts_ms, dtype=np.int64), side="right").astype(np.int64) - 1

    def first(self, bars: int) -> LevelBars:
        """Return the first `bars` of these bars."""
        return LevelBars(
            level=self.level,
            open_ms=self.open_ms[:bars],
            close_ms=self.close_ms[:bars],
            open=self.open[:bars],
            high=self.high[:bars],
            low=self.low[:bars],
            close=self.close[:bars],
            volume=None if self.volume is None else self.volume[:bars],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Which row of a coarser level's list each row of a finer one belongs to, and back; -1 is none.

    `parent` has one row per child; `first_child` and `last_child` have one per parent.
    """

    parent: NDArray[np.int64]
    first_child: NDArray[np.int64]
    last_child: NDArray[np.int64]

    def children(self, parent: int) -> NDArray[np.int64]:
        """Return the rows of the children of one parent, rising."""
        first, last = int(self.first_child[parent]), int(self.last_child[parent])
        if first == NONE:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.parent[first : last + 1] == parent).astype(np.int64) + first


@dataclass(frozen=True, slots=True)
class LevelPoint:
    """A buying or selling point (买卖点) of one level. `index` is its row, `element` the stroke or segment it ends.

    `known_ms` is the close of the bar after which it was first shown, None where the structure does not say;
    `known_bar` is that bar. `divergence` is the ratio of forces, None where there is none.
    """

    level: str
    index: int
    ends: Literal["stroke", "segment"]
    element: int
    bar: int
    ts_ms: int
    price: float
    side: Literal["buy", "sell"]
    types: tuple[str, ...]
    state: State
    divergence: float | None
    known_bar: int | None
    known_ms: int | None


@dataclass(frozen=True, slots=True)
class NestedInterval:
    """A nested interval (区间套): points of one side, coarsest first, each inside the exit element of the one above."""

    points: tuple[LevelPoint, ...]
    missing: str | None
    """The level at which no point was found, so that the chain ends above it; None when it is whole."""

    @property
    def price(self) -> float:
        """The price of the finest point."""
        return self.points[-1].price

    @property
    def state(self) -> State:
        """Confirmed when every point of the chain is."""
        return "confirmed" if all(point.state == "confirmed" for point in self.points) else "provisional"

    @property
    def known(self) -> LevelPoint | None:
        """The point whose `known_bar` first made the chain known: the last one seen, the finest of equals.

        None where a structure does not say when a point was first shown.
        """
        if any(point.known_ms is None for point in self.points):
            return None
        return max(reversed(self.points), key=lambda point: point.known_ms or 0)


class Levels:
    """The structures of one symbol's levels, finest first, and the links between neighbours."""

    def __init__(
        self,
        bars: Sequence[LevelBars],
        structure_of: Callable[[LevelBars], Any],
        known: Mapping[str, Any] | None = None,
    ) -> None:
        """Analyse each level with `structure_of`, which gives what `chan.analyze` gives, unless `known` has it.

        Raises ValueError when no or equally named levels are given, or a bar does not lie in one bar of the next level.
        """
        known = known or {}
        self.names = tuple(level.level for level in bars)
        if not bars or len(set(self.names)) < len(self.names):
            raise ValueError(f"levels are {list(self.names)}: give at least one, each once, finest first")
        self._structure_of = structure_of
        self.bars = {level.level: level for level in bars}
        """The closed bars of each level."""
        self.structures = {at: known[at] if at in known else structure_of(self.bars[at]) for at in self.names}
        """What the bars of each level show."""
        self._links = {
            (fine, of): links
            for fine, coarse in zip(self.names, self.names[1:], strict=False)
            for of, links in self._linked(fine, coarse).items()
        }

    def _linked(self, fine: str, coarse: str) -> dict[str, Links]:
        links = {"bars": _bar_links(self.bars[fine], self.bars[coarse])}
        children, parents = self.structures[fine], self.structures[coarse]
        for of in LINKED:
            if hasattr(children, of) and hasattr(parents, of):
                links[of] = _span_links(getattr(children, of), getattr(parents, of), self.bars[coarse])
        return links

    def links(self, level: str, of: str = "strokes") -> Links:
        """Return the links of `level`'s list `of` to that of the next coarser level.

        `of` is `bars` or one of `LINKED`. Void objects belong to nothing and have no children. Raises ValueError when
        there is no coarser level or no such list.
        """
        if (level, of) not in self._links:
            raise ValueError(f"no links of {of} at {level!r}: there are {sorted(self._links)}")
        return self._links[level, of]

    def at(self, ts_ms: int) -> Levels:
        """Return the levels as they were known at `ts_ms`: made of the bars closed by then, and of nothing else."""
        cut = [bars.first(int(bars.closed_by(ts_ms)) + 1) for bars in self.bars.values()]
        whole = {bars.level: self.structures[bars.level] for bars in cut if len(bars) == len(self.bars[bars.level])}
        return Levels(cut, self._structure_of, whole)

    def points(self, level: str) -> tuple[LevelPoint, ...]:
        """Return the points of one level, stroke points first, without void ones."""
        points = self.structures[level].points
        return tuple(self._point(level, int(row)) for row in np.flatnonzero(np.asarray(points.state) != VOID))

    def resonance(self, ts_ms: int) -> dict[str, tuple[LevelPoint, ...]]:
        """Return the points of each level known at `ts_ms` (共振), in the order of `points`.

        Each level is analysed anew from the bars closed by then: a batch run per level that has later bars.
        """
        then = self.at(ts_ms)
        return {level: then.points(level) for level in then.names}

    def nested(self, point: LevelPoint, down_to: str) -> NestedInterval:
        """Return the nested interval (区间套) from `point` down to the level `down_to`.

        In each next finer level it is the last point 1 or 1p of the same side inside the time span of the element that
        the point above ends; of two at one time the stroke's. Raises ValueError when `down_to` is not a finer level
        than the point's, or the point is not one of these levels as they are now.
        """
        if not self._has(point):
            raise ValueError(f"point {point.index} of {point.level!r} is not of these levels: take it from points()")
        if down_to not in self.names[: self.names.index(point.level)]:
            raise ValueError(f"down_to is {down_to!r}: give a level finer than {point.level}, of {list(self.names)}")
        chain = [point]
        for level in reversed(self.names[self.names.index(down_to) : self.names.index(point.level)]):
            row = self._last_divergence(level, chain[-1])
            if row is None:
                return NestedInterval(tuple(chain), level)
            chain.append(self._point(level, row))
        return NestedInterval(tuple(chain), None)

    def _has(self, point: LevelPoint) -> bool:
        if point.level not in self.names or not 0 <= point.index < len(self.structures[point.level].points.state):
            return False
        return self._point(point.level, point.index) == point

    def _last_divergence(self, level: str, above: LevelPoint) -> int | None:
        structure = self.structures[above.level]
        elements = structure.strokes if above.ends == "stroke" else structure.segments
        begin_ms = int(elements.start_ts_ms[above.element])
        until_ms = int(_until_ms(elements.end_ts_ms[above.element], self.bars[above.level]))
        points = self.structures[level].points
        ts_ms = np.asarray(points.ts_ms)
        fits = (np.asarray(points.types) & DIVERGENCE_BITS) != 0
        fits &= (np.asarray(points.side) > 0) == (above.side == "buy")
        fits &= (np.asarray(points.state) != VOID) & (ts_ms >= begin_ms) & (ts_ms < until_ms)
        rows = np.flatnonzero(fits)
        return int(rows[np.argmax(ts_ms[rows])]) if rows.size else None

    def _point(self, level: str, row: int) -> LevelPoint:
        points = self.structures[level].points
        types, divergence = int(points.types[row]), float(points.divergence[row])
        seen = getattr(points, "first_seen_bar", None)
        known_bar = None if seen is None else int(seen[row])
        return LevelPoint(
            level=level,
            index=row,
            ends="stroke" if points.level[row] == 0 else "segment",
            element=int(points.element[row]),
            bar=int(points.bar[row]),
            ts_ms=int(points.ts_ms[row]),
            price=float(points.price[row]),
            side="buy" if points.side[row] > 0 else "sell",
            types=tuple(name for bit, name in enumerate(POINT_TYPES) if types >> bit & 1),
            state=chan.STATES[points.state[row]],
            divergence=None if np.isnan(divergence) else divergence,
            known_bar=known_bar,
            known_ms=None if known_bar is None else int(self.bars[level].close_ms[known_bar]),
        )


def analyze(
    levels: Sequence[LevelBars], *, preset: str = "default", params: Mapping[str, chan.Setting] | None = None
) -> Levels:
    """Return the structures of all levels, finest first, with their links; settings as in `chan.analyze`.

    Raises ValueError as `Levels` and `chan.analyze` do.
    """

    def structure_of(bars: LevelBars) -> chan.Structure:
        return chan.analyze(
            bars.open, bars.high, bars.low, bars.close, bars.open_ms, preset=preset, volume=bars.volume, params=params
        )

    return Levels(levels, structure_of)


def _bar_links(fine: LevelBars, coarse: LevelBars) -> Links:
    """Link each bar to the coarser one that covers it."""
    if not len(coarse):
        return _both_ways(np.full(len(fine), NONE, dtype=np.int64), 0)
    at = np.searchsorted(coarse.open_ms, fine.open_ms, side="right") - 1
    covered = (at >= 0) & (fine.open_ms < coarse.close_ms[at])
    following_ms = np.append(coarse.open_ms, np.iinfo(np.int64).max)[at + 1]
    split = fine.close_ms > np.where(covered, coarse.close_ms[at], following_ms)
    if split.any():
        raise ValueError(f"{fine.level} bar {int(np.argmax(split))} does not lie in one {coarse.level} bar")
    return _both_ways(np.where(covered, at, NONE), len(coarse))


def _span_links(children: Any, parents: Any, parent_bars: LevelBars) -> Links:
    """Link each child to the earliest parent whose time span contains its end, within `level` where the list has it."""
    child_group, parent_group = _groups(children), _groups(parents)
    parent = np.full(len(child_group), NONE, dtype=np.int64)
    for group in np.unique(child_group[child_group != NONE]):
        rows, candidates = np.flatnonzero(child_group == group), np.flatnonzero(parent_group == group)
        if not candidates.size:
            continue
        end_ms = np.asarray(children.end_ts_ms)[rows]
        until_ms = np.maximum.accumulate(_until_ms(np.asarray(parents.end_ts_ms)[candidates], parent_bars))
        nearest = np.searchsorted(until_ms, end_ms, side="right")
        found = candidates[np.minimum(nearest, candidates.size - 1)]
        inside = (nearest < candidates.size) & (np.asarray(parents.start_ts_ms)[found] <= end_ms)
        parent[rows] = np.where(inside, found, NONE)
    return _both_ways(parent, len(parent_group))


def _groups(spans: Any) -> NDArray[np.int64]:
    """Return each row's element level, 0 where the list has one only, -1 for void rows."""
    state = np.asarray(spans.state)
    level = np.asarray(spans.level, dtype=np.int64) if hasattr(spans, "level") else np.zeros(state.size, dtype=np.int64)
    return np.where(state == VOID, NONE, level)


def _until_ms(end_ts_ms: ArrayLike, bars: LevelBars) -> NDArray[np.int64]:
    """Return the close of the bar that opens at each time."""
    return bars.close_ms[np.searchsorted(bars.open_ms, np.asarray(end_ts_ms, dtype=np.int64), side="right") - 1]


def _both_ways(parent: NDArray[np.int64], parents: int) -> Links:
    first, last = np.full(parents, NONE, dtype=np.int64), np.full(parents, NONE, dtype=np.int64)
    rows = np.flatnonzero(parent != NONE)
    last[parent[rows]] = rows
    first[parent[rows[::-1]]] = rows[::-1]
    return Links(parent.astype(np.int64, copy=False), first, last)
