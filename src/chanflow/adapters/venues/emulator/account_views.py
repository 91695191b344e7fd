"""Balances, positions and brackets as Binance's REST answers show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.listing import Listing
from chanflow.adapters.venues.emulator.margin import BookMargin, Standing, liquidation_price
from chanflow.adapters.venues.emulator.records import Leg
from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed, money

_NOTHING: Final = BookMargin(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Position:
    """One position slot of an account, used or not."""

    book: Book
    margin: BookMargin
    listing: Listing
    account: Account

    @property
    def is_isolated(self) -> bool:
        """Whether it lives on what it set aside."""
        return self.book.rules.symbol in self.account.isolated


def positions(
    account: Account, now: Standing, listings: Mapping[str, Listing], symbol: str | None = None
) -> list[Position]:
    """Return the position slots of an account: one a symbol, or long and short where it is hedged."""
    legs = (Leg.LONG, Leg.SHORT) if account.is_hedged else (Leg.BOTH,)
    found = []
    for name, listing in listings.items():
        if symbol in (None, name):
            for leg in legs:
                book = account.books.get((name, leg)) or Book(listing.rules, leg)
                found.append(Position(book, now.books.get((name, leg), _NOTHING), listing, account))
    return found


def is_used(position: Position) -> bool:
    """Return whether a slot holds a position or open orders."""
    margin = position.margin
    return bool(position.book.position or margin.bids or margin.asks)


def sums(now: Standing) -> dict[str, str]:
    """Return an account's totals."""
    return {
        "totalInitialMargin": money(now.position_initial + now.order_initial),
        "totalMaintMargin": money(now.maintenance),
        "totalWalletBalance": money(now.wallet),
        "totalUnrealizedProfit": money(now.unrealized),
        "totalMarginBalance": money(now.wallet + now.unrealized),
        "totalPositionInitialMargin": money(now.position_initial),
        "totalOpenOrderInitialMargin": money(now.order_initial),
        "totalCrossWalletBalance": money(now.cross_wallet),
        "totalCrossUnPnl": money(now.cross_unrealized),
        "availableBalance": money(now.available),
        "maxWithdrawAmount": money(withdrawable(now)),
    }


def withdrawable(now: Standing) -> int:
    """Return what may be taken out: what is free, of the cross wallet itself."""
    return max(min(now.available, now.cross_wallet), 0)


def asset(now: Standing, update_ms: int) -> dict[str, Any]:
    """Return the quote asset as `account` shows it."""
    return {
        "asset": "USDT",
        "walletBalance": money(now.wallet),
        "unrealizedProfit": money(now.unrealized),
        "marginBalance": money(now.wallet + now.unrealized),
        "maintMargin": money(now.maintenance),
        "initialMargin": money(now.position_initial + now.order_initial),
        "positionInitialMargin": money(now.position_initial),
        "openOrderInitialMargin": money(now.order_initial),
        "crossWalletBalance": money(now.cross_wallet),
        "crossUnPnl": money(now.cross_unrealized),
        "availableBalance": money(now.available),
        "maxWithdrawAmount": money(withdrawable(now)),
        "updateTime": update_ms,
    }


def balance(account: Account, now: Standing, update_ms: int) -> dict[str, Any]:
    """Return the quote asset as `balance` shows it."""
    return {
        "accountAlias": f"acc{account.number}",
        "asset": "USDT",
        "balance": money(now.wallet),
        "crossWalletBalance": money(now.cross_wallet),
        "crossUnPnl": money(now.cross_unrealized),
        "availableBalance": money(now.available),
        "maxWithdrawAmount": money(withdrawable(now)),
        "marginAvailable": True,
        "updateTime": update_ms,
    }


def account_position_v2(position: Position) -> dict[str, Any]:
    """Return a position as v2 `account` shows it."""
    book, margin, rules = position.book, position.margin, position.book.rules
    leverage = position.account.leverage_of(rules.symbol)
    return {
        "symbol": rules.symbol,
        "initialMargin": money(margin.initial),
        "maintMargin": money(margin.maintenance),
        "unrealizedProfit": money(margin.unrealized),
        "positionInitialMargin": money(margin.position_initial),
        "openOrderInitialMargin": money(margin.order_initial),
        "leverage": str(leverage),
        "isolated": position.is_isolated,
        "entryPrice": entry_text(book),
        "breakEvenPrice": fixed(book.break_even_price(_places(rules)), _places(rules)),
        "maxNotional": whole(rules.cap(leverage)),
        "bidNotional": money(margin.bids),
        "askNotional": money(margin.asks),
        "positionSide": book.leg.name,
        "positionAmt": rules.qty_text(book.position),
        "notional": money(margin.notional),
        "isolatedWallet": money(book.isolated_atto),
        "updateTime": book.update_ms,
    }


def account_position_v3(position: Position) -> dict[str, Any]:
    """Return a position as v3 `account` shows it."""
    book, margin, rules = position.book, position.margin, position.book.rules
    return {
        "symbol": rules.symbol,
        "positionSide": book.leg.name,
        "positionAmt": rules.qty_text(book.position),
        "unrealizedProfit": money(margin.unrealized),
        "isolatedMargin": isolated_margin(position),
        "notional": money(margin.notional),
        "isolatedWallet": money(book.isolated_atto),
        "initialMargin": money(margin.initial),
        "maintMargin": money(margin.maintenance),
        "updateTime": book.update_ms,
    }


def risk_v2(position: Position, listings: Mapping[str, Listing]) -> dict[str, Any]:
    """Return a position as v2 `positionRisk` shows it."""
    book, rules = position.book, position.book.rules
    leverage = position.account.leverage_of(rules.symbol)
    return _risk(position, listings) | {
        "leverage": str(leverage),
        "maxNotionalValue": whole(rules.cap(leverage)),
        "marginType": "isolated" if position.is_isolated else "cross",
        "isAutoAddMargin": "false",
        "isolatedWallet": money(book.isolated_atto),
    }


def risk_v3(position: Position, listings: Mapping[str, Listing]) -> dict[str, Any]:
    """Return a position as v3 `positionRisk` shows it."""
    margin = position.margin
    return _risk(position, listings) | {
        "marginAsset": position.book.rules.quote,
        "isolatedWallet": money(position.book.isolated_atto),
        "initialMargin": money(margin.initial),
        "maintMargin": money(margin.maintenance),
        "positionInitialMargin": money(margin.position_initial),
        "openOrderInitialMargin": money(margin.order_initial),
        "adl": 0 if position.book.position == 0 else 1,
        "bidNotional": money(margin.bids),
        "askNotional": money(margin.asks),
    }


def _risk(position: Position, listings: Mapping[str, Listing]) -> dict[str, Any]:
    book, margin, rules = position.book, position.margin, position.book.rules
    places = _places(rules)
    due = liquidation_price(position.account, book, listings, places)
    mark2 = position.listing.mark2 or 0
    return {
        "symbol": rules.symbol,
        "positionSide": book.leg.name,
        "positionAmt": rules.qty_text(book.position),
        "entryPrice": entry_text(book),
        "breakEvenPrice": fixed(book.break_even_price(places), places),
        "markPrice": fixed(mark2 * 10 ** (8 - rules.price_decimals) // 2, 8),
        "unRealizedProfit": money(margin.unrealized),
        "liquidationPrice": fixed(due, places) if due else "0",
        "isolatedMargin": isolated_margin(position),
        "notional": money(margin.notional),
        "updateTime": book.update_ms,
    }


def isolated_margin(position: Position) -> str:
    """Return what an isolated position has with its profit, 0 of a cross one."""
    atto = position.book.isolated_atto + position.margin.unrealized if position.is_isolated else 0
    return money(atto)


def entry_text(book: Book) -> str:
    """Return the average entry price."""
    places = _places(book.rules)
    return fixed(book.entry_price(places), places)


def brackets(rules: SymbolRules) -> dict[str, Any]:
    """Return a symbol as `leverageBracket` shows it; `cum` makes the maintenance of a bracket's notional continuous."""
    rows: list[dict[str, Any]] = []
    floor = cum = before = Decimal(0)
    for number, row in enumerate(rules.brackets, 1):
        cum += floor * (row.maintenance - before)
        rows.append(
            {
                "bracket": number,
                "initialLeverage": row.max_leverage,
                "notionalCap": int(row.to_notional),
                "notionalFloor": int(floor),
                "maintMarginRatio": float(row.maintenance),
                "cum": float(cum),
            }
        )
        floor, before = row.to_notional, row.maintenance
    return {"symbol": rules.symbol, "notionalCoef": 1.0, "brackets": rows}


def whole(value: Decimal) -> str:
    """Return a whole number of quote units as text."""
    return str(int(value))


def _places(rules: SymbolRules) -> int:
    return max(rules.price_decimals, 8)
