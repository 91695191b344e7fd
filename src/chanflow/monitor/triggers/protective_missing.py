"""`protective_missing`: the position has stood for five seconds without a live stop. The guardian is told as well.

Every opened position has one. A stop that is on its way is given those five seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from chanflow.domain.account import Position
from chanflow.domain.time import NS_PER_S
from chanflow.monitor.armed import Armed, Hit

GRACE_NS = 5 * NS_PER_S


class BarePositions:
    """The stop triggers of all positions, by position."""

    def __init__(self) -> None:
        self._by_position: dict[str, dict[int, Armed]] = {}
        self._bare_since: dict[str, int] = {}

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._by_position.setdefault(armed.position.position_id, {})[armed.seq] = armed

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._by_position.get(armed.position.position_id, {}).pop(armed.seq, None)

    def held(self, positions: Sequence[Position], *, now_ns: int) -> list[Hit]:
        """Return what the positions fire, all that are held now being given."""
        bare = [p.position_id for p in positions if not p.protected]
        self._bare_since = {name: self._bare_since.get(name, now_ns) for name in bare}
        hits = []
        for name, since_ns in self._bare_since.items():
            if now_ns - since_ns > GRACE_NS:
                said = f"no live stop for {(now_ns - since_ns) // NS_PER_S} s"
                hits += [Hit(armed, said) for armed in self._by_position.pop(name, {}).values()]
        return hits
