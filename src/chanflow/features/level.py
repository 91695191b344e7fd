"""The Chan structure (缠论) of one level as the pipeline follows it."""

from __future__ import annotations

from typing import Literal

from chanflow.domain.market_data import Bar
from chanflow.domain.structure import Confirmed, Point, Stroke, StructureNews
from chanflow.features.chan import CenterEvent, Engine, PointEvent, StrokeEvent


class LevelStructure:
    """Feeds closed bars of a level to the engine, and tells what they confirmed of strokes (笔) and points (买卖点)."""

    def __init__(self, level: str, preset: str = "default") -> None:
        self.level = level
        self.engine = Engine(preset)
        self.direction: Literal["up", "down"] | None = None

    def tail(self) -> list[Stroke]:
        """Return the strokes shown now that may still change."""
        return [stroke for stroke in self.engine.structure().strokes if stroke.state == "provisional"]

    def push(self, bar: Bar) -> Confirmed:
        """Read a bar; returns what became unchangeable with it. `direction` follows the newest stroke."""
        strokes, points, news = [], [], []
        for event in self.engine.push(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume):
            match event:
                case StrokeEvent():
                    direction: Literal["up", "down"] = "up" if event.direction > 0 else "down"
                    if event.kind in ("new", "revised"):
                        self.direction = direction
                    if event.kind == "confirmed":
                        stroke = _stroke(event, direction)
                        strokes.append(stroke)
                        news.append(StructureNews("stroke_confirmed", stroke.ref))
                case PointEvent(kind="confirmed" | "void"):
                    point = _point(event)
                    if event.kind == "confirmed":
                        points.append(point)
                    news.append(self._news_of(event, point))
                case CenterEvent(kind="new" | "confirmed"):
                    name: Literal["center_formed", "center_left"] = (
                        "center_formed" if event.kind == "new" else "center_left"
                    )
                    news.append(StructureNews(name, f"center#{event.start}" + _SUFFIX[event.level]))
        return Confirmed(tuple(strokes), tuple(points), tuple(news))

    def _news_of(self, event: PointEvent, point: Point) -> StructureNews:
        ref, name = point.ref(self.level), f"{event.side}{event.type}"
        if event.kind == "void":
            return StructureNews("point_void", ref, name)
        kind: Literal["bull", "bear"] = "bull" if event.side == "buy" else "bear"
        return StructureNews("point_confirmed", ref, name, None if event.divergence is None else kind)


_SUFFIX = {"stroke": "", "segment": "-seg"}


def _point(event: PointEvent) -> Point:
    return Point(event.level, event.element, event.type, event.side, event.point_bar, event.ts_ms, event.price)


def _stroke(event: StrokeEvent, direction: Literal["up", "down"]) -> Stroke:
    return Stroke(
        event.index, event.start_bar, event.end_bar, event.start_ts_ms, event.end_ts_ms, event.start_price,
        event.end_price, direction, "confirmed",
    )  # fmt: skip
