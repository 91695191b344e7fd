"""The day, read back from the journal: what was seen, proposed, refused, filled, paid and kept.

Everything here is a fold over journal records; nothing is taken from a running desk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from chanflow.review.journal import Record

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One reading of the account: Unix ms, mark price and equity in quote."""

    ts_ms: int
    price: Decimal
    equity_quote: Decimal


@dataclass(frozen=True, slots=True)
class ChartFill:
    """A fill as the chart shows it."""

    ts_ms: int
    side: str
    leg: str
    price: Decimal
    qty_base: Decimal
    fee_quote: Decimal
    maker: bool


@dataclass(frozen=True, slots=True)
class ChartTrade:
    """A round trip, flat to flat. `slippage_quote` is what fills cost against the reference price of their order."""

    position_id: str
    side: str
    opened_ms: int
    closed_ms: int
    qty_base: Decimal
    entry_price: Decimal
    exit_price: Decimal
    exit_leg: str
    gross_quote: Decimal
    fees_quote: Decimal
    net_quote: Decimal


@dataclass(frozen=True, slots=True)
class ChartSignal:
    """A signal as the chart shows it."""

    ts_ms: int
    signal_type: str
    decision_code: str
    price: str
    score: float | None
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the gate refused, and every reason."""

    ts_ms: int
    proposal_id: str
    reasons: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Day:
    """The figures of a day. Money in quote units.

    `gross_quote` is before fees and slippage, `cost_quote` their sum, `net_quote` what was kept of closed and open
    trades: net = gross - cost.
    """

    head: Mapping[str, Any] = field(default_factory=dict)
    finished: bool = False
    records: int = 0
    signals: list[ChartSignal] = field(default_factory=list)
    proposals: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    approvals: int = 0
    clips: Counter[str] = field(default_factory=Counter)
    orders_sent: int = 0
    fills: list[ChartFill] = field(default_factory=list)
    trades: list[ChartTrade] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    strokes: list[Mapping[str, Any]] = field(default_factory=list)
    triggers_fired: Counter[str] = field(default_factory=Counter)
    ladder: list[tuple[int, str, str]] = field(default_factory=list)
    anomalies: list[str] = field(default_factory=list)
    market: Mapping[str, Any] = field(default_factory=dict)
    capital_quote: Decimal = ZERO
    fees_quote: Decimal = ZERO
    slippage_quote: Decimal = ZERO
    equity_quote: Decimal = ZERO
    max_drawdown_frac: Decimal = ZERO

    @property
    def net_quote(self) -> Decimal:
        """Equity at the end less the capital."""
        return self.equity_quote - self.capital_quote

    @property
    def cost_quote(self) -> Decimal:
        """Fees and slippage."""
        return self.fees_quote + self.slippage_quote

    @property
    def gross_quote(self) -> Decimal:
        """What the same decisions would have made at their reference prices, free of cost."""
        return self.net_quote + self.cost_quote

    @property
    def refusal_codes(self) -> Counter[str]:
        """How often each reason was given."""
        return Counter(code for refusal in self.refusals for code, _ in refusal.reasons)

    @property
    def signal_codes(self) -> Counter[str]:
        """How many signals ended at each decision code."""
        return Counter(s.decision_code for s in self.signals)
