"""The transport of Hyperliquid's doors: `/info`, `/exchange` and `/ws` on one port, through aiohttp."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import WSMsgType, web

from chanflow.adapters.venues.emulator.exchange import Exchange
from chanflow.adapters.venues.emulator.hyperliquid.actions import Actions
from chanflow.adapters.venues.emulator.hyperliquid.feeds import Feeds, Subscriber
from chanflow.adapters.venues.emulator.hyperliquid.info import Info
from chanflow.adapters.venues.emulator.hyperliquid.refusals import Unreadable
from chanflow.adapters.venues.emulator.hyperliquid.trading import Trading
from chanflow.adapters.venues.emulator.hyperliquid.wallets import Wallets
from chanflow.adapters.venues.emulator.records import UserEvent

WEIGHT_A_MINUTE: Final = 1_200
MOST_SOCKETS: Final = 10
MOST_WAITING: Final = 10_000
"""Messages that may wait for a slow reader before its socket is closed."""
UNREADABLE: Final = "Failed to deserialize the JSON body into the target type"
_LIGHT: Final = frozenset({"l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState",
                           "exchangeStatus"})  # fmt: skip
_MINUTE_NS: Final = 60 * 10**9


class HyperliquidServer:
    """Hyperliquid's doors over a running exchange. An address that nobody knows opens an account, unless `strict`."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        strict: bool = False,
        agents: Mapping[str, str] | None = None,
        weight_a_minute: int = WEIGHT_A_MINUTE,
    ) -> None:
        """`agents` are addresses of agent wallets with their masters'."""
        self._exchange = exchange
        self._strict = strict
        self._agents = agents or {}
        self._weight_a_minute = weight_a_minute
        self._spent: dict[str, deque[tuple[int, int]]] = {}
        self._sockets: dict[str, int] = {}
        self._waiting: list[asyncio.Queue[str | None]] = []
        self._runner: web.AppRunner | None = None
        self._stand()
        exchange.after_slice.append(self._after_slice)
        exchange.after_reset.append(self._stand_anew)

    def _stand(self) -> None:
        """Stand over the exchange's present world."""
        exchange = self._exchange
        self.wallets = Wallets(exchange.world, strict=self._strict, agents=self._agents)
        self.feeds = Feeds(self.wallets)
        self.trading = Trading(exchange.world, exchange.markets.states, self.wallets, tell=self.feeds.tell)
        self.info = Info(self.trading, server_ms=self._server_ms)
        self.actions = Actions(self.trading, server_ms=self._server_ms)
        self.feeds.attach(self.trading, self.info)
        before = exchange.world.on_user_event

        def told(number: int, event: UserEvent) -> None:
            before(number, event)
            self.trading.hear(number, event)

        exchange.world.on_user_event = told

    def _stand_anew(self) -> None:
        """Stand over a new world; who listened to the one before is sent away."""
        for waiting in self._waiting:
            waiting.put_nowait(None)
        self._stand()

    def _server_ms(self) -> int:
        return self._exchange.server_ns // 1_000_000

    def _after_slice(self, now_ns: int) -> None:
        self.actions.advance(self._server_ms())
        self.feeds.advance(now_ns)

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        app = web.Application()
        app.router.add_post("/info", self._info)
        app.router.add_post("/exchange", self._command)
        app.router.add_get("/ws", self._socket)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    # ── requests ──────────────────────────────────────────────────────────────

    async def _info(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
            if not self._spend(request, _weight_of(body)):
                return web.json_response(None, status=429)
            return _json(self.info.answer(body))
        except (ValueError, Unreadable):
            return web.Response(status=422, text=UNREADABLE)

    async def _command(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
            if not self._spend(request, _weight_of_action(body)):
                return web.json_response(None, status=429)
            return _json(await self._exchange.visit(lambda: self.actions.answer(body)))
        except (ValueError, Unreadable):
            return web.Response(status=422, text=UNREADABLE)

    def _spend(self, request: web.Request, weight: int) -> bool:
        """Take weight of an address' minute; False where there is none left."""
        now_ns = self._exchange.clock.monotonic_ns()
        spent = self._spent.setdefault(request.remote or "", deque())
        while spent and spent[0][0] <= now_ns - _MINUTE_NS:
            spent.popleft()
        if sum(each for _, each in spent) + weight > self._weight_a_minute:
            return False
        spent.append((now_ns, weight))
        return True

    # ── sockets ───────────────────────────────────────────────────────────────

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        address = request.remote or ""
        if self._sockets.get(address, 0) >= MOST_SOCKETS:
            return web.json_response(None, status=429)
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        waiting: asyncio.Queue[str | None] = asyncio.Queue()

        def send(text: str) -> None:
            waiting.put_nowait(text if waiting.qsize() < MOST_WAITING else None)

        feeds = self.feeds
        subscriber = feeds.join(send)
        self._waiting.append(waiting)
        self._sockets[address] = self._sockets.get(address, 0) + 1
        writer = asyncio.create_task(_write(socket, waiting))
        try:
            await _read(socket, feeds, subscriber)
        finally:
            self._sockets[address] -= 1
            self._waiting.remove(waiting)
            feeds.leave(subscriber)
            writer.cancel()
        return socket


async def serve_hyperliquid(
    exchange: Exchange,
    *,
    host: str,
    port: int = 0,
    strict: bool = False,
    agents: Mapping[str, str] | None = None,
    weight_a_minute: int = WEIGHT_A_MINUTE,
) -> tuple[str, HyperliquidServer]:
    """Open Hyperliquid's doors over an exchange; returns their base URL and the server, which is to be stopped."""
    server = HyperliquidServer(exchange, strict=strict, agents=agents, weight_a_minute=weight_a_minute)
    return f"http://{host}:{await server.start(host, port)}", server


async def _read(socket: web.WebSocketResponse, feeds: Feeds, subscriber: Subscriber) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            feeds.hear(subscriber, message.data)


async def _write(socket: web.WebSocketResponse, waiting: asyncio.Queue[str | None]) -> None:
    while (text := await waiting.get()) is not None:
        try:
            await socket.send_str(text)
        except ConnectionError:
            return
    await socket.close()


def _json(body: object) -> web.Response:
    return web.Response(body=json.dumps(body, separators=(",", ":")).encode(), content_type="application/json")


def _weight_of(body: Any) -> int:
    kind = str(body.get("type")) if isinstance(body, Mapping) else ""
    return 60 if kind == "userRole" else 2 if kind in _LIGHT else 20


def _weight_of_action(body: Any) -> int:
    action = body.get("action") if isinstance(body, Mapping) else None
    rows = next((action[key] for key in ("orders", "modifies", "cancels") if key in action), ()) if isinstance(
        action, Mapping
    ) else ()  # fmt: skip
    return 1 + (len(rows) // 40 if isinstance(rows, list) else 0)
