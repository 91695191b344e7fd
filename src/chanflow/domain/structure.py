"""Chan structure (缠论) as the stages speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["provisional", "confirmed", "void"]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke (笔): the move between two fractals. Bars are raw bar indices, prices in quote units."""

    index: int
    start_bar: int
    end_bar: int
    start_ts_ms: int
    end_ts_ms: int
    start_price: float
    end_price: float
    direction: Literal["up", "down"]
    state: State

    @property
    def ref(self) -> str:
        """The id by which evidence cites it; a provisional stroke carries its end as revision."""
        return f"stroke#{self.index}" + ("" if self.state == "confirmed" else f"r{self.end_bar}")


@dataclass(frozen=True, slots=True)
class Point:
    """A confirmed buying or selling point (买卖点). Bars are raw bar indices, the price is in quote units.

    `element` is the stroke or segment (`of`) that ends there, `type` the engine's own word: 1 1p 2 2s 3a 3b.
    """

    of: Literal["stroke", "segment"]
    element: int
    type: str
    side: Literal["buy", "sell"]
    bar: int
    ts_ms: int
    price: float

    @property
    def name(self) -> str:
        """Side and type, as buy2s, with `-seg` where a segment ends."""
        return f"{self.side}{self.type}" + ("-seg" if self.of == "segment" else "")

    def ref(self, level: str) -> str:
        """Return the id by which evidence cites it at a level."""
        return f"point:{self.name}@{level}#{self.element}"


@dataclass(frozen=True, slots=True)
class StructureNews:
    """Something a bar told of the structure. `ref` is the id by which evidence cites it.

    `point` is side and type of a point, as buy2s. `divergence` is that which a confirmed point 1 or 1p rests on. A
    center (中枢) is formed when it shows, and left when it can no longer change.
    """

    event: Literal["point_confirmed", "point_void", "stroke_confirmed", "center_left", "center_formed"]
    ref: str
    point: str | None = None
    divergence: Literal["bull", "bear"] | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What became unchangeable with one bar, oldest first, and all that may wake somebody."""

    strokes: tuple[Stroke, ...] = ()
    points: tuple[Point, ...] = ()
    news: tuple[StructureNews, ...] = ()
