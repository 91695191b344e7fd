"""`funding` · op, value: the funding rate is beyond a value, as a share of the position's worth (0.0001 is one bp)."""

from __future__ import annotations

from chanflow.monitor.triggers.beyond import Beyond


class Fundings(Beyond):
    """The funding triggers of one symbol."""
