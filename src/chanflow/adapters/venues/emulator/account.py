"""The endpoints of accounts: balances, positions, settings, payments, listen keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chanflow.adapters.venues.emulator import account_views as show
from chanflow.adapters.venues.emulator import settings, views
from chanflow.adapters.venues.emulator.codes import fault
from chanflow.adapters.venues.emulator.desk import Call, Route
from chanflow.adapters.venues.emulator.order_terms import read_leg
from chanflow.adapters.venues.emulator.orders import between, page
from chanflow.adapters.venues.emulator.rules import ATTO, money

_DONE: Final = {"code": 200, "msg": "success"}
_MARGIN_TYPES: Final = frozenset({"ISOLATED", "CROSSED"})


def account_v2(call: Call) -> dict[str, Any]:
    """GET v2 account."""
    now, who = call.world.standing(call.account), call.account
    rows = show.positions(who, now, call.world.listings)
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "multiAssetsMargin": who.is_multi_assets,
        "tradeGroupId": -1,
        **show.sums(now),
        "assets": [show.asset(now, _updated(call)) | {"marginAvailable": True}],
        "positions": [show.account_position_v2(row) for row in rows],
    }


def account_v3(call: Call) -> dict[str, Any]:
    """GET v3 account: only positions that are held or have orders."""
    now = call.world.standing(call.account)
    rows = show.positions(call.account, now, call.world.listings)
    return {
        **show.sums(now),
        "assets": [show.asset(now, _updated(call))],
        "positions": [show.account_position_v3(row) for row in rows if show.is_used(row)],
    }


def balance(call: Call) -> list[dict[str, Any]]:
    """GET balance."""
    return [show.balance(call.account, call.world.standing(call.account), _updated(call))]


def risk_v2(call: Call) -> list[dict[str, Any]]:
    """GET v2 positionRisk."""
    return [show.risk_v2(row, call.world.listings) for row in _positions(call)]


def risk_v3(call: Call) -> list[dict[str, Any]]:
    """GET v3 positionRisk: only positions that are held or have orders."""
    return [show.risk_v3(row, call.world.listings) for row in _positions(call) if show.is_used(row)]


def config(call: Call) -> dict[str, Any]:
    """GET accountConfig."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": call.account.is_hedged,
        "updateTime": 0,
        "multiAssetsMargin": call.account.is_multi_assets,
        "tradeGroupId": -1,
    }


def symbol_config(call: Call) -> list[dict[str, Any]]:
    """GET symbolConfig."""
    rows = []
    for symbol in _symbols(call):
        leverage = call.account.leverage_of(symbol)
        rows.append(
            {
                "symbol": symbol,
                "marginType": "ISOLATED" if symbol in call.account.isolated else "CROSSED",
                "isAutoAddMargin": "false",
                "leverage": leverage,
                "maxNotionalValue": show.whole(call.world.listings[symbol].rules.cap(leverage)),
            }
        )
    return rows


def trades(call: Call) -> list[dict[str, Any]]:
    """GET userTrades: by time, by order, or from a trade id on."""
    symbol = call.params.text("symbol")
    rules = call.world.listing(symbol).rules
    order_id, least = call.params.optional_integer("orderId"), call.params.optional_integer("fromId")
    rows = [row for row in call.account.trades if row.symbol == symbol and order_id in (None, row.order_id)]
    rows = between(call.params, rows, lambda row: row.event_ns // 1_000_000)
    if least is not None:
        rows = [row for row in rows if row.trade_id >= least]
    rows = page(call.params, rows, from_oldest=least is not None)
    return [views.trade_row(rules, row) for row in rows]


def income(call: Call) -> list[dict[str, Any]]:
    """GET income."""
    symbol, kind = call.params.optional("symbol"), call.params.optional("incomeType")
    rows = [row for row in call.account.incomes if symbol in (None, row.symbol) and kind in (None, row.kind)]
    rows = between(call.params, rows, lambda row: row.time_ms)
    if call.params.optional("limit") is None and call.params.optional("startTime") is None:
        rows = rows[-100:]
    return [
        {
            "symbol": row.symbol,
            "incomeType": row.kind,
            "income": money(row.amount_atto),
            "asset": "USDT",
            "info": row.info,
            "time": row.time_ms,
            "tranId": str(row.number),
            "tradeId": "" if row.trade_id is None else str(row.trade_id),
        }
        for row in page(call.params, rows)
    ]


def commission(call: Call) -> dict[str, Any]:
    """GET commissionRate."""
    rules = call.world.listing(call.params.text("symbol")).rules
    return {
        "symbol": rules.symbol,
        "makerCommissionRate": f"{rules.maker_fee:f}",
        "takerCommissionRate": f"{rules.taker_fee:f}",
    }


def leverage_bracket(call: Call) -> list[dict[str, Any]]:
    """GET leverageBracket."""
    return [show.brackets(call.world.listings[symbol].rules) for symbol in _symbols(call)]


def set_leverage(call: Call) -> dict[str, Any]:
    """POST leverage."""
    symbol, leverage = call.params.text("symbol"), call.params.integer("leverage")
    call.world.set_leverage(call.account.number, symbol, leverage)
    cap = call.world.listings[symbol].rules.cap(leverage)
    return {"leverage": leverage, "maxNotionalValue": show.whole(cap), "symbol": symbol}


def set_margin_type(call: Call) -> dict[str, Any]:
    """POST marginType."""
    symbol = call.params.text("symbol")
    kind = call.params.word("marginType", _MARGIN_TYPES, -1130)
    call.world.set_margin_type(call.account.number, symbol, isolated=kind == "ISOLATED")
    return _DONE


def move_margin(call: Call) -> dict[str, Any]:
    """POST positionMargin: type 1 adds, 2 takes back."""
    symbol, kind = call.params.text("symbol"), call.params.integer("type")
    amount = call.params.decimal("amount")
    if kind not in (1, 2):
        raise fault(-1130, "type")
    if amount <= 0:
        raise fault(-4055)
    atto = int(amount * ATTO)
    settings.move_margin(call.world, call.account, symbol, read_leg(call.params), atto if kind == 1 else -atto)
    return {"amount": float(amount), "code": 200, "msg": "Successfully modify position margin.", "type": kind}


def margin_history(call: Call) -> list[dict[str, Any]]:
    """GET positionMargin/history."""
    symbol, kind = call.params.text("symbol"), call.params.optional_integer("type")
    call.world.listing(symbol)
    rows = [row for row in call.account.margin_changes if row[0] == symbol and kind in (None, row[2])]
    return [
        {
            "symbol": name,
            "type": which,
            "deltaType": reason,
            "amount": money(atto),
            "asset": "USDT",
            "time": time_ms,
            "positionSide": leg.name,
        }
        for name, leg, which, atto, reason, time_ms in page(call.params, between(call.params, rows, lambda row: row[5]))
    ]


def position_mode(call: Call) -> dict[str, Any]:
    """GET positionSide/dual."""
    return {"dualSidePosition": call.account.is_hedged}


def set_position_mode(call: Call) -> dict[str, Any]:
    """POST positionSide/dual."""
    call.params.text("dualSidePosition")
    settings.set_hedged(call.account, hedged=call.params.flag("dualSidePosition"))
    return _DONE


def assets_mode(call: Call) -> dict[str, Any]:
    """GET multiAssetsMargin."""
    return {"multiAssetsMargin": call.account.is_multi_assets}


def set_assets_mode(call: Call) -> dict[str, Any]:
    """POST multiAssetsMargin."""
    call.params.text("multiAssetsMargin")
    settings.set_multi_assets(call.world, call.account, multi=call.params.flag("multiAssetsMargin"))
    return _DONE


def adl_quantile(call: Call) -> list[dict[str, Any]]:
    """GET adlQuantile: of the symbols where there is a position; there is no queue, all stand first in it."""
    rows = []
    for symbol in _symbols(call):
        held = {leg.name: 1 for (name, leg), book in call.account.books.items() if name == symbol and book.position}
        if held:
            empty = {"LONG": 0, "SHORT": 0} | ({"HEDGE": 0} if call.account.is_hedged else {"BOTH": 0})
            rows.append({"symbol": symbol, "adlQuantile": empty | held})
    return rows


def order_limits(call: Call) -> list[dict[str, Any]]:
    """GET rateLimit/order."""
    return call.desk.meter.limits.order_rows()


def open_listen_key(call: Call) -> dict[str, Any]:
    """POST listenKey."""
    return {"listenKey": call.desk.listen_keys.open(call.account.number, call.world.now_ms)}


def keep_listen_key(call: Call) -> dict[str, Any]:
    """PUT listenKey."""
    return {"listenKey": call.desk.listen_keys.keep(call.account.number, call.world.now_ms)}


def close_listen_key(call: Call) -> dict[str, Any]:
    """DELETE listenKey."""
    call.desk.listen_keys.close(call.account.number)
    return {}


def _symbols(call: Call) -> list[str]:
    symbol = call.params.optional("symbol")
    if symbol is None:
        return list(call.world.listings)
    call.world.listing(symbol)
    return [symbol]


def _positions(call: Call) -> list[show.Position]:
    symbol = call.params.optional("symbol")
    if symbol is not None:
        call.world.listing(symbol)
    return show.positions(call.account, call.world.standing(call.account), call.world.listings, symbol)


def _updated(call: Call) -> int:
    """Return when the account's money last changed, Unix ms."""
    return max((book.update_ms for book in call.account.books.values()), default=0)


ROUTES: Final[Mapping[tuple[str, str], Route]] = {
    ("GET", "/fapi/v2/account"): Route(account_v2, weight=5),
    ("GET", "/fapi/v3/account"): Route(account_v3, weight=5),
    ("GET", "/fapi/v2/balance"): Route(balance, weight=5),
    ("GET", "/fapi/v3/balance"): Route(balance, weight=5),
    ("GET", "/fapi/v2/positionRisk"): Route(risk_v2, weight=5),
    ("GET", "/fapi/v3/positionRisk"): Route(risk_v3, weight=5),
    ("GET", "/fapi/v1/accountConfig"): Route(config, weight=5),
    ("GET", "/fapi/v1/symbolConfig"): Route(symbol_config, weight=5),
    ("GET", "/fapi/v1/userTrades"): Route(trades, weight=5),
    ("GET", "/fapi/v1/income"): Route(income, weight=30),
    ("GET", "/fapi/v1/commissionRate"): Route(commission, weight=20),
    ("GET", "/fapi/v1/leverageBracket"): Route(leverage_bracket),
    ("POST", "/fapi/v1/leverage"): Route(set_leverage),
    ("POST", "/fapi/v1/marginType"): Route(set_margin_type),
    ("POST", "/fapi/v1/positionMargin"): Route(move_margin),
    ("GET", "/fapi/v1/positionMargin/history"): Route(margin_history),
    ("GET", "/fapi/v1/positionSide/dual"): Route(position_mode, weight=30),
    ("POST", "/fapi/v1/positionSide/dual"): Route(set_position_mode),
    ("GET", "/fapi/v1/multiAssetsMargin"): Route(assets_mode, weight=30),
    ("POST", "/fapi/v1/multiAssetsMargin"): Route(set_assets_mode),
    ("GET", "/fapi/v1/adlQuantile"): Route(adl_quantile, weight=5),
    ("GET", "/fapi/v1/rateLimit/order"): Route(order_limits),
    ("POST", "/fapi/v1/listenKey"): Route(open_listen_key, is_signed=False),
    ("PUT", "/fapi/v1/listenKey"): Route(keep_listen_key, is_signed=False),
    ("DELETE", "/fapi/v1/listenKey"): Route(close_listen_key, is_signed=False),
}
