"""Scripted venues on loopback: each request gets the answer that the test has laid out for it.

Signatures are checked as the venue does. What was asked is kept, and an answer may be a lost one.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

KEY, SECRET = "loopback-key", "loopback-secret"


@dataclass
class Answer:
    """One answer; `lost` breaks the connection instead, `cut` sends half a body, `mute` never answers."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    how: Literal["whole", "lost", "cut", "mute"] = "whole"


@dataclass
class Asked:
    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    raw: str
    at_ms: int | None

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


def refused(code: int, message: str = "why", status: int = 400) -> Answer:
    return Answer({"code": code, "msg": message}, status)


EXCHANGE_INFO = {
    "rateLimits": [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    ],
    "symbols": [
        {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
         "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.10"},
                     {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
                     {"filterType": "MIN_NOTIONAL", "notional": "100"}]},
    ],
}  # fmt: skip


class Scripted:
    """The server. `plan` lays out answers in order; the last one laid out for a request is given again and again."""

    socket_paths: tuple[str, ...] = ()

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.asked: list[Asked] = []
        self.bad_signatures: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self._plans: dict[str, deque[Answer]] = defaultdict(deque)
        self._runner: web.AppRunner | None = None
        self.port = 0

    def plan(self, line: str, *answers: Answer) -> None:
        self._plans[line] = deque(answers)

    def of(self, line: str) -> list[Asked]:
        return [one for one in self.asked if one.line == line]

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        for path in self.socket_paths:
            app.router.add_get(path, self._socket)
        app.router.add_route("*", "/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in self.sockets:
            if not socket.closed:
                await socket.close()
        assert self._runner is not None
        await self._runner.cleanup()

    async def tell(self, *frames: Any) -> None:
        """Send frames to every client of the user stream."""
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            for socket in self.sockets:
                if not socket.closed:
                    await socket.send_str(text)

    async def hang_up(self) -> None:
        for socket in self.sockets:
            await socket.close()
        self.sockets.clear()

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await self.greet(request, socket)
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
            if message.type is WSMsgType.TEXT:
                await self.said(socket, message.data)
        return socket

    async def greet(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Learn of a new socket."""

    async def said(self, socket: web.WebSocketResponse, text: str) -> None:
        """Learn what a client says."""

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        raw = request.raw_path.partition("?")[2] or body
        params = dict(parse_qsl(raw, keep_blank_values=True))
        at_ms = int(params["timestamp"]) if "timestamp" in params else None
        asked = Asked(request.method, request.path, params, dict(request.headers), raw, at_ms)
        self.asked.append(asked)
        self.check(asked, body)
        return await self._reply(request, self._answer(asked))

    def check(self, asked: Asked, body: str) -> None:
        """Note a request whose signature is wrong."""

    def usual(self, asked: Asked) -> Answer | None:
        """Return the answer of a request that nothing was laid out for."""

    def _answer(self, asked: Asked) -> Answer:
        plan = self._plans.get(asked.line)
        if not plan:
            return self.usual(asked) or refused(-5000, f"{asked.line} is not laid out", 404)
        return plan.popleft() if len(plan) > 1 else plan[0]

    async def _reply(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        if answer.how == "whole":
            return web.Response(
                body=body, status=answer.status, headers=answer.headers, content_type="application/json"
            )
        if answer.how == "mute":
            await asyncio.sleep(3600)
        assert request.transport is not None
        if answer.how == "cut":
            cut = web.StreamResponse(headers={"Content-Length": str(len(body))})
            await cut.prepare(request)
            await cut.write(body[: len(body) // 2])
        request.transport.abort()
        return web.Response()


class Loopback(Scripted):
    """Binance USD-M: its endpoints, its signature, its listen keys."""

    socket_paths = ("/private/ws",)

    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__(now_ms)
        self.socket_keys: list[str] = []
        self._keys = 0
        self.plan("GET /fapi/v1/positionSide/dual", Answer({"dualSidePosition": False}))
        self.plan("GET /fapi/v1/exchangeInfo", Answer(EXCHANGE_INFO))
        self.plan(
            "GET /fapi/v1/commissionRate", Answer({"makerCommissionRate": "0.0002", "takerCommissionRate": "0.0005"})
        )
        self.plan("POST /fapi/v1/marginType", Answer({"code": 200, "msg": "success"}))
        self.plan("POST /fapi/v1/leverage", Answer({"leverage": 3, "symbol": "BTCUSDT", "maxNotionalValue": "1"}))
        self.plan("POST /fapi/v1/order", Answer({"orderId": 1, "status": "NEW"}))
        self.plan("POST /fapi/v1/algoOrder", Answer({"algoId": 1, "algoStatus": "NEW"}))
        self.plan("PUT /fapi/v1/listenKey", Answer({}))

    async def greet(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.socket_keys.append(request.query.get("listenKey", ""))

    def check(self, asked: Asked, body: str) -> None:
        if "signature" not in asked.params:
            return
        signed, _, signature = asked.raw.rpartition("&signature=")
        right = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if signature != right or asked.headers.get("X-MBX-APIKEY") != KEY:
            self.bad_signatures.append(asked.line)

    def usual(self, asked: Asked) -> Answer | None:
        if asked.line == "GET /fapi/v1/time":
            return Answer({"serverTime": self.now_ms()})
        if asked.line == "POST /fapi/v1/listenKey":
            self._keys += 1
            return Answer({"listenKey": f"key{self._keys}"})
        return None
