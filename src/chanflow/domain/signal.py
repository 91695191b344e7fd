"""A signal: what the rules saw, and whether it may be acted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SignalType = Literal["strong_buy", "buy", "neutral", "sell", "strong_sell"]
DecisionCode = Literal[
    "OK",
    "BAD_INPUT",
    "WARMUP",
    "FAIL_GATING",
    "AGAINST_FLOW",
    "LOW_CONSISTENCY",
    "LOW_SCORE",
    "INVALIDATED",
    "REPLACED",
]


@dataclass(frozen=True, slots=True)
class Signal:
    """One decision of a signal rule; refused ones are kept too, with the code of the first failed test.

    `confirm` holds exactly where `decision_code` is OK. `refs` are the structures it rests on.
    """

    signal_id: str
    ts_ms: int
    known_ms: int
    symbol: str
    level: str
    setup: str
    signal_type: SignalType
    side_hint: Literal["buy", "sell", "flat"]
    score: float | None
    consistency: float
    confirm: bool
    decision_code: DecisionCode
    reasons: tuple[str, ...]
    refs: tuple[str, ...]
    invalidation_price: str
    price: str
    trend_agrees: bool
    flow_strong: bool
    expiry_ms: int
