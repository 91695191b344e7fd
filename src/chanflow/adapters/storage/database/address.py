"""Where a database is: the address of the one in a file, and what an address may be."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from chanflow.domain.errors import SettingsInvalid

DRIVER = "sqlite+aiosqlite"


def database_url(path: Path) -> str:
    """Return the address of the SQLite database at `path`."""
    return URL.create(DRIVER, database=str(path.absolute())).render_as_string()


def database_file(url: str) -> Path:
    """Return the file of a SQLite address. Raises SettingsInvalid for any other; no password is repeated."""
    wanted = f"write {DRIVER}:////path/to/chanflow.db"
    try:
        parts = make_url(url)
    except ArgumentError:
        raise SettingsInvalid(f"the database's address is no URL: {wanted}") from None
    if parts.drivername != DRIVER:
        raise SettingsInvalid(
            f"the database's address names {parts.drivername}, and this version keeps data in SQLite: {wanted}"
        )
    if not parts.database or parts.database.startswith((":", "file:")):
        raise SettingsInvalid(f"the database's address names no file: {wanted}")
    return Path(parts.database)
