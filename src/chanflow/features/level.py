"""The Chan structure (缠论) of one level as the pipeline follows it."""

from __future__ import annotations

from typing import Literal

from chanflow.domain.market_data import Bar
from chanflow.domain.structure import Stroke
from chanflow.features.chan import Engine, StrokeEvent


class LevelStructure:
    """Feeds closed bars to the engine and tells which strokes (笔) they confirmed."""

    def __init__(self, preset: str = "default") -> None:
        self.engine = Engine(preset)
        self.direction: Literal["up", "down"] | None = None

    def tail(self) -> list[Stroke]:
        """Return the strokes shown now that may still change."""
        return [stroke for stroke in self.engine.structure().strokes if stroke.state == "provisional"]

    def push(self, bar: Bar) -> list[Stroke]:
        """Read a bar; returns the strokes that became unchangeable with it. `direction` follows the newest stroke."""
        confirmed = []
        for event in self.engine.push(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume):
            if not isinstance(event, StrokeEvent):
                continue
            direction: Literal["up", "down"] = "up" if event.direction > 0 else "down"
            if event.kind in ("new", "revised"):
                self.direction = direction
            if event.kind == "confirmed":
                confirmed.append(
                    Stroke(
                        event.index, event.start_bar, event.end_bar, event.start_ts_ms, event.end_ts_ms,
                        event.start_price, event.end_price, direction, "confirmed",
                    )
                )  # fmt: skip
        return confirmed
