"""Sizing: the largest quantity that every cap allows, rounded down to the step.

Volatility target: with sigma the annual volatility, `w = min(leverage, sigma_target / sigma)` of the equity is the
notional wanted, times the conviction. All other caps only take away. More volatility, less confidence, less equity,
a tighter limit or a lower level never give a larger quantity. Each hard constraint that a size can break has its cap
here, so that what it leaves is refused only where nothing is left.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from chanflow.domain.account import AccountSnapshot
from chanflow.risk.ladder import Rung
from chanflow.risk.limits import Limits
from chanflow.risk.market_view import MarketView
from chanflow.risk.projection import ONE, TWO, ZERO, Held, Intent, Prices
from chanflow.risk.verdict import needed

MIN_SIGMA_FRAC, MAX_SIGMA_FRAC = Decimal("0.05"), Decimal("3.00")


class Sized(NamedTuple):
    """A quantity in base units, the cap that bound it, and every cap in base units."""

    qty_base: Decimal
    binding: str
    caps: dict[str, Decimal]


def target_weight(sigma_frac: Decimal, max_leverage: Decimal, limits: Limits) -> Decimal:
    """Return w, the notional wanted over equity; sigma counts as at least 5 % and at most 300 %."""
    return min(max_leverage, limits.sigma_target_frac / min(MAX_SIGMA_FRAC, max(MIN_SIGMA_FRAC, sigma_frac)))


def size(
    intent: Intent,
    prices: Prices,
    *,
    account: AccountSnapshot,
    held: Held,
    market: MarketView,
    rung: Rung,
    limits: Limits,
    conviction: Decimal,
    share: Decimal,
    strategy_share: Decimal,
    wish_quote: Decimal | None,
) -> Sized:
    """Return the quantity; `intent.qty_base` is not looked at.

    `conviction` scales the volatility target, `share` everything (a half where confidence is short of the minimum),
    `strategy_share` is the part of equity that the proposal's strategy trades. Raises ValueError where a figure is
    missing.
    """
    equity, side = account.equity_quote, intent.side
    mark, entry = needed(market.mark), prices.fill
    top = min(Decimal(rung.max_leverage), limits.max_leverage)
    weight = target_weight(needed(market.sigma_frac), top, limits)
    distance = abs(entry - needed(intent.stop_price))
    own = held.own_buys_quote if side == "buy" else held.own_sells_quote
    room = min(limits.max_asset_exposure_frac, rung.max_position_frac) * equity
    # Signed: what the asset's other instruments hold against this side is room.
    claimed = held.asset_up_if_bought_quote if side == "buy" else -held.asset_down_if_sold_quote
    gross = min(equity / limits.min_margin_ratio, limits.max_leverage * equity)
    # Cross margin: the account's own liquidation must stay beyond the stop.
    far = (ONE + limits.min_liquidation_gap_frac) * distance / entry + prices.maintenance_frac
    cash = (ONE - limits.min_cash_reserve_frac) * equity - held.margin_quote - held.fees_quote
    quote_caps = {
        "volatility": weight * equity * strategy_share * conviction,
        "ladder": rung.max_position_frac * equity,
        "exposure": room - claimed,
        "margin": gross - held.notional_quote - own,
        "liquidation": equity / far - held.notional_quote - own,
        "cash": cash / (ONE / intent.leverage + TWO * intent.instrument.taker_fee_frac),
        "volume": limits.max_volume_share_frac * needed(market.volume_1m_quote),
    }
    caps = {name: worth / prices.worst for name, worth in quote_caps.items()}
    caps["stop_distance"] = limits.target_trade_loss_frac * equity / needed(prices.loss_per_base)
    if intent.limit_price is None:
        caps["book"] = depth_within(side, market, mark, limits.price_collar_frac)
    if wish_quote is not None:
        caps["wish"] = wish_quote / (intent.limit_price or mark)
    binding = min(caps, key=caps.__getitem__)
    return Sized(max(ZERO, intent.instrument.floor_qty(share * caps[binding])), binding, caps)


def depth_within(side: str, market: MarketView, mark: Decimal, collar_frac: Decimal) -> Decimal:
    """Return how much the book offers a market order no farther than the collar from the mark, in base units."""
    levels = market.asks if side == "buy" else market.bids
    return sum((qty for price, qty in levels if abs(price - mark) <= collar_frac * mark), ZERO)
