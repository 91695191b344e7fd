"""The signs of life of guardian and monitor, as execution sees them: who is not watched opens nothing."""

from __future__ import annotations

from dataclasses import dataclass

from chanflow.domain.time import NS_PER_S

SILENT_NS = 15 * NS_PER_S
"""Who has not looked for longer than this counts as gone."""


@dataclass(slots=True)
class Heartbeat:
    """When the guardian or the monitor of an account last looked, by the desk's clock; None before its first look."""

    last_ns: int | None = None
    who: str = "guardian"

    def missing(self, now_ns: int) -> str | None:
        """Return why nothing may be opened now, in words; None while it looks."""
        if self.last_ns is None:
            return f"the {self.who} has not looked yet"
        silent_ns = now_ns - self.last_ns
        if silent_ns <= SILENT_NS:
            return None
        return f"the {self.who} has not looked for {silent_ns // NS_PER_S} s, {SILENT_NS // NS_PER_S} s are allowed"
