"""The account as it would stand after the trade, at prices that do not flatter us."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from chanflow.domain.account import AccountSnapshot, RestingOrder
from chanflow.domain.instrument import Instrument

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Intent:
    """An opening order as the gate weighs it."""

    instrument: Instrument
    side: str
    qty_base: Decimal
    leverage: int
    worst_price: Decimal


@dataclass(frozen=True, slots=True)
class After:
    """Figures after the trade, in quote units; `equity_quote` is as it stands now."""

    equity_quote: Decimal
    drawdown_frac: Decimal
    day_loss_frac: Decimal
    order_leverage: int
    notional_quote: Decimal
    asset_notional_quote: Decimal
    margin_quote: Decimal
    fees_quote: Decimal


def worst_price(mark: Decimal, limit_price: Decimal | None, collar_frac: Decimal) -> Decimal:
    """Return the price that makes the notional largest: the limit, or the mark moved by the collar."""
    moved = mark * (1 + collar_frac)
    return moved if limit_price is None else max(moved, limit_price)


def _signed(side: str, qty_base: Decimal) -> Decimal:
    return qty_base if side == "buy" else -qty_base


def project(intent: Intent, account: AccountSnapshot, reserved: Iterable[RestingOrder]) -> After:
    """Return the account after `intent` and every resting or reserved opening order have filled.

    Where orders rest on both sides of a symbol, the worse side counts.
    """
    resting = (*account.resting, *reserved)
    mine = RestingOrder(
        intent.instrument.symbol, intent.instrument.base, "buy" if intent.side == "buy" else "sell", intent.qty_base,
        intent.worst_price, intent.leverage,
    )  # fmt: skip
    orders = (*resting, mine)
    held = {p.symbol: (p.base, _signed_notional(p.qty_base, p.mark_price)) for p in account.positions}
    symbols = sorted(held.keys() | {o.symbol for o in orders})
    total, asset_signed = ZERO, ZERO
    for symbol in symbols:
        base, start = held.get(symbol, ("", ZERO))
        mine_here = [o for o in orders if o.symbol == symbol]
        base = base or mine_here[0].base
        bought = start + sum((o.qty_base * o.price for o in mine_here if o.side == "buy"), ZERO)
        sold = start - sum((o.qty_base * o.price for o in mine_here if o.side == "sell"), ZERO)
        worse = max(bought, sold, key=abs)
        total += abs(worse)
        if base == intent.instrument.base:
            asset_signed += worse
    margin = sum((p.notional_quote / p.leverage for p in account.positions), ZERO)
    margin += sum((o.qty_base * o.price / o.leverage for o in orders), ZERO)
    return After(
        equity_quote=account.equity_quote,
        drawdown_frac=account.drawdown_frac,
        day_loss_frac=account.day_loss_frac,
        order_leverage=intent.leverage,
        notional_quote=total,
        asset_notional_quote=abs(asset_signed),
        margin_quote=margin,
        fees_quote=2 * intent.qty_base * intent.worst_price * intent.instrument.taker_fee_frac,
    )


def _signed_notional(qty_base: Decimal, price: Decimal) -> Decimal:
    return qty_base * price
