"""Market data of OKX: one chain of books by `prevSeqId`, best quotes from `bbo-tbt`.

Source: OKX API documentation v5, "WebSocket: order book channel", "Connection count limit" and "Get instruments".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from chanflow.domain.errors import InvalidArgument
from chanflow.market.ports import RestRequest, SocketPlan

URLS: Mapping[str, str] = {"stream": "wss://ws.okx.com:8443/ws/v5/public", "rest": "https://www.okx.com"}
CHANNELS = (("books", "book"), ("bbo-tbt", "book_ticker"), ("trades", "trade"), ("mark-price", "mark"))
MAX_SYMBOLS_A_SOCKET = 40
USUAL_SOCKETS = 10
_INSTRUMENT = re.compile(rb'"instId":\s*"([^"]{1,40})"')
_CHANNEL = re.compile(rb'"channel":\s*"([^"]{1,40})"')


class OkxMarket:
    """A `MarketVenue`."""

    name = "okx"
    ping: bytes | None = b"ping"
    pong: bytes | None = b"pong"

    def __init__(self, urls: Mapping[str, str]) -> None:
        """`urls` are those of `URLS`, overridden or not."""
        self._urls = urls

    def sockets(self, symbols: Sequence[str]) -> tuple[SocketPlan, ...]:
        """Return a socket a symbol, or several symbols on one where there are many."""
        share = min(MAX_SYMBOLS_A_SOCKET, -(-len(symbols) // USUAL_SOCKETS))
        return tuple(
            SocketPlan(
                f"stream {group[0]}", self._urls["stream"], group, tuple(kind for _, kind in CHANNELS[:3]),
                subscribe=(_message("subscribe", [(word, name) for name in group for word, _ in CHANNELS]),),
                streams=len(group) * len(CHANNELS),
            )
            for group in (tuple(symbols[start : start + share]) for start in range(0, len(symbols), share))
        )  # fmt: skip

    def symbol_of(self, frame: bytes) -> str | None:
        """Return the instrument of a frame."""
        found = _INSTRUMENT.search(frame, 0, 256)
        return None if found is None else found[1].decode("utf-8", "replace")

    def stream_of(self, frame: bytes) -> bytes | None:
        """Return channel and instrument of a push, None for the venue's replies."""
        channel, name = _CHANNEL.search(frame, 0, 256), _INSTRUMENT.search(frame, 0, 256)
        if channel is None or name is None or frame.startswith(b'{"event"'):
            return None
        return channel[1] + b" " + name[1]

    def resubscribe(self, symbol: str) -> tuple[bytes, ...]:
        """Return the messages after which `books` begins with a whole book."""
        return tuple(_message(op, [("books", symbol)]) for op in ("unsubscribe", "subscribe"))

    def snapshot(self, symbol: str) -> RestRequest | None:  # noqa: ARG002  (the protocol's)
        """None: a new subscription brings the whole book."""
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

    def probe(self, symbol: str) -> RestRequest | None:
        """Return the request of the best quotes."""
        return RestRequest(f"{self._urls['rest']}/api/v5/market/ticker", (("instId", symbol),))

    def probe_ms(self, body: bytes) -> int | None:
        """Return `ts` of the reply."""
        try:
            return int(json.loads(body)["data"][0]["ts"])
        except (ValueError, KeyError, IndexError, TypeError):
            return None

    def rules_request(self) -> tuple[RestRequest, ...]:
        """Return the requests of all instruments, a kind each."""
        url = f"{self._urls['rest']}/api/v5/public/instruments"
        return tuple(RestRequest(url, (("instType", kind),)) for kind in ("SWAP", "FUTURES", "SPOT"))

    def decimals(self, bodies: Sequence[bytes], symbols: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return the decimals of `tickSz` and `lotSz`. Raises InvalidArgument."""
        try:
            rules = {row["instId"]: row for body in bodies for row in json.loads(body)["data"]}
            return {
                symbol: (_decimals(rules[symbol]["tickSz"]), _decimals(rules[symbol]["lotSz"])) for symbol in symbols
            }
        except KeyError as cause:
            raise InvalidArgument(f"okx trades no instrument {cause.args[0]}", field="symbols") from cause
        except (ValueError, TypeError, ArithmeticError) as cause:
            raise InvalidArgument(f"the rules of okx cannot be read: {cause}", field="venue") from cause


def _message(op: str, channels: Sequence[tuple[str, str]]) -> bytes:
    args = [{"channel": channel, "instId": name} for channel, name in channels]
    return json.dumps({"op": op, "args": args}).encode()


def _decimals(step: str) -> int:
    exponent = Decimal(step).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
