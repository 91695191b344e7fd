"""The structure section of a briefing: per level the last legs, centers and points, and what was measured of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.lines import Row, Section, number_text, price_text, share_text, time_text
from chanflow.analyst.structure import CenterRow, LegRow, LevelView, PointFigures, PointRow
from chanflow.domain.instrument import Instrument
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS

STROKES, SEGMENTS, CENTERS, POINTS = 6, 3, 3, 6
"""So many of each a level shows, newest."""


def structure_section(briefing: Briefing) -> Section:
    """Return the levels, the decision level first; what is void is not shown."""
    if not briefing.levels:
        return Section("structure", ("no level was read",))
    rows = [row for view in _ordered(briefing.levels) for row in _level(view, briefing.instrument)]
    return Section("structure", ("ids with r.. are provisional; UTC; low..high (peaks)",), tuple(rows))


def _ordered(levels: Sequence[LevelView]) -> list[LevelView]:
    return sorted(levels, key=lambda view: ("decision", "up", "down").index(view.role))


def _level(view: LevelView, instrument: Instrument) -> Iterator[Row]:
    trend = f"trend:{view.level}"
    head = f"{trend} {view.trend or '?'} ({view.role}) to {time_text(view.closed_ns, view.level)}"
    # The head outlives its rows.
    yield Row(head, -1, (trend,))
    for legs, most in ((view.strokes, STROKES), (view.segments, SEGMENTS)):
        shown = [leg for leg in legs if leg.state != "void"][-most:]
        yield from (_leg(leg, view, instrument) for leg in shown)
    centers = [center for center in view.centers if center.state != "void"][-CENTERS:]
    yield from (_center(center, view, instrument) for center in centers)
    points = [point for point in view.points if point.state != "void"][-POINTS:]
    yield from (_point(point, view, instrument) for point in points)
    names = [point.side + point.type for point in points]
    yield from (_figures(each) for each in view.figures if each.name in names)


def _age(view: LevelView, at_ns: int) -> int:
    """Return an age in bars of the level, so that a coarse level is not cut for being coarse."""
    return (view.closed_ns - at_ns) // (LEVEL_MS.get(view.level, MS_PER_DAY) * NS_PER_MS)


def _leg(leg: LegRow, view: LevelView, instrument: Instrument) -> Row:
    text = (
        f"{leg.ref} {price_text(instrument, leg.start_price)}>{price_text(instrument, leg.end_price)} "
        f"{time_text(leg.end_ns, view.level)}"
    )
    return Row(text, _age(view, leg.end_ns), (leg.ref,))


def _center(center: CenterRow, view: LevelView, instrument: Instrument) -> Row:
    low, high, peak_low, peak_high = (
        price_text(instrument, price) for price in (center.low, center.high, center.peak_low, center.peak_high)
    )
    text = f"{center.ref} {low}..{high} ({peak_low}..{peak_high}) {time_text(center.end_ns, view.level)}"
    return Row(text, _age(view, center.end_ns), (center.ref,))


def _point(point: PointRow, view: LevelView, instrument: Instrument) -> Row:
    extras: list[str] = [point.state]
    if point.confirmed_ns is not None:
        extras.append(f"since {time_text(point.confirmed_ns, view.level)}")
    if point.nested is not None:
        extras.append("nested" if point.nested else "not nested")
    if point.ratio is not None:
        extras.append(f"force ratio {number_text(point.ratio)}")
    at = time_text(point.at_ns, view.level)
    text = f"{point.ref} {price_text(instrument, point.price)} {at} {', '.join(extras)}"
    return Row(text, _age(view, point.at_ns), (point.ref,))


def _figures(figures: PointFigures) -> Row:
    if not figures.n:
        return Row(f"{figures.name}: not measured", 0)
    lag = "?" if figures.lag_bars_p50 is None else str(figures.lag_bars_p50)
    interval = f"{share_text(figures.ci_low)}..{share_text(figures.ci_high)}"
    return Row(
        f"{figures.name}: hit {share_text(figures.hit_rate)} ({interval}, n={figures.n}), "
        f"retracted {share_text(figures.retract_rate)}, lag {lag} bars",
        0,
    )
