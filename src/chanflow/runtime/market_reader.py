"""What one paper desk sees around a decision: the figures of its market state, its regime, recent divergences.

It keeps closed bars only, and reads everything else from the stages at the moment it is asked: so all that it tells
was known then, and a replay tells the same.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from math import log1p
from typing import TYPE_CHECKING

from chanflow.domain.market_data import Bar
from chanflow.domain.market_state import FEATURES, MarketState
from chanflow.domain.time import NS_PER_MS
from chanflow.features.market_state import (
    DEPTH,
    KEEP_BARS,
    QUARTER,
    Figures,
    book_figures,
    btc_figures,
    chan_figures,
    clock_figures,
    imbalance_figures,
    price_figures,
)
from chanflow.features.regime import Regime, Tercile, regime_of, volatility_tercile
from chanflow.review.journal_cases import LEFT_OUT_KIND, STATE_KIND, market_state_record
from chanflow.review.state_vector import MAX_MISSING
from chanflow.risk.ladder import LADDER, LEVELS, PROTECT_AFTER_LOSSES
from chanflow.runtime.briefings import BTC

if TYPE_CHECKING:
    from chanflow.domain.account import AccountSnapshot
    from chanflow.domain.journal import Journal
    from chanflow.risk.ladder import Level
    from chanflow.runtime.pipeline import Stages

TOP = len(LEVELS) - 1


@dataclass(frozen=True, slots=True)
class SeenMarket:
    """A market state with its regime; what is not known is None."""

    state: MarketState
    regime: Regime | None
    volatility: Tercile | None


def journal_state(journal: Journal, decision_id: str, seen: SeenMarket) -> MarketState | None:
    """Journal what a decision is taken in; return it, or None where too much is missing to compare it with others."""
    missing = len(FEATURES) - len(seen.state.known())
    if missing > MAX_MISSING:
        body = {"decision_id": decision_id, "missing": missing, "allowed": MAX_MISSING, "regime": seen.regime}
        journal.append(LEFT_OUT_KIND, body, correlation_id=decision_id)
        return None
    journal.append(
        STATE_KIND, market_state_record(decision_id, seen.state, seen.regime), correlation_id=decision_id
    )  # fmt: skip
    return seen.state


class MarketReader:
    """Follows the closed bars of one desk."""

    def __init__(self, stages: Stages, flow_bins: int) -> None:
        self._s, self._flow_bins = stages, flow_bins
        self._bars: deque[Bar] = deque(maxlen=KEEP_BARS)
        self._minutes: deque[Bar] = deque(maxlen=QUARTER)

    def bar(self, bar: Bar) -> None:
        """Take a closed bar of the decision level."""
        self._bars.append(bar)

    def minute(self, bar: Bar) -> None:
        """Take a closed bar of one minute."""
        self._minutes.append(bar)

    def read(self, straight_losses: int, *, funding_frac: float) -> SeenMarket:
        """Return what there is to be seen now; `straight_losses` is how many trades in a row were lost."""
        bars = tuple(self._bars)
        chan = self._chan(bars)
        now_ms = self._s.clock.now_ns() // NS_PER_MS
        account = account_figures(
            self._s.router.snapshot(), self._s.source.instrument.symbol, self._s.gate.level, straight_losses
        )
        context = clock_figures(now_ms) | self._btc(bars) | {"funding_frac": funding_frac}
        figures = price_figures(bars) | self._flow(now_ms) | chan | context | account
        return SeenMarket(
            MarketState(**figures), regime_of(bars, chan.get("trend_centers")), volatility_tercile(bars)
        )  # fmt: skip

    def _chan(self, bars: tuple[Bar, ...]) -> Figures:
        if not bars:
            return {}
        close = bars[-1].close
        return chan_figures(self._s.structure.engine.structure(), close) | chan_figures(
            self._s.upper_structure.engine.structure(), close, upper=True
        )

    def _flow(self, now_ms: int) -> Figures:
        flow = self._s.flow
        window, newest = flow.window(now_ms, self._flow_bins), flow.now(now_ms)
        told: dict[str, float | None] = {"consistency": window.consistency if window.eligible_bins else None}
        if newest is not None:
            told |= {
                "z_ofi": newest.z_ofi, "z_cvd": newest.z_cvd, "fusion_score": newest.fusion,
                "log_trades_per_min": log1p(newest.trades_per_min),
            }  # fmt: skip
        known = {name: value for name, value in told.items() if value is not None}
        return known | imbalance_figures(tuple(self._minutes)) | book_figures(*flow.book(DEPTH))

    def _btc(self, bars: tuple[Bar, ...]) -> Figures:
        """Return BTC's figures where its bars are at hand: at a desk of one symbol, where that is BTC itself."""
        return btc_figures(bars, bars) if self._s.source.instrument.base == BTC else {}


def account_figures(account: AccountSnapshot, symbol: str, level: Level, straight_losses: int) -> Figures:
    """Return the six figures of an account, as far as they are known: a level without a day's limit has no share."""
    held = next((p for p in account.positions if p.symbol == symbol), None)
    a_day = LADDER[level].opening_trades_per_day
    found = {
        "drawdown_frac": float(account.drawdown_frac),
        "losing_streak": straight_losses / PROTECT_AFTER_LOSSES,
        "ladder_level": LEVELS.index(level) / TOP,
    }
    if account.equity_quote > 0:
        found["exposure_frac"] = float(account.notional_quote / account.equity_quote)
    if a_day:
        found["trades_today_frac"] = account.opening_trades_today / a_day
    if held is None:
        found["open_profit_r"] = 0.0
    elif held.stop_price is not None and (risk := abs(held.entry_price - held.stop_price)) > Decimal(0):
        way = 1 if held.qty_base > 0 else -1
        found["open_profit_r"] = float((held.mark_price - held.entry_price) * way / risk)
    return found
