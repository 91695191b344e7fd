"""`position_age` · seconds: the position has stood so long, by the market's clock. Every opened position has one."""

from __future__ import annotations

from chanflow.domain.time import NS_PER_S
from chanflow.domain.trigger import PositionAge
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.triggers.moments import Moments


class Ages(Moments):
    """The ages of one symbol's positions."""

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        assert isinstance(armed.params, PositionAge)
        self.add(armed.position.opened_ns + armed.params.seconds * NS_PER_S, armed)

    def come(self, now_ns: int) -> list[Hit]:
        """Return those whose moment has come, with the age in seconds."""
        hits = super().come(now_ns)
        return [hit._replace(observed=str((now_ns - hit.armed.position.opened_ns) // NS_PER_S)) for hit in hits]
