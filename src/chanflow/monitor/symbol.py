"""All that the monitor keeps of one symbol: its last trade and quote, and the triggers that wait for its market."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from chanflow.domain.market_data import Touch
from chanflow.domain.time import NS_PER_S
from chanflow.domain.trigger_bounds import TriggerKind
from chanflow.monitor.armed import Hit, Index
from chanflow.monitor.triggers.candle_close import Candles
from chanflow.monitor.triggers.data_stale import StaleData
from chanflow.monitor.triggers.divergence import Divergences
from chanflow.monitor.triggers.flow import Flows
from chanflow.monitor.triggers.funding import Fundings
from chanflow.monitor.triggers.mark_distance_to_stop import StopDistances
from chanflow.monitor.triggers.moments import Moments
from chanflow.monitor.triggers.position_age import Ages
from chanflow.monitor.triggers.price_cross import PriceCrosses
from chanflow.monitor.triggers.price_move import PriceMoves
from chanflow.monitor.triggers.profit_giveback import Givebacks
from chanflow.monitor.triggers.spread import Spreads
from chanflow.monitor.triggers.structure_event import StructureEvents
from chanflow.monitor.triggers.time_at import Alarms
from chanflow.monitor.triggers.volatility import Volatilities

PAUSE_NS = 10 * NS_PER_S
"""A market that was not seen for longer than this has a gap: what came true in it is told late."""


class SymbolWatch:
    """The triggers of one symbol, by kind."""

    def __init__(self) -> None:
        self.crosses, self.moves = PriceCrosses(), PriceMoves()
        self.distances, self.givebacks = StopDistances(), Givebacks()
        self.structure, self.divergences, self.flows = StructureEvents(), Divergences(), Flows()
        self.spreads, self.volatilities, self.fundings = Spreads(), Volatilities(), Fundings()
        self.alarms, self.ages, self.candles = Alarms(), Ages(), Candles()
        self.stale, self.expiries = StaleData(), Moments()
        self.last: Decimal | None = None
        self.quoted_ns: int | None = None
        self._seen_ns: int | None = None
        self.by_kind: Mapping[TriggerKind, Index] = {
            "price_cross": self.crosses, "price_move": self.moves, "mark_distance_to_stop": self.distances,
            "profit_giveback": self.givebacks, "structure_event": self.structure, "divergence": self.divergences,
            "flow": self.flows, "spread": self.spreads, "volatility": self.volatilities, "funding": self.fundings,
            "time_at": self.alarms, "position_age": self.ages, "candle_close": self.candles, "data_stale": self.stale,
        }  # fmt: skip

    def come(self, now_ns: int) -> list[Hit]:
        """Return what the passing of time fires."""
        hits = self.alarms.come(now_ns) + self.ages.come(now_ns)
        if self.quoted_ns is not None:
            hits += self.stale.aged(now_ns - self.quoted_ns)
        return hits

    def touched(self, touch: Touch, *, now_ns: int) -> tuple[list[Hit], bool]:
        """Return what a stretch of the market fires, and whether it ends a gap."""
        hits: list[Hit] = []
        gap = self._gap(touch, now_ns)
        if touch.last is not None and touch.low is not None and touch.high is not None:
            low, high, last = _decimal(touch.low), _decimal(touch.high), _decimal(touch.last)
            hits += self.crosses.traded(self.last, low, high, last)
            hits += self.moves.traded(low, high, last, now_ns=now_ns)
            self.last = last
        mark = touch.mid if touch.mid is not None else touch.last
        if mark is not None:
            hits += self.distances.marked(_decimal(mark)) + self.givebacks.marked(_decimal(mark))
        if touch.bid is not None and touch.ask is not None:
            hits += self.spreads.quoted(touch.bid, touch.ask)
        return hits, gap

    def begin(self, price: Decimal, now_ns: int) -> None:
        """Take where the market stands now as its last trade, unless one was seen of late."""
        if self.last is None or self._seen_ns is None or now_ns - self._seen_ns > PAUSE_NS:
            self.last, self._seen_ns = price, now_ns

    def remember(self, price: Decimal) -> None:
        """Take a price that was seen by an earlier process: the next is compared with it, and nothing fires."""
        self.last = price
        self.givebacks.marked(price, fire=False)

    def _gap(self, touch: Touch, now_ns: int) -> bool:
        seen = touch.last is not None or (self.quoted_ns is not None and now_ns - self.quoted_ns <= PAUSE_NS)
        if not seen:
            return False
        before, self._seen_ns = self._seen_ns, now_ns
        return (before is None and self.last is not None) or (before is not None and now_ns - before > PAUSE_NS)


def _decimal(price: float) -> Decimal:
    return Decimal(repr(price))
