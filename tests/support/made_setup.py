"""A stroke, its bar, its flow, and what the signal and the analyst make of them, for tests to spoil one thing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from made_desk import NOW, SIM, D

from chanflow.analyst.briefing import Briefing
from chanflow.domain.flow import FlowWindow
from chanflow.domain.market_data import Bar
from chanflow.domain.signal import Signal
from chanflow.domain.structure import Stroke

NOW_MS = NOW // 1_000_000


def stroke(**changes: Any) -> Stroke:
    """Return a confirmed down stroke that ended at 99: the setup it arms looks up."""
    base = Stroke(4, 10, 20, NOW_MS - 90_000, NOW_MS - 30_000, 103.0, 99.0, "down", "confirmed")
    return replace(base, **changes)


def bar(close: float = 100.0, *, ts_ms: int = NOW_MS) -> Bar:
    return Bar(ts_ms, 5_000, close, close, close, close, 1.0, close, 1, 0.5)


def flow(**changes: Any) -> FlowWindow:
    """Return flow that points up, clearly."""
    base = FlowWindow(
        ts_ms=NOW_MS + 5_000, bins=20, eligible_bins=20, book_ok=True, ofi=12.0, tfi=8.0, score=0.5, consistency=0.6,
        spread_bps=1.0, strong_bins=0,
    )  # fmt: skip
    return replace(base, **changes)


def signal(**changes: Any) -> Signal:
    base = Signal(
        signal_id="run-SIMUSDT-1-4", ts_ms=NOW_MS, known_ms=NOW_MS, symbol="SIMUSDT", level="5s", setup="stroke_flow",
        signal_type="buy", side_hint="buy", score=0.5, consistency=0.6, confirm=True, decision_code="OK", reasons=(),
        refs=("stroke#4", "flow@1"), invalidation_price="99.0", price="100.0", trend_agrees=False, flow_strong=False,
        expiry_ms=60_000, gating_blocked=False, config_hash="c" * 64, run_id="run",
    )  # fmt: skip
    return replace(base, **changes)


def briefing(**changes: Any) -> Briefing:
    base = Briefing(
        decision_id="d1", as_of_ns=NOW, symbol="SIMUSDT", level="5s", instrument=SIM, bid=D("99.99"), ask=D("100.00"),
        flow=None, position=None, max_leverage=3, valid_for_ns=10 * 10**9, max_hold_ns=600 * 10**9, signal=signal(),
    )  # fmt: skip
    return replace(base, **changes)
