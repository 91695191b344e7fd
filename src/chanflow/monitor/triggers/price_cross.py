"""`price_cross` · price, direction: the last trade crosses a price.

It is up when a trade at or above the price follows one below it, down the other way round; `either` is both. A stretch
of the market is known by its lowest, highest and last trade: a crossing counts where these prove it, in whatever order
they came. A gap across the price counts. Where nothing had traded before, the first stretch that reaches the price is
one.
"""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.trigger import PriceCross
from chanflow.monitor.armed import Armed, Hit
from chanflow.monitor.levels import Levels


class PriceCrosses:
    """The price crosses of one symbol: rises and falls, each sorted by price."""

    def __init__(self) -> None:
        self._up: Levels[Decimal] = Levels()
        self._down: Levels[Decimal] = Levels()

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait, on either side if it has no preference."""
        for levels in self._sides(armed):
            levels.add(_params(armed).price, armed)

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        for levels in self._sides(armed):
            levels.drop(_params(armed).price, armed)

    def traded(self, before: Decimal | None, low: Decimal, high: Decimal, last: Decimal) -> list[Hit]:
        """Return what a stretch of trades fires, `before` being the last trade ahead of it."""
        if before is None:
            ups, downs = self._up.take_up_to(high), self._down.take_from(low)
        else:
            ups = self._up.take_rise(before, high) + self._up.take_rise(low, last)
            downs = self._down.take_fall(before, low) + self._down.take_fall(high, last)
        hits = {armed.seq: Hit(armed, str(high)) for armed in ups}
        hits |= {armed.seq: Hit(armed, str(low)) for armed in downs if armed.seq not in hits}
        for hit in hits.values():
            self.drop(hit.armed)
        return list(hits.values())

    def _sides(self, armed: Armed) -> list[Levels[Decimal]]:
        return {"up": [self._up], "down": [self._down], "either": [self._up, self._down]}[_params(armed).direction]


def _params(armed: Armed) -> PriceCross:
    assert isinstance(armed.params, PriceCross)
    return armed.params
