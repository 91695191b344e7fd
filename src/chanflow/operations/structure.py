"""The structure of a symbol's bars as answers speak of it: legs, centers and points, each with its id.

The engine gives columns; this module reads them into values and joins what belongs together, for example a point and
its center. Elements are numbered from the first bar read; points are named by their time, since they never move.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from chanflow.domain.market_data import Bar
from chanflow.domain.structure import State
from chanflow.features.chan_columns import POINT_TYPES

Of = Literal["stroke", "segment"]
Way = Literal["up", "down"]
Side = Literal["buy", "sell"]
Trend = Literal["up", "down", "range"]

PRESET = "default"
"""The rules every answer is read by."""
_OF: tuple[Of, Of] = ("stroke", "segment")
_STATES: tuple[State, ...] = ("provisional", "confirmed", "void")


class Span(NamedTuple):
    """A segment over elements `first` to `last`, counted as indices."""

    first: int
    last: int
    way: Way


@dataclass(frozen=True, slots=True)
class Leg:
    """A stroke (笔) or a segment (线段). Times are the opens of the bars it starts and ends at, Unix ms."""

    of: Of
    index: int
    way: Way
    start_ms: int
    start_price: float
    end_ms: int
    end_price: float
    end_bar: int
    state: State

    @property
    def ref(self) -> str:
        """Its id; while it is provisional it carries its end as revision."""
        return f"{self.of}#{self.index}" + ("" if self.state == "confirmed" else f"r{self.end_bar}")


@dataclass(frozen=True, slots=True)
class Center:
    """A center (中枢) over elements `first` to `last`: its range low (ZD) to high (ZG), its peaks (DD, GG)."""

    of: Of
    first: int
    last: int
    entry: int | None
    exit: int | None
    low: float
    high: float
    peak_low: float
    peak_high: float
    start_ms: int
    end_ms: int
    state: State

    @property
    def ref(self) -> str:
        """Its id, named by its first element; while it is provisional it carries its last one as revision."""
        return f"center{_suffix(self.of)}#{self.first}" + ("" if self.state == "confirmed" else f"r{self.last}")


@dataclass(frozen=True, slots=True)
class Point:
    """A buying or selling point (买卖点) of one type. Moments are the closes of the bars that told it, Unix ms.

    `element` is the leg that ends there; `ratio` is the force of the exit by that of the entry, for types 1 and 1p.
    """

    of: Of
    type: str
    side: Side
    element: int
    bar: int
    at_ms: int
    price: float
    state: State
    ratio: float | None
    first_seen_ms: int
    confirmed_ms: int | None
    void_ms: int | None

    @property
    def subtype(self) -> str:
        """The engine's own name of its type, with `-seg` where a segment ends."""
        return self.type + _suffix(self.of)


class Structure:
    """What the bars show: everything shown now, and the points ever shown."""

    def __init__(self, columns: Any, bars: Sequence[Bar]) -> None:
        """Read what `features.chan.analyze` gave for `bars` with its history."""
        self.strokes = list(_legs("stroke", columns.strokes))
        """Oldest first, as `segments`, `centers` and `points` are."""
        self.segments = list(_legs("segment", columns.segments))
        self.centers = sorted(_centers(columns.centers), key=lambda center: center.start_ms)
        self.points = _points(columns.points, bars)
        self._spans: dict[Of, list[Span]] = {
            "stroke": list(_spans(columns.segments, self.strokes)),
            "segment": list(_spans(columns.super_segments, self.segments)),
        }

    def legs(self, of: Of) -> list[Leg]:
        """Return the strokes or the segments."""
        return self.strokes if of == "stroke" else self.segments

    @property
    def trend(self) -> Trend | None:
        """Where the last two stroke centers lie to each other, None without a center.

        They make a trend (趋势) when their peaks do not touch (`trend_compare` peak); otherwise, or when there is one
        only, a consolidation (盘整), here `range`.
        """
        last = [center for center in self.centers if center.of == "stroke"][-2:]
        if len(last) < 2:
            return "range" if last else None
        earlier, later = last
        if later.peak_low > earlier.peak_high:
            return "up"
        return "down" if later.peak_high < earlier.peak_low else "range"

    def center_of(self, point: Point) -> Center | None:
        """Return the center that the rule of the point's type looks at.

        That is the last one of the segment that ends for type 1, the one left behind for 3a, and for 3b the last one of
        the segment that ended before. None for types that need no center, and for what was withdrawn.
        """
        if point.state == "void":
            return None
        match point.type:
            case "1":
                return self._last_center_in(point.of, self._ending_at(point.of, point.element))
            case "3a":
                return self._center_left_before(point)
            case "3b":
                return self._center_not_entered_again(point)
        return None

    def entry_of(self, point: Point) -> int | None:
        """Return the leg whose force a point 1 or 1p compares with: the center's entry, or the leg before the last."""
        if point.type == "1p":
            return point.element - 2
        center = self.center_of(point)
        return None if center is None else center.entry

    def _ending_at(self, of: Of, element: int) -> Span | None:
        return next((span for span in reversed(self._spans[of]) if span.last == element), None)

    def _last_center_in(self, of: Of, span: Span | None) -> Center | None:
        if span is None:
            return None
        inside = (each for each in reversed(self.centers) if each.of == of and span.first <= each.first <= span.last)
        return next((center for center in inside if center.last > center.first), None)

    def _center_left_before(self, point: Point) -> Center | None:
        left = (each for each in reversed(self.centers) if each.of == point.of and each.exit == point.element - 1)
        return next((center for center in left if center.last > center.first), None)

    def _center_not_entered_again(self, point: Point) -> Center | None:
        way: Way = "down" if point.side == "buy" else "up"
        for span in reversed(self._spans[point.of]):
            if span.way != way or span.last > point.element - 2:
                continue
            center = self._last_center_in(point.of, span)
            if center and (point.price >= center.high if point.side == "buy" else point.price <= center.low):
                return center
        return None


def chan_columns(bars: Sequence[Bar]) -> Any:
    """Return what `features.chan.analyze` gives for `bars` with its history."""
    from chanflow.features import chan  # noqa: PLC0415  # the compiled core and numpy wait for the first structure

    columns = ([getattr(bar, name) for bar in bars] for name in ("open", "high", "low", "close", "ts_ms"))
    return chan.analyze(*columns, preset=PRESET, history=True)


def _suffix(of: Of) -> str:
    return "-seg" if of == "segment" else ""


def _shown(table: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    """Return these columns of each row that is not void, and its state as the last value."""
    columns = [getattr(table, name).tolist() for name in (*names, "state")]
    for *values, code in zip(*columns, strict=True):
        if _STATES[code] != "void":
            yield (*values, _STATES[code])


def _legs(of: Of, table: Any) -> Iterator[Leg]:
    rows = _shown(table, "direction", "start_ts_ms", "start_price", "end_ts_ms", "end_price", "end_bar")
    for index, (direction, *rest) in enumerate(rows):
        yield Leg(of, index, _way(direction), *rest)


def _spans(table: Any, legs: Sequence[Leg]) -> Iterator[Span]:
    """Return over which of `legs` each row runs: from the one that starts where it does to the one that ends there."""
    starting, ending = ({getattr(leg, at): leg.index for leg in legs} for at in ("start_ms", "end_ms"))
    for start_ms, end_ms, direction, _ in _shown(table, "start_ts_ms", "end_ts_ms", "direction"):
        yield Span(starting[start_ms], ending[end_ms], _way(direction))


def _way(direction: int) -> Way:
    return "up" if direction > 0 else "down"


def _centers(table: Any) -> Iterator[Center]:
    elements = ("level", "start_stroke", "end_stroke", "entry_stroke", "exit_stroke")
    figures = ("low", "high", "peak_low", "peak_high", "start_ts_ms", "end_ts_ms")
    for level, first, last, entry, leaving, *rest in _shown(table, *elements, *figures):
        yield Center(_OF[level], first, last, _index(entry), _index(leaving), *rest)


def _index(element: int) -> int | None:
    return None if element < 0 else element


def _points(table: Any, bars: Sequence[Bar]) -> list[Point]:
    """Return every point ever shown, each type of an end on its own, by time, level and type.

    A point has one identity: level, side, type and bar. If it went and came back it is one, first seen when it first
    came, and void only if it is not there now.
    """
    names = ("level", "element", "bar", "ts_ms", "price", "side", "types", "state", "divergence")
    lives = ("first_seen_bar", "confirmed_bar", "void_bar")
    found: dict[tuple[int, int, int, int], Point] = {}
    for level, element, bar, at_ms, price, side, types, code, ratio, seen, confirmed, void in zip(
        *(getattr(table, name).tolist() for name in (*names, *lives)), strict=True
    ):
        for bit, kind in enumerate(POINT_TYPES):
            if not types >> bit & 1:
                continue
            point = Point(
                of=_OF[level],
                type=kind,
                side="buy" if side > 0 else "sell",
                element=element,
                bar=bar,
                at_ms=at_ms,
                price=price,
                state=_STATES[code],
                ratio=ratio if bit < 2 and math.isfinite(ratio) else None,
                first_seen_ms=bars[seen].close_ms,
                confirmed_ms=_close_ms(bars, confirmed),
                void_ms=_close_ms(bars, void),
            )
            key = (bar, level, bit, side)
            found[key] = _joined(found[key], point) if key in found else point
    return [found[key] for key in sorted(found)]


def _close_ms(bars: Sequence[Bar], bar: int) -> int | None:
    return None if bar < 0 else bars[bar].close_ms


def _joined(one: Point, other: Point) -> Point:
    """Return two appearances of one point as one: as it was last seen, known since the first."""
    kept = max(one, other, key=lambda each: (each.state != "void", each.void_ms or 0))
    return replace(kept, first_seen_ms=min(one.first_seen_ms, other.first_seen_ms))
