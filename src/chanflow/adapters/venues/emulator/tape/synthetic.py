"""A market made from a seed, endless: zero-intelligence flow with bursts and drifts, a mark price and funding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from chanflow_native import SyntheticFlow

from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.tape.steps import Ticks
from chanflow.domain.errors import InvalidArgument

START_NS: Final = 1_767_571_200 * 10**9
"""2026-01-05T00:00:00Z, where a synthetic market begins unless it is told when."""

MAX_SEED: Final = (1 << 64) - 1
PACE: Final = 5
"""How much faster the flow lives than the desk's own synthetic market: some 70 changes of the book a second."""

_GRAIN: Final = 30_000
"""Steps of the generator in the first price, so that a day ranges over two to four percent."""
_TYPICAL_QUOTE: Final = 3_000
"""What a typical order is worth, in quote units."""

FIRST_PRICES: Mapping[str, Decimal] = MappingProxyType(
    {
        "BTCUSDT": Decimal(60_000), "ETHUSDT": Decimal(3_000), "SOLUSDT": Decimal(150), "BNBUSDT": Decimal(600),
        "XRPUSDT": Decimal("2.5"), "DOGEUSDT": Decimal("0.15"), "ADAUSDT": Decimal("0.45"), "LTCUSDT": Decimal(80),
    }
)  # fmt: skip
"""Where well-known symbols begin."""

OTHER_PRICE: Final = Decimal(100)
"""Where any other symbol begins."""


class SyntheticTape:
    """A `Tape` of made-up markets, one independent flow a symbol."""

    end_ns: int | None = None

    def __init__(
        self,
        rules: Sequence[SymbolRules],
        *,
        seed: int,
        start_ns: int = START_NS,
        prices: Mapping[str, Decimal] = FIRST_PRICES,
        pace: int = PACE,
    ) -> None:
        """Begin each symbol at its price of `prices`, or at 100. Raises InvalidArgument for a seed outside 64 bits."""
        if not 0 <= seed <= MAX_SEED:
            raise InvalidArgument(f"seed is {seed}, allowed is 0 to {MAX_SEED}", field="seed")
        if not rules:
            raise InvalidArgument("a synthetic market needs at least one symbol", field="symbols")
        self.start_ns = start_ns
        self.symbols: Mapping[str, SymbolRules] = {rule.symbol: rule for rule in sorted(rules, key=lambda r: r.symbol)}
        self._flows = {
            name: _flow(rule, seed, start_ns, prices.get(name, OTHER_PRICE), pace)
            for name, rule in self.symbols.items()
        }

    def until(self, ns: int) -> Sequence[Ticks]:
        """Return the ticks up to `ns`, symbol by symbol."""
        batches = [Ticks(name, *flow.advance(ns + 1)) for name, flow in self._flows.items()]
        return [batch for batch in batches if len(batch)]


def _flow(rules: SymbolRules, seed: int, start_ns: int, first: Decimal, pace: int) -> SyntheticFlow:
    price = int(first.scaleb(rules.price_decimals))
    tick = max(1, price // _GRAIN // rules.tick) * rules.tick
    lots = int(Decimal(_TYPICAL_QUOTE) / first * 10**rules.qty_decimals)
    return SyntheticFlow(
        seed, start_ns, symbol=rules.symbol, start_price=max(price, tick), tick=tick, step=rules.step,
        typical_qty=max(lots, rules.step, rules.min_qty), pace=pace, funding_interval_h=rules.funding_interval_h,
    )  # fmt: skip
