"""Where a desk's risk stands at one moment: all that the gate would judge by, and the ladder's own state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chanflow.domain.account import AccountSnapshot
from chanflow.risk.approvals import Waiting
from chanflow.risk.ladder import LadderState
from chanflow.risk.market_view import MarketView
from chanflow.risk.state import RiskState, Rules


@dataclass(frozen=True, slots=True)
class RiskView:
    """One reading. `missing` is what a promotion still lacks, in words; `now_ns` the desk's own time, Unix ns."""

    account: AccountSnapshot
    market: MarketView
    rules: Rules
    state: RiskState
    ladder: LadderState
    missing: tuple[str, ...]
    now_ns: int
    waiting: tuple[Waiting, ...] = ()
    """Proposals that wait for a person."""
    markets: Mapping[str, MarketView] = field(default_factory=dict)
    """Of a desk of several symbols, what each one's market was when it was last asked for."""

    def market_of(self, symbol: str) -> MarketView:
        """Return the market of a symbol; of a desk with one symbol, that one's."""
        return self.markets.get(symbol, self.market)
