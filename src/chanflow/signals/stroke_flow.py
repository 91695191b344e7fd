"""A confirmed stroke (笔) with order flow in the new direction.

When stroke k is confirmed, the move against it has already made a stroke of its own: the new direction is the one
opposite to k. The signal asks the flow of the last window to point the same way. Refused decisions are returned too,
with the code of the first test that failed, so that a funnel can be counted.

Tests in order: finite input, warm-up, gating (book, spread), direction of both flows, consistency, score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from chanflow.domain.flow import FlowWindow
from chanflow.domain.signal import DecisionCode, Signal
from chanflow.domain.structure import Stroke

SETUP = "stroke_flow"
MAX_SPREAD_BPS = 20.0
MIN_ELIGIBLE_FRAC = 0.5
STRONG_BINS_FRAC = 0.10


@dataclass(frozen=True, slots=True)
class StrokeFlowRule:
    """The thresholds: `min_consistency` of the two flows in 0..1, `min_score` of the mean fusion score."""

    min_consistency: float
    min_score: float
    expiry_ms: int

    def decide(
        self,
        stroke: Stroke,
        flow: FlowWindow,
        *,
        symbol: str,
        level: str,
        price: float | None,
        known_ms: int,
        trend_up: Literal["up", "down"] | None,
        run_id: str,
    ) -> Signal:
        """Return the decision on a newly confirmed stroke; `trend_up` is the direction one level up, if known."""
        new = "down" if stroke.direction == "up" else "up"
        sign = 1.0 if new == "up" else -1.0
        code, reasons = self._code(flow, sign, price)
        strong = code == "OK" and flow.strong_bins >= STRONG_BINS_FRAC * flow.bins
        side: Literal["buy", "sell"] = "buy" if new == "up" else "sell"
        signal_type: Literal["strong_buy", "buy", "neutral", "sell", "strong_sell"] = side
        if strong:
            signal_type = "strong_buy" if side == "buy" else "strong_sell"
        if code in ("BAD_INPUT", "WARMUP"):
            signal_type = "neutral"
        return Signal(
            signal_id=f"{run_id}-{symbol}-{flow.ts_ms}-{stroke.index}",
            ts_ms=flow.ts_ms,
            known_ms=known_ms,
            symbol=symbol,
            level=level,
            setup=SETUP,
            signal_type=signal_type,
            side_hint=side if code == "OK" else "flat",
            score=flow.score,
            consistency=flow.consistency,
            confirm=code == "OK",
            decision_code=code,
            reasons=reasons,
            refs=(stroke.ref, f"flow@{flow.ts_ms}"),
            invalidation_price=repr(stroke.end_price),
            price="" if price is None else repr(price),
            trend_agrees=trend_up == new,
            flow_strong=strong,
            expiry_ms=self.expiry_ms,
        )

    def _code(self, flow: FlowWindow, sign: float, price: float | None) -> tuple[DecisionCode, tuple[str, ...]]:
        figures = (flow.ofi, flow.tfi, flow.consistency, price if price is not None else math.nan)
        if not all(math.isfinite(v) for v in figures):
            return "BAD_INPUT", ("a needed figure is missing",)
        if flow.score is None or flow.eligible_bins < MIN_ELIGIBLE_FRAC * flow.bins:
            return "WARMUP", (f"{flow.eligible_bins} of {flow.bins} bins are eligible",)
        if not flow.book_ok:
            return "FAIL_GATING", ("the book was not synchronised all through the window",)
        if flow.spread_bps is None or flow.spread_bps > MAX_SPREAD_BPS:
            return "FAIL_GATING", (f"spread is {flow.spread_bps} bps, at most {MAX_SPREAD_BPS} is allowed",)
        if flow.ofi * sign <= 0 or flow.tfi * sign <= 0 or flow.score * sign <= 0:
            return "AGAINST_FLOW", (f"ofi {flow.ofi:.3f}, tfi {flow.tfi:.3f}, score {flow.score:.3f}",)
        if flow.consistency < self.min_consistency:
            return "LOW_CONSISTENCY", (
                f"consistency is {flow.consistency:.3f}, at least {self.min_consistency} is asked",
            )
        if abs(flow.score) < self.min_score:
            return "LOW_SCORE", (f"|score| is {abs(flow.score):.3f}, at least {self.min_score} is asked",)
        return "OK", ()
