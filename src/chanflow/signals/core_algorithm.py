"""The core algorithm: every row of features becomes one decision, and the first test that fails names its code.

Order flow explains the move of the moment and predicts almost nothing of the next, so these decisions are a reading of
the market, to be confirmed or timed by slower signals; `signals/confluence.py` is what feeds an analyst.

Symbols share nothing: the decisions on one do not depend on which rows of others came between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from chanflow.domain.canonical import decimal_text
from chanflow.domain.signal import DecisionCode, Regime, Signal, SignalType, side_of
from chanflow.signals.feature_row import BadRow, FeatureRow, fused, read_row
from chanflow.signals.mode import ModeConfig, Parameters, StrategyModeManager
from chanflow.signals.trailing import MOVE_MS, Trailing

MAX_SYMBOLS = 4_096
"""Rows of more symbols than these are refused, so that a spoilt input cannot take all memory."""

UNJUDGED = ("BAD_INPUT", "EXPIRE", "DUPLICATE", "WARMUP")
"""Codes of rows whose direction was never looked at; their signals are neutral."""

Verdict = tuple[DecisionCode, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CoreConfig:
    """Thresholds that hold in both modes; what a mode asks is in its `Parameters`."""

    expiry_ms: int = 60_000
    min_gap_ms: int = 250
    max_lag_s: float = 3.0
    max_spread_bps: float = 20.0
    trend_z: float = 1.2
    revert_z: float = 1.0
    allow_quiet_regime: bool = False
    mode: ModeConfig = field(default_factory=ModeConfig)


class _Watched:
    """What is remembered of one symbol."""

    def __init__(self, mode: ModeConfig) -> None:
        self.seq = 0
        self.newest_ms: int | None = None
        self.last_ms: int | None = None
        self.confirmed_ms: dict[str, int] = {}
        self.trailing = Trailing()
        self.mode = StrategyModeManager(mode)

    def save(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "newest_ms": self.newest_ms,
            "last_ms": self.last_ms,
            "confirmed_ms": self.confirmed_ms,
            "trailing": self.trailing.save(),
            "mode": self.mode.save(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        self.seq, self.newest_ms, self.last_ms = int(state["seq"]), state["newest_ms"], state["last_ms"]
        self.confirmed_ms = {str(side): int(at) for side, at in state["confirmed_ms"].items()}
        self.trailing.load(state["trailing"])
        self.mode.load(state["mode"])


class CoreAlgorithm:
    """Decides row by row. `config_hash` and `run_id` are written into every signal."""

    def __init__(self, config: CoreConfig, *, run_id: str, config_hash: str) -> None:
        self._config = config
        self._run_id = run_id
        self._config_hash = config_hash
        self._watched: dict[str, _Watched] = {}

    def decide(self, raw: Mapping[str, Any]) -> Signal:
        """Return the decision on a row; what cannot be read as one is a BAD_INPUT."""
        row = read_row(raw)
        if isinstance(row, BadRow):
            return self.refuse(row)
        watched = self._of(row.symbol)
        if watched is None:
            return self.refuse(BadRow((f"more than {MAX_SYMBOLS} symbols",), row.ts_ms))
        if (verdict := self._misplaced(watched, row)) is not None:
            return self._signal(watched, row, verdict, None)
        watched.newest_ms = watched.last_ms = row.ts_ms
        watched.trailing.add(row)
        watched.mode.observe(row.ts_ms, watched.trailing.activity(row))
        move_bps = watched.trailing.move_bps(row)
        regime = self._regime(row.z_ofi, move_bps)
        verdict = _warming(watched, row, move_bps) or self._judge(watched, row, regime)
        signal = self._signal(watched, row, verdict, regime)
        if signal.confirm:
            watched.confirmed_ms[signal.side_hint] = row.ts_ms
        return signal

    def refuse(self, row: BadRow) -> Signal:
        """Return the BAD_INPUT of something that is no row."""
        watched = self._of(row.symbol) or self._watched[""]
        watched.seq += 1
        return Signal(
            ts_ms=row.ts_ms,
            known_ms=row.ts_ms,
            symbol=row.symbol,
            signal_id=f"{self._run_id}-{row.symbol}-{row.ts_ms}-{watched.seq}",
            signal_type="neutral",
            side_hint="flat",
            score=None,
            confirm=False,
            gating_blocked=True,
            decision_code="BAD_INPUT",
            reasons=row.reasons,
            consistency=None,
            expiry_ms=self._config.expiry_ms,
            config_hash=self._config_hash,
            run_id=self._run_id,
        )

    def modes(self) -> dict[str, dict[str, Any]]:
        """Return the metrics of every symbol's mode."""
        return {symbol: watched.mode.metrics() for symbol, watched in sorted(self._watched.items()) if symbol}

    def _of(self, symbol: str) -> _Watched | None:
        """Return what is remembered of a symbol, None where there are too many; what has none goes under ""."""
        self._watched.setdefault("", _Watched(self._config.mode))
        if symbol not in self._watched:
            if len(self._watched) > MAX_SYMBOLS:
                return None
            self._watched[symbol] = _Watched(self._config.mode)
        return self._watched[symbol]

    def _misplaced(self, watched: _Watched, row: FeatureRow) -> Verdict | None:
        config = self._config
        if watched.newest_ms is not None and row.ts_ms < watched.newest_ms - config.expiry_ms:
            age_ms = watched.newest_ms - row.ts_ms
            return "EXPIRE", (f"the row is {age_ms} ms older than the newest, at most {config.expiry_ms} is allowed",)
        if watched.last_ms is not None and row.ts_ms - watched.last_ms < config.min_gap_ms:
            gap_ms = row.ts_ms - watched.last_ms
            return "DUPLICATE", (f"the row is {gap_ms} ms after the last one, {config.min_gap_ms} are needed",)
        return None

    def _regime(self, z_ofi: float | None, move_bps: float | None) -> Regime | None:
        if z_ofi is None or move_bps is None:
            return None
        along = z_ofi * move_bps
        if along > 0 and abs(z_ofi) >= self._config.trend_z:
            return "trend"
        return "revert" if along < 0 and abs(z_ofi) >= self._config.revert_z else "quiet"

    def _judge(self, watched: _Watched, row: FeatureRow, regime: Regime | None) -> Verdict:
        asked = watched.mode.parameters
        if blocked := self._blocked(row):
            return "FAIL_GATING", blocked
        assert row.score is not None
        if regime is None:
            return "BAD_REGIME", ("the row has neither move_5m_bps nor mid, so its regime is not known",)
        if regime == "quiet" and not self._config.allow_quiet_regime:
            return "BAD_REGIME", (f"the regime is quiet: z_ofi is {row.z_ofi}",)
        # Flows that contradict each other confirm nothing, however little is asked.
        if row.consistency <= 0 or row.consistency < asked.min_consistency:
            return "LOW_CONSISTENCY", (f"consistency is {row.consistency}, {asked.min_consistency} is asked",)
        if abs(row.score) < asked.buy_score:
            return "LOW_SCORE", (f"|score| is {abs(row.score)}, {asked.buy_score} is asked",)
        last_ms = watched.confirmed_ms.get("buy" if row.score > 0 else "sell")
        if last_ms is not None and row.ts_ms - last_ms < asked.cooldown_ms:
            passed = row.ts_ms - last_ms
            return "COOLDOWN", (f"{passed} ms since the last one of this side, {asked.cooldown_ms} are asked",)
        return "OK", ()

    def _blocked(self, row: FeatureRow) -> tuple[str, ...]:
        config, reasons = self._config, []
        if row.book_ok is False:
            reasons.append("the book was not ok")
        if row.lag_s is not None and row.lag_s > config.max_lag_s:
            reasons.append(f"lag is {row.lag_s} s, at most {config.max_lag_s} is allowed")
        if row.spread_bps is not None and row.spread_bps > config.max_spread_bps:
            reasons.append(f"spread is {row.spread_bps} bps, at most {config.max_spread_bps} is allowed")
        if row.score is None and not reasons:
            reasons.append("the features call the row not eligible: fusion is null")
        return tuple(reasons)

    def _signal(self, watched: _Watched, row: FeatureRow, verdict: Verdict, regime: Regime | None) -> Signal:
        code, reasons = verdict
        watched.seq += 1
        kind: SignalType = "neutral"
        if code not in UNJUDGED:
            kind = _type_of(fused(row.z_ofi, row.z_cvd) if row.score is None else row.score, watched.mode.parameters)
        return Signal(
            ts_ms=row.ts_ms,
            known_ms=row.known_ms,
            symbol=row.symbol,
            signal_id=f"{self._run_id}-{row.symbol}-{row.ts_ms}-{watched.seq}",
            signal_type=kind,
            side_hint=side_of(kind) if code == "OK" else "flat",
            score=row.score,
            confirm=code == "OK",
            gating_blocked=code != "OK",
            decision_code=code,
            reasons=reasons,
            z_ofi=row.z_ofi,
            z_cvd=row.z_cvd,
            consistency=row.consistency,
            div_type=row.div_type,
            regime=regime,
            strategy_mode=watched.mode.mode,
            expiry_ms=self._config.expiry_ms,
            config_hash=self._config_hash,
            run_id=self._run_id,
            price=None if row.mid is None else decimal_text(Decimal(repr(row.mid))),
        )

    def save(self) -> dict[str, Any]:
        """Return everything it remembers, as JSON knows it: going on from there equals never having stopped."""
        return {symbol: watched.save() for symbol, watched in sorted(self._watched.items())}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up what `save` gave. Raises AttributeError, KeyError, TypeError or ValueError for anything else."""
        for symbol, remembered in state.items():
            self._watched[symbol] = _Watched(self._config.mode)
            self._watched[symbol].load(remembered)


def _warming(watched: _Watched, row: FeatureRow, move_bps: float | None) -> Verdict | None:
    if row.warming:
        return "WARMUP", ("the z-scores are warming up",)
    if move_bps is None and row.mid is not None:
        span_ms = watched.trailing.span_ms
        return "WARMUP", (f"the 5 min move needs rows of {MOVE_MS} ms without a gap, there are {span_ms}",)
    return None


def _type_of(score: float | None, asked: Parameters) -> SignalType:
    if score is None or abs(score) < asked.buy_score:
        return "neutral"
    if abs(score) >= asked.strong_score:
        return "strong_buy" if score > 0 else "strong_sell"
    return "buy" if score > 0 else "sell"
