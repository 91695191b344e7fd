"""A structure as a PNG image, drawn with Pillow: the same as the page shows first, on white.

Everything is drawn at twice its size and made smaller at the end, which smooths lines that Pillow draws jagged.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chanflow.domain.errors import MissingExtra
from chanflow.interfaces.cli.measured import NOT_MEASURED, sources
from chanflow.interfaces.cli.structure_plot import NOTICE, Drawing, Line, Mark, bar_ticks, price_ticks
from chanflow.review.chart import Scale

if TYPE_CHECKING:
    from PIL import ImageDraw

WIDTH, HEIGHT = 2000, 1180
"""Size of the image, px."""

TWICE = 2
"""How much larger everything is drawn than it is shown."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 28, 130, 128, 1000
_STRIP_TOP, _STRIP_BOTTOM = 1042, 1130
_ROW = 26
"""Height of a line of figures below the picture."""

Colour = tuple[int, int, int]
_PAPER, _INK, _MUTED, _GRID = (255, 255, 255), (26, 34, 43), (92, 104, 116), (236, 239, 243)
_RISE, _FALL, _WINDOW = (11, 125, 92), (192, 50, 73), (47, 85, 184)
_LINES: dict[str, tuple[Colour, float]] = {
    "super_segment": ((202, 183, 233), 11), "segment": ((211, 107, 8), 4), "stroke": ((74, 111, 165), 2.2)
}  # fmt: skip
_DASHES = {"confirmed": None, "provisional": (11, 8), "void": (2, 8)}
_WIDE_DASHES = {"confirmed": None, "provisional": (28, 14), "void": (4, 16)}
_CENTERS = {"segment": ((211, 107, 8), (253, 245, 236)), "stroke": ((74, 111, 165), (228, 235, 245))}


def render_png(drawing: Drawing) -> bytes:
    """Return the image. Raises MissingExtra where Pillow is not installed."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as fault:
        raise MissingExtra("a PNG needs Pillow: pip install 'chanflow[plot]', or plot to .html") from fault
    told = _measured(drawing)
    height = HEIGHT + (_ROW * (len(told) + 1) if told else 0)
    image = Image.new("RGB", (WIDTH * TWICE, height * TWICE), _PAPER)
    canvas = Canvas(ImageDraw.Draw(image))
    canvas.text(_LEFT, 46, drawing.title, 34, _INK)
    canvas.text(_LEFT, 78, f"chanflow · Chan structure · {drawing.subtitle}", 20, _MUTED)
    _legend(canvas, drawing)
    start, end = drawing.window
    x = Scale(start, max(end, start + 1), _LEFT, WIDTH - _RIGHT)
    y = Scale(*drawing.price_range(start, end), _BOTTOM, _TOP)
    _axes(canvas, drawing, x, y)
    _boxes(canvas, drawing, x, y)
    _candles(canvas, drawing, x, y)
    for kind in _LINES:
        _line_layer(canvas, [line for line in drawing.lines if line.kind == kind], x, y)
    _cover_margins(canvas)
    _labels(canvas, drawing, x, y)
    for mark in drawing.marks:
        if start <= mark.bar < end:
            _mark(canvas, mark, x, y)
    _strip(canvas, drawing)
    canvas.text(_LEFT, HEIGHT - 18, NOTICE if told else f"{drawing.source} {NOTICE}", 17, _MUTED)
    for at, words in enumerate((*told, drawing.source) if told else ()):
        canvas.text(_LEFT, HEIGHT + 10 + at * _ROW, words, 17, _INK if at < len(told) else _MUTED)
    small = image.resize((WIDTH, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


def _measured(drawing: Drawing) -> list[str]:
    """Return a line for each kind of point in sight, none where nothing was measured."""
    start, end = drawing.window
    seen = {kind for mark in drawing.marks if start <= mark.bar < end for kind in mark.kinds}
    if not sources(drawing.measured):
        return []
    return [
        f"{kind.words}, {kind.state}: {NOT_MEASURED if found is None else found.sentence()}"
        for kind, found in drawing.measured
        if kind in seen
    ]


class Canvas:
    """Draws in px of the finished image, on a plane `TWICE` as large."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw
        self._fonts: dict[float, Any] = {}

    def text(self, x: float, y: float, words: str, size: float, colour: Colour, anchor: str = "ls") -> float:
        """Write `words`; returns where they end. Letters get a rim of paper, so that they can be read over lines."""
        from PIL import ImageFont

        font = self._fonts.setdefault(size, ImageFont.load_default(size * TWICE))
        at = (x * TWICE, y * TWICE)
        self._draw.text(at, words, colour, font, anchor, stroke_width=2 * TWICE, stroke_fill=_PAPER)
        return x + float(self._draw.textlength(words, font)) / TWICE

    def polygon(self, points: Sequence[tuple[float, float]], fill: Colour, edge: Colour, width: float) -> None:
        """Fill the area inside `points`, with an edge."""
        scaled = [(x * TWICE, y * TWICE) for x, y in points]
        self._draw.polygon(scaled, fill)
        self._draw.line([*scaled, *scaled[:2]], edge, round(width * TWICE), "curve")

    def rectangle(self, x: float, y: float, right: float, bottom: float, fill: Colour | None) -> None:
        """Fill a rectangle."""
        self._draw.rectangle((x * TWICE, y * TWICE, max(x, right) * TWICE, max(y, bottom) * TWICE), fill)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: float,
        dashes: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Draw from one point to another; `dashes` are the lengths of ink and of gaps."""
        thick = max(1, round(width * TWICE))
        for (ax, ay), (bx, by) in _dashed(start, end, dashes):
            self._draw.line((ax * TWICE, ay * TWICE, bx * TWICE, by * TWICE), colour, thick)
            if thick > TWICE and dashes is None:
                for cx, cy in ((ax, ay), (bx, by)):
                    self._draw.circle((cx * TWICE, cy * TWICE), thick / 2, colour)

    def polyline(
        self, points: Sequence[tuple[float, float]], colour: Colour, width: float,
        dashes: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Draw through `points`; a single one becomes a dot."""
        if len(points) == 1 or dashes is not None:
            for start, end in zip(points, points[1:] or points, strict=False):
                self.line(start, end, colour, width, dashes)
            return
        scaled = [(x * TWICE, y * TWICE) for x, y in points]
        self._draw.line(scaled, colour, max(1, round(width * TWICE)), "curve")

    def frame(
        self, x: float, y: float, right: float, bottom: float, colour: Colour, width: float,
        dashes: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Draw the edge of a rectangle."""
        for a, b in (((x, y), (right, y)), ((right, y), (right, bottom)), ((right, bottom), (x, bottom)),
                     ((x, bottom), (x, y))):  # fmt: skip
            self.line(a, b, colour, width, dashes)


def _dashed(
    start: tuple[float, float], end: tuple[float, float], dashes: tuple[float, float] | None
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    length = math.dist(start, end)
    if dashes is None or length == 0:
        yield start, end
        return
    (ax, ay), (bx, by) = start, end
    at = 0.0
    while at < length:
        to = min(length, at + dashes[0])
        yield (
            (ax + (bx - ax) * at / length, ay + (by - ay) * at / length),
            (ax + (bx - ax) * to / length, ay + (by - ay) * to / length),
        )
        at += sum(dashes)


def _clipped(line: Line, x: Scale) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the part of a line inside the scale's bars as (bar, price) of both ends, None if nothing is."""
    if line.end_bar < x.low or line.start_bar > x.high:
        return None
    (a, p), (b, q) = (line.start_bar + 0.5, line.start_price), (line.end_bar + 0.5, line.end_price)
    rise = (q - p) / (b - a) if b > a else 0.0
    if a < x.low:
        a, p = x.low, p + (x.low - a) * rise
    return (a, p), (b, q)


def _legend(canvas: Canvas, drawing: Drawing) -> None:
    at = float(_LEFT)
    signs = {"strokes": "stroke", "segments": "segment", "super_segments": "super_segment"}
    for name, count in drawing.counts:
        if name in signs:
            colour, width = _LINES[signs[name]]
            canvas.line((at + 2, 103), (at + 28, 103), colour, width)
        elif name == "centers":
            edge, fill = _CENTERS["stroke"]
            canvas.rectangle(at, 94, at + 30, 112, fill)
            canvas.frame(at, 94, at + 30, 112, edge, 1.5)
        else:
            canvas.polygon([(at + 8, 95), (at + 15, 110), (at + 1, 110)], _RISE, _RISE, 2)
            canvas.polygon([(at + 26, 110), (at + 33, 95), (at + 19, 95)], _PAPER, _FALL, 2)
            at += 4
        at = canvas.text(at + 38, 110, f"{name.replace('_', '-')} {count:,}", 18, _MUTED) + 34


def _axes(canvas: Canvas, drawing: Drawing, x: Scale, y: Scale) -> None:
    for price, _ in price_ticks(y.low, y.high):
        canvas.line((_LEFT, y.at(price)), (x.end, y.at(price)), _GRID, 1)
    for at, _ in _times(drawing, x):
        canvas.line((at, _TOP), (at, _BOTTOM), _GRID, 1)


def _times(drawing: Drawing, x: Scale) -> list[tuple[float, str]]:
    start = int(x.low)
    ticks = bar_ticks(drawing.bars.ts_ms[start - drawing.first_bar :], 14)
    places = [(x.at(start + at), label) for at, label in ticks]
    return [(at, label) for at, label in places if _LEFT + 40 <= at <= x.end - 40]


def _labels(canvas: Canvas, drawing: Drawing, x: Scale, y: Scale) -> None:
    for price, label in price_ticks(y.low, y.high):
        canvas.text(x.end + 12, y.at(price), label, 18, _MUTED, "lm")
    for at, label in _times(drawing, x):
        canvas.text(at, _BOTTOM + 26, label, 18, _MUTED, "ms")


def _boxes(canvas: Canvas, drawing: Drawing, x: Scale, y: Scale) -> None:
    for level in ("segment", "stroke"):
        edge, fill = _CENTERS[level]
        for box in drawing.boxes:
            if box.level != level or box.end_bar < x.low or box.state == "void":
                continue
            left, right = max(x.start, x.at(box.start_bar + 0.5)), x.at(box.end_bar + 0.5)
            canvas.rectangle(left, y.at(box.high), right, y.at(box.low), fill)
            canvas.frame(left, y.at(box.high), right, y.at(box.low), edge, 1.5, _DASHES[box.state])


def _candles(canvas: Canvas, drawing: Drawing, x: Scale, y: Scale) -> None:
    start, end = drawing.window
    half = max(0.5, 0.34 * (x.at(1) - x.at(0)))
    for at in range(start, end):
        bar = at - drawing.first_bar
        opened, closed = float(drawing.bars.open[bar]), float(drawing.bars.close[bar])
        tone = _RISE if closed >= opened else _FALL
        pale = tuple(round(part * 0.62 + 255 * 0.38) for part in tone)
        colour: Colour = (pale[0], pale[1], pale[2])
        centre, top = x.at(at + 0.5), y.at(max(opened, closed))
        canvas.line((centre, y.at(float(drawing.bars.high[bar]))), (centre, y.at(float(drawing.bars.low[bar]))),
                    colour, 1)  # fmt: skip
        canvas.rectangle(centre - half, top, centre + half, max(top + 1, y.at(min(opened, closed))), colour)


def _line_layer(canvas: Canvas, lines: Sequence[Line], x: Scale, y: Scale, thin: float = 1.0) -> None:
    for line in lines:
        ends = _clipped(line, x)
        if ends is not None:
            (a, p), (b, q) = ends
            colour, width = _LINES[line.kind]
            dashes = (_WIDE_DASHES if line.kind == "super_segment" else _DASHES)[line.state]
            canvas.line((x.at(a), y.at(p)), (x.at(b), y.at(q)), colour, width * thin, dashes)


def _cover_margins(canvas: Canvas) -> None:
    """Wipe what ran over the plot's edge: an older line may start far above or below what is shown."""
    canvas.rectangle(0, _BOTTOM, WIDTH, HEIGHT, _PAPER)
    canvas.line((_LEFT, _BOTTOM), (WIDTH - _RIGHT, _BOTTOM), _GRID, 1.5)


def _mark(canvas: Canvas, mark: Mark, x: Scale, y: Scale) -> None:
    down = 1 if mark.side == "buy" else -1
    tone = _RISE if mark.side == "buy" else _FALL
    half, tall = (12, 19) if mark.level == "segment" else (8, 13)
    tip = y.at(mark.price) + down * (8 + 38 * mark.rank)
    at, base = x.at(mark.bar + 0.5), tip + down * tall
    edge = _LINES["segment"][0] if mark.level == "segment" else tone
    if mark.state == "void":
        tone, edge = _GRID, _MUTED
    fill = tone if mark.state == "confirmed" else _PAPER
    canvas.polygon([(at, tip), (at + half, base), (at - half, base)], fill, edge, 2.4)
    canvas.text(at, base + down * 6, mark.label, 20 if mark.level == "segment" else 17,
                _MUTED if mark.state == "void" else tone, "mt" if down > 0 else "ms")  # fmt: skip


def _strip(canvas: Canvas, drawing: Drawing) -> None:
    count = len(drawing.bars)
    if not count:
        return
    low, high = drawing.price_range(drawing.first_bar, drawing.end_bar, 0.05)
    x = Scale(drawing.first_bar, drawing.end_bar, _LEFT, WIDTH - _RIGHT)
    y = Scale(low, high, _STRIP_BOTTOM, _STRIP_TOP)
    step = max(1, -(-count // int(x.end - x.start)))
    start, end = drawing.window
    canvas.rectangle(x.at(start), _STRIP_TOP, x.at(end), _STRIP_BOTTOM, (232, 237, 248))
    for at in range(0, count, step):
        cut = slice(at, at + step)
        centre = x.at(drawing.first_bar + at + step / 2)
        top, bottom = y.at(float(drawing.bars.high[cut].max())), y.at(float(drawing.bars.low[cut].min()))
        canvas.line((centre, top), (centre, max(bottom, top + 1)), (198, 204, 211), max(1, x.at(step) - x.at(0)))
    _line_layer(canvas, [line for line in drawing.lines if line.kind == "segment"], x, y, 0.4)
    canvas.frame(x.at(start), _STRIP_TOP, x.at(end), _STRIP_BOTTOM, _WINDOW, 1.2)
