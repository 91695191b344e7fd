"""One listed symbol: its rules and the core that matches its orders."""

from __future__ import annotations

from typing import Final

from chanflow_native import SimulatedExchange

from chanflow.adapters.venues.emulator.rules import SymbolRules

_PPB: Final = 10**9


class Listing:
    """A symbol's rules, its core, and its margin brackets in whole numbers."""

    def __init__(self, rules: SymbolRules, *, seed: int) -> None:
        self.rules = rules
        self.trade_offset = 0
        """What the core's numbers of trades are counted from: those of a life before this one."""
        self.last_trade = 0
        self.core = SimulatedExchange(seed=seed, **rules.core_settings())
        atto = 10**18
        self._brackets = [
            (int(row.to_notional * atto), row.max_leverage, int(row.maintenance * _PPB)) for row in rules.brackets
        ]

    @property
    def mark2(self) -> int | None:
        """Twice the mark price: the given one, else the mid of the best quotes."""
        return self.core.mark2

    def notional_atto(self, qty: int) -> int:
        """Return what `qty` lots are worth at the mark, with their sign; 0 without a mark."""
        mark2 = self.core.mark2
        return 0 if mark2 is None else qty * mark2 * self.rules.atto_per_notional // 2

    def maintenance_atto(self, notional_atto: int) -> int:
        """Return the maintenance margin of a notional: over the brackets, what lies in each times its rate."""
        total = start = 0
        for at, (end, _, rate) in enumerate(self._brackets):
            top = notional_atto if at + 1 == len(self._brackets) else min(notional_atto, end)
            if top <= start:
                break
            total += (top - start) * rate // _PPB
            start = end
        return total

    def cap_atto(self, leverage: int) -> int:
        """Return the largest notional that a leverage may carry."""
        allowed = [end for end, most, _ in self._brackets if most >= leverage]
        return allowed[-1] if allowed else 0

    @property
    def max_leverage(self) -> int:
        """The most leverage of any bracket."""
        return self._brackets[0][1]
