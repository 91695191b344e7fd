"""A served desk that asks for keys, and traders; a test writes into its log of alerts as another process does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import memory_desk
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from chanflow.access.keys import User
from chanflow.domain.watch_alert import Happening
from chanflow.operations.services import Services
from chanflow.runtime.access_desk import make_pepper, open_books
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home

MODES = {"2026": "2026-07-28", "2025": "legacy"}
TRADERS = {"ann": ("trader",), "bob": ("trader",), "eve": ("admin",)}


@dataclass(frozen=True)
class KeyedDesk:
    """Where it is served, and the keys of those who may come."""

    url: str
    home: Home
    keys: dict[str, str]

    @asynccontextmanager
    async def client(self, name: str, era: str, **options: Any) -> AsyncIterator[Client]:
        """Give the unmodified client of a user in an era of the protocol."""
        headers = {"Authorization": f"Bearer {self.keys[name]}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            transport = streamable_http_client(f"{self.url}/mcp", http_client=http)
            async with Client(transport, mode=MODES[era], **options) as client:
                yield client

    async def happen(self, alert_id: str, number: int) -> None:
        """Write that an alert heard something, as the process that watches does."""
        clock = SystemClock()
        body = {"event": "new", "symbol": "ETHUSDT", "level": "1m", "type": "buy1", "number": number}
        happening = Happening(
            f"{alert_id}:{number}", "buy_sell_points", "ETHUSDT", "1m", clock.now_ns(), body, "buy1"
        )  # fmt: skip
        async with AlertBook(self.home, clock).open() as store:
            await store.log([(happening, (alert_id,))], mark=None, before_ms=None, now_ns=clock.now_ns())


def keyed_services(root: Path, **changes: Any) -> tuple[Services, dict[str, str]]:
    """Return the services of such a desk in a folder, and the keys of its users."""
    home, clock = Home(root), SystemClock()
    home.prepare()
    make_pepper(home, SystemRandomness())
    services = replace(
        memory_desk.memory_services(), access=open_books(home, clock, SystemRandomness()), clock=clock,
        ids=Uuid7Ids(clock, SystemRandomness()), alerts=AlertBook(home, clock), **changes,
    )  # fmt: skip
    return services, asyncio.run(_keys(home))


async def _keys(home: Home) -> dict[str, str]:
    clock, keys = SystemClock(), {}
    books = open_books(home, clock, SystemRandomness())
    async with books.serving():
        for name, roles in TRADERS.items():
            user = User(f"user-{name}", name, roles, "enterprise", clock.now_ns())
            await books.shelf.add_user(user)
            keys[name] = (await books.keyring.create(user, name="test", scopes=None)).text
    return keys
