"""From bars to the whole structure, in the shape of the schema `chanflow.structure/1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chanflow.features.reference.bar import Bar, check
from chanflow.features.reference.center import Center, centers
from chanflow.features.reference.czsc import czsc_centers, czsc_strokes
from chanflow.features.reference.divergence import Force
from chanflow.features.reference.element import Element, Span
from chanflow.features.reference.inclusion import merged_bars
from chanflow.features.reference.parameters import Level, Parameters, Setting, parameters
from chanflow.features.reference.point import Point, points
from chanflow.features.reference.segment import as_elements, segments
from chanflow.features.reference.stroke import strokes


def analyze(
    bars: Sequence[Bar], *, preset: str = "default", params: Mapping[str, Setting] | None = None
) -> dict[str, Any]:
    """Return the structure of a series: merged bars, counted, strokes, segments, super-segments, centers and points.

    Raises InvalidArgument for a malformed bar, an unknown preset or setting, and a metric whose column is missing.
    """
    chosen = parameters(preset, params)
    check(bars)
    merged = merged_bars(bars)
    finished: int | None = None
    if chosen.bi_algo == "czsc":
        lower, finished = czsc_strokes(bars, chosen.min_bi_len)
    else:
        lower = strokes(merged, chosen)
    spans = segments(lower, chosen)
    upper = as_elements(bars, lower, spans)
    super_spans = segments(upper, chosen)
    found = {
        "stroke": _level("stroke", bars, lower, spans, chosen, finished),
        "segment": _level("segment", bars, upper, super_spans, chosen, None),
    }
    return {
        "schema": "chanflow.structure/1",
        "bars": len(bars),
        "merged": len(merged),
        "strokes": [_element(bars, each) for each in lower],
        "segments": [
            {**_element(bars, each), "start_stroke": span.start, "end_stroke": span.end}
            for each, span in zip(upper, spans, strict=True)
        ],
        "super_segments": [
            {**_element(bars, each), "start_segment": span.start, "end_segment": span.end}
            for each, span in zip(as_elements(bars, upper, super_spans), super_spans, strict=True)
        ],
        "centers": [each for level in found.values() for each in level[0]],
        "points": [each for level in found.values() for each in level[1]],
    }


def _level(
    level: Level,
    bars: Sequence[Bar],
    elements: Sequence[Element],
    spans: Sequence[Span],
    params: Parameters,
    finished: int | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the centers and the points of one level. `finished` elements count for centers of `czsc`, else all."""
    by_czsc = params.zs_algo == "czsc"
    found = czsc_centers(elements[:finished]) if by_czsc else centers(elements, spans, params)
    at = points(level, elements, spans, found, Force(bars), params)
    return (
        [_center(level, bars, elements, each) for each in found],
        [_point(level, bars, elements[each.element], each) for each in at],
    )


def _element(bars: Sequence[Bar], element: Element) -> dict[str, Any]:
    return {
        "start_bar": element.begin_bar,
        "end_bar": element.end_bar,
        "start_ts_ms": bars[element.begin_bar].ts_ms,
        "end_ts_ms": bars[element.end_bar].ts_ms,
        "start_price": element.begin_price,
        "end_price": element.end_price,
        "direction": element.direction,
        "state": element.state,
    }


def _center(level: Level, bars: Sequence[Bar], elements: Sequence[Element], center: Center) -> dict[str, Any]:
    return {
        "level": level,
        "start_stroke": center.start,
        "end_stroke": center.end,
        "entry_stroke": center.entry if center.entry >= 0 else None,
        "exit_stroke": center.exit if center.exit < len(elements) else None,
        "low": center.low,
        "high": center.high,
        "peak_low": center.peak_low,
        "peak_high": center.peak_high,
        "start_ts_ms": bars[elements[center.start].begin_bar].ts_ms,
        "end_ts_ms": bars[elements[center.end].end_bar].ts_ms,
        "grade": center.grade,
    }


def _point(level: Level, bars: Sequence[Bar], element: Element, point: Point) -> dict[str, Any]:
    return {
        "bar": element.end_bar,
        "ts_ms": bars[element.end_bar].ts_ms,
        "price": element.end_price,
        "side": "buy" if element.direction == "down" else "sell",
        "types": list(point.types),
        "level": level,
        "element": point.element,
    }
