"""A signal: what the rules saw, and whether it may be acted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1

SignalType = Literal["strong_buy", "buy", "neutral", "sell", "strong_sell"]
SideHint = Literal["buy", "sell", "flat"]
Regime = Literal["trend", "revert", "quiet"]
StrategyMode = Literal["active", "quiet"]
DecisionCode = Literal[
    "OK",
    "BAD_INPUT",
    "EXPIRE",
    "DUPLICATE",
    "WARMUP",
    "FAIL_GATING",
    "BAD_REGIME",
    "AGAINST_FLOW",
    "LOW_CONSISTENCY",
    "LOW_SCORE",
    "COOLDOWN",
    "INVALIDATED",
    "REPLACED",
]

_SIDES: dict[str, SideHint] = {
    "strong_buy": "buy",
    "buy": "buy",
    "neutral": "flat",
    "sell": "sell",
    "strong_sell": "sell",
}


def side_of(signal_type: SignalType) -> SideHint:
    """Return the side that a type of signal points to."""
    return _SIDES[signal_type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One decision of a signal rule; refused ones are kept too, with the code of the first failed test.

    It holds that `confirm` is true exactly where `decision_code` is OK, `gating_blocked` is its opposite, and
    `side_hint` is the side of `signal_type` if confirmed, else flat. A blocked signal keeps the type it would have had.
    `ts_ms` is the moment it speaks of, `known_ms` when it could be known, both Unix ms; it is stale `expiry_ms` later.
    `config_hash` is the SHA-256 of the settings that shaped it. What a rule does not look at is None or empty.

    `price` is where the market stood, where the rule was told. `level`, `setup` and `refs`, the structures it rests on,
    come from rules that read structure, as do `invalidation_price` (beyond it the setup is void; like `price` exact
    text in quote), `trend_agrees` and `flow_strong`.

    Raises ValueError where one of these does not hold.
    """

    schema_version: int = SCHEMA_VERSION
    ts_ms: int
    known_ms: int
    symbol: str
    signal_id: str
    signal_type: SignalType
    side_hint: SideHint
    score: float | None
    confirm: bool
    gating_blocked: bool
    decision_code: DecisionCode
    reasons: tuple[str, ...]
    z_ofi: float | None = None
    z_cvd: float | None = None
    consistency: float | None
    div_type: str | None = None
    regime: Regime | None = None
    strategy_mode: StrategyMode | None = None
    expiry_ms: int
    config_hash: str
    run_id: str
    level: str | None = None
    setup: str | None = None
    refs: tuple[str, ...] = ()
    price: str | None = None
    invalidation_price: str | None = None
    trend_agrees: bool = False
    flow_strong: bool = False

    def __post_init__(self) -> None:
        if self.confirm != (self.decision_code == "OK"):
            raise ValueError(f"confirm is {self.confirm}, but decision_code is {self.decision_code}")
        if self.gating_blocked == self.confirm:
            raise ValueError(f"gating_blocked is {self.gating_blocked}, it must be the opposite of confirm")
        side = side_of(self.signal_type) if self.confirm else "flat"
        if self.side_hint != side:
            raise ValueError(f"side_hint is {self.side_hint}, a {self.signal_type} of {self.decision_code} has {side}")
