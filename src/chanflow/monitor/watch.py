"""Armed triggers: each fires once, or expires. A gap in the prices that jumps across a level counts as crossing it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chanflow.domain.market_data import Touch
from chanflow.domain.opinion import Trigger


@dataclass(frozen=True, slots=True)
class Fired:
    """A trigger that has fired: what was observed against which bound. Its position is to be looked at again."""

    position_id: str
    symbol: str
    trigger: Trigger
    observed: str
    bound: str
    fired_ns: int


@dataclass(frozen=True, slots=True)
class _Armed:
    position_id: str
    symbol: str
    trigger: Trigger


class Watch:
    """The triggers of all open positions."""

    def __init__(self) -> None:
        self._armed: dict[str, _Armed] = {}
        self._last: dict[str, Decimal] = {}

    def register(self, position_id: str, symbol: str, triggers: tuple[Trigger, ...], *, price: Decimal | None) -> None:
        """Arm `triggers` for a position; they replace the ones it had. `price` is where the market stands now."""
        self.disarm(position_id)
        if price is not None:
            self._last[symbol] = price
        for trigger in triggers:
            self._armed[trigger.trigger_id] = _Armed(position_id, symbol, trigger)

    def disarm(self, position_id: str) -> int:
        """Forget the triggers of a position that is no more. Returns how many there were."""
        gone = [key for key, armed in self._armed.items() if armed.position_id == position_id]
        for key in gone:
            del self._armed[key]
        return len(gone)

    def forget(self, trigger_id: str) -> None:
        """Forget one trigger, where it is armed."""
        self._armed.pop(trigger_id, None)

    def armed(self, symbol: str) -> int:
        """Return how many triggers of `symbol` are armed."""
        return sum(1 for a in self._armed.values() if a.symbol == symbol)

    def on_touch(self, symbol: str, touch: Touch, *, now_ns: int) -> list[Fired]:
        """Return the triggers that this stretch of the market fired, disarmed, in the order they were armed."""
        fired: list[Fired] = []
        low, high = self._range(touch)
        for key, armed in list(self._armed.items()):
            if armed.symbol != symbol:
                continue
            trigger = armed.trigger
            if now_ns > trigger.expires_ns:
                del self._armed[key]
                continue
            observed = _observed(trigger, low, high, self._last.get(symbol), now_ns)
            if observed is not None:
                del self._armed[key]
                bound = str(trigger.price if trigger.kind == "price_cross" else trigger.at_ns)
                fired.append(Fired(armed.position_id, symbol, trigger, observed, bound, now_ns))
        if touch.last is not None:
            self._last[symbol] = Decimal(repr(touch.last))
        return fired

    @staticmethod
    def _range(touch: Touch) -> tuple[Decimal | None, Decimal | None]:
        low = None if touch.low is None else Decimal(repr(touch.low))
        high = None if touch.high is None else Decimal(repr(touch.high))
        return low, high


def _observed(
    trigger: Trigger, low: Decimal | None, high: Decimal | None, before: Decimal | None, now_ns: int
) -> str | None:
    """Return what fires the trigger, or None."""
    if trigger.kind == "time_at":
        return str(now_ns) if trigger.at_ns is not None and now_ns >= trigger.at_ns else None
    price = trigger.price
    if price is None or low is None or high is None:
        return None
    was_below = before is None or before < price
    was_above = before is None or before > price
    if trigger.direction in ("up", "either") and was_below and high >= price:
        return str(high)
    if trigger.direction in ("down", "either") and was_above and low <= price:
        return str(low)
    return None
