"""Charts as SVG text: scales, ticks, candles, lines and markers. Pure functions: the same day draws the same bytes.

Coordinates are viewBox pixels, y downwards, written with at most two decimals. Colours are classes: the page that
holds the chart owns the tokens. Everything that is not a number is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from html import escape
from typing import Literal

from chanflow.domain.market_data import Bar

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
_ROUND_MS = (
    *(_SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * n for n in (1, 2, 3, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 4, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 28, 91, 182, 364, 1820)),
)
"""Spans of time that a reader calls round."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GLYPH_PX = 7.7
"""Width of one figure of an axis label, a little more than the widest system font draws."""


def coord(value: float) -> str:
    """Return the text of a coordinate: two decimals at most, no trailing zeros, never -0."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def utc(ts_ms: int, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return a Unix time in ms as UTC text."""
    return (_EPOCH + timedelta(milliseconds=ts_ms)).strftime(pattern)


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight map of [low, high] onto [start, end]; low and high differ."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where `value` lies."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def padded(low: float, high: float, frac: float) -> tuple[float, float]:
    """Return [low, high] widened on both sides by a share of its span; a single value gets 1 % of itself, or 1."""
    pad = (high - low) * frac
    if low + pad == low or high - pad == high:
        pad = abs(high) * 0.01 or 1.0
    return low - pad, high + pad


def nice_ticks(low: float, high: float, most: int) -> tuple[Decimal, ...]:
    """Return the multiples of 1, 2 or 5 times a power of ten inside [low, high], at most `most` + 1 of them.

    They are exact decimals, all with the decimals of their step. Empty where low and high do not differ.
    """
    bottom, top = Decimal(repr(float(low))), Decimal(repr(float(high)))
    raw = (top - bottom) / most
    if raw <= 0:
        return ()
    power = raw.adjusted()
    steps = (Decimal(m).scaleb(p) for m, p in ((1, power), (2, power), (5, power), (1, power + 1)))
    step = next(s for s in steps if s >= raw)
    if step >= 1:
        step = Decimal(int(step))
    tick = (bottom / step).to_integral_value(ROUND_CEILING) * step
    ticks = []
    while tick <= top:
        ticks.append(tick)
        tick += step
    return tuple(ticks)


def time_ticks(start_ms: int, end_ms: int, most: int) -> tuple[tuple[int, str], ...]:
    """Return at most `most` + 1 round UTC moments in [start, end] with labels; midnight is labelled by its date."""
    span = end_ms - start_ms
    step = next((ms for ms in _ROUND_MS if span <= ms * most), _ROUND_MS[-1] * (span // (_ROUND_MS[-1] * most) + 1))
    first = -(-start_ms // step) * step
    clock = "%H:%M:%S" if step < _MINUTE else "%H:%M"
    return tuple((t, utc(t, clock if t % _DAY else "%m-%d")) for t in range(first, end_ms + 1, step))


def candle_ms(bars: Sequence[Bar], most: int) -> int:
    """Return the round width in ms, a multiple of the bars', at which they make at most `most` candles; 0 for none."""
    if not bars:
        return 0
    base, span = bars[0].interval_ms, bars[-1].close_ms - bars[0].ts_ms
    if len(bars) <= most:
        return base
    fitting = (ms for ms in _ROUND_MS if ms % base == 0 and span // ms + 2 <= most)
    return next(fitting, base * (span // (base * max(1, most - 2)) + 1))


def aggregate(bars: Sequence[Bar], width_ms: int) -> list[Bar]:
    """Return the bars joined into candles of `width_ms`, aligned to the UTC clock; sums for what is counted."""
    joined: list[Bar] = []
    for bar in bars:
        ts = bar.ts_ms - bar.ts_ms % width_ms if width_ms > bar.interval_ms else bar.ts_ms
        if not joined or joined[-1].ts_ms != ts:
            joined.append(Bar(ts, max(width_ms, bar.interval_ms), bar.open, bar.high, bar.low, bar.close,
                              bar.volume, bar.amount, bar.trades, bar.buy_qty))  # fmt: skip
            continue
        last = joined[-1]
        joined[-1] = Bar(ts, last.interval_ms, last.open, max(last.high, bar.high), min(last.low, bar.low), bar.close,
                         last.volume + bar.volume, last.amount + bar.amount, last.trades + bar.trades,
                         last.buy_qty + bar.buy_qty)  # fmt: skip
    return joined


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot of `width` by `height` px; the scales say where its inside lies."""

    width: float
    height: float
    x: Scale
    y: Scale


def frame(
    *, width: float, height: float, times: tuple[int, int], values: tuple[float, float], widest_label: int
) -> Frame:
    """Return a frame that leaves room for the time labels below and for `widest_label` figures on the right.

    `times` in ms; a single moment is widened to two minutes, a single value as `padded` does.
    """
    start, end = times if times[0] < times[1] else (times[0] - _MINUTE, times[0] + _MINUTE)
    low, high = values if values[0] < values[1] else padded(values[0], values[0], 0)
    inner_right = max(width / 3, width - 16 - _GLYPH_PX * widest_label)
    return Frame(width, height, Scale(start, end, 4, inner_right), Scale(low, high, height - 26, 12))


def axes(plot: Frame, *, columns: int, rows: int, tag: tuple[float, str] | None) -> str:
    """Return grid lines and labels: times below, values on the right, and a `tag` at a value of its own.

    Labels that the tag would cover, and times that would leave the frame, are left out.
    """
    left, right, bottom = coord(plot.x.start), coord(plot.x.end), coord(plot.y.start)
    tag_y = None if tag is None else plot.y.at(tag[0])
    parts = []
    for tick in nice_ticks(plot.y.low, plot.y.high, rows):
        y = plot.y.at(float(tick))
        parts.append(f'<path class="grid" d="M{left} {coord(y)}H{right}"/>')
        if tag_y is None or abs(y - tag_y) >= 17:
            parts.append(f'<text class="tick" x="{coord(plot.x.end + 9)}" y="{coord(y + 4)}">{tick:,f}</text>')
    for ts, label in time_ticks(int(plot.x.low), int(plot.x.high), columns):
        x = plot.x.at(ts)
        parts.append(f'<path class="grid" d="M{coord(x)} {coord(plot.y.end)}V{bottom}"/>')
        if plot.x.start + 18 <= x <= plot.width - 22:
            parts.append(f'<text class="tick mid" x="{coord(x)}" y="{coord(plot.height - 8)}">{escape(label)}</text>')
    parts.append(f'<path class="axis" d="M{left} {bottom}H{right}"/>')
    if tag is not None and tag_y is not None:
        box = _GLYPH_PX * len(tag[1]) + 10
        parts.append(
            f'<rect class="tag" x="{coord(plot.x.end + 4)}" y="{coord(tag_y - 9)}" width="{coord(box)}" height="18" '
            f'rx="3"/><text class="tag-text" x="{coord(plot.x.end + 9)}" y="{coord(tag_y + 4)}">{escape(tag[1])}</text>'
        )
    return "".join(parts)


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return the path data through `points`; empty for none."""
    return "".join(f"{'L' if i else 'M'}{coord(x)} {coord(y)}" for i, (x, y) in enumerate(points))


def line(css: str, points: Sequence[tuple[float, float]], *, tooltip: str = "") -> str:
    """Return an open line through `points`; a single one is drawn as a dot, none as nothing."""
    if not points:
        return ""
    title = f"<title>{escape(tooltip)}</title>" if tooltip else ""
    if len(points) == 1:
        x, y = points[0]
        return f'<circle class="{css} dot" cx="{coord(x)}" cy="{coord(y)}" r="3">{title}</circle>'
    return f'<path class="{css}" d="{path(points)}">{title}</path>'


def band(css: str, upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """Return the area between two lines of the same x."""
    if len(upper) < 2:
        return ""
    return f'<path class="{css}" d="{path([*upper, *reversed(lower)])}Z"/>'


def candle(bar: Bar, plot: Frame, tooltip: str) -> str:
    """Return one candle: wick and body, the body at least 1 px wide and high. Its class says rise or fall."""
    centre = plot.x.at(bar.ts_ms + bar.interval_ms / 2)
    width = max(1.0, 0.7 * (plot.x.at(bar.ts_ms + bar.interval_ms) - plot.x.at(bar.ts_ms)))
    top, bottom = plot.y.at(max(bar.open, bar.close)), plot.y.at(min(bar.open, bar.close))
    body = f"M{coord(centre - width / 2)} {coord(top)}h{coord(width)}v{coord(max(1.0, bottom - top))}h{coord(-width)}z"
    wick = f"M{coord(centre)} {coord(plot.y.at(bar.high))}V{coord(plot.y.at(bar.low))}"
    css = "rise" if bar.close >= bar.open else "fall"
    return (
        f'<path class="candle {css}" data-x="{coord(centre)}" d="{wick}{body}"><title>{escape(tooltip)}</title></path>'
    )


def probe(x: float, y: float, tooltip: str) -> str:
    """Return an unseen dot that carries a reading of a line."""
    return (
        f'<circle class="probe" data-x="{coord(x)}" cx="{coord(x)}" cy="{coord(y)}" r="5">'
        f"<title>{escape(tooltip)}</title></circle>"
    )


@dataclass(frozen=True, slots=True)
class Marker:
    """A fill on the chart. `letter` names its leg; `badge` rings it, for an exit that the market forced."""

    x: float
    y: float
    side: Literal["buy", "sell"]
    letter: str
    badge: bool
    tooltip: str


def markers(items: Sequence[Marker]) -> str:
    """Return the fills: buys as triangles pointing up under their price, sells pointing down over it.

    A letter that would lie on one already drawn is left out; its triangle and its tooltip stay.
    """
    parts: list[str] = []
    lettered: list[tuple[float, float]] = []
    for item in items:
        down = 1.0 if item.side == "buy" else -1.0
        tip, base, text_y = item.y + 3 * down, item.y + 11 * down, item.y + 19 * down
        parts.append(
            f'<g class="fill {item.side}"><title>{escape(item.tooltip)}</title>'
            f'<path d="M{coord(item.x)} {coord(tip)}L{coord(item.x + 5)} {coord(base)}H{coord(item.x - 5)}Z"/>'
        )
        if all(abs(x - item.x) >= 13 or abs(y - text_y) >= 13 for x, y in lettered):
            lettered.append((item.x, text_y))
            if item.badge:
                parts.append(f'<circle class="badge" cx="{coord(item.x)}" cy="{coord(text_y)}" r="6.5"/>')
            parts.append(
                f'<text class="leg" x="{coord(item.x)}" y="{coord(text_y + 3.5)}">{escape(item.letter)}</text>'
            )
        parts.append("</g>")
    return "".join(parts)


def svg(plot: Frame, inside: str, *, css: str, label: str) -> str:
    """Return the whole picture. `label` is what a screen reader says of it."""
    size = f"{coord(plot.width)} {coord(plot.height)}"
    cross = f'<path class="cross" d="M0 {coord(plot.y.end)}V{coord(plot.y.start)}"/>'
    return f'<svg class="{css}" viewBox="0 0 {size}" role="img" aria-label="{escape(label)}">{inside}{cross}</svg>'
