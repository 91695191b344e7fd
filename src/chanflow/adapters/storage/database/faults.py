"""The database's faults, in words of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chanflow.domain.errors import StorageBusy, StorageUnwritable

_BUSY = ("database is locked", "database table is locked", "database schema is locked")
_DAMAGED = ("file is not a database", "database disk image is malformed", "malformed database schema")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn faults of the block into ours, but IntegrityError: a row that is there already is the caller's to judge.

    Raises StorageBusy where others hold the database for too long, else StorageUnwritable.
    """
    try:
        yield
    except IntegrityError:
        raise
    except PoolTimeout as fault:
        raise StorageBusy(f"{path} was in use for too long by this process: nothing was written, try again") from fault
    except DBAPIError as fault:
        raise _ours(path, str(fault.orig)) from fault


def _ours(path: Path, words: str) -> StorageBusy | StorageUnwritable:
    if words.startswith(_BUSY):
        return StorageBusy(f"{path} is held by another process: nothing was written, try again")
    if words.startswith(_DAMAGED):
        return damaged(path, words)
    return StorageUnwritable(f"{path} cannot be used: {words}; free or repair it, or set CHANFLOW_HOME elsewhere")


def damaged(path: Path, words: str) -> StorageUnwritable:
    """Return the fault of a file that is no sound database."""
    return StorageUnwritable(f"{path} is no sound database ({words}): put a backup in its place, or move it away")
