"""Order flow as a PNG image, drawn with Pillow: the same as the page shows, on white."""

from __future__ import annotations

import io

from chanflow.domain.errors import MissingExtra
from chanflow.interfaces.cli.flow_plot import NOTICE, WIDTH, Box, Text, View
from chanflow.interfaces.cli.structure_image import TWICE, Canvas, Colour

_GROW = 1.45
"""Px of the image a px of the view."""

_HEAD, _FOOT = 118, 36

_PAPER, _INK, _MUTED = (255, 255, 255), (26, 34, 43), (92, 104, 116)
_BLUE, _ORANGE, _RISE, _FALL = (47, 85, 184), (199, 106, 10), (11, 125, 92), (192, 50, 73)
_LINES: dict[str, tuple[Colour, float]] = {
    "grid": ((236, 239, 243), 1), "axis": ((214, 219, 225), 1), "guide": ((168, 176, 185), 1),
    "zero": ((140, 150, 160), 1), "mid": (_INK, 1.6), "cvd": (_BLUE, 1.9), "ofi-up": (_RISE, 1.6),
    "ofi-down": (_FALL, 1.6), "z-ofi": (_BLUE, 1.5), "z-cvd": (_ORANGE, 1.5), "score": (_INK, 1.5),
}  # fmt: skip
_AREAS: dict[str, Colour] = {
    "not-ok": (223, 227, 232), "gap": (240, 242, 245), "strong_buy": _RISE, "buy": (152, 203, 189),
    "strong_sell": _FALL, "sell": (228, 168, 178),
}  # fmt: skip
_SIZES = {"title": 18.0, "unit": 16.0, "value": 16.0, "time": 16.0}
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def render_png(view: View) -> bytes:
    """Return the image. Raises MissingExtra where Pillow is not installed."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as fault:
        raise MissingExtra("a PNG needs Pillow: pip install 'chanflow[plot]', or plot to .html") from fault
    width, height = round(WIDTH * _GROW), round(view.height * _GROW) + _HEAD + _FOOT
    image = Image.new("RGB", (width * TWICE, height * TWICE), _PAPER)
    canvas = Canvas(ImageDraw.Draw(image))
    canvas.text(_x(8), 42, view.title, 30, _INK)
    canvas.text(_x(8), 70, f"chanflow · {view.subtitle}", 18, _MUTED)
    canvas.text(_x(8), 96, view.fit.replace("R²", "R squared"), 18, _INK)  # the font has no ²
    for box in view.boxes:
        _box(canvas, box)
    for each in view.paths:
        colour, thick = _LINES[each.style]
        for run in each.runs:
            canvas.polyline([(_x(x), _y(y)) for x, y in run], colour, thick, (4, 6) if each.style == "guide" else None)
    for text in view.texts:
        _text(canvas, text)
    _legend(canvas, view, width)
    canvas.text(_x(8), height - 14, NOTICE, 16, _MUTED)
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


def _x(x: float) -> float:
    return x * _GROW


def _y(y: float) -> float:
    return y * _GROW + _HEAD


def _box(canvas: Canvas, box: Box) -> None:
    left, top, right, bottom = _x(box.x), _y(box.y), _x(box.x + box.width), _y(box.y + box.height)
    canvas.rectangle(left, top, right, bottom, _AREAS[box.area])
    if box.area == "gap":
        for at in range(int(left) - int(bottom - top), int(right), 9):
            start, end = max(left, at), min(right, at + (bottom - top))
            if start < end:
                canvas.line((start, bottom - (start - at)), (end, bottom - (end - at)), (190, 198, 206), 1)


def _text(canvas: Canvas, text: Text) -> None:
    colour = _INK if text.of == "title" else _MUTED
    at = canvas.text(_x(text.x), _y(text.y), text.words, _SIZES[text.of], colour, _ANCHORS[text.anchor])
    for style, label in text.key:
        tone, _ = _LINES[style]
        canvas.line((at + 22, _y(text.y) - 6), (at + 44, _y(text.y) - 6), tone, 3)
        at = canvas.text(at + 50, _y(text.y), label, 16, _MUTED)


def _legend(canvas: Canvas, view: View, width: int) -> None:
    at = width - 20.0
    words = [*((name, f"{name.replace('_', ' ')} {count:,}") for name, count in view.counts if name != "neutral"),
             ("not-ok", "book not ok"), ("gap", "gap")]  # fmt: skip
    at = width - 12.0 - sum(34 + 8.2 * len(label) for _, label in words)
    for area, label in words:
        canvas.rectangle(at, 30, at + 16, 43, _AREAS[area])
        if area == "gap":
            canvas.frame(at, 30, at + 16, 43, (190, 198, 206), 1)
        canvas.text(at + 22, 43, label, 16, _MUTED)
        at += 34 + 8.2 * len(label)
