"""What the params of each kind of trigger may be: their words, and the bounds of their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from chanflow.domain.market_data import LEVEL_MS

TriggerKind = Literal[
    "price_cross", "price_move", "mark_distance_to_stop", "profit_giveback", "structure_event", "divergence", "flow",
    "spread", "volatility", "funding", "time_at", "position_age", "candle_close", "order_state", "data_stale",
    "protective_missing", "drawdown",
]  # fmt: skip
Direction = Literal["up", "down", "either"]
Comparison = Literal[">", "<"]
StructureEvent = Literal["point_confirmed", "point_void", "stroke_confirmed", "center_left", "center_formed"]
Channel = Literal["ofi", "cvd", "fusion", "macd"]
FlowField = Literal["fusion_score", "z_ofi", "z_cvd"]
FinalState = Literal["partially_filled", "filled", "canceled", "expired", "rejected"]

MAX_ID_CHARS = 64
MAX_NS = 2**63 - 1
POINT_TYPES = tuple(
    side + name for side in ("buy", "sell") for name in ("1", "1p", "2", "2s", "3", "3a", "3b")
)  # fmt: skip
"""Points a structure event may name; `3` stands for 3a and 3b, as `1` and `2` stand for 1p and 2s too."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a field may hold: a number of `number` in [low, high] (low itself not if `above`), or one of `choices`.

    With neither it is a text of 1 to 64 printable characters. An `optional` field may be None.
    """

    number: type[int | float | Decimal] | None = None
    low: float = 0
    high: float = 0
    above: bool = False
    choices: tuple[str, ...] = ()
    optional: bool = False

    def __str__(self) -> str:
        if self.choices:
            return f"one of {' '.join(self.choices)}"
        if self.number is None:
            return f"a text of 1 to {MAX_ID_CHARS} printable characters"
        return f"{'above' if self.above else 'from'} {self.low:g} to {self.high:g}"


_LEVEL = Bound(choices=tuple(LEVEL_MS))
_COMPARISON = Bound(choices=get_args(Comparison))

BOUNDS: Mapping[TriggerKind, Mapping[str, Bound]] = {
    "price_cross": {"price": Bound(Decimal, 1e-12, 1e12), "direction": Bound(choices=get_args(Direction))},
    "price_move": {"frac": Bound(float, 0, 1, above=True), "window_s": Bound(int, 1, 86_400)},
    "mark_distance_to_stop": {"r": Bound(float, 0, 1, above=True)},
    "profit_giveback": {
        "peak_r": Bound(float, 0, 100, above=True), "giveback_frac": Bound(float, 0, 1, above=True),
    },
    "structure_event": {
        "level": _LEVEL, "event": Bound(choices=get_args(StructureEvent)),
        "type": Bound(choices=POINT_TYPES, optional=True),
    },
    "divergence": {"channel": Bound(choices=get_args(Channel)), "kind": Bound(choices=("bull", "bear"))},
    "flow": {
        "field": Bound(choices=get_args(FlowField)), "op": _COMPARISON, "value": Bound(float, -1_000, 1_000),
        "bars": Bound(int, 1, 3_600),
    },
    "spread": {"op": _COMPARISON, "value": Bound(float, 0, 10_000)},
    "volatility": {"ratio": Bound(float, 0, 100, above=True)},
    "funding": {"op": _COMPARISON, "value": Bound(float, -1, 1)},
    "time_at": {"at_ns": Bound(int, 1, MAX_NS)},
    "position_age": {"seconds": Bound(int, 1, 366 * 86_400)},
    "candle_close": {"level": _LEVEL},
    "order_state": {"client_order_id": Bound(), "state": Bound(choices=get_args(FinalState))},
    "data_stale": {"max_age_ms": Bound(int, 100, 3_600_000)},
    "protective_missing": {},
    "drawdown": {"frac": Bound(float, 0, 1, above=True)},
}  # fmt: skip
"""What the params of each kind must lie in, by name in the order of writing."""
