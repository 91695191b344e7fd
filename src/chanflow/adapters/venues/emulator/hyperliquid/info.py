"""`/info`: a question in, its answer out. Nothing here knows of a transport.

Source: Hyperliquid documentation, "Info endpoint", and the recordings of hyperliquid-python-sdk (MIT).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.hyperliquid import portfolio
from chanflow.adapters.venues.emulator.hyperliquid.actions import FREE_REQUESTS
from chanflow.adapters.venues.emulator.hyperliquid.coins import Coin, grouped, trimmed, usd
from chanflow.adapters.venues.emulator.hyperliquid.refusals import Unreadable
from chanflow.adapters.venues.emulator.hyperliquid.trading import Trading
from chanflow.adapters.venues.emulator.klines import INTERVALS, Candle
from chanflow.adapters.venues.emulator.prints import Trade

LEVELS: Final = 20
_DEEP: Final = 500
_NEAR: Final = 50
"""Levels of the market that are put together into those shown, and into the best one."""
MOST_FILLS: Final = 2_000
MOST_CANDLES: Final = 5_000
MOST_FUNDINGS: Final = 500
MOST_HISTORY: Final = 2_000
_PPB_DECIMALS: Final = 9
_ATTO: Final = 10**18

Asked = Mapping[str, Any]


class Info:
    """Answers questions. `server_ms` is the time that clients see."""

    def __init__(self, trading: Trading, *, server_ms: Callable[[], int]) -> None:
        self._trading = trading
        self._server_ms = server_ms
        self._by_name = {coin.name: coin for coin in trading.coins}
        self._known: Mapping[str, Callable[[Asked], object]] = {
            "meta": lambda _: self.meta(), "metaAndAssetCtxs": lambda _: [self.meta(), self._contexts()],
            "spotMeta": lambda _: _SPOT_META, "spotMetaAndAssetCtxs": lambda _: [_SPOT_META, []],
            "perpDexs": lambda _: [None], "allMids": lambda _: self.mids(),
            "exchangeStatus": lambda _: {"time": self._server_ms(), "specialStatuses": None},
            "l2Book": lambda asked: self.book(self.coin(asked["coin"]), asked.get("nSigFigs")),
            "candleSnapshot": self._candles, "fundingHistory": self._funding_history,
            "recentTrades": lambda asked: self._recent(self.coin(asked["coin"])),
            "clearinghouseState": self._state, "spotClearinghouseState": lambda _: {"balances": []},
            "openOrders": self._open_orders, "frontendOpenOrders": self._frontend_open_orders,
            "orderStatus": self._order_status, "historicalOrders": self._historical_orders,
            "userFills": lambda asked: self.fills(self._number(asked))[::-1][:MOST_FILLS],
            "userFillsByTime": self._fills_by_time, "userFunding": self._user_funding,
            "userNonFundingLedgerUpdates": lambda _: [], "userTwapSliceFills": lambda _: [],
            "userVaultEquities": lambda _: [], "subAccounts": lambda _: None, "userFees": self._user_fees,
            "userRateLimit": self._user_rate_limit, "userRole": lambda asked: trading.wallets.role(asked["user"]),
            "extraAgents": self._extra_agents, "maxBuilderFee": lambda _: 0,
        }  # fmt: skip

    def answer(self, body: object) -> object:
        """Return the answer to a question. Raises Unreadable for what is none."""
        if not isinstance(body, Mapping):
            raise Unreadable
        question = self._known.get(str(body.get("type")))
        if question is None:
            raise Unreadable
        try:
            return question(body)
        except (KeyError, TypeError, ValueError, AttributeError) as cause:
            raise Unreadable from cause

    def coin(self, name: object) -> Coin:
        """Return a coin by its name. Raises Unreadable where there is none."""
        found = self._by_name.get(str(name))
        if found is None:
            raise Unreadable
        return found

    # ── the market ────────────────────────────────────────────────────────────

    def meta(self) -> dict[str, Any]:
        """Return the perpetuals."""
        universe = [
            {"szDecimals": coin.rules.qty_decimals, "name": coin.name, "maxLeverage": coin.max_leverage,
             "marginTableId": coin.max_leverage}
            for coin in self._trading.coins
        ]  # fmt: skip
        return {"universe": universe, "marginTables": [], "collateralToken": 0}

    def mids(self) -> dict[str, str]:
        """Return the mid of each coin that has one."""
        return {coin.name: mid for coin in self._trading.coins if (mid := self._mid(coin)) is not None}

    def _mid(self, coin: Coin) -> str | None:
        book = self._trading.markets[coin.symbol].book
        bid, ask = book.best(BID), book.best(ASK)
        if bid is None or ask is None:
            return None
        return trimmed(_halves(bid[0] + ask[0], coin.rules.price_decimals))

    def book(self, coin: Coin, figures: object = None) -> dict[str, Any]:
        """Return a coin's book; prices with too many figures are put together."""
        if figures not in (None, 2, 3, 4, 5):
            raise Unreadable
        sides = [self._side(coin, side, _DEEP, figures)[:LEVELS] for side in (BID, ASK)]
        return {"coin": coin.name, "time": self._book_ms(coin), "levels": sides}

    def best(self, coin: Coin) -> dict[str, Any]:
        """Return a coin's best quotes as the stream `bbo` tells them."""
        sides = [self._side(coin, side, _NEAR) for side in (BID, ASK)]
        return {"coin": coin.name, "time": self._book_ms(coin), "bbo": [rows[0] if rows else None for rows in sides]}

    def _side(self, coin: Coin, side: int, depth: int, figures: object = None) -> list[dict[str, Any]]:
        levels = self._trading.markets[coin.symbol].book.top(side, depth)
        to = figures if isinstance(figures, int) else None
        return [_level(coin, row) for row in grouped(levels, coin, up=side == ASK, figures=to)]

    def _book_ms(self, coin: Coin) -> int:
        return self._trading.markets[coin.symbol].now_ns // 1_000_000

    def trade(self, coin: Coin, one: Trade) -> dict[str, Any]:
        """Return a public trade."""
        return {
            "coin": coin.name, "side": "A" if one.buyer_is_maker else "B", "px": coin.price_text(one.price),
            "sz": coin.size_text(one.qty), "time": one.ms, "hash": f"0x{0:064x}",
            "tid": one.trade_id * 1_000 + coin.index, "users": [_NOBODY, _NOBODY],
        }  # fmt: skip

    def _recent(self, coin: Coin) -> list[dict[str, Any]]:
        return [self.trade(coin, one) for one in list(self._trading.markets[coin.symbol].trades)[-10:][::-1]]

    def context(self, coin: Coin) -> dict[str, Any]:
        """Return a coin's mark, oracle, funding and day."""
        market, day = self._trading.markets[coin.symbol], self._trading.markets[coin.symbol].day()
        mark, index, mid = market.mark or 0, market.index or market.mark or 0, self._mid(coin)
        premium = (mark - index) / index if index else 0.0
        return {
            "funding": _rate(market.rate_ppb), "openInterest": coin.size_text(market.open_interest),
            "prevDayPx": coin.price_text(day.open if day else mark),
            "dayNtlVlm": trimmed(coin.rules.quote_text(day.quote if day else 0)), "premium": trimmed(f"{premium:.10f}"),
            "oraclePx": coin.price_text(index), "markPx": coin.price_text(mark), "midPx": mid,
            "impactPxs": None if mid is None else self._impact(coin),
            "dayBaseVlm": coin.size_text(day.qty if day else 0),
        }  # fmt: skip

    def _impact(self, coin: Coin) -> list[str]:
        book = self._trading.markets[coin.symbol].book
        return [coin.price_text(best[0]) for side in (BID, ASK) if (best := book.best(side)) is not None]

    def _contexts(self) -> list[dict[str, Any]]:
        return [self.context(coin) for coin in self._trading.coins]

    def candle(self, coin: Coin, interval: str, one: Candle) -> dict[str, Any]:
        """Return a candle."""
        price = coin.price_text
        return {
            "t": one.open_ms, "T": one.close_ms, "s": coin.name, "i": interval, "o": price(one.open),
            "c": price(one.close), "h": price(one.high), "l": price(one.low), "v": coin.size_text(one.qty),
            "n": one.count,
        }  # fmt: skip

    def _candles(self, asked: Asked) -> list[dict[str, Any]]:
        req = asked["req"]
        coin, interval = self.coin(req["coin"]), req["interval"]
        if interval not in INTERVALS:
            raise Unreadable
        start, end = int(req["startTime"]), req.get("endTime")
        # The one that is under way at the start is told too.
        klines = self._trading.markets[coin.symbol].klines
        found = klines.candles(interval, None, None if end is None else int(end), MOST_CANDLES)
        return [self.candle(coin, interval, one) for one in found if one.close_ms >= start]

    def _funding_history(self, asked: Asked) -> list[dict[str, Any]]:
        coin, start, end = self.coin(asked["coin"]), int(asked["startTime"]), asked.get("endTime")
        rows = [
            {"coin": coin.name, "fundingRate": _rate(one.rate_ppb), "premium": _rate(one.rate_ppb), "time": one.ms}
            for one in self._trading.markets[coin.symbol].funding
            if start <= one.ms and (end is None or one.ms <= int(end))
        ]
        return rows[:MOST_FUNDINGS]

    # ── an account ────────────────────────────────────────────────────────────

    def _number(self, asked: Asked) -> int | None:
        return self._trading.wallets.number(asked["user"])

    def _state(self, asked: Asked) -> dict[str, Any]:
        return portfolio.state(self._trading, self._number(asked), self._server_ms())

    def _open_orders(self, asked: Asked) -> list[dict[str, Any]]:
        number = self._number(asked)
        living = [] if number is None else [order for order in self._trading.roll.living(number) if not order.waits]
        return [order.basic() for order in living][::-1]

    def _frontend_open_orders(self, asked: Asked) -> list[dict[str, Any]]:
        number = self._number(asked)
        living = [] if number is None else list(self._trading.roll.living(number))
        return [order.full() for order in living][::-1]

    def _order_status(self, asked: Asked) -> dict[str, Any]:
        number = self._number(asked)
        order = None if number is None else self._trading.roll.find(number, asked["oid"])
        return {"status": "unknownOid"} if order is None else {"status": "order", "order": order.history()}

    def _historical_orders(self, asked: Asked) -> list[dict[str, Any]]:
        number = self._number(asked)
        orders = [] if number is None else self._trading.roll.of_account.get(number, [])
        return [order.history() for order in orders[-MOST_HISTORY:][::-1]]

    def fills(self, number: int | None) -> list[dict[str, Any]]:
        """Return an account's fills, oldest first."""
        return [] if number is None else self._trading.told(number).fills

    def _fills_by_time(self, asked: Asked) -> list[dict[str, Any]]:
        start, end = int(asked["startTime"]), asked.get("endTime")
        rows = [
            row for row in self.fills(self._number(asked))
            if start <= row["time"] and (end is None or row["time"] <= int(end))
        ]  # fmt: skip
        return rows[:MOST_FILLS]

    def fundings(self, number: int | None) -> list[dict[str, Any]]:
        """Return an account's funding payments, oldest first."""
        return [] if number is None else self._trading.told(number).fundings

    def _user_funding(self, asked: Asked) -> list[dict[str, Any]]:
        start, end = int(asked["startTime"]), asked.get("endTime")
        return [
            {"time": row["time"], "hash": f"0x{0:064x}",
             "delta": {"type": "funding", **{key: value for key, value in row.items() if key != "time"}}}
            for row in self.fundings(self._number(asked))
            if start <= row["time"] and (end is None or row["time"] <= int(end))
        ][:MOST_FUNDINGS]  # fmt: skip

    def _user_fees(self, asked: Asked) -> dict[str, Any]:
        self._number(asked)
        rules = self._trading.coins[0].rules
        return {
            "dailyUserVlm": [], "feeSchedule": {"cross": str(rules.taker_fee), "add": str(rules.maker_fee)},
            "userCrossRate": str(rules.taker_fee), "userAddRate": str(rules.maker_fee), "activeReferralDiscount": "0.0",
        }  # fmt: skip

    def _user_rate_limit(self, asked: Asked) -> dict[str, Any]:
        number = self._number(asked)
        told = None if number is None else self._trading.told(number)
        volume = told.volume_atto if told else 0
        return {
            "cumVlm": usd(volume), "nRequestsUsed": told.requests if told else 0,
            "nRequestsCap": FREE_REQUESTS + volume // _ATTO,
        }  # fmt: skip

    def _extra_agents(self, asked: Asked) -> list[dict[str, Any]]:
        master = str(asked["user"]).lower()
        wallets = self._trading.wallets
        return [
            {"name": wallets.names.get(agent, ""), "address": agent, "validUntil": self._server_ms() + 90 * 86_400_000}
            for agent, owner in wallets.masters.items()
            if owner == master and wallets.names.get(agent)
        ]


_NOBODY: Final = "0x0000000000000000000000000000000000000000"
_SPOT_META: Final = {
    "universe": [],
    "tokens": [
        {"name": "USDC", "szDecimals": 8, "weiDecimals": 8, "index": 0, "tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054",
         "isCanonical": True, "evmContract": None, "fullName": None},
    ],
}  # fmt: skip


def _level(coin: Coin, row: list[int]) -> dict[str, Any]:
    price, lots, count = row
    return {"px": coin.price_text(price), "sz": coin.size_text(lots), "n": count}


def _halves(doubled: int, places: int) -> str:
    whole, half = divmod(doubled, 2)
    text = f"{whole}{'5' if half else '0'}".zfill(places + 2)
    return f"{text[: -places - 1]}.{text[-places - 1 :]}"


def _rate(ppb: int) -> str:
    return trimmed(f"{ppb / 10**_PPB_DECIMALS:.{_PPB_DECIMALS}f}")
