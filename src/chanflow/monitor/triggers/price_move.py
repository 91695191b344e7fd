"""`price_move` · frac, window_s: the return within a window is beyond ±frac.

The last trade is compared with every trade of the last `window_s` seconds, also with those from before the trigger was
armed: a market that has fallen 3 % in the last minute has fallen 3 %. Within one stretch of the market its extremes are
compared with what came before it, and with its own last trade. A day of trades is remembered.
"""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.time import NS_PER_S
from chanflow.domain.trigger import PriceMove
from chanflow.domain.trigger_bounds import BOUNDS
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.extremes import Extremes
from chanflow.monitor.levels import Levels

ZERO = Decimal(0)
_LONGEST_NS = int(BOUNDS["price_move"]["window_s"].high) * NS_PER_S


class PriceMoves:
    """The price moves of one symbol: by window, sorted by how far they ask."""

    def __init__(self) -> None:
        self._windows: dict[int, Levels[Decimal]] = {}
        self._low: Extremes[Decimal] = Extremes()
        self._high: Extremes[Decimal] = Extremes()

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        params = _params(armed)
        self._windows.setdefault(params.window_s, Levels()).add(_frac(params), armed)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        params = _params(armed)
        self._windows[params.window_s].drop(_frac(params), armed)
        self._tidy(params.window_s)

    def traded(self, low: Decimal, high: Decimal, last: Decimal, *, now_ns: int) -> list[Hit]:
        """Return what a stretch of trades fires."""
        hits = []
        for window_s in list(self._windows):
            start = now_ns - window_s * NS_PER_S
            lowest, highest = self._low.lowest_since(start), self._high.lowest_since(start)
            up = max(last / low - 1, ZERO if lowest is None else high / lowest - 1)
            down = max(1 - last / high, ZERO if highest is None else 1 - low / -highest)
            move = max(up, down)
            hits += [Hit(armed, f"{up if up >= down else -down:+.6f}") for armed in self._take(window_s, move)]
        self._low.add(now_ns, low)
        self._high.add(now_ns, -high)
        self._low.forget_before(now_ns - _LONGEST_NS)
        self._high.forget_before(now_ns - _LONGEST_NS)
        return hits

    def _take(self, window_s: int, move: Decimal) -> list[Armed]:
        taken = self._windows[window_s].take_below(move)
        self._tidy(window_s)
        return taken

    def _tidy(self, window_s: int) -> None:
        if not self._windows[window_s]:
            del self._windows[window_s]


def _frac(params: PriceMove) -> Decimal:
    return Decimal(repr(params.frac))


def _params(armed: Armed) -> PriceMove:
    assert isinstance(armed.params, PriceMove)
    return armed.params
