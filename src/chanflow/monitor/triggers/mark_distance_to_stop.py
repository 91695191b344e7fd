"""`mark_distance_to_stop` · r: the mark is nearer to the stop than r times the initial risk, or beyond it.

The risk is the distance from entry to stop when the position was registered. A position without a stop has none, so the
trigger is refused there.
"""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.trigger import MarkDistanceToStop
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.levels import Levels


class StopDistances:
    """The distances of one symbol: long and short positions, each sorted by the mark that fires."""

    def __init__(self) -> None:
        self._long: Levels[Decimal] = Levels()
        self._short: Levels[Decimal] = Levels()

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        self._side(armed).add(_edge(armed), armed)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        self._side(armed).drop(_edge(armed), armed)

    def marked(self, mark: Decimal) -> list[Hit]:
        """Return what a mark fires."""
        found = self._long.take_above(mark) + self._short.take_below(mark)
        return [Hit(armed, f"{_distance(armed, mark):.4f}") for armed in found]

    def _side(self, armed: Armed) -> Levels[Decimal]:
        return self._long if armed.position.side == "long" else self._short


def _edge(armed: Armed) -> Decimal:
    """Return the mark beyond which it fires."""
    position, params = armed.position, armed.params
    assert isinstance(params, MarkDistanceToStop)
    assert position.stop_price is not None
    assert position.risk is not None
    return position.stop_price + position.sign * Decimal(repr(params.r)) * position.risk


def _distance(armed: Armed, mark: Decimal) -> Decimal:
    position = armed.position
    assert position.stop_price is not None
    assert position.risk is not None
    return (mark - position.stop_price) * position.sign / position.risk
