"""Opens the books of access over a data directory: its pepper, its plans, and the tables of its database."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from chanflow.access.bearers import Bearers
from chanflow.access.books import AccessBooks
from chanflow.access.keyring import Keyring
from chanflow.access.keys import sound_pepper
from chanflow.access.plans import PLANS, Plan, overridden
from chanflow.access.rate_limit import RateLimit
from chanflow.access.tickets import Tickets
from chanflow.adapters.storage.access_writer import AccessWriter
from chanflow.adapters.storage.account_shelf import AccountShelf
from chanflow.adapters.storage.database.address import database_url
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.versions import current, revisions, upgrade
from chanflow.adapters.storage.socket_leases import SqlSocketLeases
from chanflow.adapters.storage.socket_tickets import SqlTickets
from chanflow.domain.errors import SettingsInvalid, StorageUnwritable
from chanflow.domain.time import Clock, Randomness
from chanflow.runtime.home import Home, publish
from chanflow.runtime.settings import yaml_tree

_PEPPER_BYTES = 32


def open_books(home: Home, clock: Clock, randomness: Randomness) -> AccessBooks:
    """Return the books of a desk; its database is opened with `serving`.

    Raises SettingsInvalid for a pepper that is missing, weak or open to others, and for plans that cannot be.
    """
    pepper, plans = read_pepper(home), read_plans(home)
    url = database_url(home.database_path)
    database = Database(url)
    writer, shelf = AccessWriter(database), AccountShelf(database)

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        if await current(url) != revisions()[-1]:
            await upgrade(url)
        try:
            yield
        finally:
            await writer.settled()
            await database.close()

    keyring = Keyring(shelf, pepper, clock, randomness)
    bearers = Bearers((keyring,))
    return AccessBooks(
        plans, bearers, keyring, shelf, writer, writer, RateLimit(clock.monotonic_ns), serving,
        leases=SqlSocketLeases(database), tickets=Tickets(SqlTickets(database), clock, randomness),
    )  # fmt: skip


def read_plans(home: Home) -> Mapping[str, Plan]:
    """Return the plans in force. Raises SettingsInvalid for a file with unknown keys or figures out of bounds."""
    return overridden(yaml_tree(home.plans_path), str(home.plans_path)) if home.plans_path.exists() else PLANS


def read_pepper(home: Home) -> bytes:
    """Return the pepper. Raises SettingsInvalid where there is none, others can read it, or it is weak."""
    path = home.pepper_path
    try:
        mode, found = stat.S_IMODE(path.stat().st_mode), path.read_bytes().strip()
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise SettingsInvalid(f"the secret {path} cannot be read: {why}; make it with chanflow init") from fault
    if mode & 0o077:
        raise SettingsInvalid(f"the secret {path} has mode {mode:04o}, others can read it: chmod 600 {path}")
    return sound_pepper(found, f"the secret {path}")


def make_pepper(home: Home, randomness: Randomness) -> bool:
    """Make the pepper unless it is there; returns whether it was made. Raises SettingsInvalid, StorageUnwritable."""
    if home.pepper_path.exists():
        read_pepper(home)
        return False
    _make_private(home.pepper_path.parent)
    secret = randomness.stream("secrets").randbytes(_PEPPER_BYTES).hex()
    publish(home.pepper_path, f"{secret}\n".encode(), mode=0o600)
    return True


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise StorageUnwritable(f"{folder} cannot be made: {(fault.strerror or str(fault)).lower()}") from fault
