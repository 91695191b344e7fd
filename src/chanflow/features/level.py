"""The Chan structure (缠论) of one level as the pipeline follows it."""

from __future__ import annotations

from typing import Literal

from chanflow.domain.market_data import Bar
from chanflow.domain.structure import Confirmed, Point, Stroke
from chanflow.features.chan import Engine, PointEvent, StrokeEvent


class LevelStructure:
    """Feeds closed bars to the engine and tells which strokes (笔) and points (买卖点) they confirmed."""

    def __init__(self, preset: str = "default") -> None:
        self.engine = Engine(preset)
        self.direction: Literal["up", "down"] | None = None

    def tail(self) -> list[Stroke]:
        """Return the strokes shown now that may still change."""
        return [stroke for stroke in self.engine.structure().strokes if stroke.state == "provisional"]

    def push(self, bar: Bar) -> Confirmed:
        """Read a bar; returns what became unchangeable with it. `direction` follows the newest stroke."""
        strokes, points = [], []
        for event in self.engine.push(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume):
            match event:
                case StrokeEvent():
                    direction: Literal["up", "down"] = "up" if event.direction > 0 else "down"
                    if event.kind in ("new", "revised"):
                        self.direction = direction
                    if event.kind == "confirmed":
                        strokes.append(_stroke(event, direction))
                case PointEvent(kind="confirmed"):
                    points.append(
                        Point(
                            event.level, event.element, event.type, event.side, event.point_bar, event.ts_ms,
                            event.price,
                        )
                    )  # fmt: skip
        return Confirmed(tuple(strokes), tuple(points))


def _stroke(event: StrokeEvent, direction: Literal["up", "down"]) -> Stroke:
    return Stroke(
        event.index, event.start_bar, event.end_bar, event.start_ts_ms, event.end_ts_ms, event.start_price,
        event.end_price, direction, "confirmed",
    )  # fmt: skip
