"""Opens the books of access over a data directory: its pepper, its plans, and the tables of its database."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from chanflow.access.bearers import Bearers
from chanflow.access.books import AccessBooks
from chanflow.access.identity_ports import Privacy
from chanflow.access.key_sets import FetchJson
from chanflow.access.keys import sound_pepper
from chanflow.access.plans import PLANS, Plan, overridden
from chanflow.access.rate_limit import RateLimit
from chanflow.access.tickets import Tickets
from chanflow.access.token_issuers import Issuer
from chanflow.adapters.storage.access_writer import AccessWriter
from chanflow.adapters.storage.account_shelf import AccountShelf
from chanflow.adapters.storage.database.address import database_url
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.versions import current, revisions, upgrade
from chanflow.adapters.storage.identity.privacy import DeskPrivacy
from chanflow.adapters.storage.socket_leases import SqlSocketLeases
from chanflow.adapters.storage.socket_tickets import SqlTickets
from chanflow.adapters.storage.subscription_shelf import SqlSubscriptions
from chanflow.adapters.storage.vault import Vault
from chanflow.domain.errors import ChanflowError, SettingsInvalid, StorageUnwritable
from chanflow.domain.time import NS_PER_S, Clock, Randomness
from chanflow.runtime.access_settings import AccessSettings
from chanflow.runtime.billing_desk import open_billing
from chanflow.runtime.billing_settings import BillingSettings
from chanflow.runtime.home import Home, publish
from chanflow.runtime.identity_desk import open_identity
from chanflow.runtime.settings import yaml_tree
from chanflow.runtime.token_desk import OWN_NAME, open_keyring, open_reader, open_signed, open_tokens

_PEPPER_BYTES = 32
_TENDED_EVERY_S = 3_600
_log = logging.getLogger(__name__)


def open_books(
    home: Home,
    clock: Clock,
    randomness: Randomness,
    settings: AccessSettings | None = None,
    *,
    positions_open: Callable[[], bool] = lambda: False,
    issuers: Sequence[Issuer] = (),
    name: str = OWN_NAME,
    fetch: FetchJson | None = None,
    billing: BillingSettings | None = None,
) -> AccessBooks:
    """Return the books of a desk; its database is opened with `serving`.

    Tokens of `issuers` are taken besides its keys and its own tokens, which it issues as `name`; `fetch` brings the key
    sets of issuers, from the public internet by itself. Without `billing` nothing is sold, without
    `settings` nobody signs up and no mail is sent.

    Raises SettingsInvalid for a secret that is missing, weak or open to others, for plans that cannot be, and for
    sign-ups without a mail server; MissingExtra.
    """
    pepper, plans = read_pepper(home), read_plans(home)
    url = database_url(home.database_path)
    database, vault = Database(url), Vault(pepper, randomness.stream("vault").randbytes)
    writer, shelf = AccessWriter(database, vault), AccountShelf(database)
    privacy = DeskPrivacy(
        database, vault, pepper, home.exports_dir, clock, randomness.stream("exports").randbytes, positions_open
    )
    tokens = open_tokens(database, pepper, clock, randomness, name=name)
    identity = open_identity(database, vault, pepper, privacy, clock, randomness, settings, tokens.revoke)

    till = open_billing(home, clock, billing, SqlSubscriptions(database), read_secret)

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        if await current(url) != revisions()[-1]:
            await upgrade(url)
        await _erased(privacy)
        tending = asyncio.create_task(_tended(privacy, clock))
        try:
            async with nullcontext() if till is None else till.serving():
                yield
        finally:
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
            await identity.accounts.settled()
            await writer.settled()
            await database.close()

    keyring = open_keyring(shelf, pepper, clock, randomness)
    foreign = open_reader(issuers, plans, clock, own_name=name, fetch=fetch)
    bearers = Bearers((keyring, tokens, foreign), [identity.sessions])
    return AccessBooks(
        plans,
        bearers,
        keyring,
        shelf,
        writer,
        writer,
        RateLimit(clock.monotonic_ns),
        serving,
        SqlSocketLeases(database),
        Tickets(SqlTickets(database), clock, randomness),
        tokens,
        open_signed(keyring, database, pepper, clock, randomness),
        None if till is None else till.billing,
        identity,
    )


async def _tended(privacy: Privacy, clock: Clock) -> None:
    """Erase, once an hour, whose time to change their mind is over. What has begun is ended before this is."""
    while True:
        await clock.sleep_until(clock.now_ns() + _TENDED_EVERY_S * NS_PER_S)
        work = asyncio.create_task(_erased(privacy))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await work
            raise


async def _erased(privacy: Privacy) -> None:
    try:
        await privacy.erase_due()
    except ChanflowError as fault:
        _log.warning("nobody was erased, and it is tried again in an hour: %s", fault)


def read_plans(home: Home) -> Mapping[str, Plan]:
    """Return the plans in force. Raises SettingsInvalid for a file with unknown keys or figures out of bounds."""
    return overridden(yaml_tree(home.plans_path), str(home.plans_path)) if home.plans_path.exists() else PLANS


def read_pepper(home: Home) -> bytes:
    """Return the pepper. Raises SettingsInvalid where there is none, others can read it, or it is weak."""
    path = home.pepper_path
    return sound_pepper(read_secret(path, "make it with chanflow init"), f"the secret {path}")


def read_secret(path: Path, how: str) -> bytes:
    """Return a secret that stands in a file. Raises SettingsInvalid where there is none, or others can read it."""
    try:
        mode, found = stat.S_IMODE(path.stat().st_mode), path.read_bytes().strip()
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise SettingsInvalid(f"the secret {path} cannot be read: {why}; {how}") from fault
    if mode & 0o077:
        raise SettingsInvalid(f"the secret {path} has mode {mode:04o}, others can read it: chmod 600 {path}")
    return found


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
