"""A desk served on a free loopback port, and the doors to it."""

from __future__ import annotations

import importlib
import io
import json
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
import uvicorn
from mcp import Client, StdioServerParameters

from chanflow.interfaces.cli.call import call
from chanflow.interfaces.rest.app import build_app
from chanflow.operations.outcome import compact_json
from chanflow.operations.services import Services

_DESK = Path(__file__).with_name("memory_desk.py")


sys.path.insert(0, str(_DESK.parent))
desk = importlib.import_module("memory_desk")
keyed = importlib.import_module("keyed_desk")


class _AnnouncedServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def serving(services: Services, **options: Any) -> Iterator[str]:
    """Serve `services` from a thread; yields the base URL."""
    listener = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # asyncio wants it said: TCP_NODELAY
    listener.bind(("127.0.0.1", 0))
    server = _AnnouncedServer(uvicorn.Config(build_app(services, **options), log_level="critical", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert server.up.wait(20)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listener.close()
    assert not thread.is_alive()


class Doors:
    """Calls through every door: each gives its bodies as text, with whether they failed."""

    names = ("cli", "rest", "rest-tool", "mcp-2026", "mcp-legacy", "mcp-auto", "stdio")

    def __init__(self, url: str, services: Services, stdio_argument: str) -> None:
        self.url = url
        self._services = services
        self._stdio = stdio_argument

    async def ask(self, door: str, calls: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[str, bool]]:
        match door:
            case "cli":
                return [await anyio.to_thread.run_sync(self._cli, *call) for call in calls]
            case "rest":
                return [await self._rest(*call) for call in calls]
            case "rest-tool":
                return [await self._rest_tool(*call) for call in calls]
        answers = []
        async with self.client(door) as client:
            for name, arguments in calls:
                result = await client.call_tool(name, arguments)
                answers.append((compact_json(result.structured_content), result.is_error))
        return answers

    @asynccontextmanager
    async def client(self, door: str) -> AsyncIterator[Client]:
        program = StdioServerParameters(command=sys.executable, args=[str(_DESK), self._stdio])
        modes = {"mcp-2026": "2026-07-28", "mcp-legacy": "legacy"}
        target = program if door == "stdio" else f"{self.url}/mcp"
        async with Client(target, mode=modes.get(door, "auto")) as client:
            yield client

    def _cli(self, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        flags = []
        for key, value in arguments.items():
            flags += [f"--{key.replace('_', '-')}", _as_text(value)]
        out = io.StringIO()
        code = call(name, flags, lambda: self._services, out=out)
        return out.getvalue().removesuffix("\n"), code != 0

    async def _rest(self, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        paths = {
            "get_klines": "/market/klines",
            "analyze_structure": "/analysis/structure",
            "query_buy_sell_points": "/analysis/points",
            "get_position": "/positions",
            "get_market_status": "/market/status",
            "get_live_snapshot": "/market/snapshot",
            "get_historical_slice": "/market/slice",
            "get_signals": "/analysis/signals",
            "get_orders": "/orders",
            "explain_decision": "/decisions/explain",
            "get_risk_state": "/risk/state",
        }
        posted = {
            "execute_trade": "/orders", "cancel_order": "/orders/cancel", "close_all": "/positions/close",
            "check_risk": "/risk/check", "halt": "/risk/halt", "resume": "/risk/resume",
            "set_level": "/risk/level", "approve": "/risk/approve", "lift_wall": "/risk/wall",
            "backtest_strategy": "/research/backtest",
        }  # fmt: skip
        async with httpx.AsyncClient(base_url=self.url) as http:
            if name in posted:
                response = await http.post(f"/api/v2{posted[name]}", json=arguments)
                return response.text, response.status_code != 200
            query = {key: _as_text(value) for key, value in arguments.items()}
            response = await http.get(f"/api/v2{paths[name]}", params=query)
            return response.text, response.status_code != 200

    async def _rest_tool(self, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        async with httpx.AsyncClient(base_url=self.url) as http:
            request = {"name": name, "arguments": arguments}
            response = await http.post("/api/v2/mcp/tools/call", json=request)
            if response.status_code != 200:
                return response.text, True
            return compact_json(json.loads(response.text)["structuredContent"]), False


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)


@pytest.fixture(scope="session")
def desk_url() -> Iterator[str]:
    yield from serving(desk.memory_services())


@pytest.fixture(scope="session")
def failing_url() -> Iterator[str]:
    yield from serving(desk.failing_services())


@pytest.fixture(scope="session")
def keyed_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A served desk that asks for keys."""
    root = tmp_path_factory.mktemp("keyed")
    services, keys = keyed.keyed_services(root)
    for url in serving(services):
        yield keyed.KeyedDesk(url, keyed.Home(root), keys)


@pytest.fixture
def new_url() -> Iterator[str]:
    yield from serving(desk.new_services())


@pytest.fixture(scope="session")
def doors(desk_url: str) -> Doors:
    return Doors(desk_url, desk.memory_services(), "memory")


@pytest.fixture(scope="session")
def failing_doors(failing_url: str) -> Doors:
    return Doors(failing_url, desk.failing_services(), "failing")


@pytest.fixture(scope="session")
def doors_to() -> Callable[..., AbstractContextManager[Doors]]:
    """Return what opens doors to any services while a block runs."""

    @contextmanager
    def opened(services: Services, **options: Any) -> Iterator[Doors]:
        for url in serving(services, **options):
            yield Doors(url, services, "memory")

    return opened
