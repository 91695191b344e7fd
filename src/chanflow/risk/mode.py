"""In which mode the desk stands: what holds it back, and how it may trade when nothing does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

RunMode = Literal["hold", "paper", "shadow", "live"]
"""`hold` watches only; `paper` trades on the simulated venue; `shadow` judges and journals on live data and sends
nothing; `live` trades."""

HoldKind = Literal["data", "broker", "risk", "manual"]
Activity = Literal["active", "quiet"]
Mode = Literal["active", "quiet", "hold_data", "hold_broker", "hold_risk", "hold_manual"]

HOLD_ORDER: tuple[HoldKind, ...] = ("manual", "risk", "broker", "data")
"""Where several hold, the first of these is named."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One thing that keeps openings back."""

    kind: HoldKind
    cause: str
    since_ns: int


@dataclass(frozen=True, slots=True)
class ModeState:
    """Everything that holds, at most one of a kind, and the market's activity."""

    activity: Activity = "active"
    holds: tuple[Hold, ...] = field(default=())

    @property
    def mode(self) -> Mode:
        """The mode in one word."""
        if not self.holds:
            return self.activity
        kinds = {hold.kind for hold in self.holds}
        held = next(kind for kind in HOLD_ORDER if kind in kinds)
        words: dict[HoldKind, Mode] = {
            "data": "hold_data", "broker": "hold_broker", "risk": "hold_risk", "manual": "hold_manual",
        }  # fmt: skip
        return words[held]

    @property
    def causes(self) -> str:
        """Every cause, in words."""
        return "; ".join(hold.cause for hold in _ordered(self.holds))


def hold_for(state: ModeState, kind: HoldKind, cause: str, now_ns: int) -> ModeState:
    """Return the state held back by `kind` too; one that holds already keeps its cause and time."""
    if any(hold.kind == kind for hold in state.holds):
        return state
    return replace(state, holds=_ordered((*state.holds, Hold(kind, cause, now_ns))))


def release(state: ModeState, kind: HoldKind) -> ModeState:
    """Return the state without the hold of `kind`."""
    return replace(state, holds=tuple(hold for hold in state.holds if hold.kind != kind))


def _ordered(holds: Iterable[Hold]) -> tuple[Hold, ...]:
    return tuple(sorted(holds, key=lambda hold: HOLD_ORDER.index(hold.kind)))
