"""`/_control/…`: what an operator or a test may ask of the emulator and do to it. Loopback's own, without keys.

GET `log?after=N`, `books?key=K`, `unknown`; POST `faults` (a script), `clock` (`skew_ms`), `advance` (`ms`), `price`
(`symbol` with `price` or `bps`), `liquidate` (`symbol`, `key`), `snapshot`, `reset`. A wrong request is answered 400
with `{"error": …}` in one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import parse_qsl

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.books import books
from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.exchange import Exchange
from chanflow.adapters.venues.emulator.faults.script import parse_script
from chanflow.adapters.venues.emulator.forced import force_out
from chanflow.adapters.venues.emulator.mishaps import Mishaps
from chanflow.adapters.venues.emulator.rest import Request, Response
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_MS

PREFIX: Final = "/_control/"
MAX_ADVANCE_MS: Final = 86_400_000
MAX_SKEW_MS: Final = 86_400_000
_SHOWN_LEVELS: Final = 20
_MOST_DIGITS: Final = 18

Values = Mapping[str, Any]
Handler = Callable[[Any], "Awaitable[Any]"]


class Control:
    """The operator's door of one exchange."""

    def __init__(self, exchange: Exchange, mishaps: Mishaps) -> None:
        self._exchange = exchange
        self._mishaps = mishaps
        self._handlers: Mapping[tuple[str, str], Handler] = {
            ("GET", "log"): self._log,
            ("GET", "books"): self._books,
            ("GET", "unknown"): self._unknown,
            ("POST", "faults"): self._faults,
            ("POST", "clock"): self._clock,
            ("POST", "advance"): self._advance,
            ("POST", "price"): self._price,
            ("POST", "liquidate"): self._liquidate,
            ("POST", "snapshot"): self._snapshot,
            ("POST", "reset"): self._reset,
        }

    async def answer(self, request: Request) -> Response:
        """Return the answer to a request below `/_control/`."""
        name = request.path.removeprefix(PREFIX)
        handler = self._handlers.get((request.method, name))
        if handler is None:
            known = ", ".join(f"{method} {word}" for method, word in self._handlers)
            return _answer(404, {"error": f"{request.method} {name[:40]!r} is not there, there are {known}"})
        try:
            asked = dict(parse_qsl(request.query)) if request.method == "GET" else _body(request.body)
            return _answer(200, await handler(asked))
        except (InvalidArgument, Fault) as refused:
            return _answer(400, {"error": str(refused)})

    # ── questions ────────────────────────────────────────────────────────────

    async def _log(self, asked: Values) -> object:
        after = asked.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) <= _MOST_DIGITS):
            raise InvalidArgument(f"`after` is {after[:40]!r}, allowed is the number of a firing", field="after")
        return {"firings": self._mishaps.log.lines(int(after))}

    async def _books(self, asked: Values) -> object:
        return books(self._exchange.world, asked.get("key"))

    async def _unknown(self, _asked: Values) -> object:
        return self._exchange.door.unknown

    # ── commands ─────────────────────────────────────────────────────────────

    async def _faults(self, asked: object) -> object:
        script = parse_script(asked)
        self._mishaps.start(script)
        return {"entries": len(script)}

    async def _clock(self, asked: object) -> object:
        skew_ms = _whole(_mapping(asked, "skew_ms"), "skew_ms", -MAX_SKEW_MS, MAX_SKEW_MS)
        self._mishaps.skew_ns = skew_ms * NS_PER_MS
        return {"server_ms": self._exchange.server_ns // NS_PER_MS, "skew_ms": skew_ms}

    async def _advance(self, asked: object) -> object:
        if self._exchange.settings.speed != "step":
            told = f"speed is {self._exchange.settings.speed}, time is moved by hand at speed step alone"
            raise InvalidArgument(told, field="ms")
        ms = _whole(_mapping(asked, "ms"), "ms", 0, MAX_ADVANCE_MS)
        await self._exchange.advance_whole(ms * NS_PER_MS)
        return {"now_ms": self._exchange.now_ns // NS_PER_MS}

    async def _price(self, asked: object) -> object:
        values = _mapping(asked, "symbol", "price", "bps")
        if ("price" in values) == ("bps" in values):
            raise InvalidArgument("a price needs one of `price` and `bps`", field="price")
        price = _price_of(values["price"]) if "price" in values else None
        bps = _whole(values, "bps", -9_999, 100_000) if "bps" in values else None
        symbol = _symbol(values)
        self._mishaps.jump(symbol, price=price, bps=bps)
        state = self._exchange.markets.states[symbol]
        return {"symbol": symbol, "mark": state.mark_text(state.mark)}

    async def _liquidate(self, asked: object) -> object:
        values = _mapping(asked, "symbol", "key")
        done = force_out(self._exchange.world, _symbol(values), "autoclose", key=_key(values))
        return {"orders": [order.client_id for order in done]}

    async def _snapshot(self, asked: object) -> object:
        _mapping(asked)
        return {
            **books(self._exchange.world),
            "server_ms": self._exchange.server_ns // NS_PER_MS,
            "markets": {name: self._market(name) for name in self._exchange.markets.states},
            "firings": self._mishaps.log.lines(),
        }

    def _market(self, symbol: str) -> Mapping[str, Any]:
        state = self._exchange.markets.states[symbol]
        rules, last = state.rules, state.last_trade
        sides = {
            side: [
                [rules.price_text(price), rules.qty_text(qty)] for price, qty in state.book.top(number, _SHOWN_LEVELS)
            ]
            for side, number in (("bids", BID), ("asks", ASK))
        }
        shown = None if last is None else rules.price_text(last.price)
        return {**sides, "update_id": state.book.update_id, "mark": state.mark_text(state.mark), "last": shown}

    async def _reset(self, asked: object) -> object:
        _mapping(asked)
        self._mishaps.forget()
        await self._exchange.reset()
        self._mishaps.start(())
        return {"now_ms": self._exchange.now_ns // NS_PER_MS}


def _answer(status: int, body: object) -> Response:
    return Response(status, json.dumps(body, separators=(",", ":")).encode(), {"Content-Type": "application/json"})


def _body(text: str) -> object:
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise InvalidArgument(f"the body is no JSON: {text[:40]!r}") from None


def _mapping(asked: object, *allowed: str) -> Values:
    if not isinstance(asked, dict):
        raise InvalidArgument(f"the body is {str(asked)[:40]!r}, allowed is an object")
    for name in asked:
        if name not in allowed:
            raise InvalidArgument(
                f"{name[:40]!r} is no field here, allowed are {', '.join(allowed) or 'none'}", field=name
            )
    return asked


def _whole(values: Values, name: str, low: int, high: int) -> int:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        told = f"`{name}` is {str(value)[:40]}, allowed are whole numbers from {low:,} to {high:,}"
        raise InvalidArgument(told, field=name)
    return value


def _symbol(values: Values) -> str:
    symbol = values.get("symbol")
    if not isinstance(symbol, str):
        raise InvalidArgument(f"`symbol` is {str(symbol)[:40]}, allowed is a listed symbol", field="symbol")
    return symbol


def _key(values: Values) -> str | None:
    key = values.get("key")
    if key is not None and not isinstance(key, str):
        raise InvalidArgument(f"`key` is {str(key)[:40]}, allowed is an API key", field="key")
    return key


def _price_of(value: object) -> Decimal:
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        price = Decimal(0)
    if isinstance(value, bool) or not price.is_finite() or not Decimal(0) < price <= Decimal("1e9"):
        raise InvalidArgument(f"`price` is {str(value)[:40]}, allowed is above 0 to 1,000,000,000", field="price")
    return price
