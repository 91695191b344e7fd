"""Market data of Binance: USD-M futures over the routed sockets, COIN-M futures and spot.

Source: Binance developer documentation, "Websocket Market Streams" and "How to manage a local order book correctly" of
each product; the routed USD-M addresses stand since 2026-04-23.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from chanflow.domain.errors import InvalidArgument
from chanflow.market.ports import RestRequest, SocketPlan

MAX_STREAMS = 200
"""Streams on one socket; 1,024 are documented, and such a socket lags."""

USUAL_SOCKETS = 20
"""Symbols share a socket of a class only when there are more of them than this."""

_STREAM_AT = len(b'{"stream":"')


@dataclass(frozen=True, slots=True)
class _Product:
    """What differs between Binance's products. Streams by class: (suffix, row kind)."""

    classes: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    rest_prefix: str
    quotes_path: str


_PUBLIC = (("bookTicker", "book_ticker"), ("depth@100ms", "book"))
_MARKET = (("aggTrade", "agg_trade"), ("markPrice@1s", "mark"), ("forceOrder", "liquidation"), ("kline_1m", "kline"))
_TRADE = ("trade", "trade")

PRODUCTS: Mapping[str, _Product] = MappingProxyType(
    {
        "binance-usdm": _Product(
            (("public", (*_PUBLIC, _TRADE)), ("market", _MARKET)), "/fapi/v1", "/fapi/v1/ticker/bookTicker"
        ),
        "binance-coinm": _Product(
            (("stream", (*_PUBLIC, _TRADE, *_MARKET)),), "/dapi/v1", "/dapi/v1/ticker/bookTicker"
        ),
        "binance-spot": _Product(
            (("stream", (*_PUBLIC, _TRADE, ("aggTrade", "agg_trade"), ("kline_1m", "kline"))),), "/api/v3",
            "/api/v3/ticker/bookTicker",
        ),
    }
)  # fmt: skip

URLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "binance-usdm": {
            "public": "wss://fstream.binance.com/public", "market": "wss://fstream.binance.com/market",
            "rest": "https://fapi.binance.com",
        },
        "binance-coinm": {"stream": "wss://dstream.binance.com", "rest": "https://dapi.binance.com"},
        "binance-spot": {"stream": "wss://stream.binance.com:9443", "rest": "https://api.binance.com"},
    }
)  # fmt: skip
"""Base addresses by product and name; each may be overridden."""


class BinanceMarket:
    """A `MarketVenue`."""

    ping: bytes | None = None
    pong: bytes | None = None

    def __init__(self, name: str, urls: Mapping[str, str]) -> None:
        """`urls` are those of `URLS[name]`, overridden or not."""
        self.name = name
        self._product = PRODUCTS[name]
        self._urls = urls

    def sockets(self, symbols: Sequence[str]) -> tuple[SocketPlan, ...]:
        """Return one socket a class and symbol; where there are many symbols, several share one."""
        plans = []
        for word, streams in self._product.classes:
            most = max(1, MAX_STREAMS // len(streams))
            share = min(most, -(-len(symbols) // USUAL_SOCKETS))
            for start in range(0, len(symbols), share):
                group = tuple(symbols[start : start + share])
                names = [f"{symbol.lower()}@{suffix}" for symbol in group for suffix, _ in streams]
                url = f"{self._urls[word]}/stream?streams={'/'.join(names)}"
                kinds = tuple(kind for _, kind in streams)
                plans.append(SocketPlan(f"{word} {group[0]}", url, group, kinds, streams=len(names)))
        return tuple(plans)

    def symbol_of(self, frame: bytes) -> str | None:
        """Return the symbol in a combined stream's name."""
        stream = self.stream_of(frame)
        return None if stream is None else stream.partition(b"@")[0].decode("ascii", "replace").upper()

    def stream_of(self, frame: bytes) -> bytes | None:
        """Return the name of a combined stream."""
        if not frame.startswith(b'{"stream":"'):
            return None
        end = frame.find(b'"', _STREAM_AT, _STREAM_AT + 64)
        return None if end < 0 else frame[_STREAM_AT:end]

    def resubscribe(self, symbol: str) -> tuple[bytes, ...]:  # noqa: ARG002  (the protocol's)
        """REST has the whole book."""
        return ()

    def snapshot(self, symbol: str) -> RestRequest | None:
        """Return the request of 1,000 levels a side."""
        return RestRequest(f"{self._rest}/depth", (("symbol", symbol), ("limit", "1000")))

    def snapshot_frame(self, symbol: str, body: bytes) -> bytes:
        """Return the reply as a frame of the stream `depthSnapshot`."""
        return b'{"stream":"%b@depthSnapshot","data":%b}' % (symbol.lower().encode(), body.strip())

    def missed_trades(self, symbol: str, from_id: int) -> RestRequest | None:
        """Return the request of the next 1,000 aggregate trades; USD-M counts it like a snapshot."""
        return RestRequest(
            f"{self._rest}/aggTrades", (("symbol", symbol), ("fromId", str(from_id)), ("limit", "1000"))
        )  # fmt: skip

    def trade_frames(self, symbol: str, body: bytes) -> tuple[tuple[int, bytes], ...]:
        """Return frames of the stream `aggTrade`; REST names no `E`, so `T` stands there too. Raises ValueError."""
        try:
            return tuple(_trade_frame(symbol, one) for one in json.loads(body))
        except (KeyError, TypeError) as cause:
            raise ValueError(f"aggregate trades of {symbol} cannot be read: {cause}") from cause

    def probe(self, symbol: str) -> RestRequest | None:
        """Return the request of the best quotes; spot's carry no time and so tell nothing."""
        if self.name == "binance-spot":
            return None
        return RestRequest(f"{self._urls['rest']}{self._product.quotes_path}", (("symbol", symbol),))

    def probe_ms(self, body: bytes) -> int | None:
        """Return `time` of the reply, which COIN-M gives in a list."""
        try:
            found = json.loads(body)
            one = found[0] if isinstance(found, list) else found
            return int(one["time"])
        except (ValueError, KeyError, IndexError, TypeError):
            return None

    def rules_request(self) -> tuple[RestRequest, ...]:
        """Return the request of `exchangeInfo`."""
        return (RestRequest(f"{self._rest}/exchangeInfo"),)

    def decimals(self, bodies: Sequence[bytes], symbols: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return the decimals of `tickSize` and `stepSize`. Raises InvalidArgument."""
        try:
            rows = json.loads(bodies[0])["symbols"]
            rules = {row["symbol"]: {f["filterType"]: f for f in row["filters"]} for row in rows}
            return {
                symbol: (
                    _decimals(rules[symbol]["PRICE_FILTER"]["tickSize"]),
                    _decimals(rules[symbol]["LOT_SIZE"]["stepSize"]),
                )
                for symbol in symbols
            }  # fmt: skip
        except KeyError as cause:
            raise InvalidArgument(f"{self.name} trades no symbol {cause.args[0]}", field="symbols") from cause
        except (ValueError, IndexError, TypeError, ArithmeticError) as cause:
            raise InvalidArgument(f"the rules of {self.name} cannot be read: {cause}", field="venue") from cause

    @property
    def _rest(self) -> str:
        return f"{self._urls['rest']}{self._product.rest_prefix}"


def _trade_frame(symbol: str, trade: Mapping[str, object]) -> tuple[int, bytes]:
    number = trade["a"]
    if not isinstance(number, int):
        raise TypeError(f"aggregate id {str(number)[:32]!r} is no whole number")
    data = {"e": "aggTrade", "E": trade["T"], "s": symbol, **{name: trade[name] for name in "apqflTm"}}
    return number, json.dumps({"stream": f"{symbol.lower()}@aggTrade", "data": data}, separators=(",", ":")).encode()


def _decimals(step: str) -> int:
    exponent = Decimal(step).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
