"""The weight an address may spend: 1,200 in any minute. A fifth is kept for cancels and orders that reduce.

Source: Hyperliquid documentation, "Rate limits and user limits".
"""

from __future__ import annotations

from collections import deque
from typing import Final

from chanflow.domain.time import NS_PER_S, Clock

WEIGHT_A_MINUTE: Final = 1_200
RESERVED: Final = WEIGHT_A_MINUTE // 5
_LIGHT: Final = frozenset({"l2Book", "allMids", "clearinghouseState", "orderStatus", "exchangeStatus"})
_HEAVY: Final = 60


class Budget:
    """What was spent in the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: deque[tuple[int, int]] = deque()
        self._sum = 0
        self._paused_ns = 0

    def spend(self, weight: int, *, urgent: bool = False) -> str | None:
        """Take weight; returns None, or why it is not to be had. What is urgent may use what is kept back."""
        now_ns = self._clock.now_ns()
        while self._spent and self._spent[0][0] <= now_ns - 60 * NS_PER_S:
            self._sum -= self._spent.popleft()[1]
        if now_ns < self._paused_ns and not urgent:
            return f"the venue asked for a pause of {(self._paused_ns - now_ns) / NS_PER_S:.1f} s more"
        limit = WEIGHT_A_MINUTE if urgent else WEIGHT_A_MINUTE - RESERVED
        if self._sum + weight > limit:
            return f"weight {self._sum + weight} in a minute would pass {limit}"
        self._spent.append((now_ns, weight))
        self._sum += weight
        return None

    def pause(self, seconds: float) -> None:
        """Spend nothing that is not urgent for a while."""
        self._paused_ns = max(self._paused_ns, self._clock.now_ns() + int(seconds * NS_PER_S))


def question_weight(kind: str) -> int:
    """Return what a question of `/info` takes."""
    if kind == "userRole":
        return _HEAVY
    return 2 if kind in _LIGHT else 20
