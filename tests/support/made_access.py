"""A desk that asks for keys, over a database of its own, with time moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import httpx

from chanflow.access.books import AccessBooks
from chanflow.access.keyring import NewKey
from chanflow.access.keys import User
from chanflow.adapters.storage.account_shelf import AccountShelf
from chanflow.interfaces.rest.app import build_app
from chanflow.interfaces.rest.frontage import LOOPBACK, Frontage
from chanflow.operations.services import Services
from chanflow.runtime.access_desk import make_pepper, open_books
from chanflow.runtime.clock import SeededRandomness, SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home

START_NS = 1_767_261_620_000_000_000  # 2026-01-01T10:00:20Z


class HandClock:
    """A clock that a test moves."""

    def __init__(self, now_ns: int = START_NS) -> None:
        self.at_ns = now_ns

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns - START_NS

    async def sleep_until(self, at_ns: int) -> None:
        await asyncio.Event().wait()  # what is done by the hour is asked for by name


class SystemBytes:
    """Chance that no two keyrings share."""

    def stream(self, name: str) -> Random:
        return SystemRandomness().stream(name)


@dataclass(frozen=True)
class AccessDesk:
    """The books, the clock they go by, and services that are judged by them."""

    home: Home
    clock: HandClock
    books: AccessBooks
    services: Services

    @property
    def shelf(self) -> AccountShelf:
        assert isinstance(self.books.shelf, AccountShelf)
        return self.books.shelf

    async def user(self, name: str, *, roles: Sequence[str] = ("trader",), plan: str = "free") -> User:
        made = User(f"user-{name}", name, tuple(roles), plan, self.clock.now_ns())
        await self.shelf.add_user(made)
        return made

    async def key(self, user: User, **asked: Any) -> NewKey:
        return await self.books.keyring.create(user, **{"name": "laptop", "scopes": None} | asked)


def access_desk(root: Path, services: Services, **given: Any) -> AccessDesk:
    """Return a desk of its own in a folder; `books.serving` opens it. The rest is given to `open_books`."""
    home, clock = Home(root), HandClock()
    make_pepper(home, SystemBytes())
    books = open_books(home, clock, SystemBytes(), **given)
    ids = Uuid7Ids(clock, SeededRandomness(7))
    return AccessDesk(home, clock, books, replace(services, access=books, clock=clock, ids=ids))


@asynccontextmanager
async def http_desk(
    desk: AccessDesk, frontage: Frontage = LOOPBACK, *, peer: str = "127.0.0.1"
) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the desk's HTTP doors while they are open; it comes from the address of `peer`."""
    app = build_app(desk.services, frontage=frontage)
    transport = httpx.ASGITransport(app, client=(peer, 123))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        yield client


async def viewer_key(home: Home) -> str:
    """Return a key of a new viewer, on the plan `pro`, in a data directory of the machine's own time."""
    make_pepper(home, SystemBytes())
    books = open_books(home, SystemClock(), SystemBytes())
    async with books.serving():
        assert isinstance(books.shelf, AccountShelf)
        ann = User("user-ann", "ann", ("viewer",), "pro", 0)
        await books.shelf.add_user(ann)
        return (await books.keyring.create(ann, name="laptop", scopes=None)).text


def bearer(key: NewKey) -> dict[str, str]:
    """Return the header that shows a key."""
    return {"Authorization": f"Bearer {key.text}"}
