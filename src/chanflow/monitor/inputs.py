"""What a desk can observe. A trigger that waits for anything else would sleep for ever, so it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from chanflow.domain.trigger import CandleClose, Divergence, StructureChange, Trigger
from chanflow.domain.trigger_bounds import TriggerKind
from chanflow.monitor.armed import Watched

_BY_RISK: frozenset[TriggerKind] = frozenset({"mark_distance_to_stop", "profit_giveback"})


@dataclass(frozen=True, slots=True)
class Inputs:
    """The kinds a desk can watch, the levels whose structure and candles it follows, and its channels of divergence."""

    kinds: frozenset[TriggerKind]
    structure_levels: tuple[str, ...] = ()
    candle_levels: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def refusal(self, trigger: Trigger, position: Watched) -> str | None:
        """Return why a trigger cannot be watched here, or None."""
        where, kind, params = f"trigger {trigger.trigger_id}", trigger.kind, trigger.params
        if kind not in self.kinds:
            known = " ".join(sorted(self.kinds))
            return f"{where}: this desk never sees what {kind} waits for; it can watch {known}"
        if kind in _BY_RISK and position.risk is None:
            return f"{where}: {kind} is measured in the risk of {position.position_id}, which has no stop that loses"
        if isinstance(params, StructureChange) and params.level not in self.structure_levels:
            return f"{where}: {kind}.level is {params.level}, this desk follows {' '.join(self.structure_levels)}"
        if isinstance(params, CandleClose) and params.level not in self.candle_levels:
            return f"{where}: {kind}.level is {params.level}, this desk has candles of {' '.join(self.candle_levels)}"
        if isinstance(params, Divergence) and params.channel not in self.channels:
            return f"{where}: {kind}.channel is {params.channel}, this desk follows {' '.join(self.channels)}"
        return None
