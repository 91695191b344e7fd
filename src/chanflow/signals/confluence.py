"""Confluence: a confirmed buying or selling point (买卖点), and order flow in its direction within its window.

The point says where and which way, slowly; flow says that it is being traded now. Neither is enough alone: points are
often certain late, and flow predicts almost nothing. A setup is armed by the bar that confirms the point, and is void
beyond the point's own price. Types that are confirmed together at one end are one setup with all their ids.
"""

from __future__ import annotations

from itertools import groupby

from chanflow.domain.flow import FlowWindow
from chanflow.domain.market_data import Bar
from chanflow.domain.signal import Signal
from chanflow.domain.structure import Confirmed, Point
from chanflow.signals.flow_wait import FlowRule, FlowWait, Setup
from chanflow.signals.ports import Direction


class Confluence:
    """Watches the points of one symbol and level."""

    def __init__(self, rule: FlowRule, *, symbol: str, level: str, run_id: str, config_hash: str) -> None:
        self._level = level
        self._armed = 0
        self._wait = FlowWait(rule, symbol=symbol, level=level, run_id=run_id, config_hash=config_hash)

    def on_bar(
        self, bar: Bar, confirmed: Confirmed, flow: FlowWindow, *, known_ms: int, trend: Direction | None
    ) -> list[Signal]:
        """Return the decisions that a closed bar brings; each end with confirmed points arms a setup."""
        ordered = sorted(confirmed.points, key=_end)
        armed = [self._setup(list(points)) for _, points in groupby(ordered, key=_end)]
        return self._wait.on_bar(bar, armed, flow, known_ms=known_ms, trend=trend)

    def _setup(self, points: list[Point]) -> Setup:
        first = points[0]
        self._armed += 1
        direction: Direction = "up" if first.side == "buy" else "down"
        refs = tuple(point.ref(self._level) for point in points)
        return Setup(f"{first.name}_flow", self._armed, refs, direction, first.price)


def _end(point: Point) -> tuple[int, str]:
    """Two types share an end where they lie on one bar, on one side."""
    return point.bar, point.side
