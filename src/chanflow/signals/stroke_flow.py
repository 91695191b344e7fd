"""A confirmed stroke (笔) with order flow in the new direction.

When stroke k is confirmed, the move against it has already made a stroke of its own, and price is on its way back. So
the setup is armed in the direction opposite to k, and waits some bars for flow to turn that way. It ends once: as soon
as flow confirms, when price passes the end of stroke k, when a newer stroke replaces it, or when its bars are over.
Every ending is a decision; a refused one names the first test that failed last.

Tests in order: finite input, warm-up, gating (book, spread), direction of both flows, consistency, score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from chanflow.domain.flow import FlowWindow
from chanflow.domain.market_data import Bar
from chanflow.domain.signal import DecisionCode, Signal, SignalType
from chanflow.domain.structure import Stroke

SETUP = "stroke_flow"
MAX_SPREAD_BPS = 20.0
MIN_ELIGIBLE_FRAC = 0.5
STRONG_BINS_FRAC = 0.10

Direction = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class StrokeFlowRule:
    """The thresholds: `min_consistency` of the two flows and `min_score` of the mean fusion score, both 0..1.

    A setup waits at most `patience_bars` bars for its flow.
    """

    min_consistency: float
    min_score: float
    patience_bars: int
    expiry_ms: int


class StrokeFlow:
    """Watches the setups of one symbol and level."""

    def __init__(self, rule: StrokeFlowRule, *, symbol: str, level: str, run_id: str) -> None:
        self._rule = rule
        self._symbol = symbol
        self._level = level
        self._run_id = run_id
        self._stroke: Stroke | None = None
        self._bars_left = 0
        self._last: tuple[DecisionCode, tuple[str, ...]] = ("WARMUP", ("no bar has closed since",))

    def on_bar(
        self, bar: Bar, confirmed: list[Stroke], flow: FlowWindow, *, known_ms: int, trend: Direction | None
    ) -> list[Signal]:
        """Return the decisions that a closed bar brings.

        `confirmed` are the strokes that became unchangeable with it, `trend` the direction one level up, if known.
        """
        decisions = []
        for stroke in confirmed:
            if self._stroke is not None:
                decisions.append(self._ended(bar, flow, known_ms, trend, "REPLACED", (f"{stroke.ref} is newer",)))
            self._stroke, self._bars_left = stroke, self._rule.patience_bars
        decision = self._look(bar, flow, known_ms, trend)
        return decisions if decision is None else [*decisions, decision]

    def _look(self, bar: Bar, flow: FlowWindow, known_ms: int, trend: Direction | None) -> Signal | None:
        stroke = self._stroke
        if stroke is None:
            return None
        sign = -1.0 if stroke.direction == "up" else 1.0
        if (bar.close - stroke.end_price) * sign <= 0:
            reason = f"price {bar.close!r} passed the end of {stroke.ref} at {stroke.end_price!r}"
            return self._ended(bar, flow, known_ms, trend, "INVALIDATED", (reason,))
        self._last = self._test(flow, sign, bar.close)
        self._bars_left -= 1
        if self._last[0] == "OK" or self._bars_left <= 0:
            return self._ended(bar, flow, known_ms, trend, *self._last)
        return None

    def _test(self, flow: FlowWindow, sign: float, price: float) -> tuple[DecisionCode, tuple[str, ...]]:
        rule = self._rule
        figures = (flow.ofi, flow.tfi, flow.consistency, price, flow.score, flow.spread_bps)
        if not all(math.isfinite(v) for v in figures if v is not None):
            return "BAD_INPUT", ("a needed figure is missing",)
        if flow.score is None or flow.eligible_bins < MIN_ELIGIBLE_FRAC * flow.bins:
            return "WARMUP", (f"{flow.eligible_bins} of {flow.bins} bins are eligible",)
        if not flow.book_ok:
            return "FAIL_GATING", ("the book was not synchronised all through the window",)
        if flow.spread_bps is None or flow.spread_bps > MAX_SPREAD_BPS:
            return "FAIL_GATING", (f"spread is {flow.spread_bps} bps, at most {MAX_SPREAD_BPS} is allowed",)
        if flow.ofi * sign <= 0 or flow.tfi * sign <= 0 or flow.score * sign <= 0:
            return "AGAINST_FLOW", (f"ofi {flow.ofi:.3f}, tfi {flow.tfi:.3f}, score {flow.score:.3f}",)
        if flow.consistency < rule.min_consistency:
            return "LOW_CONSISTENCY", (f"consistency is {flow.consistency:.3f}, {rule.min_consistency} is asked",)
        if abs(flow.score) < rule.min_score:
            return "LOW_SCORE", (f"|score| is {abs(flow.score):.3f}, {rule.min_score} is asked",)
        return "OK", ()

    def _ended(
        self,
        bar: Bar,
        flow: FlowWindow,
        known_ms: int,
        trend: Direction | None,
        code: DecisionCode,
        reasons: tuple[str, ...],
    ) -> Signal:
        stroke, self._stroke = self._stroke, None
        assert stroke is not None
        new: Direction = "down" if stroke.direction == "up" else "up"
        side: Literal["buy", "sell"] = "buy" if new == "up" else "sell"
        strong = code == "OK" and flow.strong_bins >= STRONG_BINS_FRAC * flow.bins
        signal_type: SignalType = side
        if strong:
            signal_type = "strong_buy" if side == "buy" else "strong_sell"
        elif code in ("BAD_INPUT", "WARMUP"):
            signal_type = "neutral"
        return Signal(
            signal_id=f"{self._run_id}-{self._symbol}-{bar.close_ms}-{stroke.index}",
            ts_ms=bar.close_ms,
            known_ms=known_ms,
            symbol=self._symbol,
            level=self._level,
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
            price=repr(bar.close),
            trend_agrees=trend == new,
            flow_strong=strong,
            expiry_ms=self._rule.expiry_ms,
        )
