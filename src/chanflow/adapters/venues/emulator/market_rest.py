"""The public endpoints: what each answers, and what it weighs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, TypeVar

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.codes import Fault, fault
from chanflow.adapters.venues.emulator.exchange_info import exchange_info
from chanflow.adapters.venues.emulator.frames import NS_PER_MS
from chanflow.adapters.venues.emulator.klines import INTERVALS, Candle, Klines
from chanflow.adapters.venues.emulator.market import MarketState
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.prints import AggTrade, Trade, day_text
from chanflow.adapters.venues.emulator.rules import fixed

Params = Mapping[str, str]
Route = Callable[[MarketDesk, Params], object]
Row = TypeVar("Row")

DEPTHS: Final = (5, 10, 20, 50, 100, 500, 1000)
_MOST_MS: Final = 1 << 53


def ping(desk: MarketDesk, asked: Params) -> object:  # noqa: ARG001  (every route takes both)
    """Answer that the exchange is there."""
    return {}


def server_time(desk: MarketDesk, asked: Params) -> object:  # noqa: ARG001
    """Answer the exchange's time."""
    return {"serverTime": desk.server_ms}


def info(desk: MarketDesk, asked: Params) -> object:  # noqa: ARG001
    """Answer every symbol's rules."""
    return exchange_info({name: state.rules for name, state in desk.states.items()}, desk.server_ms, desk.rate_limits)


def depth(desk: MarketDesk, asked: Params) -> object:
    """Answer the book."""
    state = _state(desk, asked)
    limit = _whole(asked, "limit", 500)
    if limit not in DEPTHS:
        raise Fault(-4021, f"Invalid depth limit: {limit}")
    price, qty = state.rules.price_text, state.rules.qty_text
    return {
        "lastUpdateId": state.book.update_id,
        "E": desk.server_ms,
        "T": state.book_ns // NS_PER_MS,
        "bids": [[price(p), qty(q)] for p, q in state.book.top(BID, limit)],
        "asks": [[price(p), qty(q)] for p, q in state.book.top(ASK, limit)],
    }


def trades(desk: MarketDesk, asked: Params) -> object:
    """Answer the latest trades."""
    state = _state(desk, asked)
    return [_trade(state, one) for one in _last(state.trades, _limit(asked, 500, 1000))]


def historical_trades(desk: MarketDesk, asked: Params) -> object:
    """Answer trades from an id, else the latest."""
    state, limit = _state(desk, asked), _limit(asked, 100, 500)
    if "fromId" not in asked:
        return [_trade(state, one) for one in _last(state.trades, limit)]
    held = state.trades
    at = max(0, _whole(asked, "fromId", 0) - (held[0].trade_id if held else 0))
    return [_trade(state, one) for one in islice(held, at, at + limit)]


def agg_trades(desk: MarketDesk, asked: Params) -> object:
    """Answer aggregate trades from an id or of a time, else the latest."""
    state, limit, held = _state(desk, asked), _limit(asked, 500, 1000), _state(desk, asked).agg_trades
    if "fromId" in asked:
        at = max(0, _whole(asked, "fromId", 0) - (held[0].number if held else 0))
        return [_aggregate(state, one) for one in islice(held, at, at + limit)]
    if "startTime" in asked or "endTime" in asked:
        start, end = _whole(asked, "startTime", 0), _whole(asked, "endTime", _MOST_MS)
        found = (one for one in held if start <= one.ms <= end)
        rows = list(islice(found, limit)) if "startTime" in asked else list(deque(found, maxlen=limit))
        return [_aggregate(state, one) for one in rows]
    return [_aggregate(state, one) for one in _last(held, limit)]


def klines(desk: MarketDesk, asked: Params) -> object:
    """Answer candles of trades."""
    state = _state(desk, asked)
    return [_kline(state, one) for one in _candles(state.klines, asked)]


def continuous_klines(desk: MarketDesk, asked: Params) -> object:
    """Answer candles of a pair's perpetual contract, the only one there is."""
    state = _state(desk, asked, "pair")
    contract = asked.get("contractType")
    if contract is None:
        raise fault(-1102, "contractType")
    if contract not in {"PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER"}:
        raise fault(-1130, "contractType")
    rows = _candles(state.klines, asked)
    return [_kline(state, one) for one in rows] if contract == "PERPETUAL" else []


def mark_klines(desk: MarketDesk, asked: Params) -> object:
    """Answer candles of the mark price."""
    state = _state(desk, asked)
    return [_value_kline(one, state.mark_text) for one in _candles(state.mark_klines, asked)]


def index_klines(desk: MarketDesk, asked: Params) -> object:
    """Answer candles of the index price."""
    state = _state(desk, asked, "pair")
    return [_value_kline(one, state.mark_text) for one in _candles(state.index_klines, asked)]


def premium_klines(desk: MarketDesk, asked: Params) -> object:
    """Answer candles of the premium of the mark over the index."""
    state = _state(desk, asked)
    return [_value_kline(one, lambda value: fixed(value, 8)) for one in _candles(state.premium_klines, asked)]


def premium_index(desk: MarketDesk, asked: Params) -> object:
    """Answer mark, index and funding rate."""

    def one(state: MarketState) -> dict[str, Any]:
        index = state.mark_text(state.index)
        return {
            "symbol": state.rules.symbol, "markPrice": state.mark_text(state.mark), "indexPrice": index,
            "estimatedSettlePrice": index, "lastFundingRate": state.rate_text(state.rate_ppb),
            "interestRate": "0.00010000", "nextFundingTime": state.next_funding_ms, "time": state.now_ns // NS_PER_MS,
        }  # fmt: skip

    return _one_or_all(desk, asked, one)


def funding_rate(desk: MarketDesk, asked: Params) -> object:
    """Answer settled fundings, oldest first."""
    limit = _limit(asked, 100, 1000)
    start, end = _whole(asked, "startTime", 0), _whole(asked, "endTime", _MOST_MS)
    states = [_state(desk, asked)] if asked.get("symbol") else list(desk.states.values())
    rows = [
        {
            "symbol": state.rules.symbol, "fundingTime": paid.ms, "fundingRate": state.rate_text(paid.rate_ppb),
            "markPrice": state.mark_text(paid.mark),
        }
        for state in states for paid in state.funding if start <= paid.ms <= end
    ]  # fmt: skip
    rows.sort(key=lambda row: str(row["fundingTime"]))
    return rows[:limit] if "startTime" in asked else rows[-limit:]


def funding_info(desk: MarketDesk, asked: Params) -> object:  # noqa: ARG001
    """Answer how often each symbol settles funding, and the bounds of its rate."""
    return [
        {
            "symbol": name, "adjustedFundingRateCap": "0.00300000", "adjustedFundingRateFloor": "-0.00300000",
            "fundingIntervalHours": state.rules.funding_interval_h, "disclaimer": False,
        }
        for name, state in desk.states.items()
    ]  # fmt: skip


def ticker_day(desk: MarketDesk, asked: Params) -> object:
    """Answer the last 24 hours."""

    def one(state: MarketState) -> dict[str, Any] | None:
        day = state.day()
        if day is None:
            return None
        return {
            "symbol": state.rules.symbol, **day_text(state.rules, day), "openTime": day.open_ms,
            "closeTime": day.close_ms, "firstId": day.first_id, "lastId": day.last_id, "count": day.count,
        }  # fmt: skip

    return _one_or_all(desk, asked, one)


def ticker_price(desk: MarketDesk, asked: Params) -> object:
    """Answer the last price."""

    def one(state: MarketState) -> dict[str, Any] | None:
        last = state.last_trade
        if last is None:
            return None
        return {"symbol": state.rules.symbol, "price": state.rules.price_text(last.price), "time": last.ms}

    return _one_or_all(desk, asked, one)


def ticker_book(desk: MarketDesk, asked: Params) -> object:
    """Answer the best quotes."""

    def one(state: MarketState) -> dict[str, Any]:
        bid, ask = (state.book.best(side) or (0, 0) for side in (BID, ASK))
        price, qty = state.rules.price_text, state.rules.qty_text
        return {
            "symbol": state.rules.symbol, "bidPrice": price(bid[0]), "bidQty": qty(bid[1]), "askPrice": price(ask[0]),
            "askQty": qty(ask[1]), "time": state.book_ns // NS_PER_MS, "lastUpdateId": state.book.update_id,
        }  # fmt: skip

    return _one_or_all(desk, asked, one)


def open_interest(desk: MarketDesk, asked: Params) -> object:
    """Answer the contracts that are open."""
    state = _state(desk, asked)
    return {
        "symbol": state.rules.symbol, "openInterest": state.rules.qty_text(state.open_interest),
        "time": state.now_ns // NS_PER_MS,
    }  # fmt: skip


def nothing(desk: MarketDesk, asked: Params) -> object:  # noqa: ARG001
    """Answer that there are no such statistics."""
    return []


_V1: Final[Mapping[str, Route]] = {
    "ping": ping, "time": server_time, "exchangeInfo": info, "depth": depth, "trades": trades,
    "historicalTrades": historical_trades, "aggTrades": agg_trades, "klines": klines,
    "continuousKlines": continuous_klines, "markPriceKlines": mark_klines, "indexPriceKlines": index_klines,
    "premiumIndexKlines": premium_klines, "premiumIndex": premium_index, "fundingRate": funding_rate,
    "fundingInfo": funding_info, "ticker/24hr": ticker_day, "ticker/price": ticker_price,
    "ticker/bookTicker": ticker_book, "openInterest": open_interest,
}  # fmt: skip
_DATA: Final = (
    "openInterestHist", "topLongShortAccountRatio", "topLongShortPositionRatio", "globalLongShortAccountRatio",
    "takerlongshortRatio", "basis", "delivery-price",
)  # fmt: skip

ROUTES: Final[Mapping[tuple[str, str], Route]] = MappingProxyType(
    {
        **{("GET", f"/fapi/v1/{name}"): route for name, route in _V1.items()},
        ("GET", "/fapi/v2/ticker/price"): ticker_price,
        ("GET", "/api/v3/ping"): ping,
        ("GET", "/api/v3/time"): server_time,
        **{("GET", f"/futures/data/{name}"): nothing for name in _DATA},
    }
)
"""Every public endpoint by method and path."""

_WEIGHTS: Final = {
    "/fapi/v1/trades": 5, "/fapi/v1/historicalTrades": 20, "/fapi/v1/aggTrades": 20, "/futures/data/basis": 0,
}  # fmt: skip
_WEIGHTS_OF_ALL: Final = {
    "/fapi/v1/ticker/24hr": (1, 40), "/fapi/v1/ticker/price": (1, 2), "/fapi/v2/ticker/price": (1, 2),
    "/fapi/v1/ticker/bookTicker": (2, 5), "/fapi/v1/premiumIndex": (1, 10),
}  # fmt: skip


def weight_of(path: str, asked: Params) -> int:
    """Return what a public request weighs against the limit of 2,400 a minute.

    Source: Binance USD-M futures documentation, the weight of each market data endpoint.
    """
    limit = int(asked["limit"]) if asked.get("limit", "").isdigit() else 500
    if path == "/fapi/v1/depth":
        return next((weight for most, weight in ((50, 2), (100, 5), (500, 10)) if limit <= most), 20)
    if path.lower().endswith("klines"):
        return next((weight for most, weight in ((99, 1), (499, 2), (1000, 5)) if limit <= most), 10)
    if path in _WEIGHTS_OF_ALL:
        return _WEIGHTS_OF_ALL[path][not asked.get("symbol")]
    return _WEIGHTS.get(path, 1)


def _state(desk: MarketDesk, asked: Params, name: str = "symbol") -> MarketState:
    symbol = asked.get(name)
    if not symbol:
        raise fault(-1102, name)
    state = desk.states.get(symbol.upper())
    if state is None:
        raise fault(-1121)
    return state


def _one_or_all(
    desk: MarketDesk, asked: Params, of: Callable[[MarketState], dict[str, Any] | None]
) -> dict[str, Any] | list[dict[str, Any]]:
    if asked.get("symbol"):
        return of(_state(desk, asked)) or {}
    return [one for state in desk.states.values() if (one := of(state)) is not None]


def _whole(asked: Params, name: str, otherwise: int) -> int:
    text = asked.get(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise fault(-1130, name)
    return int(text)


def _limit(asked: Params, usual: int, most: int) -> int:
    limit = _whole(asked, "limit", usual)
    if not 1 <= limit <= most:
        raise fault(-1130, "limit")
    return limit


def _last(held: deque[Row], count: int) -> Iterable[Row]:
    rows = list(islice(reversed(held), count))
    rows.reverse()
    return rows


def _candles(of: Klines, asked: Params) -> list[Candle]:
    interval = asked.get("interval")
    if interval is None:
        raise fault(-1102, "interval")
    if interval not in INTERVALS:
        raise Fault(-1120, "Invalid interval.")
    start = _whole(asked, "startTime", 0) if "startTime" in asked else None
    end = _whole(asked, "endTime", 0) if "endTime" in asked else None
    return of.candles(interval, start, end, _limit(asked, 500, 1500))


def _trade(state: MarketState, one: Trade) -> dict[str, Any]:
    rules = state.rules
    return {
        "id": one.trade_id, "price": rules.price_text(one.price), "qty": rules.qty_text(one.qty),
        "quoteQty": rules.quote_text(one.price * one.qty), "time": one.ms, "isBuyerMaker": one.buyer_is_maker,
    }  # fmt: skip


def _aggregate(state: MarketState, one: AggTrade) -> dict[str, Any]:
    rules = state.rules
    return {
        "a": one.number, "p": rules.price_text(one.price), "q": rules.qty_text(one.qty), "f": one.first_id,
        "l": one.last_id, "T": one.ms, "m": one.buyer_is_maker,
    }  # fmt: skip


def _kline(state: MarketState, one: Candle) -> list[Any]:
    price, qty, quote = state.rules.price_text, state.rules.qty_text, state.rules.quote_text
    return [
        one.open_ms, price(one.open), price(one.high), price(one.low), price(one.close), qty(one.qty), one.close_ms,
        quote(one.quote), one.count, qty(one.buy_qty), quote(one.buy_quote), "0",
    ]  # fmt: skip


def _value_kline(one: Candle, text: Callable[[int], str]) -> list[Any]:
    shown = [text(one.open), text(one.high), text(one.low), text(one.close)]
    return [one.open_ms, *shown, "0", one.close_ms, "0", one.count, "0", "0", "0"]
