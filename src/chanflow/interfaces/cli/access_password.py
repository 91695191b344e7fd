"""What `chanflow user password` does: a password is read where nobody sees it, and only its hash is kept."""

from __future__ import annotations

import asyncio
import sys

import typer

from chanflow.access.passwords import Passwords, sound_password
from chanflow.access.sessions import Sessions
from chanflow.adapters.storage.account_shelf import AccountShelf
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.identity.people_shelf import DatabasePeople
from chanflow.adapters.storage.identity.session_shelf import DatabaseSessions
from chanflow.adapters.storage.token_shelf import TokenShelf
from chanflow.adapters.storage.vault import Vault
from chanflow.runtime.access_desk import read_pepper
from chanflow.runtime.clock import SystemClock, SystemRandomness
from chanflow.runtime.home import Home
from chanflow.runtime.settings import home_directory


def run_user_password(name: str) -> None:
    """Set a user's password, and end their sessions. Raises NotFound, InvalidArgument, SettingsInvalid."""
    home = Home(home_directory())
    home.prepare()
    password = _asked()
    sound_password(password, user=name)
    ended = asyncio.run(_set(home, name, password))
    typer.echo(f"{name}: the password is set, {ended} sessions ended")


def _asked() -> str:
    """Return the password: typed twice on a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


async def _set(home: Home, name: str, password: str) -> int:
    pepper, clock, chance = read_pepper(home), SystemClock(), SystemRandomness()
    async with await Database.open(home.database_path) as database:
        user = await AccountShelf(database).user(name)
        people = DatabasePeople(database, Vault(pepper, chance.stream("vault").randbytes), pepper)
        hashed = await Passwords(chance).hashed(password)
        await people.change_person(user.id, clock.now_ns(), password_hash=hashed)
        await TokenShelf(database).revoke_families(user.id, clock.now_ns())
        return await Sessions(DatabaseSessions(database), pepper, clock, chance).end_all(user.id)
