"""`volatility` · ratio: fast volatility is at least so many times the slow one.

Both are exponentially weighted over the one-minute returns, with half-lives of 16 and 64 minutes; there is no ratio
before 64 of them.
"""

from __future__ import annotations

from chanflow.domain.trigger import VolatilityRatio
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.levels import Levels


class Volatilities:
    """The volatility triggers of one symbol, sorted by ratio."""

    def __init__(self) -> None:
        self._levels: Levels[float] = Levels()

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._levels.add(_ratio(armed), armed)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._levels.drop(_ratio(armed), armed)

    def told(self, ratio: float) -> list[Hit]:
        """Return what a ratio fires."""
        return [Hit(armed, f"{ratio:.4f}") for armed in self._levels.take_up_to(ratio)]


def _ratio(armed: Armed) -> float:
    assert isinstance(armed.params, VolatilityRatio)
    return armed.params.ratio
