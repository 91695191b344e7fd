"""What a venue lets us send: counts in fixed windows, of which reducing orders and cancels keep a share to themselves.

The windows begin at whole multiples of their length in the venue's time, as the venue counts them, and the venue's own
counts, where it tells them, stand in place of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from chanflow.domain.time import NS_PER_S, Clock


class Urgency(IntEnum):
    """Who goes first when little is left. The value is the share of a window, in percent, that may be used up."""

    ASK = 70
    OPEN = 80
    PROTECT = 100


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in every `span_s`, counted under `name`."""

    name: str
    span_s: int
    most: int


class _Window:
    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.number = -1
        self.used = 0


_LONGEST_PAUSE_S: Final = 3 * 24 * 3600
"""The longest ban that Binance tells of."""


class Allowance:
    """Counts what is sent against limits. `offset_ns` is the venue's clock less ours."""

    def __init__(self, clock: Clock, limits: tuple[Limit, ...]) -> None:
        self._clock = clock
        self._windows = {(one.name, one.span_s): _Window(one) for one in limits}
        self._paused_ns = 0
        self.offset_ns = 0

    @property
    def paused_until_ns(self) -> int:
        """Until when nothing may be sent at all, 0 while there is no pause."""
        return self._paused_ns if self._paused_ns > self._clock.now_ns() else 0

    def pause(self, seconds: float) -> None:
        """Send nothing for so long; a longer pause that runs already stays."""
        until_ns = self._clock.now_ns() + int(min(seconds, _LONGEST_PAUSE_S) * NS_PER_S)
        self._paused_ns = max(self._paused_ns, until_ns)

    def renew(self, limits: tuple[Limit, ...]) -> None:
        """Take limits as the venue states them now; what is counted so far stays counted."""
        for limit in limits:
            window = self._windows.setdefault((limit.name, limit.span_s), _Window(limit))
            window.limit = limit

    def wait_ns(self, costs: Mapping[str, int], urgency: Urgency) -> int:
        """Return how long until `costs` (count by name) may be sent; 0: they may now, and are counted as sent."""
        now_ns = self._clock.now_ns()
        if self._paused_ns > now_ns:
            return self._paused_ns - now_ns
        touched = [(w, costs[w.limit.name]) for w in self._windows.values() if costs.get(w.limit.name)]
        wait_ns = 0
        for window, cost in touched:
            self._roll(window, now_ns)
            if window.used + cost > window.limit.most * urgency // 100:
                span_ns = window.limit.span_s * NS_PER_S
                wait_ns = max(wait_ns, (window.number + 1) * span_ns - now_ns - self.offset_ns)
        if wait_ns == 0:
            for window, cost in touched:
                window.used += cost
        return wait_ns

    def correct(self, name: str, span_s: int, used: int) -> None:
        """Take the venue's own count of the window that runs now, where it is above ours."""
        window = self._windows.get((name, span_s))
        if window is not None:
            self._roll(window, self._clock.now_ns())
            window.used = max(window.used, used)

    def left(self, name: str, span_s: int) -> int:
        """Return how much of a window is left."""
        window = self._windows[name, span_s]
        self._roll(window, self._clock.now_ns())
        return max(0, window.limit.most - window.used)

    def _roll(self, window: _Window, now_ns: int) -> None:
        number = (now_ns + self.offset_ns) // (window.limit.span_s * NS_PER_S)
        if number != window.number:
            window.number, window.used = number, 0
