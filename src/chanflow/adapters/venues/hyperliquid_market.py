"""Market data of Hyperliquid: every `l2Book` is a whole book, `bbo` has the best quotes.

Source: Hyperliquid documentation, "WebSocket: subscriptions", "Rate limits" (ten connections an address) and "Tick and
lot size" (perpetuals have at most six decimals less `szDecimals` in the price).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from chanflow.domain.errors import InvalidArgument
from chanflow.market.ports import RestRequest, SocketPlan

URLS: Mapping[str, str] = {"stream": "wss://api.hyperliquid.xyz/ws", "rest": "https://api.hyperliquid.xyz/info"}
MAX_SOCKETS = 8
MAX_SYMBOLS = 300
CHANNELS = (("l2Book", "book"), ("bbo", "book_ticker"), ("trades", "trade"), ("activeAssetCtx", "mark"))
_PRICE_DECIMALS = 6
_COIN = re.compile(rb'"coin":\s*"([^"]{1,32})"')
_CHANNEL = re.compile(rb'^\{"channel":\s*"([A-Za-z0-9]{1,32})"')


class HyperliquidMarket:
    """A `MarketVenue`."""

    name = "hyperliquid"
    ping: bytes | None = b'{"method":"ping"}'
    pong: bytes | None = b'{"channel":"pong"}'

    def __init__(self, urls: Mapping[str, str]) -> None:
        """`urls` are those of `URLS`, overridden or not."""
        self._urls = urls

    def sockets(self, symbols: Sequence[str]) -> tuple[SocketPlan, ...]:
        """Return up to eight sockets that share the symbols. Raises InvalidArgument for too many."""
        if len(symbols) > MAX_SYMBOLS:
            raise InvalidArgument(f"{len(symbols)} symbols, hyperliquid allows {MAX_SYMBOLS} here", field="symbols")
        share = -(-len(symbols) // MAX_SOCKETS)
        return tuple(
            SocketPlan(
                f"stream {group[0]}", self._urls["stream"], group, tuple(kind for _, kind in CHANNELS[:3]),
                subscribe=tuple(
                    json.dumps({"method": "subscribe", "subscription": {"type": channel, "coin": coin}}).encode()
                    for coin in group for channel, _ in CHANNELS
                ),
                streams=len(group) * len(CHANNELS),
            )
            for group in (tuple(symbols[start : start + share]) for start in range(0, len(symbols), share))
        )  # fmt: skip

    def symbol_of(self, frame: bytes) -> str | None:
        """Return the coin of a frame."""
        found = _COIN.search(frame, 0, 256)
        return None if found is None else found[1].decode("utf-8", "replace")

    def stream_of(self, frame: bytes) -> bytes | None:
        """Return channel and coin."""
        channel, coin = _CHANNEL.match(frame), _COIN.search(frame, 0, 256)
        if channel is None or coin is None or channel[1] == b"subscriptionResponse":
            return None
        return channel[1] + b" " + coin[1]

    def resubscribe(self, symbol: str) -> tuple[bytes, ...]:  # noqa: ARG002  (the protocol's)
        """The next book is whole anyway."""
        return ()

    def snapshot(self, symbol: str) -> RestRequest | None:  # noqa: ARG002
        """None: the socket brings whole books."""
        return None

    def snapshot_frame(self, symbol: str, body: bytes) -> bytes:  # noqa: ARG002
        """Return the body as it is."""
        return body

    def missed_trades(self, symbol: str, from_id: int) -> RestRequest | None:  # noqa: ARG002
        """Its trades are not numbered one by one, so no hole shows."""
        return None

    def trade_frames(self, symbol: str, body: bytes) -> tuple[tuple[int, bytes], ...]:  # noqa: ARG002
        """Nothing is asked for."""
        return ()

    def probe(self, symbol: str) -> RestRequest | None:  # noqa: ARG002
        """None: `bbo` comes with every block that changes it, and books come in any case."""
        return None

    def probe_ms(self, body: bytes) -> int | None:  # noqa: ARG002
        """Return None."""
        return None

    def rules_request(self) -> tuple[RestRequest, ...]:
        """Return the request of the perpetuals' rules."""
        return (RestRequest(self._urls["rest"], body=b'{"type":"meta"}'),)

    def decimals(self, bodies: Sequence[bytes], symbols: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return six less `szDecimals`, and `szDecimals`. Raises InvalidArgument."""
        try:
            sizes = {row["name"]: int(row["szDecimals"]) for row in json.loads(bodies[0])["universe"]}
            return {symbol: (_PRICE_DECIMALS - sizes[symbol], sizes[symbol]) for symbol in symbols}
        except KeyError as cause:
            raise InvalidArgument(f"hyperliquid trades no perpetual {cause.args[0]}", field="symbols") from cause
        except (ValueError, IndexError, TypeError) as cause:
            raise InvalidArgument(f"the rules of hyperliquid cannot be read: {cause}", field="venue") from cause
