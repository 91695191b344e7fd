"""The loss wall: at a day loss of 3 % openings stop, and it takes more than a twitch of equity to let them on.

It lifts when the loss has been at most half of that for 30 minutes on end, at UTC midnight, or by an operator with a
note. When flat the loss cannot fall, so only the last two apply. Its state changes once in 30 minutes at most, but a
loss at the wall refuses at once, whatever the state. A restart lifts nothing: silence breaks the count of minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from chanflow.domain.order import Reason
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.risk.limits import Limits

MAX_SILENCE_NS = 60 * NS_PER_S
"""Readings further apart say nothing of the time between them."""


@dataclass(frozen=True, slots=True)
class WallState:
    """Where the wall stands. `day` is the UTC day of the last reading, counted from the epoch."""

    standing: bool = False
    day: int | None = None
    seen_ns: int | None = None
    low_since_ns: int | None = None
    """Since when the loss has been low enough on end."""
    changed_ns: int | None = None
    raised_day: int | None = None
    waived: bool = False
    """An operator lifted it: it stays down until the loss was low or the day is over."""


@dataclass(frozen=True, slots=True)
class WallChange:
    """A step of the wall, journaled before it takes effect."""

    standing: bool
    cause: Literal["loss", "recovered", "rollover", "operator"]
    message: str
    at_ns: int


def watch(
    state: WallState, day_loss_frac: Decimal, limits: Limits, now_ns: int, *, flat: bool
) -> tuple[WallState, WallChange | None]:
    """Take one reading of the day loss. Returns the state after it, and the step it took, if any."""
    day, soft = now_ns // NS_PER_DAY, limits.soft_wall_frac
    low = day_loss_frac <= limits.wall_release_share * soft
    heard = state.seen_ns is not None and 0 <= now_ns - state.seen_ns <= MAX_SILENCE_NS
    low_since = (state.low_since_ns if heard and state.low_since_ns is not None else now_ns) if low else None
    waived = state.waived and not low and day == state.day
    seen = replace(state, day=day, seen_ns=now_ns, low_since_ns=low_since, waived=waived)
    hold_ns = int(limits.wall_hold_min * 60) * NS_PER_S
    if state.changed_ns is not None and now_ns - state.changed_ns < hold_ns:
        return seen, None
    if not state.standing:
        if day_loss_frac < soft or waived:
            return seen, None
        tail = "; the account is flat, so midnight UTC or an operator lifts it" if flat else ""
        message = f"day loss is {day_loss_frac:.4f}, the soft wall stands at {soft}{tail}"
        return _step(seen, WallChange(True, "loss", message, now_ns))
    if state.raised_day is not None and day > state.raised_day and day_loss_frac < soft:
        return _step(seen, WallChange(False, "rollover", "a new UTC day has begun", now_ns))
    if low_since is not None and now_ns - low_since >= hold_ns:
        message = f"day loss has been at most {limits.wall_release_share * soft} for {limits.wall_hold_min} min"
        return _step(seen, WallChange(False, "recovered", message, now_ns))
    return seen, None


def lift(state: WallState, *, who: str, note: str, now_ns: int) -> tuple[WallState, WallChange] | Reason:
    """Let an operator lift the wall. Returns the state and the step, or why that cannot be."""
    if not who.strip() or not note.strip():
        return Reason("note_missing", "lifting the wall needs a name and a note")
    if not state.standing:
        return Reason("wall_down", "the wall does not stand")
    after, change = _step(state, WallChange(False, "operator", f"lifted by {who}: {note}", now_ns))
    return replace(after, waived=True), change


def blocks(state: WallState, day_loss_frac: Decimal, limits: Limits) -> bool:
    """Return whether openings are refused: the wall stands, or the loss is at it and nobody waived that."""
    return state.standing or (day_loss_frac >= limits.soft_wall_frac and not state.waived)


def _step(state: WallState, change: WallChange) -> tuple[WallState, WallChange]:
    raised = change.at_ns // NS_PER_DAY if change.standing else state.raised_day
    return replace(state, standing=change.standing, changed_ns=change.at_ns, raised_day=raised), change
