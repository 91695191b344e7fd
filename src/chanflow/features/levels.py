"""Several levels of one symbol at once (多级别联立): the structure of each, linked to the next coarser one, both ways.

One rule of time: a child belongs to the parent whose [start bar open, end bar close) contains the child's end; so a
week belongs to the month in which it ends. Where two parents share the bar of their common peak, the earlier one has
it. Only closed bars count, so that an answer for a time uses nothing that was unknown then. A level's last bar may
still be forming; what shows because of it is a preview (预演): never confirmed, and gone in every answer for a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chanflow.domain.structure import State
from chanflow.features import chan

LINKED = ("strokes", "segments", "super_segments", "centers")
"""The lists of a structure that have links, besides the bars."""
DIVERGENCE_BITS = 0b11
"""Types 1 and 1p: points that a divergence (背驰) makes."""
PROVISIONAL, CONFIRMED, VOID = 0, 1, 2
NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class LevelBars:
    """The bars of one level: one array per column, times in Unix ms UTC, prices in quote units.

    A bar covers [open_ms, close_ms). All are closed but, if `forming`, the last one. Raises ValueError when columns
    differ in length, a bar does not end after its open, one opens before the end of the bar before it, or no bar is
    there to be forming.
    """

    level: str
    open_ms: NDArray[np.int64]
    close_ms: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64] | None = None
    forming: bool = False

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
        if self.forming and not len(self):
            raise ValueError(f"{self.level} has no bar, so none is forming")

    def __len__(self) -> int:
        return len(self.open_ms)

    def closed_by(self, ts_ms: ArrayLike) -> NDArray[np.int64]:
        """Return, for each time, the index of the last bar that was closed then, -1 for none."""
        close_ms = self.close_ms[: self.closed]
        return np.searchsorted(close_ms, np.asarray(ts_ms, dtype=np.int64), side="right").astype(np.int64) - 1

    @property
    def closed(self) -> int:
        """How many of the bars are closed: all but a forming one."""
        return len(self) - self.forming

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
            forming=self.forming and bars == len(self),
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

    `known_bar` is the bar after which it was first shown, None where the structure does not say; `known_ms` is that
    bar's close, None also while it forms. `divergence` is the ratio of forces, None where there is none.
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
class Known:
    """When something came to be known: at `ms`, the close of bar `bar` of a level."""

    level: str
    bar: int
    ms: int


@dataclass(frozen=True, slots=True)
class NestedInterval:
    """A nested interval (区间套): points of one side, coarsest first, each inside the exit element of the one above."""

    points: tuple[LevelPoint, ...]
    missing: str | None
    """The level at which no point was found, so that the chain ends above it; None when it is whole."""
    known: Known | None
    """The bar at which the chain was first known: its points and the elements that hold them were shown, and no later
    point, withdrawn since, stood in their place. Of bars that close at one time it is the finest's. None where a
    structure has no history, or the chain rests on a bar that still forms."""

    @property
    def price(self) -> float:
        """The price of the finest point."""
        return self.points[-1].price

    @property
    def state(self) -> State:
        """Confirmed when every point of the chain is."""
        return "confirmed" if all(point.state == "confirmed" for point in self.points) else "provisional"


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
        missing = None
        for level in reversed(self.names[self.names.index(down_to) : self.names.index(point.level)]):
            row = self._last_divergence(level, chain[-1])
            if row is None:
                missing = level
                break
            chain.append(self._point(level, row))
        return NestedInterval(tuple(chain), missing, self._known(chain))

    def _has(self, point: LevelPoint) -> bool:
        if point.level not in self.names or not 0 <= point.index < len(self.structures[point.level].points.state):
            return False
        return self._point(point.level, point.index) == point

    def _last_divergence(self, level: str, above: LevelPoint) -> int | None:
        points = self.structures[level].points
        rows = np.flatnonzero(self._divergences(level, above) & (np.asarray(points.state) != VOID))
        return int(rows[np.argmax(np.asarray(points.ts_ms)[rows])]) if rows.size else None

    def _divergences(self, level: str, above: LevelPoint) -> NDArray[np.bool_]:
        """Return which rows of a level's points, void ones too, are of the side and inside the element above."""
        elements = self._elements(above)
        begin_ms = int(elements.start_ts_ms[above.element])
        until_ms = int(_until_ms(elements.end_ts_ms[above.element], self.bars[above.level]))
        points = self.structures[level].points
        ts_ms = np.asarray(points.ts_ms)
        fits = (np.asarray(points.types) & DIVERGENCE_BITS) != 0
        fits &= (np.asarray(points.side) > 0) == (above.side == "buy")
        return np.asarray(fits & (ts_ms >= begin_ms) & (ts_ms < until_ms))

    def _known(self, chain: Sequence[LevelPoint]) -> Known | None:
        """Return when a chain was first known: once all of it was shown and nothing stood in its way any more."""
        needed = [self._moment(point.level, point.known_bar) for point in chain]
        for above in chain[:-1]:
            seen = self._elements(above).first_seen_bar
            needed.append(None if seen is None else self._moment(above.level, int(seen[above.element])))
        known = max((each for each in needed if each is not None), key=self._order, default=None)
        if known is None or None in needed:
            return None
        rivals = [rival for above, point in pairwise(chain) for rival in self._rivals(above, point)]
        for shown, gone in sorted(rivals, key=lambda rival: 0 if rival[0] is None else rival[0].ms):
            if shown is not None and shown.ms <= known.ms and (gone is None or known.ms < gone.ms):
                if gone is None:
                    return None
                known = gone
        return known

    def _elements(self, point: LevelPoint) -> Any:
        """Return the list of the element that a point ends."""
        structure = self.structures[point.level]
        return structure.strokes if point.ends == "stroke" else structure.segments

    def _rivals(self, above: LevelPoint, point: LevelPoint) -> Iterator[tuple[Known | None, Known | None]]:
        """Return since when, and until when, each withdrawn point was shown that would have been taken for `point`."""
        points = self.structures[point.level].points
        later = (points.ts_ms > point.ts_ms) | ((points.ts_ms == point.ts_ms) & (points.level == 0))
        later &= (points.ts_ms != point.ts_ms) | (point.ends == "segment")
        for row in np.flatnonzero(self._divergences(point.level, above) & (points.state == VOID) & later):
            bars = int(points.first_seen_bar[row]), int(points.void_bar[row])
            yield self._moment(point.level, bars[0]), self._moment(point.level, bars[1])

    def _moment(self, level: str, bar: int | None) -> Known | None:
        """Return when a bar closed, None for a bar that forms or is not known."""
        if bar is None or bar >= self.bars[level].closed:
            return None
        return Known(level, bar, int(self.bars[level].close_ms[bar]))

    def _order(self, moment: Known) -> tuple[int, int]:
        """Return what sorts moments by time, of equals the finest last."""
        return moment.ms, -self.names.index(moment.level)

    def _point(self, level: str, row: int) -> LevelPoint:
        points = self.structures[level].points
        types, divergence = int(points.types[row]), float(points.divergence[row])
        seen = getattr(points, "first_seen_bar", None)
        known_bar = None if seen is None else int(seen[row])
        closed = known_bar is not None and known_bar < self.bars[level].closed
        return LevelPoint(
            level=level,
            index=row,
            ends="stroke" if points.level[row] == 0 else "segment",
            element=int(points.element[row]),
            bar=int(points.bar[row]),
            ts_ms=int(points.ts_ms[row]),
            price=float(points.price[row]),
            side="buy" if points.side[row] > 0 else "sell",
            types=tuple(name for bit, name in enumerate(chan.POINT_TYPES) if types >> bit & 1),
            state=chan.STATES[points.state[row]],
            divergence=None if np.isnan(divergence) else divergence,
            known_bar=known_bar,
            known_ms=int(self.bars[level].close_ms[known_bar]) if closed else None,
        )


def analyze(
    levels: Sequence[LevelBars],
    *,
    preset: str = "default",
    params: Mapping[str, chan.Setting] | None = None,
    history: bool = True,
) -> Levels:
    """Return the structures of all levels, finest first, with their links; settings as in `chan.analyze`.

    Without `history` it is several times faster, and no point says since when it is known. A level whose last bar
    forms always has it. Raises ValueError as `Levels` and `chan.analyze` do.
    """

    def structure_of(bars: LevelBars) -> chan.Structure:
        found = chan.analyze(
            bars.open, bars.high, bars.low, bars.close, bars.open_ms, preset=preset, volume=bars.volume, params=params,
            history=history or bars.forming,
        )  # fmt: skip
        return unsettled(found, bars.closed) if bars.forming else found

    return Levels(levels, structure_of)


def unsettled(structure: chan.Structure, closed: int) -> chan.Structure:
    """Return a structure with history in which nothing is confirmed that bars before bar `closed` did not confirm.

    So the bar `closed`, which still forms, shows what would be if it closed as it stands, and settles nothing.
    """
    lists: dict[str, Any] = {name: getattr(structure, name) for name in (*LINKED, "points")}
    for name, rows in lists.items():
        late = (rows.state == CONFIRMED) & (rows.confirmed_bar >= closed)
        lists[name] = replace(
            rows,
            state=np.where(late, PROVISIONAL, rows.state).astype(np.uint8),
            confirmed_bar=np.where(late, NONE, rows.confirmed_bar),
        )
    points = lists["points"]
    settled = np.where(points.state == CONFIRMED, points.confirmed_types, 0).astype(np.uint8)
    return replace(structure, **lists | {"points": replace(points, confirmed_types=settled)})


def _bar_links(fine: LevelBars, coarse: LevelBars) -> Links:
    """Link each bar to the coarser one in which it ends."""
    if not len(coarse):
        return _both_ways(np.full(len(fine), NONE, dtype=np.int64), 0)
    at = np.searchsorted(coarse.open_ms, fine.close_ms, side="left").astype(np.int64) - 1
    spans = (at > 0) & (fine.open_ms < coarse.open_ms[at - 1])
    if spans.any():
        raise ValueError(
            f"{fine.level} bar {int(np.argmax(spans))} spans whole {coarse.level} bars: finest level first"
        )
    ends_inside = (at >= 0) & (fine.close_ms <= coarse.close_ms[at])
    return _both_ways(np.where(ends_inside, at, NONE), len(coarse))


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
