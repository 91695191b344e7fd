"""`time_at` · at: the market's clock reaches a moment.

It fires where the moment came before the expiry, however late that is seen.
"""

from __future__ import annotations

from chanflow.domain.trigger import TimeAt
from chanflow.monitor.armed import Armed
from chanflow.monitor.triggers.moments import Moments


class Alarms(Moments):
    """The alarms of one symbol."""

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        assert isinstance(armed.params, TimeAt)
        self.add(armed.params.at_ns, armed)
