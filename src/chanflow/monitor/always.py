"""The triggers that code arms for every opened position, whatever the analyst asked for."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from chanflow.domain.time import NS_PER_S
from chanflow.domain.trigger import DataStale, Params, PositionAge, ProtectiveMissing, Trigger
from chanflow.domain.trigger_bounds import MAX_NS, TriggerKind
from chanflow.monitor.inputs import Inputs

MAX_AGE_MS = 10_000
"""Of quotes; the guardian's own bound."""


def always(position_id: str, inputs: Inputs, *, max_hold_ns: int) -> tuple[Trigger, ...]:
    """Return the triggers of an opened position: it has stood `max_hold_ns`, its data are stale, its stop is missing.

    Those that the desk can watch, that is. Their ids follow from the position's, so that registering it again gives
    the same ones.
    """
    kinds: tuple[tuple[TriggerKind, Params, str], ...] = (
        ("position_age", PositionAge(max(1, max_hold_ns // NS_PER_S)), "the position has stood long enough"),
        ("data_stale", DataStale(MAX_AGE_MS), "its market is silent"),
        ("protective_missing", ProtectiveMissing(), "it stands without a live stop"),
    )
    return tuple(
        Trigger(str(uuid5(NAMESPACE_OID, f"trigger:{position_id}:{kind}")), kind, params, MAX_NS, note, 2)
        for kind, params, note in kinds
        if kind in inputs.kinds
    )
