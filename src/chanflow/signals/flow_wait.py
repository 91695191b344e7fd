"""A setup that waits for order flow to turn its way, as every rule of structure does.

A setup is armed in a direction, with a price beyond which it is void. It ends once: as soon as flow confirms, when
price passes that edge, when a newer setup replaces it, or when its bars are over. Every ending is a decision; a refused
one names the first test that failed last.

Tests in order: finite input, warm-up, gating (book, spread), direction of both flows, consistency, score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from chanflow.domain.flow import FlowWindow
from chanflow.domain.market_data import Bar
from chanflow.domain.signal import DecisionCode, Signal, SignalType
from chanflow.signals.ports import Direction

MAX_SPREAD_BPS = 20.0
MIN_ELIGIBLE_FRAC = 0.5
STRONG_BINS_FRAC = 0.10


@dataclass(frozen=True, slots=True)
class FlowRule:
    """The thresholds: `min_consistency` of the two flows and `min_score` of the mean fusion score, both 0..1.

    A setup waits at most `patience_bars` bars for its flow.
    """

    min_consistency: float
    min_score: float
    patience_bars: int
    expiry_ms: int


@dataclass(frozen=True, slots=True)
class Setup:
    """What waits: `number` tells it from others of the same bar, `refs` are the structures it rests on."""

    name: str
    number: int
    refs: tuple[str, ...]
    direction: Direction
    edge_price: float


class FlowWait:
    """Watches the setups of one symbol and level, one at a time."""

    def __init__(self, rule: FlowRule, *, symbol: str, level: str, run_id: str, config_hash: str) -> None:
        self._rule = rule
        self._symbol = symbol
        self._level = level
        self._run_id = run_id
        self._config_hash = config_hash
        self._setup: Setup | None = None
        self._bars_left = 0
        self._last: tuple[DecisionCode, tuple[str, ...]] = ("WARMUP", ("no bar has closed since",))

    def on_bar(
        self, bar: Bar, armed: list[Setup], flow: FlowWindow, *, known_ms: int, trend: Direction | None
    ) -> list[Signal]:
        """Return the decisions that a closed bar brings; `armed` are the setups that it arms, oldest first."""
        decisions = []
        for setup in armed:
            if self._setup is not None:
                reason = f"{setup.refs[0]} is newer"
                decisions.append(self._ended(bar, flow, known_ms, trend, "REPLACED", (reason,)))
            self._setup, self._bars_left = setup, self._rule.patience_bars
        decision = self._look(bar, flow, known_ms, trend)
        return decisions if decision is None else [*decisions, decision]

    def _look(self, bar: Bar, flow: FlowWindow, known_ms: int, trend: Direction | None) -> Signal | None:
        setup = self._setup
        if setup is None:
            return None
        sign = 1.0 if setup.direction == "up" else -1.0
        if (bar.close - setup.edge_price) * sign <= 0:
            reason = f"price {bar.close!r} passed the end of {setup.refs[0]} at {setup.edge_price!r}"
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
        setup, self._setup = self._setup, None
        assert setup is not None
        side: Literal["buy", "sell"] = "buy" if setup.direction == "up" else "sell"
        strong = code == "OK" and flow.strong_bins >= STRONG_BINS_FRAC * flow.bins
        signal_type: SignalType = side
        if strong:
            signal_type = "strong_buy" if side == "buy" else "strong_sell"
        elif code in ("BAD_INPUT", "WARMUP"):
            signal_type = "neutral"
        return Signal(
            ts_ms=bar.close_ms,
            known_ms=known_ms,
            symbol=self._symbol,
            signal_id=f"{self._run_id}-{self._symbol}-{bar.close_ms}-{setup.number}",
            signal_type=signal_type,
            side_hint=side if code == "OK" else "flat",
            score=flow.score,
            confirm=code == "OK",
            gating_blocked=code != "OK",
            decision_code=code,
            reasons=reasons,
            consistency=flow.consistency,
            expiry_ms=self._rule.expiry_ms,
            config_hash=self._config_hash,
            run_id=self._run_id,
            level=self._level,
            setup=setup.name,
            refs=(*setup.refs, f"flow@{flow.ts_ms}"),
            price=repr(bar.close),
            invalidation_price=repr(setup.edge_price),
            trend_agrees=trend == setup.direction,
            flow_strong=strong,
        )
