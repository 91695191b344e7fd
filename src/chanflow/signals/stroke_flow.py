"""A confirmed stroke (笔) with order flow in the new direction.

When stroke k is confirmed, the move against it has already made a stroke of its own, and price is on its way back. So
the setup is armed in the direction opposite to k, and is void beyond the end of k.
"""

from __future__ import annotations

from chanflow.domain.flow import FlowWindow
from chanflow.domain.market_data import Bar
from chanflow.domain.signal import Signal
from chanflow.domain.structure import Confirmed, Stroke
from chanflow.signals.flow_wait import FlowRule, FlowWait, Setup
from chanflow.signals.ports import Direction

SETUP = "stroke_flow"


class StrokeFlow:
    """Watches the strokes of one symbol and level."""

    def __init__(self, rule: FlowRule, *, symbol: str, level: str, run_id: str, config_hash: str) -> None:
        self._wait = FlowWait(rule, symbol=symbol, level=level, run_id=run_id, config_hash=config_hash)

    def on_bar(
        self, bar: Bar, confirmed: Confirmed, flow: FlowWindow, *, known_ms: int, trend: Direction | None
    ) -> list[Signal]:
        """Return the decisions that a closed bar brings; each confirmed stroke arms a setup."""
        armed = [_setup(stroke) for stroke in confirmed.strokes]
        return self._wait.on_bar(bar, armed, flow, known_ms=known_ms, trend=trend)


def _setup(stroke: Stroke) -> Setup:
    direction: Direction = "down" if stroke.direction == "up" else "up"
    return Setup(SETUP, stroke.index, (stroke.ref,), direction, stroke.end_price)
