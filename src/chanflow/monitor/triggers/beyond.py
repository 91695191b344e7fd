"""A figure that is beyond a value, above or below: how spreads and funding rates are watched."""

from __future__ import annotations

from chanflow.domain.trigger import FundingBeyond, SpreadBeyond
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.levels import Levels


class Beyond:
    """Triggers on one figure of one symbol, sorted by value in each direction."""

    def __init__(self) -> None:
        self._above: Levels[float] = Levels()
        self._below: Levels[float] = Levels()

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._side(armed).add(_value(armed), armed)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._side(armed).drop(_value(armed), armed)

    def told(self, figure: float) -> list[Hit]:
        """Return what a figure fires: those it is strictly beyond."""
        found = self._above.take_below(figure) + self._below.take_above(figure)
        return [Hit(armed, f"{figure:.6g}") for armed in found]

    def _side(self, armed: Armed) -> Levels[float]:
        params = armed.params
        assert isinstance(params, SpreadBeyond | FundingBeyond)
        return self._above if params.op == ">" else self._below


def _value(armed: Armed) -> float:
    params = armed.params
    assert isinstance(params, SpreadBeyond | FundingBeyond)
    return params.value
