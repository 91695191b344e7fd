"""`spread` · op, value: the spread of the best quotes is beyond a value, in bps of their middle."""

from __future__ import annotations

from chanflow.monitor.armed import Hit
from chanflow.monitor.triggers.beyond import Beyond


class Spreads(Beyond):
    """The spread triggers of one symbol."""

    def quoted(self, bid: float, ask: float) -> list[Hit]:
        """Return what a pair of quotes fires."""
        return self.told((ask - bid) / ((ask + bid) / 2) * 10_000)
