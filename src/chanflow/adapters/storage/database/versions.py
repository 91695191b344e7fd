"""The database's shape: which it has, which this version needs, and the way from one to the other.

Revisions are four digits, the first of their file's name. Alembic is loaded only where a shape is to be changed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect

from chanflow.adapters.storage.database.address import database_file
from chanflow.adapters.storage.database.engine import writing_engine
from chanflow.adapters.storage.database.faults import damaged, told
from chanflow.adapters.storage.filesystem import refuse_network
from chanflow.domain.errors import InvalidArgument, StorageUnwritable

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
BASE = "base"


def revisions() -> tuple[str, ...]:
    """Return the revisions this version knows, oldest first."""
    names = sorted(path.name for path in (MIGRATIONS / "versions").iterdir())
    return tuple(found[1] for name in names if (found := re.fullmatch(r"(\d{4})_\w+\.py", name)))


async def current(url: str) -> str | None:
    """Return the database's revision; None where there is none, or nothing in it. Nothing is made.

    Raises StorageUnwritable for a file that is no database of ours, or is newer than this version.
    """
    path = database_file(url)
    if not path.exists() or path.stat().st_size == 0:
        return None
    _require_place(path)
    engine = writing_engine(url)
    try:
        with told(path):
            async with engine.connect() as connection:
                return await connection.run_sync(_revision, path)
    finally:
        await engine.dispose()


async def upgrade(url: str) -> str:
    """Bring the database to the newest shape, making it where there is none, all or nothing; return its revision.

    Raises StorageUnwritable as `current` does, and where the file is damaged; StorageBusy.
    """
    await _change(url, revisions()[-1], "upgrade")
    return revisions()[-1]


async def downgrade(url: str, revision: str) -> None:
    """Bring the database back to an older `revision`, or to `base`: nothing. What newer tables held is lost.

    Raises InvalidArgument for a revision that is none, or is newer; else as `upgrade` does.
    """
    known, there = (BASE, *revisions()), await current(url) or BASE
    if revision not in known or known.index(revision) > known.index(there):
        older = ", ".join(known[: known.index(there) + 1])
        raise InvalidArgument(f"revision is {revision!r}, from {there} one can go back to {older}", field="revision")
    if there != BASE:
        await _change(url, revision, "downgrade")


async def _change(url: str, revision: str, way: str) -> None:
    path = database_file(url)
    _require_place(path)
    engine = writing_engine(url, foreign_keys=False)
    try:
        with told(path):
            async with engine.begin() as connection:
                await connection.run_sync(_changed, path, revision, way)
    finally:
        await engine.dispose()


def _require_place(path: Path) -> None:
    """Raise StorageUnwritable where no database can be.

    Asked before the driver is: its thread outlives an opening that failed, and may find the event loop gone.
    """
    refuse_network(path.parent)
    why = None
    if not path.parent.is_dir():
        why = "its folder is not there"
    elif path.exists() and not path.is_file():
        why = "it is no file"
    elif not os.access(path if path.exists() else path.parent, os.R_OK | os.W_OK):
        why = "this user may not"
    if why is not None:
        raise StorageUnwritable(f"{path} cannot be used: {why}; free or repair it, or set CHANFLOW_HOME elsewhere")


def _changed(connection: Connection, path: Path, revision: str, way: str) -> None:
    from alembic import command

    state = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if state != "ok":
        raise damaged(path, str(state))
    _revision(connection, path)
    change: dict[str, Any] = {"upgrade": command.upgrade, "downgrade": command.downgrade}
    change[way](_config(connection), revision)
    if (row := connection.exec_driver_sql("PRAGMA foreign_key_check").first()) is not None:
        raise StorageUnwritable(f"{path} was left as it was: at {revision} a row of {row[0]} would point to none")


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection, path: Path) -> str | None:
    """Return the revision; raises StorageUnwritable where this version cannot go on from it."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        if tables:
            raise StorageUnwritable(f"{path} has tables, like {tables[0]}, and no revision: it is no database of ours")
        return None
    revision: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()  # noqa: S608
    if revision is not None and revision not in revisions():
        raise StorageUnwritable(
            f"{path} is at revision {revision}, and this version knows up to {revisions()[-1]}: "
            "install the newer chanflow that wrote it"
        )
    return revision
