"""Alerts that were accepted, and where each of them stands: an SQLite file, so that no crash loses one.

`alert` has each alert once, by an id that whoever raises it derives from what happened; `delivery` has its place in
each channel: `waiting`, `sent`, or `dropped` where more waited than a channel keeps. What is told is kept a week.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chanflow.domain.alert import Alert
from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.time import NS_PER_S

KEPT_NS = 7 * 86_400 * NS_PER_S
KEPT_ROWS = 50_000

_TABLES = (
    """CREATE TABLE IF NOT EXISTS alert(
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, severity TEXT NOT NULL, title TEXT NOT NULL,
        body TEXT NOT NULL, dedupe_key TEXT NOT NULL, at_ns INTEGER NOT NULL, source TEXT NOT NULL,
        taken_ns INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS alert_taken ON alert(taken_ns)",
    """CREATE TABLE IF NOT EXISTS delivery(
        number INTEGER NOT NULL REFERENCES alert(number) ON DELETE CASCADE, channel TEXT NOT NULL,
        state TEXT NOT NULL, due_ns INTEGER NOT NULL, placed_ns INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        done_ns INTEGER, PRIMARY KEY(number, channel)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery(channel, number) WHERE state = 'waiting'",
    """CREATE TABLE IF NOT EXISTS channel(
        name TEXT PRIMARY KEY, sent INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
        dropped INTEGER NOT NULL DEFAULT 0, repeats INTEGER NOT NULL DEFAULT 0, last_sent_ns INTEGER,
        last_failed_ns INTEGER, last_failure TEXT) WITHOUT ROWID""",
)
_ALERT = "a.severity, a.title, a.body, a.dedupe_key, a.at_ns, a.source"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an alert goes: the channel, and from when it may be told."""

    channel: str
    due_ns: int


@dataclass(frozen=True, slots=True)
class Left:
    """An alert that waits in a channel, as the file has it."""

    number: int
    channel: str
    alert: Alert
    due_ns: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A channel took a key, at this severity and time."""

    channel: str
    alert: Alert
    placed_ns: int


@dataclass(frozen=True, slots=True)
class ChannelCounts:
    """What a channel did in all its days. Times in Unix ns."""

    name: str
    waiting: int = 0
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    repeats: int = 0
    last_sent_ns: int | None = None
    last_failed_ns: int | None = None
    last_failure: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An alert with its places, as (channel, state) pairs."""

    alert: Alert
    taken_ns: int
    places: tuple[tuple[str, str], ...]


class Outbox:
    """The file. Calls block and may come from any thread; each write is durable when it returns.

    Every method raises StorageUnwritable where the file fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._faults():
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
                self._db.execute(f"PRAGMA {pragma}")
            for table in _TABLES:
                self._db.execute(table)

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(sqlite3.Error):
            self._db.close()

    def known(self, alert_id: str) -> bool:
        """Return whether an alert of this id was accepted before."""
        with self._lock, self._faults():
            return self._db.execute("SELECT 1 FROM alert WHERE id = ?", (alert_id,)).fetchone() is not None

    def place(
        self, alert_id: str, alert: Alert, places: Sequence[Place], now_ns: int, *, repeats: Sequence[str] = ()
    ) -> int:
        """Keep an alert with its places, all in one; return its number. `repeats` are channels told before."""
        with self._write() as db:
            number = _add(db, alert_id, alert, now_ns)
            for each in places:
                _place(db, number, each, now_ns)
            for name in repeats:
                _count(db, name, "repeats = repeats + 1")
            return number

    def hand_on(self, number: int, place: Place, now_ns: int) -> None:
        """Add one more place to an alert."""
        with self._write() as db:
            _place(db, number, place, now_ns)

    def sent(self, channel: str, numbers: Iterable[int], now_ns: int) -> None:
        """Note that these were told."""
        with self._write() as db:
            db.executemany(
                "UPDATE delivery SET state = 'sent', done_ns = ? WHERE number = ? AND channel = ?",
                [(now_ns, number, channel) for number in numbers],
            )
            _count(db, channel, "sent = sent + 1, last_sent_ns = ?", now_ns)

    def failed(self, channel: str, numbers: Iterable[int], why: str, now_ns: int) -> None:
        """Note that these were not taken; they wait on."""
        with self._write() as db:
            db.executemany(
                "UPDATE delivery SET attempts = attempts + 1 WHERE number = ? AND channel = ?",
                [(number, channel) for number in numbers],
            )
            _count(db, channel, "failed = failed + 1, last_failed_ns = ?, last_failure = ?", now_ns, why[:200])

    def dropped(self, channel: str, numbers: Sequence[int], now_ns: int) -> None:
        """Note that these wait no more, and were not told."""
        with self._write() as db:
            db.executemany(
                "UPDATE delivery SET state = 'dropped', done_ns = ? WHERE number = ? AND channel = ?",
                [(now_ns, number, channel) for number in numbers],
            )
            _count(db, channel, "dropped = dropped + ?", len(numbers))

    def forget_told(self, now_ns: int) -> int:
        """Delete what waits nowhere and is over a week old, or older than the newest 50,000; return how many."""
        with self._write() as db:
            gone = db.execute(
                "DELETE FROM alert WHERE (taken_ns < ? OR number <= (SELECT max(number) FROM alert) - ?) AND NOT EXISTS"
                " (SELECT 1 FROM delivery d WHERE d.number = alert.number AND d.state = 'waiting')",
                (now_ns - KEPT_NS, KEPT_ROWS),
            )
            return gone.rowcount

    def left(self) -> list[Left]:
        """Return what waits, in the order it was accepted."""
        rows = self._read(
            f"SELECT d.number, d.channel, d.due_ns, d.attempts, {_ALERT} FROM delivery d"  # noqa: S608  (a constant)
            " JOIN alert a ON a.number = d.number WHERE d.state = 'waiting' ORDER BY d.number, d.channel"
        )
        return [Left(row[0], row[1], Alert(*row[4:]), row[2], row[3]) for row in rows]

    def heard(self, since_ns: int) -> list[Heard]:
        """Return what channels took since then, oldest first."""
        rows = self._read(
            f"SELECT d.channel, d.placed_ns, {_ALERT} FROM delivery d JOIN alert a ON a.number = d.number"  # noqa: S608
            " WHERE d.placed_ns >= ? ORDER BY d.placed_ns, d.number",
            since_ns,
        )
        return [Heard(row[0], Alert(*row[2:]), row[1]) for row in rows]

    def messages(self, since_ns: int) -> list[tuple[str, int]]:
        """Return (channel, time) of each message sent since then, oldest first."""
        rows = self._read(
            "SELECT DISTINCT channel, done_ns FROM delivery WHERE state = 'sent' AND done_ns >= ? ORDER BY done_ns",
            since_ns,
        )
        return [(row[0], row[1]) for row in rows]

    def counts(self) -> list[ChannelCounts]:
        """Return what each channel did, by name."""
        waiting = dict(self._read("SELECT channel, count(*) FROM delivery WHERE state = 'waiting' GROUP BY channel"))
        rows = self._read(
            "SELECT name, sent, failed, dropped, repeats, last_sent_ns, last_failed_ns, last_failure FROM channel"
        )
        known = {row[0]: ChannelCounts(row[0], waiting.get(row[0], 0), *row[1:]) for row in rows}
        known |= {name: ChannelCounts(name, number) for name, number in waiting.items() if name not in known}
        return [known[name] for name in sorted(known)]

    def newest(self, limit: int) -> list[Listed]:
        """Return the newest alerts, newest first."""
        rows = self._read(
            f"SELECT a.number, a.taken_ns, {_ALERT} FROM alert a ORDER BY a.number DESC LIMIT ?",  # noqa: S608
            limit,
        )
        return [
            Listed(Alert(*row[2:]), row[1], tuple(self._read(
                "SELECT channel, state FROM delivery WHERE number = ? ORDER BY channel", row[0]
            )))
            for row in rows
        ]  # fmt: skip

    def _read(self, sql: str, *values: object) -> list[Any]:
        with self._lock, self._faults():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._faults():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as fault:
            raise StorageUnwritable(f"alerts cannot be kept in {self._path}: {fault}; free the disk or file") from fault


def _add(db: sqlite3.Connection, alert_id: str, alert: Alert, now_ns: int) -> int:
    db.execute(
        "INSERT OR IGNORE INTO alert(id, severity, title, body, dedupe_key, at_ns, source, taken_ns)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (alert_id, alert.severity, alert.title, alert.body, alert.dedupe_key, alert.at_ns, alert.source, now_ns),
    )
    number: int = db.execute("SELECT number FROM alert WHERE id = ?", (alert_id,)).fetchone()[0]
    return number


def _place(db: sqlite3.Connection, number: int, place: Place, now_ns: int) -> None:
    db.execute(
        "INSERT OR IGNORE INTO delivery(number, channel, state, due_ns, placed_ns) VALUES (?, ?, 'waiting', ?, ?)",
        (number, place.channel, place.due_ns, now_ns),
    )


def _count(db: sqlite3.Connection, channel: str, change: str, *values: object) -> None:
    db.execute("INSERT OR IGNORE INTO channel(name) VALUES (?)", (channel,))
    db.execute(f"UPDATE channel SET {change} WHERE name = ?", (*values, channel))  # noqa: S608  (our own words)
