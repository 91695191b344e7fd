"""What the emulated exchange shows of one symbol's market, and the messages its streams bring."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from chanflow_native import Premium

from chanflow.adapters.venues.emulator import frames
from chanflow.adapters.venues.emulator.book import ASK, BID, Book, Diff
from chanflow.adapters.venues.emulator.frames import NS_PER_MS, Frame
from chanflow.adapters.venues.emulator.klines import INTERVALS, Candle, Klines
from chanflow.adapters.venues.emulator.prints import AggTrade, Day, Funding, Trade, day_text
from chanflow.adapters.venues.emulator.records import OwnTrade
from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed
from chanflow.adapters.venues.emulator.tape.steps import Kind, Ticks

CADENCES_MS: Final = (0, 100, 250, 500)
"""How often diffs come, by stream; 0 is with every change."""
SHOWN_LEVELS: Final = (5, 10, 20)
KEPT_TRADES: Final = 20_000
"""Trades, and as many aggregates, that may be asked for."""

_LEVEL: Final = (int(Kind.BID), int(Kind.ASK))
_TRADE: Final = (int(Kind.BUY), int(Kind.SELL))
_SELL: Final = int(Kind.SELL)
_BEST: Final = (int(Kind.BEST_BID), int(Kind.BEST_ASK))
_STEP_MS: Final = 50
_MARK_EVERY_MS: Final = 1_000
_DAY_MINUTES: Final = 1_440
_FIRST_OPEN_INTEREST: Final = 20_000
_MARK_PLACES: Final = 8


class MarketState:
    """The public side of one symbol. Time enters with ticks and with `advance`; memory is bounded."""

    def __init__(self, rules: SymbolRules, *, wanted: Callable[[str], bool] = lambda _: True) -> None:
        """`wanted` says whether anybody listens to a stream: messages that nobody wants are not made."""
        self.rules = rules
        self.book = Book(CADENCES_MS)
        self.trades: deque[Trade] = deque(maxlen=KEPT_TRADES)
        self.agg_trades: deque[AggTrade] = deque(maxlen=KEPT_TRADES)
        self.klines = Klines()
        self.mark_klines = Klines()
        self.index_klines = Klines()
        self.premium_klines = Klines()
        self.funding: deque[Funding] = deque(maxlen=1_000)
        self.now_ns = 0
        self.book_ns = 0
        self.mark: int | None = None
        self.last_trade: Trade | None = None
        self.open_interest = _FIRST_OPEN_INTEREST * 10**rules.qty_decimals // 100
        self._premium = Premium()
        self._mark_is_told = False
        self._wanted = wanted
        self._name = rules.symbol.lower()
        self._trade_id = 0
        self._agg_id = 0
        self._aggregate: AggTrade | None = None
        self._quoted: tuple[tuple[int, int], tuple[int, int]] | None = None
        self._kline_news = False
        self._step_ms: int | None = None
        self._out: list[Frame] = []

    # what comes in

    def take(self, ticks: Ticks) -> list[Frame]:
        """Take the next events of the tape and return the messages they bring, in order of time."""
        rows = zip(ticks.event_ns.tolist(), ticks.kind.tolist(), ticks.price.tolist(), ticks.qty.tolist(), strict=True)
        at = -1
        for event_ns, kind, price, qty in rows:
            if event_ns != at:
                self._end_moment()
                self._reach(event_ns)
                at = event_ns
            self._row(kind, price, qty)
        self._end_moment()
        return self._hand_out()

    def advance(self, now_ns: int) -> list[Frame]:
        """Let time pass without events, and return the messages that are due by `now_ns`."""
        self._reach(now_ns)
        return self._hand_out()

    def own_trades(self, trades: Iterable[OwnTrade]) -> list[Frame]:
        """Show what our clients traded. What ate displayed lots shows as trades and leaves the book until told anew.

        A fill that a trade on the tape brought about is not shown twice: the tape's trade is the public one.
        """
        for one in trades:
            if one.takes_from_book:
                self._reach(max(one.event_ns, self.now_ns))
                side = BID if one.buyer_is_maker else ASK
                self.book.eat(side, one.price, one.qty)
                self.book_ns = self.now_ns
                self._traded(one.price, one.qty, buyer_is_maker=one.buyer_is_maker)
        self._end_moment()
        return self._hand_out()

    def forced(self, *, side: str, qty: int, price: int, average: int, event_ns: int) -> list[Frame]:
        """Show one forced order, a liquidation or ADL, that was filled."""
        self._reach(max(event_ns, self.now_ns))
        price_text, qty_text = self.rules.price_text, self.rules.qty_text(qty)
        ms = event_ns // NS_PER_MS
        order = {"s": self.rules.symbol, "S": side, "o": "LIMIT", "f": "IOC", "q": qty_text, "p": price_text(price),
                 "ap": price_text(average), "X": "FILLED", "l": qty_text, "z": qty_text, "T": ms}  # fmt: skip
        text = _json({"e": "forceOrder", "E": ms, "o": order})
        for stream in (f"{self._name}@forceOrder", "!forceOrder@arr"):
            self._say(stream, lambda: text)
        return self._hand_out()

    # what is asked

    @property
    def index(self) -> int | None:
        """The index price: the mark smoothed, None before the first mark."""
        return None if self.mark is None else self._premium.index

    @property
    def rate_ppb(self) -> int:
        """The funding rate of this interval as it would be now, in ppb."""
        return self._premium.rate_ppb

    @property
    def next_funding_ms(self) -> int:
        """When funding is settled next, Unix ms."""
        every = self.rules.funding_interval_h * 3_600_000
        return (self.now_ns // NS_PER_MS // every + 1) * every

    def mark_text(self, price: int | None) -> str:
        """Return a mark or index price with eight decimals, 0 where there is none."""
        return fixed((price or 0) * 10 ** (_MARK_PLACES - self.rules.price_decimals), _MARK_PLACES)

    def rate_text(self, rate_ppb: int) -> str:
        """Return a rate with eight decimals."""
        return fixed(rate_ppb // 10, _MARK_PLACES)

    def day(self) -> Day | None:
        """Return the last 24 hours, None before the first trade."""
        last = self.last_trade
        if last is None:
            return None
        minutes = list(self.klines.minutes(_DAY_MINUTES))
        traded = [one for one in minutes if one.count]
        if not traded:
            return None
        now_ms = self.now_ns // NS_PER_MS
        with_ids = [one for one in traded if one.first_id >= 0]
        return Day(
            now_ms - _DAY_MINUTES * 60_000, now_ms, minutes[-1].open, max(one.high for one in traded),
            min(one.low for one in traded), last.price, last.qty, sum(one.qty for one in traded),
            sum(one.quote for one in traded), with_ids[-1].first_id, last.trade_id, sum(one.count for one in traded),
        )  # fmt: skip

    # one event

    def _row(self, kind: int, price: int, qty: int) -> None:
        # Plain numbers, most frequent first: this runs once an event.
        if kind in _LEVEL:
            self.book.set_level(kind - 1, price, qty)
            self.book_ns = self.now_ns
        elif kind in _TRADE:
            self._traded(price, qty, buyer_is_maker=kind == _SELL)
        elif kind in _BEST:
            self.book.set_best(kind - _BEST[0], price, qty)
            self.book_ns = self.now_ns
        elif kind == Kind.MARK:
            self._mark_is_told = True
            self._marked(price)
        elif kind == Kind.FUNDING:
            self.funding.append(Funding(self.now_ns // NS_PER_MS, qty, self.mark or 0))
            self._premium.settle()
        else:
            self.book.clear()

    def _traded(self, price: int, qty: int, *, buyer_is_maker: bool) -> None:
        self._trade_id += 1
        ms = self.now_ns // NS_PER_MS
        trade = Trade(self._trade_id, price, qty, ms, buyer_is_maker)
        self.last_trade = trade
        self.trades.append(trade)
        self.klines.trade(ms, price, qty, price * qty, buy=not buyer_is_maker, trade_id=self._trade_id)
        self._kline_news = True
        # A contract is opened by one trade and closed by another, whichever bit the id mixes to.
        opens = (self._trade_id * 0x9E3779B97F4A7C15 >> 61) & 1
        self.open_interest = max(0, self.open_interest + (qty if opens else -qty))
        rules = self.rules
        self._say(
            f"{self._name}@trade",
            frames.trade(rules, self._trade_id, price, qty, self.now_ns, buyer_is_maker=buyer_is_maker),
        )
        held = self._aggregate
        if held is not None and (held.price, held.buyer_is_maker, held.ms) == (price, buyer_is_maker, ms):
            self._aggregate = held._replace(qty=held.qty + qty, last_id=self._trade_id)
            return
        self._end_aggregate()
        self._agg_id += 1
        self._aggregate = AggTrade(self._agg_id, price, qty, self._trade_id, self._trade_id, ms, buyer_is_maker)

    def _end_aggregate(self) -> None:
        held, self._aggregate = self._aggregate, None
        if held is not None:
            self.agg_trades.append(held)
            self._say(f"{self._name}@aggTrade", frames.agg_trade(self.rules, held, self.now_ns))

    def _marked(self, price: int) -> None:
        self.mark = price
        self._premium.take(price)
        index = self._premium.index
        ms = self.now_ns // NS_PER_MS
        self.mark_klines.value(ms, price)
        self.index_klines.value(ms, index)
        self.premium_klines.value(ms, (price - index) * 10**_MARK_PLACES // max(index, 1))

    def _end_moment(self) -> None:
        """Tell what a moment left: the aggregate trade, the best quotes, the change of the book."""
        if self._aggregate is not None:
            self._end_aggregate()
        bid, ask = self.book.best(BID), self.book.best(ASK)
        if bid is not None and ask is not None and (bid, ask) != self._quoted:
            self._quoted = bid, ask
            write = frames.book_ticker(self.rules, self.book.update_id, bid, ask, self.now_ns)
            self._say(f"{self._name}@bookTicker", write)
        self._tell_depth(0)

    # what is due with time

    def _reach(self, now_ns: int) -> None:
        """Let time come to `now_ns`, telling at each step what is due at it."""
        now_ms = now_ns // NS_PER_MS
        step = self._step_ms
        if step is None:
            step = now_ms - now_ms % _STEP_MS + _STEP_MS
        while step <= now_ms:
            self.now_ns = max(self.now_ns, step * NS_PER_MS)
            self._beat(step)
            step += _STEP_MS
        self._step_ms = step
        self.now_ns = max(self.now_ns, now_ns)

    def _beat(self, ms: int) -> None:
        for klines in (self.mark_klines, self.index_klines, self.premium_klines):
            for _ in klines.roll(ms):
                pass
        for interval, candle in self.klines.roll(ms):
            self._say_kline(interval, candle, closed=True)
        for cadence in CADENCES_MS[1:]:
            if ms % cadence == 0:
                self._tell_depth(cadence)
        if ms % 250 == 0 and self._kline_news:
            self._kline_news = False
            for interval in INTERVALS:
                if self._wants_kline(interval):
                    candle_now = self.klines.current(interval)
                    if candle_now is not None:
                        self._say_kline(interval, candle_now, closed=False)
        if ms % _MARK_EVERY_MS == 0:
            self._tell_second(ms)

    def _tell_second(self, ms: int) -> None:
        if not self._mark_is_told and self._quoted is not None:
            bid, ask = self._quoted
            self._marked((bid[0] + ask[0]) // 2)
        if self.mark is not None:
            text = self._mark_writer()
            self._say(f"{self._name}@markPrice@1s", text)
            if ms % 3_000 == 0:
                self._say(f"{self._name}@markPrice", text)
        if ms % 2_000 == 0:
            for stream, of in (("ticker", self.ticker), ("miniTicker", self.mini_ticker)):
                if self._wanted(f"{self._name}@{stream}"):
                    told = of()
                    if told is not None:
                        self._say(f"{self._name}@{stream}", partial(_json, told))

    def _tell_depth(self, cadence_ms: int) -> None:
        if cadence_ms == 0 and not self._wanted(f"{self._name}@depth@0ms"):
            self.book.skip(0)
            return
        diff = self.book.diff(cadence_ms)
        if diff is None:
            return
        speed = "" if cadence_ms == 250 else f"@{cadence_ms}ms"
        write = frames.depth_update(self.rules, diff, self.now_ns, self.book_ns)
        self._say(f"{self._name}@depth{speed}", write)
        if cadence_ms == 250:
            self._say(f"{self._name}@depth@250ms", write)
        if cadence_ms == 0:
            return
        for count in SHOWN_LEVELS:
            names = [f"{self._name}@depth{count}{speed}"]
            if cadence_ms == 250:
                names.append(f"{self._name}@depth{count}@250ms")
            if any(map(self._wanted, names)):
                whole = Diff(
                    diff.first_id, diff.final_id, diff.prev_id, self.book.top(BID, count), self.book.top(ASK, count)
                )
                write = frames.depth_update(self.rules, whole, self.now_ns, self.book_ns)
                for name in names:
                    self._say(name, write)

    def _wants_kline(self, interval: str) -> bool:
        return self._wanted(f"{self._name}@kline_{interval}") or self._wanted(
            f"{self._name}_perpetual@continuousKline_{interval}"
        )

    def _say_kline(self, interval: str, candle: Candle, *, closed: bool) -> None:
        args = (self.rules, interval, candle, self.now_ns)
        self._say(f"{self._name}@kline_{interval}", frames.kline(*args, closed=closed))
        name = f"{self._name}_perpetual@continuousKline_{interval}"
        self._say(name, frames.continuous_kline(*args, closed=closed))

    # messages that all-market streams share

    def _mark_writer(self) -> Callable[[], str]:
        return partial(_json, self.mark_update())

    def mark_update(self) -> dict[str, Any]:
        """Return the mark price as `markPriceUpdate` tells it."""
        index = self.mark_text(self.index)
        return {"e": "markPriceUpdate", "E": self.now_ns // NS_PER_MS, "s": self.rules.symbol,
                "p": self.mark_text(self.mark), "i": index, "P": index, "r": self.rate_text(self.rate_ppb),
                "T": self.next_funding_ms}  # fmt: skip

    def ticker(self) -> dict[str, Any] | None:
        """Return the last 24 hours as `24hrTicker` tells them, None before the first trade."""
        day = self.day()
        if day is None:
            return None
        told = day_text(self.rules, day)
        return {"e": "24hrTicker", "E": self.now_ns // NS_PER_MS, "s": self.rules.symbol, "p": told["priceChange"],
                "P": told["priceChangePercent"], "w": told["weightedAvgPrice"], "c": told["lastPrice"],
                "Q": told["lastQty"], "o": told["openPrice"], "h": told["highPrice"], "l": told["lowPrice"],
                "v": told["volume"], "q": told["quoteVolume"], "O": day.open_ms, "C": day.close_ms,
                "F": day.first_id, "L": day.last_id, "n": day.count}  # fmt: skip

    def mini_ticker(self) -> dict[str, Any] | None:
        """Return the last 24 hours as `24hrMiniTicker` tells them, None before the first trade."""
        full = self.ticker()
        if full is None:
            return None
        return {"e": "24hrMiniTicker", **{key: full[key] for key in ("E", "s", "c", "o", "h", "l", "v", "q")}}

    def _say(self, stream: str, write: Callable[[], str]) -> None:
        if self._wanted(stream):
            self._out.append(Frame(stream, self.now_ns, write))

    def _hand_out(self) -> list[Frame]:
        out, self._out = self._out, []
        return out


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
