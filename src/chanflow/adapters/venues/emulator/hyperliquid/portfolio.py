"""An account as `clearinghouseState` tells it."""

from __future__ import annotations

from typing import Any, Final

from chanflow.adapters.venues.emulator.accounts import Account
from chanflow.adapters.venues.emulator.hyperliquid.coins import Coin, trimmed, usd
from chanflow.adapters.venues.emulator.hyperliquid.trading import Trading
from chanflow.adapters.venues.emulator.margin import Standing, liquidation_price
from chanflow.adapters.venues.emulator.records import Leg
from chanflow.adapters.venues.emulator.rules import fixed

_PLACES: Final = 8


def state(trading: Trading, number: int | None, now_ms: int) -> dict[str, Any]:
    """Return what an account has and holds; an address without an account has nothing."""
    if number is None:
        nothing = _summary(0, 0, 0, 0)
        return {
            "marginSummary": nothing, "crossMarginSummary": nothing, "crossMaintenanceMarginUsed": "0.0",
            "withdrawable": "0.0", "assetPositions": [], "time": now_ms,
        }  # fmt: skip
    account = trading.world.accounts[number]
    now = trading.world.standing(account)
    held = [coin for coin in trading.coins if _position(account, coin)]
    notionals = {coin.symbol: now.books[coin.symbol, Leg.BOTH].notional for coin in held}
    cross = {symbol: notional for symbol, notional in notionals.items() if symbol not in account.isolated}
    value = now.wallet + now.unrealized
    cross_value = now.cross_wallet + now.cross_unrealized
    used = {coin.symbol: _margin_used(account, now, coin) for coin in held}
    return {
        "marginSummary": _summary(value, _gross(notionals), value - sum(notionals.values()), sum(used.values())),
        "crossMarginSummary": _summary(
            cross_value, _gross(cross), cross_value - sum(cross.values()), sum(used[symbol] for symbol in cross)
        ),
        "crossMaintenanceMarginUsed": usd(now.cross_maintenance),
        "withdrawable": usd(now.available),
        "assetPositions": [
            {"type": "oneWay", "position": _row(trading, account, now, coin, used[coin.symbol])} for coin in held
        ],
        "time": now_ms,
    }


def _position(account: Account, coin: Coin) -> int:
    book = account.books.get((coin.symbol, Leg.BOTH))
    return 0 if book is None else book.position


def _margin_used(account: Account, now: Standing, coin: Coin) -> int:
    if coin.symbol in account.isolated:
        return account.books[coin.symbol, Leg.BOTH].isolated_atto + now.books[coin.symbol, Leg.BOTH].unrealized
    return now.books[coin.symbol, Leg.BOTH].position_initial


def _gross(notionals: dict[str, int]) -> int:
    return sum(abs(notional) for notional in notionals.values())


def _summary(value: int, notional: int, raw: int, used: int) -> dict[str, str]:
    return {
        "accountValue": usd(value), "totalNtlPos": usd(notional), "totalRawUsd": usd(raw), "totalMarginUsed": usd(used),
    }  # fmt: skip


def _row(trading: Trading, account: Account, now: Standing, coin: Coin, used: int) -> dict[str, Any]:
    book, margin = account.books[coin.symbol, Leg.BOTH], now.books[coin.symbol, Leg.BOTH]
    leverage: dict[str, Any] = {"type": "cross", "value": account.leverage_of(coin.symbol)}
    if coin.symbol in account.isolated:
        leverage = {"type": "isolated", "value": leverage["value"], "rawUsd": usd(used - margin.notional)}
    liquidated = liquidation_price(account, book, trading.world.listings, _PLACES)
    paid = sum(row.amount_atto for row in account.incomes if row.symbol == coin.symbol and row.kind == "FUNDING_FEE")
    return {
        "coin": coin.name, "szi": coin.size_text(book.position), "leverage": leverage,
        "entryPx": trimmed(fixed(book.entry_price(_PLACES), _PLACES)), "positionValue": usd(abs(margin.notional)),
        "unrealizedPnl": usd(margin.unrealized),
        "returnOnEquity": trimmed(f"{margin.unrealized / used if used else 0:.10f}"),
        "liquidationPx": trimmed(fixed(liquidated, _PLACES)) if liquidated else None, "marginUsed": usd(used),
        "maxLeverage": coin.max_leverage,
        "cumFunding": {"allTime": usd(-paid), "sinceOpen": usd(-paid), "sinceChange": usd(-paid)},
    }  # fmt: skip
