"""A market made up from a seed: the same seed gives the same events, everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chanflow_native import SyntheticMarket

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.instrument import Instrument
from chanflow.domain.time import NS_PER_S
from chanflow.market.rules import MAKER_FEE_FRAC, TAKER_FEE_FRAC

if TYPE_CHECKING:
    from chanflow_native import EventBatch

GENERATOR = "synthetic/1"
"""Names the rules that make the events; another number means other events from the same seed."""

START_NS = 1_767_571_200 * NS_PER_S
"""2026-01-05T00:00:00Z."""

DAY_S = 86_400
MAX_SEED = (1 << 64) - 1

SIMUSDT = Instrument(
    symbol="SIMUSDT",
    base="SIM",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.001"),
    min_qty=Decimal("0.001"),
    min_notional_quote=Decimal(5),
    maker_fee_frac=MAKER_FEE_FRAC,
    taker_fee_frac=TAKER_FEE_FRAC,
)


class SyntheticSource:
    """A `MarketSource` of one made-up symbol, SIMUSDT."""

    instrument = SIMUSDT
    venue = "synthetic"

    def __init__(self, seed: int, *, start_ns: int = START_NS, duration_s: int = DAY_S) -> None:
        """Raise InvalidArgument for a seed outside 64 bits or a duration below one second."""
        if not 0 <= seed <= MAX_SEED:
            raise InvalidArgument(f"seed is {seed}, allowed is 0 to {MAX_SEED}", field="seed")
        if start_ns < 0 or duration_s < 1:
            raise InvalidArgument(
                f"the market starts at {start_ns} ns and lasts {duration_s} s, least are 0 and 1", field="duration_s"
            )
        self.seed = seed
        self.start_ns = start_ns
        self.end_ns = start_ns + duration_s * NS_PER_S
        self._duration_s = duration_s
        self._given_to_ns = start_ns
        self._market = SyntheticMarket(seed, start_ns)
        self.price_decimals: int = self._market.price_decimals
        self.qty_decimals: int = self._market.qty_decimals

    @classmethod
    def from_description(cls, described: Mapping[str, Any]) -> SyntheticSource:
        """Return the source that `describe` spoke of. Raises InvalidArgument when another generator made it."""
        if described.get("generator") != GENERATOR:
            raise InvalidArgument(
                f"the market was made by {described.get('generator')!r}, this version has {GENERATOR!r}",
                field="generator",
            )
        return cls(int(described["seed"]), start_ns=int(described["start_ns"]), duration_s=int(described["duration_s"]))

    @property
    def exhausted(self) -> bool:
        """Whether every event has been given out."""
        return self._given_to_ns >= self.end_ns

    def next(self, until_ns: int) -> EventBatch:
        """Return the events not yet given out that come before `until_ns`, in arrival order; the batch may be empty."""
        self._given_to_ns = max(self._given_to_ns, min(until_ns, self.end_ns))
        return self._market.advance(self._given_to_ns)

    def describe(self) -> dict[str, Any]:
        """Return the seed and all else that the events follow from."""
        return {
            "kind": "synthetic",
            "generator": GENERATOR,
            "seed": self.seed,
            "symbol": self.instrument.symbol,
            "start_ns": self.start_ns,
            "duration_s": self._duration_s,
        }
