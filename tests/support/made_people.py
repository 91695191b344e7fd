"""People at a desk that asks who they are: their passwords, sessions and authenticators, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pyotp
from made_access import AccessDesk, HandClock, SystemBytes
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from chanflow.access.identity import Identity
from chanflow.access.keys import User
from chanflow.interfaces.rest.app import build_app
from chanflow.operations.services import Services
from chanflow.runtime.access_desk import make_pepper, open_books
from chanflow.runtime.access_settings import AccessSettings
from chanflow.runtime.clock import SeededRandomness, Uuid7Ids
from chanflow.runtime.home import Home

PASSWORD = "correct horse battery staple"
CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
"""The same Argon2id for less than a second's work: what it costs is shown where passwords are tested by themselves."""
ORIGIN = "http://127.0.0.1:8000"
URL = "/api/v2"


def people_desk(root: Path, services: Services, *, positions_open: bool = False, **settings: Any) -> AccessDesk:
    """Return a desk of its own in a folder, with its own settings of access."""
    home, clock = Home(root), HandClock()
    make_pepper(home, SystemBytes())
    asked: dict[str, Any] = {"required": True, "signup": "closed", "public_url": ORIGIN, "mail_url": SecretStr("")}
    found = AccessSettings(**asked | settings)
    books = open_books(home, clock, SystemBytes(), found, positions_open=lambda: positions_open)
    assert books.identity is not None
    books.identity.proofs._passwords._hasher = CHEAP
    ids = Uuid7Ids(clock, SeededRandomness(7))
    return AccessDesk(home, clock, books, replace(services, access=books, clock=clock, ids=ids))


@cache
def _hash_of(password: str) -> str:
    return CHEAP.hash(password)


def identity(desk: AccessDesk) -> Identity:
    found = desk.books.identity
    assert found is not None
    return found


async def person(
    desk: AccessDesk,
    name: str,
    *,
    email: str | None = None,
    roles: Sequence[str] = ("trader",),
    plan: str = "enterprise",
) -> User:
    """Add a user with the password of all tests. They were let in by an operator: no notice is due."""
    user = await desk.user(name, roles=roles, plan=plan)
    shelf = identity(desk).accounts._shelf
    changed = {} if email is None else {"email": email}
    await shelf.change_person(user.id, desk.clock.now_ns(), password_hash=_hash_of(PASSWORD), **changed)
    return user


@asynccontextmanager
async def browsers(desk: AccessDesk, *ips: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Give clients of the desk at some addresses, each with cookies of its own, while its doors are open."""
    app = build_app(desk.services)
    async with app.router.lifespan_context(app):
        ways = [httpx.ASGITransport(app, client=(ip, 50_000)) for ip in ips or ("127.0.0.1",)]
        clients = [httpx.AsyncClient(transport=way, base_url=ORIGIN) for way in ways]
        try:
            yield clients
        finally:
            for client in clients:
                await client.aclose()


async def logged_in(http: httpx.AsyncClient, login: str, password: str = PASSWORD, **more: str) -> dict[str, Any]:
    """Log in; later writes of the client carry what a page of the desk sends along."""
    answer = await http.post(f"{URL}/auth/login", json={"login": login, "password": password, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    http.headers["Origin"], http.headers["X-CSRF-Token"] = ORIGIN, body["csrf_token"]
    return body


def code_at(secret: str, clock: HandClock, *, later: int = 0) -> str:
    """Return what an authenticator shows now, or some steps of 30 s later."""
    return pyotp.TOTP(secret).generate_otp(clock.now_ns() // 30_000_000_000 + later)
