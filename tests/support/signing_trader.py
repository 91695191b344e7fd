"""A trader without a client library: signed requests by the exchange's own clock, and user events as they come."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from running_exchange import RunningExchange


@dataclass
class Trader:
    """One account on a running exchange."""

    exchange: RunningExchange
    key: str
    http: aiohttp.ClientSession
    sockets: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)

    async def control(self, what: str, body: object) -> Any:
        async with self.http.post(f"{self.exchange.rest}/_control/{what}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def script(self, *entries: dict[str, Any]) -> None:
        await self.control("faults", list(entries))

    async def advance(self, ms: int) -> None:
        await self.control("advance", {"ms": ms})

    async def log(self) -> list[str]:
        """Return what has fired since the exchange began, in words."""
        async with self.http.get(f"{self.exchange.rest}/_control/log") as answer:
            return [firing["do"] for firing in (await answer.json())["firings"]]

    async def books(self) -> dict[str, Any]:
        async with self.http.get(f"{self.exchange.rest}/_control/books", params={"key": self.key}) as answer:
            accounts = (await answer.json())["accounts"]
        return dict(accounts[0]) if accounts else {}

    async def now_ms(self) -> int:
        async with self.http.get(f"{self.exchange.rest}/_control/books", params={"key": "nobody"}) as answer:
            return int((await answer.json())["now_ms"])

    async def send(self, method: str, path: str, **params: object) -> tuple[int, Any, dict[str, str]]:
        """Send a signed request; return status, body (as text where it is no JSON) and headers."""
        query = urlencode({**params, "timestamp": await self.now_ms(), "recvWindow": 60_000})
        signed = f"{query}&signature={hmac.new(b'test', query.encode(), hashlib.sha256).hexdigest()}"
        headers = {"X-MBX-APIKEY": self.key}
        async with self.http.request(method, f"{self.exchange.rest}{path}?{signed}", headers=headers) as answer:
            text = await answer.text()
            try:
                return answer.status, json.loads(text), dict(answer.headers)
            except ValueError:
                return answer.status, text, dict(answer.headers)

    def signed(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of a message to the order API with their signature."""
        covered = "&".join(f"{name}={params[name]}" for name in sorted(params))
        return {**params, "signature": hmac.new(b"test", covered.encode(), hashlib.sha256).hexdigest()}

    async def order(self, share: float | None = None, **more: object) -> tuple[int, Any, dict[str, str]]:
        """Buy 0.01 at the market, or at a share of its price."""
        terms: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
        if share is not None:
            terms |= {"type": "LIMIT", "timeInForce": "GTC", "price": f"{(await self.best())[1] * share:.1f}"}
        return await self.send("POST", "/fapi/v1/order", **{**terms, **more})

    async def best(self) -> tuple[float, float]:
        """Return best bid and ask."""
        async with self.http.get(
            f"{self.exchange.rest}/fapi/v1/depth", params={"symbol": "BTCUSDT", "limit": 5}
        ) as answer:
            book = await answer.json()
        return float(book["bids"][0][0]), float(book["asks"][0][0])

    async def listen(self) -> aiohttp.ClientWebSocketResponse:
        """Open the account's user stream."""
        status, told, _ = await self.send("POST", "/fapi/v1/listenKey")
        assert status == 200, told
        return await self.watch(f"private/ws?listenKey={told['listenKey']}")

    async def watch(self, path: str) -> aiohttp.ClientWebSocketResponse:
        """Open a stream."""
        socket = await self.http.ws_connect(f"{self.exchange.ws}/{path}")
        self.sockets.append(socket)
        return socket


async def heard(socket: aiohttp.ClientWebSocketResponse, quiet_s: float = 0.6) -> list[dict[str, Any]]:
    """Return what has come over a socket, until it is quiet for so long or closed."""
    told: list[dict[str, Any]] = []
    while True:
        try:
            message = await asyncio.wait_for(socket.receive(), quiet_s)
        except TimeoutError:
            return told
        if message.type is not aiohttp.WSMsgType.TEXT:
            return told
        told.append(json.loads(message.data))


def orders_told(told: list[dict[str, Any]]) -> list[str]:
    """Return the execution types of the order events among them."""
    return [event["o"]["x"] for event in told if event["e"] == "ORDER_TRADE_UPDATE"]
