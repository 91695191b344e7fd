"""Strokes (笔): from a fractal to one of the other kind, far enough apart. Rule 2.3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from chanflow.features.reference.bar import Direction
from chanflow.features.reference.element import Element
from chanflow.features.reference.fractal import Kind, kinds
from chanflow.features.reference.inclusion import MergedBar, Range
from chanflow.features.reference.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Leg:
    """A stroke as two indices of merged bars. It is sure if a fractal ends it, or ended it before it was extended."""

    begin: int
    end: int
    direction: Direction
    sure: bool = True


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two merged bars that may become a stroke, with the bars around the second that count."""

    merged: Sequence[MergedBar]
    begin: int
    end: int
    direction: Direction
    around_end: tuple[MergedBar | Range, ...]


def strokes(merged: Sequence[MergedBar], params: Parameters) -> list[Element]:
    """Return the strokes shown after the last bar, the provisional tail included."""
    legs, settled = legs_between_fractals(merged, params)
    shown = with_tail(merged, legs, settled, params)
    return [_element(merged, leg, index, index < settled) for index, leg in enumerate(shown)]


def final_strokes(merged: Sequence[MergedBar], params: Parameters) -> list[Element]:
    """Return the strokes as they are when no bar follows any more: each ends at its last fractal (rule 2.10)."""
    legs, settled = legs_between_fractals(merged, params)
    return [_element(merged, leg, index, index < settled) for index, leg in enumerate(legs)]


def legs_between_fractals(merged: Sequence[MergedBar], params: Parameters) -> tuple[list[Leg], int]:
    """Return the strokes whose ends are fractals (rules 2.3.1 to 2.3.6), and how many of them are confirmed.

    What ends at the last fractal may still move; without sub-peaks up to three strokes may be dropped (rule 3.4).
    """
    legs: list[Leg] = []
    settled = 0
    for _, now, sure in _readings(merged, params):
        legs, settled = now, sure
    return legs, settled


def overdue(merged: Sequence[MergedBar], params: Parameters) -> list[tuple[int, int]]:
    """Return after which raw bars a stroke was overdue, each with where the one before it ends (rule 2.10).

    An end stands from the raw bar that made it a fractal until one moves it or begins the next stroke there.
    """
    stands: list[tuple[int, Leg]] = []
    for known, legs, _ in _readings(merged, params):
        if legs and (not stands or stands[-1][1].end != legs[-1].end):
            stands.append((known, legs[-1]))
    found = []
    for at, (known, last) in enumerate(stands):
        until = stands[at + 1][0] - 1 if at + 1 < len(stands) else merged[-1].last_bar
        if is_overdue(merged, last, until, params):
            end_bar = _end_bar(merged, last)
            found.append((max(known, end_bar + (params.max_stroke_bars or 0)), end_bar))
    return found


def is_overdue(merged: Sequence[MergedBar], last: Leg, bar: int, params: Parameters) -> bool:
    """Whether after a raw bar too many have passed since the end of the last stroke: the next may end anywhere."""
    limit = params.max_stroke_bars
    return limit is not None and bar - _end_bar(merged, last) >= limit


def _end_bar(merged: Sequence[MergedBar], leg: Leg) -> int:
    return merged[leg.end].high_bar if leg.direction == "up" else merged[leg.end].low_bar


def _readings(merged: Sequence[MergedBar], params: Parameters) -> Iterator[tuple[int, list[Leg], int]]:
    """Yield after each fractal the raw bar that made it one, the strokes, and how many of them are confirmed."""
    legs: list[Leg] = []
    settled = 0
    free: list[tuple[int, Kind]] = []
    for at, kind in enumerate(kinds(merged)):
        if kind is None:
            continue
        if legs:
            legs = _read_fractal(merged, legs, at, kind, settled, params)
        elif (leg := _first_leg(merged, free, at, kind, params)) is not None:
            legs = [leg]
        else:
            free.append((at, kind))
        settled = max(settled, len(legs) - (1 if params.bi_allow_sub_peak else 3))
        yield merged[at + 1].first_bar, legs, settled


def with_tail(merged: Sequence[MergedBar], legs: list[Leg], settled: int, params: Parameters) -> list[Leg]:
    """Return the strokes with what the bars after the last fractal provisionally add (rule 2.3.7)."""
    if not legs:
        return legs
    last, latest = legs[-1], len(merged) - 1
    if _reaches(merged[latest], merged[last.end], last.direction):
        return [*legs[:-1], replace(last, end=latest)]
    onward: Direction = "down" if last.direction == "up" else "up"
    anywhere = is_overdue(merged, last, merged[latest].last_bar, params)
    for at in range(latest, last.end, -1):
        if merged[at].direction != onward:
            continue
        around = around_end(params.bi_fx_check, merged[at - 1], merged[at], None)
        if can_join(_Pair(merged, last.end, at, onward, around), params, anywhere=anywhere):
            return [*legs, Leg(last.end, at, onward, sure=False)]
        if _replaces_peak(merged, legs, at, settled, params):
            return [*legs[:-2], replace(legs[-2], end=at)]
    return legs


def _first_leg(
    merged: Sequence[MergedBar], free: list[tuple[int, Kind]], at: int, kind: Kind, params: Parameters
) -> Leg | None:
    """Return the stroke from the oldest free fractal of the other kind that reaches this one (rule 2.3.2)."""
    direction: Direction = "up" if kind == "top" else "down"
    around = _around_fractal(merged, at, params)
    for begin, other in free:
        if other != kind and can_join(_Pair(merged, begin, at, direction, around), params):
            return Leg(begin, at, direction)
    return None


def _read_fractal(
    merged: Sequence[MergedBar], legs: list[Leg], at: int, kind: Kind, settled: int, params: Parameters
) -> list[Leg]:
    """Return the strokes after one more fractal: moved, joined by a new one, or less one (rules 2.3.3, 4 and 6)."""
    last = legs[-1]
    direction: Direction = "up" if kind == "top" else "down"
    if direction == last.direction:
        moves = _reaches(merged[at], merged[last.end], direction)
        return [*legs[:-1], replace(last, end=at)] if moves else legs
    anywhere = is_overdue(merged, last, merged[at + 1].first_bar - 1, params)
    if can_join(_Pair(merged, last.end, at, direction, _around_fractal(merged, at, params)), params, anywhere=anywhere):
        legs.append(Leg(last.end, at, direction))
    elif _replaces_peak(merged, legs, at, settled, params):
        return [*legs[:-2], replace(legs[-2], end=at)]
    return legs


def can_join(pair: _Pair, params: Parameters, *, anywhere: bool = False) -> bool:
    """Whether a stroke may lead from one merged bar to another (rule 2.3.5); `anywhere` as for `is_apart`."""
    return (
        (params.bi_algo == "fx" or is_long_enough(pair, params))
        and is_apart(pair, params.bi_fx_check, anywhere=anywhere)
        and (anywhere or not params.bi_end_is_peak or is_peak(pair.merged, pair.begin, pair.end, pair.direction))
    )


def is_long_enough(pair: _Pair, params: Parameters) -> bool:
    """Whether enough merged bars lie between (rule 2.3.5a)."""
    merged = pair.merged
    span = pair.end - pair.begin
    if params.gap_as_kl and span < 4:
        neighbours = pairwise(merged[pair.begin : pair.end + 1])
        span += sum(a.raw.high < b.raw.low or b.raw.high < a.raw.low for a, b in neighbours)
    if params.bi_strict:
        return span >= 4
    raw_between = merged[pair.end].first_bar - merged[pair.begin].last_bar - 1
    return span >= 3 and raw_between >= 3


def is_apart(pair: _Pair, check: str, *, anywhere: bool = False) -> bool:
    """Whether the fractals lie apart in price, as strictly as `bi_fx_check` asks (rule 2.3.5b).

    An overdue stroke may end `anywhere`: 5c is dropped, and the neighbours of its begin here (rule 2.10).
    """
    merged, at = pair.merged, pair.begin
    begin, end = merged[at], merged[pair.end]
    around_begin = {"half": merged[at : at + 2], "loss": [begin]}.get(check, merged[at - 1 : at + 2])
    if anywhere:
        around_begin = [begin]
    if check == "totally":
        if pair.direction == "down":
            return begin.low > max(bar.high for bar in pair.around_end)
        return begin.high < min(bar.low for bar in pair.around_end)
    if pair.direction == "down":
        return begin.high > max(bar.high for bar in pair.around_end) and end.low < min(bar.low for bar in around_begin)
    return begin.low < min(bar.low for bar in pair.around_end) and end.high > max(bar.high for bar in around_begin)


def is_peak(merged: Sequence[MergedBar], begin: int, end: int, direction: Direction) -> bool:
    """Whether no merged bar strictly between is strictly more extreme than the end (rule 2.3.5c)."""
    between = merged[begin + 1 : end]
    if direction == "down":
        return all(bar.low >= merged[end].low for bar in between)
    return all(bar.high <= merged[end].high for bar in between)


def _around_fractal(merged: Sequence[MergedBar], at: int, params: Parameters) -> tuple[MergedBar | Range, ...]:
    """Return the bars around a fractal that ends a stroke; its right neighbour had its first raw bar only."""
    return around_end(params.bi_fx_check, merged[at - 1], merged[at], merged[at + 1].born)


def around_end(check: str, left: MergedBar, middle: MergedBar, right: Range | None) -> tuple[MergedBar | Range, ...]:
    """Return the bars around the end of a stroke that `bi_fx_check` looks at. A provisional end has no right one."""
    if check == "loss":
        return (middle,)
    if check == "half" or right is None:
        return (left, middle)
    return (left, middle, right)


def _reaches(bar: MergedBar, peak: MergedBar, direction: Direction) -> bool:
    """Whether a bar is at least as extreme as the end of a stroke of this direction."""
    return bar.high >= peak.high if direction == "up" else bar.low <= peak.low


def _replaces_peak(merged: Sequence[MergedBar], legs: list[Leg], at: int, settled: int, params: Parameters) -> bool:
    """Whether a peak is a better end for the stroke before the last, which then is dropped (rule 2.3.6).

    A confirmed stroke is neither moved nor dropped (rule 3.4).
    """
    if params.bi_allow_sub_peak or len(legs) - 2 < settled:
        return False
    before, last = legs[-2:]
    if not _reaches(merged[at], merged[last.begin], before.direction):
        return False
    if before.direction == "up":
        holds = merged[last.end].low >= merged[before.begin].low
    else:
        holds = merged[last.end].high <= merged[before.begin].high
    return holds and is_peak(merged, before.begin, at, before.direction)


def _element(merged: Sequence[MergedBar], leg: Leg, index: int, confirmed: bool) -> Element:
    """Return the stroke as an element: prices and peak bars of its merged bars (rule 2.3.8)."""
    begin, end = merged[leg.begin], merged[leg.end]
    up = leg.direction == "up"
    low, high = (begin.low, end.high) if up else (end.low, begin.high)
    return Element(
        index=index,
        direction=leg.direction,
        begin_bar=begin.low_bar if up else begin.high_bar,
        end_bar=end.high_bar if up else end.low_bar,
        begin_price=low if up else high,
        end_price=high if up else low,
        low=low,
        high=high,
        first_bar=begin.first_bar,
        last_bar=end.last_bar,
        sure=leg.sure,
        confirmed=confirmed,
    )
