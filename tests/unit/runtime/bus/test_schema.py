from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from chanflow.runtime.bus import schema


def test_a_connection_syncs_every_commit(tmp_path: Path) -> None:
    connection = schema.connect(tmp_path / "desk.db")
    try:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (5_000,)
    finally:
        connection.close()


def test_a_database_without_wal_is_refused() -> None:
    with pytest.raises(sqlite3.OperationalError, match="WAL is needed"):
        schema.connect(Path(":memory:"))


def test_a_file_that_is_no_database_is_refused_unharmed(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    path.write_bytes(b"dear diary " * 100)
    with pytest.raises(sqlite3.DatabaseError):
        schema.connect(path)
    assert path.read_bytes() == b"dear diary " * 100
