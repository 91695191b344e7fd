"""Messages of market streams: written once, when somebody listens, as Binance USD-M writes them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from chanflow.adapters.venues.emulator.book import Diff, Levels
from chanflow.adapters.venues.emulator.klines import Candle
from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed

NS_PER_MS = 1_000_000


class Frame:
    """One message of one stream; its text is written when it is first asked for, and then kept."""

    __slots__ = ("_bare", "_data", "_named", "_write", "event_ns", "stream")

    def __init__(self, stream: str, event_ns: int, write: Callable[[], str]) -> None:
        """`write` returns the message as JSON text; what it needs must not change after."""
        self.stream = stream
        self.event_ns = event_ns
        self._write = write
        self._data: bytes | None = None
        self._bare: bytes | None = None
        self._named: bytes | None = None

    @property
    def data(self) -> bytes:
        """The message, as a socket of single streams brings it."""
        if self._data is None:
            self._data = self._write().encode()
        return self._data

    @property
    def combined(self) -> bytes:
        """The message with its stream's name, as a socket of combined streams brings it."""
        return b'{"stream":"%b","data":%b}' % (self.stream.encode(), self.data)

    @property
    def wire(self) -> bytes:
        """`data` as a WebSocket frame."""
        if self._bare is None:
            self._bare = text_frame(self.data)
        return self._bare

    @property
    def combined_wire(self) -> bytes:
        """`combined` as a WebSocket frame."""
        if self._named is None:
            self._named = text_frame(self.combined)
        return self._named


def text_frame(payload: bytes) -> bytes:
    """Return a payload as an unmasked WebSocket text frame, as servers send it (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + struct.pack(">H", size) + payload
    return b"\x81\x7f" + struct.pack(">Q", size) + payload


def book_ticker(
    rules: SymbolRules, update_id: int, bid: tuple[int, int], ask: tuple[int, int], event_ns: int
) -> Callable[[], str]:
    """Return what writes a `bookTicker`."""

    def write() -> str:
        ms = event_ns // NS_PER_MS
        price, qty = rules.price_text, rules.qty_text
        return (
            f'{{"e":"bookTicker","u":{update_id},"s":"{rules.symbol}","b":"{price(bid[0])}","B":"{qty(bid[1])}",'
            f'"a":"{price(ask[0])}","A":"{qty(ask[1])}","T":{ms},"E":{ms}}}'
        )

    return write


def levels_text(rules: SymbolRules, levels: Levels) -> str:
    """Return levels as a JSON list of pairs of text."""
    pd, qd = rules.price_decimals, rules.qty_decimals
    return "[" + ",".join(f'["{fixed(p, pd)}","{fixed(q, qd)}"]' for p, q in levels) + "]"


def depth_update(rules: SymbolRules, diff: Diff, emitted_ns: int, event_ns: int) -> Callable[[], str]:
    """Return what writes a `depthUpdate`."""

    def write() -> str:
        return (
            f'{{"e":"depthUpdate","E":{emitted_ns // NS_PER_MS},"T":{event_ns // NS_PER_MS},"s":"{rules.symbol}",'
            f'"U":{diff.first_id},"u":{diff.final_id},"pu":{diff.prev_id},'
            f'"b":{levels_text(rules, diff.bids)},"a":{levels_text(rules, diff.asks)}}}'
        )

    return write


def trade(
    rules: SymbolRules, trade_id: int, price: int, qty: int, event_ns: int, *, buyer_is_maker: bool
) -> Callable[[], str]:
    """Return what writes a `trade`."""

    def write() -> str:
        ms = event_ns // NS_PER_MS
        return (
            f'{{"e":"trade","E":{ms},"T":{ms},"s":"{rules.symbol}","t":{trade_id},"p":"{rules.price_text(price)}",'
            f'"q":"{rules.qty_text(qty)}","X":"MARKET","m":{_bool(buyer_is_maker)}}}'
        )

    return write


def agg_trade(rules: SymbolRules, one: Sequence[Any], event_ns: int) -> Callable[[], str]:
    """Return what writes an `aggTrade`: id, price, qty, first, last, ms, buyer_is_maker."""
    number, price, qty, first, last, ms, is_maker = one

    def write() -> str:
        return (
            f'{{"e":"aggTrade","E":{event_ns // NS_PER_MS},"a":{number},"s":"{rules.symbol}",'
            f'"p":"{rules.price_text(price)}","q":"{rules.qty_text(qty)}","f":{first},"l":{last},"T":{ms},'
            f'"m":{_bool(is_maker)}}}'
        )

    return write


def kline(rules: SymbolRules, interval: str, one: Candle, event_ns: int, *, closed: bool) -> Callable[[], str]:
    """Return what writes a `kline`."""

    def write() -> str:
        head = f'{{"e":"kline","E":{event_ns // NS_PER_MS},"s":"{rules.symbol}","k":'
        symbol = f'"s":"{rules.symbol}",'
        return f"{head}{_candle(rules, interval, one, closed, symbol)}}}"

    return write


def continuous_kline(
    rules: SymbolRules, interval: str, one: Candle, event_ns: int, *, closed: bool
) -> Callable[[], str]:
    """Return what writes a `continuous_kline` of the perpetual contract."""

    def write() -> str:
        head = f'{{"e":"continuous_kline","E":{event_ns // NS_PER_MS},"ps":"{rules.symbol}","ct":"PERPETUAL","k":'
        return f"{head}{_candle(rules, interval, one, closed, '')}}}"

    return write


def _candle(rules: SymbolRules, interval: str, one: Candle, closed: bool, symbol: str) -> str:
    price, qty, quote = rules.price_text, rules.qty_text, rules.quote_text
    return (
        f'{{"t":{one.open_ms},"T":{one.close_ms},{symbol}"i":"{interval}","f":{one.first_id},"L":{one.last_id},'
        f'"o":"{price(one.open)}","c":"{price(one.close)}","h":"{price(one.high)}","l":"{price(one.low)}",'
        f'"v":"{qty(one.qty)}","n":{one.count},"x":{_bool(closed)},"q":"{quote(one.quote)}",'
        f'"V":"{qty(one.buy_qty)}","Q":"{quote(one.buy_quote)}","B":"0"}}'
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"
