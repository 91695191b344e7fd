"""A picture of order flow: price, CVD, OFI, z-scores and signals over one axis of time, as shapes without a medium.

The page (`flow_page`) and the image (`flow_image`) draw the same `View`. Where there are more bins than columns of
pixels, each column keeps the lowest and the highest value of its bins, so no extreme is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from chanflow.interfaces.cli.features import CONTEMPORANEOUS, fit_of, fit_words
from chanflow.review.chart import Scale, nice_ticks, padded, time_ticks, utc

if TYPE_CHECKING:
    from chanflow.features.flow_columns import Columns

MOST_BINS = 100_000
"""How many bins a picture holds: the last ones."""

WIDTH = 1360
LEFT, RIGHT, TOP = 8, 96, 6
TITLE, BETWEEN, TIMES = 22, 14, 26
"""Px of a panel's title, between panels, and of the times below the last."""

STRIP = 14
"""Height of the strip of signals, px."""

STILL_MS = 3_000
"""So long without a quote or a trade is shown as a gap: the features call each leg stale then."""

SIGNALS = ("strong_sell", "sell", "neutral", "buy", "strong_buy")
NOTICE = (
    f"Order flow is {CONTEMPORANEOUS}. Grey: the book was not ok, so there is no z and no score. Hatched: no quote and "
    "no trade for 3 s or longer. Not investment advice."
)

Style = Literal["grid", "axis", "guide", "zero", "mid", "cvd", "ofi-up", "ofi-down", "z-ofi", "z-cvd", "score"]
Area = Literal["not-ok", "gap", "strong_sell", "sell", "buy", "strong_buy"]
Words = Literal["title", "unit", "value", "time"]
Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Path2:
    """Lines of one style: each a run of points, px."""

    style: Style
    runs: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, px."""

    area: Area
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Text:
    """Words at a place; `end` is whether they end there."""

    words: str
    of: Words
    x: float
    y: float
    anchor: Literal["start", "middle", "end"] = "start"
    key: tuple[tuple[Style, str], ...] = ()
    """Lines to explain behind the words."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: where it lies and what its values mean."""

    name: str
    title: str
    unit: str
    height: int
    key: tuple[tuple[Style, str], ...] = ()


PANELS = (
    Panel("price", "price (mid)", "quote currency", 220),
    Panel("cvd", "CVD, cumulative volume delta", "base units, or contracts", 120),
    Panel("ofi", "OFI, order flow imbalance of a bin", "base units, or contracts", 120),
    Panel("z", "z-scores, cut at ±5", "standard deviations", 130, (("z-ofi", "z of OFI"), ("z-cvd", "z of TFI"))),
    Panel("signal", "fusion score and signal", "weighted z", 165, (("score", "score"),)),
)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a picture shows, in px of a plane `WIDTH` by `height`, and the columns behind it for reading."""

    title: str
    subtitle: str
    fit: str
    counts: tuple[tuple[str, int], ...]
    height: float
    span: tuple[float, float]
    """Top and bottom of the charts."""
    x: Scale
    boxes: tuple[Box, ...]
    paths: tuple[Path2, ...]
    texts: tuple[Text, ...]
    bin_ms: int
    columns: dict[str, Any]


def rendered(path: Path, view: View) -> bytes:
    """Return the picture in the form that the name of the file asks for. Raises MissingExtra for PNG without Pillow."""
    if path.suffix.lower() == ".png":
        from chanflow.interfaces.cli.flow_image import render_png

        return render_png(view)
    from chanflow.interfaces.cli.flow_page import render_page

    return render_page(view).encode()


def view_of(symbol: str, columns: Columns, *, bin_ms: int) -> View:
    """Return what to draw of features; of more than `MOST_BINS` bins the last."""
    bins = len(columns["ts_ms"])
    kept: dict[str, Any] = {name: column[-MOST_BINS:] for name, column in columns.items()}
    ends = kept["ts_ms"]
    x = Scale(int(ends[0]) - bin_ms, int(ends[-1]), LEFT, WIDTH - RIGHT)
    starts = x.start + (ends - bin_ms - x.low) / (x.high - x.low) * (x.end - x.start)
    per_bin = float((x.end - x.start) / len(ends))
    boxes: list[Box] = []
    paths: list[Path2] = []
    texts: list[Text] = []
    spans: list[tuple[float, float]] = []
    not_ok, still = _runs(kept["book_ok"] == 0), _still(kept, bin_ms)
    y = float(TOP)
    first_y = y + TITLE
    for panel in PANELS:
        top, bottom = y + TITLE, y + TITLE + panel.height
        texts.append(Text(panel.title, "title", LEFT, y + 15, key=panel.key))
        texts.append(Text(panel.unit, "unit", WIDTH - RIGHT, y + 15, "end"))
        boxes += _shades(not_ok, "not-ok", starts, per_bin, top, bottom)
        boxes += _shades(still, "gap", starts, per_bin, top, bottom)
        _draw(panel, kept, starts, per_bin, x, (top, bottom), boxes, paths, texts)
        spans.append((top, bottom))
        y = bottom + BETWEEN
    last_y = y - BETWEEN
    for at_ms, label in time_ticks(int(x.low), int(x.high), 11):
        at = x.at(at_ms)
        paths.append(Path2("grid", tuple(((at, top), (at, bottom)) for top, bottom in spans)))
        if LEFT + 24 <= at <= x.end - 24:
            texts.append(Text(label, "time", at, last_y + 18, "middle"))
    fit = fit_of(kept)
    signals = list(kept["signal"])
    span = f"{utc(int(x.low), '%Y-%m-%d %H:%M:%S')} to {utc(int(x.high), '%Y-%m-%d %H:%M:%S')} UTC"
    told = f"{bins:,} bins" if bins <= MOST_BINS else f"the last {MOST_BINS:,} of {bins:,} bins"
    return View(
        title=symbol,
        subtitle=f"order flow · bins of {bin_ms:,} ms · {told} · {span}",
        fit=fit_words(fit) if fit else f"too few bins for R² ({CONTEMPORANEOUS})",
        counts=tuple((name, signals.count(name)) for name in reversed(SIGNALS)),
        height=last_y + TIMES,
        span=(first_y, last_y),
        x=x,
        boxes=tuple(boxes),
        paths=tuple(paths),
        texts=tuple(texts),
        bin_ms=bin_ms,
        columns=kept,
    )


def _draw(
    panel: Panel, kept: dict[str, Any], starts: Figures, per_bin: float, x: Scale, span: tuple[float, float],
    boxes: list[Box], paths: list[Path2], texts: list[Text],
) -> None:  # fmt: skip
    top, bottom = span
    ends = starts + per_bin
    if panel.name == "price":
        y = _axis(kept["mid"], span, paths, texts)
        paths.append(Path2("mid", _line(ends, kept["mid"], y)))
    elif panel.name == "cvd":
        y = _axis(kept["cvd"], span, paths, texts)
        paths.append(Path2("cvd", _line(ends, kept["cvd"], y)))
    elif panel.name == "ofi":
        y = _axis(np.append(kept["ofi"], 0.0), span, paths, texts)
        paths += [Path2("zero", (((x.start, y.at(0)), (x.end, y.at(0))),)), *_bars(starts, per_bin, kept["ofi"], y)]
    elif panel.name == "z":
        y = _axis(np.array([-5.0, 5.0]), span, paths, texts, pad=0.04, guides=(-5, -2, 2, 5))
        paths += [Path2("z-cvd", _line(ends, kept["z_cvd"], y)), Path2("z-ofi", _line(ends, kept["z_ofi"], y))]
    else:
        y = _axis(
            np.array([-4.0, 4.0]), (top, bottom - STRIP - 6), paths, texts, pad=0.02, guides=(-1.7, -0.95, 0.95, 1.7)
        )
        paths.append(Path2("score", _line(ends, kept["fusion"], y)))
        boxes += _strip(kept["signal"], starts, per_bin, bottom - STRIP)


def _axis(
    values: Figures, span: tuple[float, float], paths: list[Path2], texts: list[Text], *, pad: float = 0.06,
    guides: Sequence[float] = (),
) -> Scale:  # fmt: skip
    known = values[np.isfinite(values)]
    low, high = padded(float(known.min()), float(known.max()), pad) if len(known) else (0.0, 1.0)
    y = Scale(low, high, span[1], span[0])
    ticks = [
        (float(tick), f"{tick + 0:,f}" if abs(tick) < 10_000_000 else f"{tick:.3g}")
        for tick in nice_ticks(low, high, int((span[1] - span[0]) / 24))
    ]
    if guides:
        ticks = [(guide, f"{guide:g}") for guide in sorted({0.0, *guides})]
    for value, label in ticks:
        at = y.at(value)
        paths.append(Path2("guide" if value in guides else "grid", (((LEFT, at), (WIDTH - RIGHT, at)),)))
        if span[0] + 3 <= at <= span[1] + 1:
            texts.append(Text(label, "value", WIDTH - RIGHT + 8, at + 4))
    paths.append(Path2("axis", (((LEFT, span[1]), (WIDTH - RIGHT, span[1])),)))
    return y


def _line(x: Figures, values: Figures, y: Scale) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return runs of points; it breaks where values are absent, and in crowds keeps each column's extremes in order."""
    known = np.isfinite(values)
    heights = y.start + (values - y.low) / (y.high - y.low) * (y.end - y.start)
    runs = []
    for start, end in _runs(known):
        runs.append(tuple(_thinned(x[start:end], heights[start:end])))
    return tuple(runs)


def _thinned(x: Figures, y: Figures) -> Iterator[tuple[float, float]]:
    if len(x) <= 2 or (x[-1] - x[0]) / (len(x) - 1) >= 0.5:
        yield from zip(x.tolist(), y.tolist(), strict=True)
        return
    column = np.floor(x).astype(np.int64)
    edges = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), len(x)]
    for start, end in pairwise(edges):
        low, high = start + int(np.argmin(y[start:end])), start + int(np.argmax(y[start:end]))
        for at in sorted({start, low, high, end - 1}):
            yield float(x[at]), float(y[at])


def _bars(starts: Figures, per_bin: float, values: Figures, y: Scale) -> list[Path2]:
    """Return upright lines from zero, rising and falling apart; a column of many bins shows its extremes."""
    middle, zero = starts + per_bin / 2, y.at(0)
    column = np.floor(middle).astype(np.int64) if per_bin < 1 else np.arange(len(values))
    edges = np.concatenate([[0], np.flatnonzero(np.diff(column)) + 1])
    highs, lows = np.maximum.reduceat(values, edges), np.minimum.reduceat(values, edges)
    found = []
    for style, extremes in (("ofi-up", highs), ("ofi-down", lows)):
        sign = 1 if style == "ofi-up" else -1
        runs = tuple(
            ((float(middle[at]), zero), (float(middle[at]), y.at(float(value))))
            for at, value in zip(edges.tolist(), extremes.tolist(), strict=True)
            if value * sign > 0
        )
        found.append(Path2(style, runs))  # type: ignore[arg-type]
    return found


def _strip(signal: Sequence[str], starts: Figures, per_bin: float, top: float) -> Iterator[Box]:
    """Yield the runs of every signal but neutral; a strong one is drawn last, since it may be thin."""
    codes = np.array([SIGNALS.index(word) for word in signal])
    for area in ("sell", "buy", "strong_sell", "strong_buy"):
        for start, end in _runs(codes == SIGNALS.index(area)):
            width = max(1.0, (end - start) * per_bin)
            yield Box(area, float(starts[start]), top, width, STRIP)


def _shades(
    runs: Sequence[tuple[int, int]], area: Area, starts: Figures, per_bin: float, top: float, bottom: float
) -> Iterator[Box]:
    for start, end in runs:
        yield Box(area, float(starts[start]), top, max(1.0, (end - start) * per_bin), bottom - top)


def _still(kept: dict[str, Any], bin_ms: int) -> list[tuple[int, int]]:
    silent = _runs((kept["quotes"] == 0) & (kept["trades"] == 0))
    fewest = math.ceil(STILL_MS / bin_ms)
    return [(start, end) for start, end in silent if end - start >= fewest]


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return [start, end) of each stretch where the mask holds."""
    edges = np.flatnonzero(
        np.diff(np.concatenate([[False], np.asarray(mask, dtype=np.bool_), [False]]).astype(np.int8))
    )
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2).tolist()]
