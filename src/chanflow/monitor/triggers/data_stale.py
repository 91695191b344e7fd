"""`data_stale` · max_age_ms: the symbol's last quote is older than that. The guardian is told as well.

Every opened position has one. It needs a clock that goes on while the market is silent.
"""

from __future__ import annotations

from chanflow.domain.time import NS_PER_MS
from chanflow.domain.trigger import DataStale
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.levels import Levels


class StaleData:
    """The age triggers of one symbol, sorted by age."""

    def __init__(self) -> None:
        self._levels: Levels[float] = Levels()

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._levels.add(_age_ns(armed), armed)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._levels.drop(_age_ns(armed), armed)

    def aged(self, age_ns: int) -> list[Hit]:
        """Return what the age of the last quote fires."""
        return [Hit(armed, str(age_ns // NS_PER_MS)) for armed in self._levels.take_below(age_ns)]


def _age_ns(armed: Armed) -> int:
    assert isinstance(armed.params, DataStale)
    return armed.params.max_age_ms * NS_PER_MS
