"""A picture of a structure: what is to be drawn, in bars and prices, before anybody says in what medium.

Bars stand side by side, whatever time lies between them: x is the bar's index in the file, y the price. The page
(`structure_page`) and the image (`structure_image`) draw the same `Drawing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chanflow.domain.errors import InvalidArgument
from chanflow.interfaces.cli.measured import (
    EXPLAINED,
    NOT_MEASURED,
    UNMEASURED,
    Lookup,
    PointKind,
    Row,
    figure_rows,
    kinds_of,
    measured_line,
    nothing_measured,
    sources,
)
from chanflow.review.chart import nice_ticks, padded, utc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chanflow.adapters.storage.bars_file import BarColumns

MOST_BARS = 12_000
"""How many bars a picture holds: the last ones. More would make a page that no browser likes to move."""

WINDOW_BARS = 360
"""How many bars are shown large at first: the last ones."""

LISTS = ("strokes", "segments", "super_segments", "centers", "points")
"""The lists of a structure, in the order of the schema."""

NOTICE = (
    "Hollow and dashed: provisional, may still move or be withdrawn. Filled and solid: confirmed, never changes. "
    "Not investment advice."
)

LineKind = Literal["stroke", "segment", "super_segment"]
Level = Literal["stroke", "segment"]

STEPS_MS = (
    *(1_000 * n for n in (1, 5, 15, 30)),
    *(60_000 * n for n in (1, 5, 15, 30)),
    *(3_600_000 * n for n in (1, 2, 4, 6, 12)),
    *(86_400_000 * n for n in (1, 2, 7, 14, 28, 91, 182, 364, 728, 1820, 3640)),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A stroke, segment or super-segment from one bar and price to another."""

    kind: LineKind
    index: int
    state: str
    start_bar: int
    end_bar: int
    start_price: float
    end_price: float


@dataclass(frozen=True, slots=True)
class Box:
    """A center: its range from the start of its first element to the end of its last."""

    level: Level
    state: str
    start_bar: int
    end_bar: int
    low: float
    high: float
    tooltip: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A buy or sell point with its types, `2·3b`. `rank` is 1 where another level has its mark nearer to the bar."""

    level: Level
    state: str
    side: Literal["buy", "sell"]
    label: str
    bar: int
    price: float
    rank: int
    tooltip: str
    kinds: tuple[PointKind, ...] = ()
    """One for each of its types."""
    measured: str = NOT_MEASURED
    """What certificates say of its types, in a line."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a picture shows. `bars` are the last ones of the file, the first of them bar `first_bar`."""

    title: str
    subtitle: str
    first_bar: int
    bars: BarColumns
    lines: tuple[Line, ...]
    boxes: tuple[Box, ...]
    marks: tuple[Mark, ...]
    counts: tuple[tuple[str, int], ...]
    """How many elements each list of the whole structure holds."""
    measured: tuple[Row, ...] = ()
    """What was measured of the kinds of points among the marks."""

    @property
    def source(self) -> str:
        """Where the figures beside the points come from and what they mean, or that nothing was measured."""
        names = sources(self.measured)
        return f"Figures from {names}. {EXPLAINED}" if names else UNMEASURED

    @property
    def end_bar(self) -> int:
        """The index after the last bar."""
        return self.first_bar + len(self.bars)

    @property
    def window(self) -> tuple[int, int]:
        """The first bar shown large, and the one after the last."""
        return max(self.first_bar, self.end_bar - WINDOW_BARS), self.end_bar

    def price_range(self, start: int, end: int, room_frac: float = 0.16) -> tuple[float, float]:
        """Return the lowest and highest price of bars start to end - 1, with room on both sides for the marks."""
        if start == end:
            return 0.0, 1.0
        cut = slice(start - self.first_bar, end - self.first_bar)
        return padded(float(self.bars.low[cut].min()), float(self.bars.high[cut].max()), room_frac)


def check_suffix(path: Path) -> None:
    """Raise InvalidArgument unless the name of a picture says what it shall be."""
    if path.suffix.lower() not in {".html", ".png"}:
        raise InvalidArgument(f"{path} must end in .html or .png to be a plot", field="plot")


def rendered(path: Path, drawing: Drawing) -> bytes:
    """Return the picture in the form that the name of the file asks for. Raises MissingExtra for PNG without Pillow."""
    if path.suffix.lower() == ".png":
        from chanflow.interfaces.cli.structure_image import render_png

        return render_png(drawing)
    from chanflow.interfaces.cli.structure_page import render_page

    return render_page(drawing).encode()


def drawing_of(
    document: Mapping[str, Any], bars: BarColumns, *, title: str, preset: str, settings: Sequence[str] = (),
    lookup: Lookup = nothing_measured,
) -> Drawing:  # fmt: skip
    """Return what to draw of a `chanflow.structure/1` object and the bars it was made from.

    `lookup` tells what was measured of each kind of point. Lists that the object lacks are not drawn; nor is what lies
    before the last `MOST_BARS` bars.
    """
    from chanflow.adapters.storage.bars_file import BarColumns

    first = max(0, len(bars) - MOST_BARS)
    kept = BarColumns(bars.ts_ms[first:], bars.open[first:], bars.high[first:], bars.low[first:], bars.close[first:],
                      None if bars.volume is None else bars.volume[first:])  # fmt: skip
    span = f"{utc(int(kept.ts_ms[0]), '%Y-%m-%d %H:%M')} to {utc(int(kept.ts_ms[-1]), '%Y-%m-%d %H:%M')} UTC" if len(
        kept) else "no bars"  # fmt: skip
    told = f"the last {len(kept):,} of {len(bars):,} bars" if first else f"{len(bars):,} bars"
    kinds: tuple[tuple[LineKind, str], ...] = (
        ("stroke", "strokes"), ("segment", "segments"), ("super_segment", "super_segments")
    )  # fmt: skip
    lines = [
        Line(kind, at, each["state"], each["start_bar"], each["end_bar"], each["start_price"], each["end_price"])
        for kind, name in kinds
        for at, each in enumerate(document.get(name, ()))
        if each["end_bar"] >= first
    ]
    marks = tuple(_marks(document, first, lookup))
    return Drawing(
        title=title,
        subtitle=" · ".join((f"preset {preset}", *settings, told, span)),
        first_bar=first,
        bars=kept,
        lines=tuple(lines),
        boxes=tuple(_boxes(document, bars.ts_ms, first)),
        marks=marks,
        counts=tuple((name, len(document[name])) for name in LISTS if name in document),
        measured=figure_rows((kind for mark in marks for kind in mark.kinds), lookup),
    )


def _boxes(document: Mapping[str, Any], ts_ms: NDArray[np.int64], first: int) -> list[Box]:
    boxes = []
    for each in document.get("centers", ()):
        start, end = (int(ts_ms.searchsorted(each[name])) for name in ("start_ts_ms", "end_ts_ms"))
        if end < first:
            continue
        state = each.get("state", "provisional")
        elements = "strokes" if each["level"] == "stroke" else "segments"
        tooltip = (
            f"center of {elements} {each['start_stroke']} to {each['end_stroke']}, {state}: "
            f"{plain(each['low'])} to {plain(each['high'])}"
        )
        boxes.append(Box(each["level"], state, start, end, each["low"], each["high"], tooltip))
    return boxes


def _marks(document: Mapping[str, Any], first: int, lookup: Lookup) -> list[Mark]:
    marks: list[Mark] = []
    taken: set[tuple[int, str]] = set()
    for each in document.get("points", ()):
        if each["bar"] < first:
            continue
        state, label = each.get("state", "provisional"), "·".join(each["types"])
        tooltip = (
            f"{each['side']} {label} of {each['level']} {each['element']}, {state}: {plain(each['price'])} at "
            f"{utc(each['ts_ms'], '%Y-%m-%d %H:%M')} UTC"
        )
        rank = int((each["bar"], each["side"]) in taken)
        taken.add((each["bar"], each["side"]))
        kinds = tuple(kinds_of(each))
        told = measured_line(kinds, lookup)
        tooltip += f". {told}" if told != NOT_MEASURED else ""
        marks.append(
            Mark(each["level"], state, each["side"], label, each["bar"], each["price"], rank, tooltip, kinds, told)
        )
    return marks


def plain(value: float) -> str:
    """Return a price as it was given, without an exponent."""
    return f"{Decimal(repr(float(value))):f}".removesuffix(".0")


def price_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return round prices inside a range with their labels, about eight."""
    return [(float(tick), f"{tick + 0:,f}") for tick in nice_ticks(low, high, 8)]


def bar_ticks(ts_ms: NDArray[np.int64], most: int) -> list[tuple[int, str]]:
    """Return the positions of bars that open a round stretch of UTC time, at most `most`, with their labels."""
    import numpy as np

    for step in STEPS_MS:
        opens = np.flatnonzero(np.diff(ts_ms // step)) + 1
        if len(opens) <= most:
            break
    else:
        opens = opens[:: -(-len(opens) // most)]
    labels = []
    for at in opens.tolist():
        new_day = ts_ms[at] // 86_400_000 != ts_ms[at - 1] // 86_400_000
        clock = "%H:%M:%S" if step < 60_000 else "%H:%M"
        pattern = "%Y-%m-%d" if step >= 86_400_000 else "%m-%d" if new_day else clock
        labels.append((at, utc(int(ts_ms[at]), pattern)))
    return labels
