"""Strokes and centers of the czsc school. Rule 2.9."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chanflow.features.reference.bar import Bar, Direction
from chanflow.features.reference.center import Center, center_over, common
from chanflow.features.reference.element import Element
from chanflow.features.reference.fractal import Kind, kind_of
from chanflow.features.reference.inclusion import Range, contains


@dataclass(frozen=True, slots=True)
class Unit:
    """A merged bar of this school: one peak bar for both sides, and the raw bars inside."""

    bar: int
    high: float
    low: float
    first_bar: int
    last_bar: int


@dataclass(frozen=True, slots=True)
class _Fractal:
    at: int
    kind: Kind
    unit: Unit


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A finished stroke, and the units from the left neighbour of its begin to before the left one of its end."""

    begin: Unit
    end: Unit
    direction: Direction
    units: tuple[Unit, ...]


def czsc_strokes(bars: Sequence[Bar], min_bi_len: int) -> tuple[list[Element], int]:
    """Return the strokes after the last bar, and how many of them are finished (rules 2.9.1 to 2.9.6)."""
    found: list[_Stroke] = []
    units: list[Unit] = []
    confirmed = 0
    for number, bar in enumerate(bars):
        _add(units, Unit(number, bar.high, bar.low, number, number))
        if not found:
            units = _from_first_fractal(units)
        stroke, units = _cut(units, min_bi_len)
        if stroke is not None:
            found.append(stroke)
        if len(found) > confirmed and _breaks(units[-1], found[-1]):
            units = [*found.pop().units, *units]
        # Rule 3.4: the last two may be withdrawn.
        confirmed = max(confirmed, len(found) - 2)
    finished = len(found) - (1 if found and len(units) < 5 else 0)
    return [_element(stroke, index, index < confirmed) for index, stroke in enumerate(found)], finished


def _add(units: list[Unit], unit: Unit) -> None:
    """Append a bar, or merge it into the last unit (rule 2.9.1)."""
    if len(units) < 2 or units[-2].high == units[-1].high:
        units.append(unit)
        return
    before, last = units[-2:]
    either = contains(last.high, last.low, unit.high, unit.low) or contains(unit.high, unit.low, last.high, last.low)
    if not either:
        units.append(unit)
    elif before.high < last.high:
        peak = last if last.high > unit.high else unit
        units[-1] = Unit(peak.bar, max(last.high, unit.high), max(last.low, unit.low), last.first_bar, unit.last_bar)
    else:
        peak = last if last.low < unit.low else unit
        units[-1] = Unit(peak.bar, min(last.high, unit.high), min(last.low, unit.low), last.first_bar, unit.last_bar)


def _fractals(units: Sequence[Unit]) -> list[_Fractal]:
    """Return the fractals of the units; of two of one kind in a row the later is ignored (rule 2.9.2)."""
    found: list[_Fractal] = []
    for at in range(1, len(units) - 1):
        kind = kind_of(units[at - 1], units[at], units[at + 1])
        if kind is not None and (not found or found[-1].kind != kind):
            found.append(_Fractal(at, kind, units[at]))
    return found


def _from_first_fractal(units: list[Unit]) -> list[Unit]:
    """Return the units from the left neighbour of the fractal the first stroke may begin at (rule 2.9.3)."""
    fractals = _fractals(units)
    if not fractals:
        return units
    kind = fractals[0].kind
    same = [each for each in fractals if each.kind == kind]
    best = same[0]
    for each in same:
        as_extreme = each.unit.high >= best.unit.high if kind == "top" else each.unit.low <= best.unit.low
        best = each if as_extreme else best
    return units[best.at - 1 :]


def _cut(units: list[Unit], min_bi_len: int) -> tuple[_Stroke | None, list[Unit]]:
    """Return the stroke from the first fractal, if there is one, and the units after it (rule 2.9.4)."""
    fractals = _fractals(units)
    if not fractals:
        return None, units
    a = fractals[0]
    direction: Direction = "up" if a.kind == "bottom" else "down"
    others = [each for each in fractals if each.kind != a.kind]
    if direction == "up":
        b = max((x for x in others if x.unit.high > a.unit.low), key=lambda x: x.unit.high, default=None)
    else:
        b = min((x for x in others if x.unit.low < a.unit.high), key=lambda x: x.unit.low, default=None)
    if b is None or b.at - a.at + 3 < min_bi_len or _strictly_contain(a.unit, b.unit):
        return None, units
    return _Stroke(a.unit, b.unit, direction, tuple(units[a.at - 1 : b.at - 1])), units[b.at - 1 :]


def _strictly_contain(a: Unit, b: Unit) -> bool:
    return (a.high > b.high and a.low < b.low) or (a.high < b.high and a.low > b.low)


def _breaks(unit: Unit, stroke: _Stroke) -> bool:
    """Whether a unit lies beyond the end of a stroke (rule 2.9.5)."""
    return unit.high > stroke.end.high if stroke.direction == "up" else unit.low < stroke.end.low


def _element(stroke: _Stroke, index: int, confirmed: bool) -> Element:
    begin, end = stroke.begin, stroke.end
    up = stroke.direction == "up"
    low, high = (begin.low, end.high) if up else (end.low, begin.high)
    return Element(
        index=index,
        direction=stroke.direction,
        begin_bar=begin.bar,
        end_bar=end.bar,
        begin_price=low if up else high,
        end_price=high if up else low,
        low=low,
        high=high,
        first_bar=begin.first_bar,
        last_bar=end.last_bar,
        sure=confirmed,
        confirmed=confirmed,
    )


def czsc_centers(strokes: Sequence[Element]) -> list[Center]:
    """Return the centers over finished strokes that are shown (rule 2.9.7)."""
    runs: list[list[Element]] = []
    for stroke in strokes:
        if runs and not _leaves(stroke, common(runs[-1][:3])):
            runs[-1].append(stroke)
        else:
            runs.append([stroke])
    return [_center(run) for run in runs if _is_shown(run)]


def _leaves(stroke: Element, shared: Range) -> bool:
    return stroke.high < shared.low if stroke.direction == "up" else stroke.low > shared.high


def _is_shown(run: Sequence[Element]) -> bool:
    """Whether a run is long enough, has a range, and every stroke reaches it. A range of one price cannot be spanned.

    The last is the engine's this rule describes; the specification's words leave it open.
    """
    shared = common(run[:3])
    if len(run) < 3 or shared.high < shared.low:
        return False
    return all(
        shared.low <= stroke.high <= shared.high
        or shared.low <= stroke.low <= shared.high
        or (stroke.low <= shared.low < shared.high <= stroke.high)
        for stroke in run
    )


def _center(run: Sequence[Element]) -> Center:
    whole, shared = center_over(run), common(run[:3])
    return Center(whole.start, whole.end, shared.low, shared.high, whole.peak_low, whole.peak_high)
