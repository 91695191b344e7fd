"""From bars to the whole structure, in the shape of the schema `chanflow.structure/1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from chanflow.features.reference.bar import Bar, check
from chanflow.features.reference.center import Center, centers
from chanflow.features.reference.czsc import czsc_centers, czsc_strokes
from chanflow.features.reference.divergence import Force
from chanflow.features.reference.element import Element, Span
from chanflow.features.reference.era import Reset, gaps, joined, sealed_elements, sealed_spans
from chanflow.features.reference.inclusion import merged_bars
from chanflow.features.reference.parameters import Level, Parameters, Setting, parameters
from chanflow.features.reference.point import Point, points
from chanflow.features.reference.segment import as_elements, segments
from chanflow.features.reference.stroke import final_strokes, overdue, strokes


def analyze(
    bars: Sequence[Bar],
    *,
    preset: str = "default",
    params: Mapping[str, Setting] | None = None,
    market_ms: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Return the structure of a series: merged bars, counted, strokes, segments, super-segments, centers and points.

    `market_ms` is the open time of each bar by the market's own clock, which `reset_gap_ms` reads. Raises
    InvalidArgument for a malformed bar, an unknown preset or setting, and a metric whose column is missing.
    """
    chosen = parameters(preset, params)
    check(bars)
    resets = gaps(bars, market_ms, chosen.reset_gap_ms)
    edges = [0, *(reset.bar for reset in resets), len(bars)]
    eras = [(begin, _era(bars[begin:end], chosen, ended=end < len(bars))) for begin, end in pairwise(edges)]
    structure = joined(eras)
    told = structure["resets"] + [reset.document() for reset in resets]
    structure["resets"] = sorted(told, key=lambda reset: int(reset["bar"]))
    return {"schema": "chanflow.structure/1", "bars": len(bars), **structure}


def _era(bars: Sequence[Bar], params: Parameters, *, ended: bool) -> dict[str, Any]:
    """Return the structure of the bars between two resets; of an `ended` one what stays of it."""
    merged = merged_bars(bars)
    finished: int | None = None
    if params.bi_algo == "czsc":
        lower, finished = czsc_strokes(bars, params.min_bi_len)
        shown = lower
    else:
        lower = strokes(merged, params)
        shown = final_strokes(merged, params) if ended else lower
    spans = segments(lower, params)
    upper = as_elements(bars, lower, spans)
    super_spans = segments(upper, params)
    found = {
        "stroke": _level("stroke", bars, lower, spans, params, finished, ended),
        "segment": _level("segment", bars, upper, super_spans, params, None, ended),
    }
    if ended:
        shown, spans, super_spans = sealed_elements(shown), sealed_spans(spans), sealed_spans(super_spans)
    late = [] if params.bi_algo == "czsc" else overdue(merged, params)
    return {
        "merged": len(merged),
        "strokes": [_element(bars, each) for each in shown],
        "segments": [
            {**_element(bars, each), "start_stroke": span.start, "end_stroke": span.end}
            for each, span in zip(as_elements(bars, lower, spans), spans, strict=True)
        ],
        "super_segments": [
            {**_element(bars, each), "start_segment": span.start, "end_segment": span.end}
            for each, span in zip(as_elements(bars, upper, super_spans), super_spans, strict=True)
        ],
        "centers": [each for level in found.values() for each in level[0]],
        "points": [each for level in found.values() for each in level[1]],
        "resets": [
            Reset(bar, bars[bar].ts_ms, "long_stroke", end_bar, bars[end_bar].ts_ms).document() for bar, end_bar in late
        ],
    }


def _level(
    level: Level,
    bars: Sequence[Bar],
    elements: Sequence[Element],
    spans: Sequence[Span],
    params: Parameters,
    finished: int | None,
    ended: bool,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the centers and the points of one level; of an `ended` era those that are confirmed (rule 3.4).

    `finished` elements count for centers of `czsc`, else all.
    """
    by_czsc = params.zs_algo == "czsc"
    found = czsc_centers(elements[:finished]) if by_czsc else centers(elements, spans, params)
    at = points(level, elements, spans, found, Force(bars), params)
    if ended:
        sure = max((span.end for span in spans if span.confirmed), default=-1)
        found = [each for each in found if each.start <= sure]
        at = [replace(each, types=each.confirmed) for each in at if each.confirmed]
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
