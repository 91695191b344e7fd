"""The bus's tables, and how its connections are opened.

A delivery's `state` carries the order per key, so that no claim has to look for it: of an ordered group only the head
of a key is `ready` (or `stopped`, dead and holding its key), the others are `blocked`. `dead` is dead and passed over.
A ready row is claimed by pushing `due_ns` to the end of the lease, so a lease that runs out needs no one to notice.
`lease` counts claims and gives the fencing token; at death `due_ns` is when.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

TABLES = (
    """CREATE TABLE IF NOT EXISTS bus_message(
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, topic TEXT NOT NULL, key TEXT NOT NULL,
        body TEXT NOT NULL, at_ns INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS bus_subscription(
        topic TEXT NOT NULL, grp TEXT NOT NULL, ordered INTEGER NOT NULL,
        PRIMARY KEY(topic, grp)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS bus_delivery(
        grp TEXT NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, due_ns INTEGER NOT NULL,
        lease INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, error TEXT,
        PRIMARY KEY(grp, seq)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS bus_delivery_due ON bus_delivery(grp, state, due_ns)",
    "CREATE INDEX IF NOT EXISTS bus_delivery_key ON bus_delivery(grp, key, seq) WHERE state <> 'dead'",
    "CREATE INDEX IF NOT EXISTS bus_delivery_ready ON bus_delivery(grp, seq) WHERE state = 'ready'",
    """CREATE TABLE IF NOT EXISTS bus_inbox(
        grp TEXT NOT NULL, id BLOB NOT NULL, at_ns INTEGER NOT NULL,
        PRIMARY KEY(grp, id)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS bus_inbox_at ON bus_inbox(at_ns)",
)


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the bus in `path`, with its tables, in autocommit mode. Raises sqlite3.Error.

    WAL and `synchronous=FULL`: a commit that returned survives a power cut. Another writer is waited for up to 5 s.
    """
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, cached_statements=256)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError(f"the filesystem gives journal mode {mode}, WAL is needed")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in TABLES:
            connection.execute(statement)
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
