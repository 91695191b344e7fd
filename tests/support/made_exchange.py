"""A world with a small book, and a client that signs what it asks of its door."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import numpy as np

from chanflow.adapters.venues.emulator.desk import Desk
from chanflow.adapters.venues.emulator.limits import Limits, Meter
from chanflow.adapters.venues.emulator.listen_keys import ListenKeys
from chanflow.adapters.venues.emulator.records import UserEvent
from chanflow.adapters.venues.emulator.rest import Request, Response, RestDoor
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.signing import Keys, signature
from chanflow.adapters.venues.emulator.tape.steps import Kind, Ticks
from chanflow.adapters.venues.emulator.world import World

START_MS = 1_767_571_200_000
START_NS = START_MS * 1_000_000
BTC = SymbolRules("BTCUSDT", "BTC", price_decimals=2, qty_decimals=3, tick=10)
ETH = SymbolRules("ETHUSDT", "ETH", price_decimals=2, qty_decimals=3)
UNLIMITED = Limits(10**9, 10**9, 10**9)


def ticks(symbol: str, at_ns: int, rows: list[tuple[int, int, int]]) -> Ticks:
    """Return rows of kind, price and quantity as events of one moment."""
    kind, price, qty = (np.array(column) for column in zip(*rows, strict=True))
    at = np.full(len(rows), at_ns, dtype=np.int64)
    return Ticks(symbol, at, kind.astype(np.uint8), price.astype(np.int64), qty.astype(np.int64))


class MadeExchange:
    """A world of BTCUSDT at 60,000.00 by 60,000.10 and ETHUSDT at 3,000.00 by 3,000.01, and its door.

    Each of five levels a side holds 10 BTC or 100 ETH. `events` are the user events so far.
    """

    def __init__(self, *, balance: int = 10_000, limits: Limits = UNLIMITED, **secrets: str) -> None:
        rules = {"BTCUSDT": BTC, "ETHUSDT": ETH}
        self.world = World(rules, start_ns=START_NS, balance=Decimal(balance))
        self.events: list[UserEvent] = []
        self.world.on_user_event = lambda _account, event: self.events.append(event)
        self.meter = Meter(limits)
        self.listen_keys = ListenKeys()
        self.keys = Keys(self.world, secrets, strict=bool(secrets))
        self.door = RestDoor(Desk(self.world, self.meter, self.listen_keys), self.keys)
        self.quote("BTCUSDT", 6_000_000, 6_000_010, step=10, lots=10_000)
        self.quote("ETHUSDT", 300_000, 300_001, step=1, lots=100_000)

    def quote(self, symbol: str, bid: int, ask: int, *, step: int = 10, lots: int = 10_000) -> None:
        """Let the book be five levels a side and the mark its mid, a millisecond later."""
        rows: list[tuple[int, int, int]] = [(Kind.CLEAR, 0, 0)]
        rows += [(Kind.BID, bid - level * step, lots) for level in range(5)]
        rows += [(Kind.ASK, ask + level * step, lots) for level in range(5)]
        rows.append((Kind.MARK, (bid + ask) // 2, 0))
        self.tell(symbol, rows)

    def tell(self, symbol: str, rows: list[tuple[int, int, int]]) -> None:
        """Let market events happen, a millisecond later."""
        self.world.take(ticks(symbol, self.world.now_ns + 1_000_000, rows))

    def pass_time(self, ms: int) -> None:
        """Let time pass."""
        self.world.advance(self.world.now_ns + ms * 1_000_000)

    def request(
        self,
        method: str,
        path: str,
        *,
        key: str | None = "me",
        secret: str = "test",
        now: int | None = None,
        **asked: Any,
    ) -> Request:
        """Return a signed request; POST and PUT carry their parameters in the body, as clients do."""
        stamp = self.door.server_ms() if now is None else now
        text = urlencode({**asked, "timestamp": stamp})
        text += f"&signature={signature(secret, text)}"
        headers: Mapping[str, str] = {} if key is None else {"x-mbx-apikey": key}
        in_body = method in ("POST", "PUT")
        return Request(method, path, "" if in_body else text, text if in_body else "", headers)

    def send(self, method: str, path: str, **asked: Any) -> Response:
        """Return the door's answer."""
        return self.door.answer(self.request(method, path, **asked))

    def ask(self, method: str, path: str, **asked: Any) -> Any:
        """Return the body of an answer."""
        return json.loads(self.send(method, path, **asked).body)

    def order(self, side: str, qty: str, price: str | None = None, **more: Any) -> Any:
        """Place a limit order, or a market order without a price, in BTCUSDT unless told; return the answer."""
        terms: dict[str, Any] = {"symbol": "BTCUSDT", "side": side, "quantity": qty, "newOrderRespType": "RESULT"}
        terms |= {"type": "MARKET"} if price is None else {"type": "LIMIT", "price": price, "timeInForce": "GTC"}
        return self.ask("POST", "/fapi/v1/order", **(terms | more))

    def stop(self, side: str, trigger: str, qty: str | None = None, **more: Any) -> Any:
        """Place a conditional order, a stop at market unless told; return the answer."""
        terms: dict[str, Any] = {
            "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": side, "type": "STOP_MARKET",
            "triggerPrice": trigger, "workingType": "MARK_PRICE",
        }  # fmt: skip
        if qty is not None:
            terms["quantity"] = qty
        return self.ask("POST", "/fapi/v1/algoOrder", **(terms | more))

    def told(self, name: str) -> list[Any]:
        """Return the payloads of user events of one name."""
        return [event.payload for event in self.events if event.name == name]

    def position(self, symbol: str = "BTCUSDT", key: str = "me") -> Any:
        """Return a position as v2 positionRisk shows it."""
        (row,) = self.ask("GET", "/fapi/v2/positionRisk", symbol=symbol, key=key)
        return row

    def balance(self, key: str = "me") -> Any:
        """Return the quote asset as v3 balance shows it."""
        (row,) = self.ask("GET", "/fapi/v3/balance", key=key)
        return row
