"""The account as it would stand after the trade, at prices that do not flatter us.

An opening order counts as filled. Its notional is weighed at the worse of its limit and the mark moved by 1 % against
us. Where orders rest on both sides the worse side counts; an opening order is never set off against a position that
points the other way in its own symbol, for that position may be closed first.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from chanflow.domain.account import AccountSnapshot, RestingOrder
from chanflow.domain.instrument import Instrument
from chanflow.risk.limits import WORST_MOVE_FRAC, Limits
from chanflow.risk.market_view import MarketView

ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)


class Held(NamedTuple):
    """What positions, resting and reserved openings already claim, seen from one instrument and side. Quote units."""

    notional_quote: Decimal
    """Sum over all symbols, all but this one at its worse side."""
    own_buys_quote: Decimal
    own_sells_quote: Decimal
    """This symbol if every buy, or every sell, had filled: both at least 0."""
    asset_up_quote: Decimal
    asset_down_quote: Decimal
    """The base asset over all its instruments, signed, if all buys or all sells had filled."""
    asset_up_if_bought_quote: Decimal
    asset_down_if_sold_quote: Decimal
    """The same, once this symbol's position no longer counts where it points the other way."""
    margin_quote: Decimal
    fees_quote: Decimal
    resting_here: int


class Intent(NamedTuple):
    """An opening order as the gate weighs it."""

    instrument: Instrument
    side: str
    qty_base: Decimal
    leverage: int
    limit_price: Decimal | None
    stop_price: Decimal | None


class Prices(NamedTuple):
    """What an order's prices come to, whatever its quantity; None stands for what is not known."""

    worst: Decimal
    """Weighs the notional."""
    fill: Decimal
    """The least favourable fill."""
    loss_per_base: Decimal | None
    maintenance_frac: Decimal


class After(NamedTuple):
    """Figures after the trade, in quote units; equity, high-water mark and day are as they stand now.

    None stands for what could not be known: a constraint that needs it cannot be evaluated, and refuses.
    """

    equity_quote: Decimal
    high_water_quote: Decimal
    day_start_quote: Decimal
    day_transfers_quote: Decimal
    order_leverage: int
    notional_quote: Decimal | None
    asset_notional_quote: Decimal | None
    margin_quote: Decimal | None
    fees_quote: Decimal | None
    trade_loss_quote: Decimal | None
    entry_price: Decimal | None
    stop_price: Decimal | None
    liquidation_frac: Decimal | None
    """How far price may move against us before the venue closes the position, as a share of the entry."""
    mark_price: Decimal | None
    reach_price: Decimal | None
    """The farthest price the order may fill at: its limit, or the last book level a market order takes."""
    openings_last_minute: int
    resting_here: int


def worst_price(mark: Decimal, limit_price: Decimal | None) -> Decimal:
    """Return the price that makes the notional largest: the limit, or the mark moved by 1 %."""
    moved = mark * (ONE + WORST_MOVE_FRAC)
    return moved if limit_price is None else max(moved, limit_price)


def worst_fill(side: str, mark: Decimal, limit_price: Decimal | None) -> Decimal:
    """Return the least favourable price at which the order may fill inside the collar."""
    if limit_price is not None:
        return limit_price
    return mark * (ONE + WORST_MOVE_FRAC if side == "buy" else ONE - WORST_MOVE_FRAC)


def hold(
    instrument: Instrument, account: AccountSnapshot, reserved: Sequence[RestingOrder], marks: dict[str, Decimal]
) -> Held:
    """Return what is claimed already; `marks` has the marks of symbols without a position."""
    symbols: dict[str, list[Decimal]] = {}
    bases: dict[str, str] = {}
    margin = fees = ZERO
    known = dict(marks)
    for p in account.positions:
        known[p.symbol] = p.mark_price
        bases[p.symbol] = p.base
        symbols[p.symbol] = [p.qty_base * p.mark_price, ZERO, ZERO]
        margin += abs(p.qty_base) * p.mark_price / p.leverage
    resting_here = 0
    for o in (*account.resting, *reserved):
        mark = known.get(o.symbol)
        price = worst_price(o.price if mark is None else mark, o.price)
        worth = o.qty_base * price
        bases.setdefault(o.symbol, o.base)
        symbols.setdefault(o.symbol, [ZERO, ZERO, ZERO])[1 if o.side == "buy" else 2] += worth
        margin += worth / o.leverage
        if o.symbol == instrument.symbol:
            fees += TWO * worth * instrument.taker_fee_frac
            resting_here += 1
    total = up = down = own_up = own_down = ZERO
    for symbol, (start, buys, sells) in symbols.items():
        high = max(start, ZERO) + buys if buys else start
        low = min(start, ZERO) - sells if sells else start
        if symbol == instrument.symbol:
            own_up, own_down = max(start, ZERO) + buys, max(-start, ZERO) + sells
        else:
            total += max(abs(high), abs(low))
        if bases[symbol] == instrument.base:
            up += high
            down += low
    start, buys, sells = symbols.get(instrument.symbol, [ZERO, ZERO, ZERO])
    bought = up if buys else up - min(start, ZERO)
    sold = down if sells else down - max(start, ZERO)
    return Held(total, own_up, own_down, up, down, bought, sold, margin, fees, resting_here)


def asset_after(held: Held, side: str, worth: Decimal) -> Decimal:
    """Return |signed notional| of the base asset once an order of `worth` has filled."""
    if side == "buy":
        return max(abs(held.asset_up_if_bought_quote + worth), abs(held.asset_down_quote))
    return max(abs(held.asset_down_if_sold_quote - worth), abs(held.asset_up_quote))


def total_after(held: Held, side: str, worth: Decimal) -> Decimal:
    """Return the sum of notionals once an order of `worth` has filled."""
    own = (
        max(held.own_buys_quote + worth, held.own_sells_quote)
        if side == "buy"
        else max(held.own_sells_quote + worth, held.own_buys_quote)
    )
    return held.notional_quote + own


def loss_per_base(
    entry: Decimal, stop: Decimal, instrument: Instrument, limits: Limits, funding_frac: Decimal
) -> Decimal:
    """Return what one unit of base loses at the stop, in quote.

    Distance, taker fee and slippage both ways, and the funding expected until the position expires.
    """
    cost_frac = instrument.taker_fee_frac + limits.slippage_frac
    return abs(entry - stop) + (entry + stop) * cost_frac + entry * max(ZERO, funding_frac)


def funding_for(side: str, market: MarketView) -> Decimal | None:
    """Return the share of notional that a position of `side` is expected to pay; None where nobody knows."""
    rate = market.funding_frac
    return None if rate is None else (rate if side == "buy" else -rate)


def maintenance(market: MarketView, limits: Limits) -> Decimal:
    """Return the maintenance margin to count with: the venue's, and never less than what is assumed."""
    told = market.maintenance_frac
    return limits.maintenance_frac if told is None else max(told, limits.maintenance_frac)


def sweep_price(side: str, qty_base: Decimal, market: MarketView) -> Decimal | None:
    """Return the last book price that a market order of `qty_base` takes, None where the book is too thin."""
    left = qty_base
    for price, qty in market.asks if side == "buy" else market.bids:
        left -= qty
        if left <= 0:
            return price
    return None


def priced(intent: Intent, market: MarketView, limits: Limits) -> Prices | None:
    """Return what the prices of `intent` come to, whatever its quantity and leverage; None without a mark."""
    side, limit_price, stop_price, instrument = intent.side, intent.limit_price, intent.stop_price, intent.instrument
    mark, funding = market.mark, funding_for(side, market)
    if mark is None:
        return None
    fill, loss = worst_fill(side, mark, limit_price), None
    if stop_price is not None and funding is not None:
        loss = loss_per_base(fill, stop_price, instrument, limits, funding)
    return Prices(worst_price(mark, limit_price), fill, loss, maintenance(market, limits))


def project(
    intent: Intent, prices: Prices | None, account: AccountSnapshot, held: Held, market: MarketView,
    openings_last_minute: int,
) -> After:  # fmt: skip
    """Return the account after `intent` and every resting or reserved opening order have filled."""
    if prices is None:
        return _unweighed(intent, account, held, openings_last_minute)
    side, qty, equity = intent.side, intent.qty_base, account.equity_quote
    worth = qty * prices.worst
    notional = total_after(held, side, worth)
    loss = prices.loss_per_base
    own_share = ONE / intent.leverage
    cross_share = own_share if notional == 0 else equity / notional
    return After(
        equity_quote=equity,
        high_water_quote=account.high_water_quote,
        day_start_quote=account.day_start_equity_quote,
        day_transfers_quote=account.transfers_today_quote,
        order_leverage=intent.leverage,
        notional_quote=notional,
        asset_notional_quote=asset_after(held, side, worth),
        margin_quote=held.margin_quote + worth / intent.leverage,
        fees_quote=held.fees_quote + TWO * worth * intent.instrument.taker_fee_frac,
        trade_loss_quote=None if loss is None else qty * loss,
        entry_price=prices.fill,
        stop_price=intent.stop_price,
        liquidation_frac=min(own_share, cross_share) - prices.maintenance_frac,
        mark_price=market.mark,
        reach_price=sweep_price(side, qty, market) if intent.limit_price is None else intent.limit_price,
        openings_last_minute=openings_last_minute,
        resting_here=held.resting_here + 1,
    )


def _unweighed(intent: Intent, account: AccountSnapshot, held: Held, openings_last_minute: int) -> After:
    """Return what is known without a mark."""
    return After(
        account.equity_quote, account.high_water_quote, account.day_start_equity_quote, account.transfers_today_quote,
        intent.leverage, None, None, None, None, None, None, None, None, None, None, openings_last_minute,
        held.resting_here + 1,
    )  # fmt: skip
