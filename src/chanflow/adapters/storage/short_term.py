"""Short-term memory: the last decisions in the process, and in an SQLite file, so that a restart forgets nothing.

Keys as they would stand in a shared cache: `decisions:recent` (the table `decision` by time), `decision:<id>` for 30
days, `trades:<day>` for 48 hours, `performance:<days>d` and `account:<id>` until the moment given with them.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.memory import Case, ClosedTrade, Decision, Outcome
from chanflow.domain.time import NS_PER_DAY, NS_PER_S, utc_date
from chanflow.review.memory_json import decision_body, decision_of, state_body, state_of, trade_body, trade_of

RECENT = 100
DECISION_TTL_NS = 30 * NS_PER_DAY
TRADE_TTL_NS = 48 * 3_600 * NS_PER_S

_TABLES = (
    """CREATE TABLE IF NOT EXISTS decision(
        id TEXT PRIMARY KEY, at_ns INTEGER NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
        stored INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS decision_at ON decision(at_ns)",
    "CREATE INDEX IF NOT EXISTS decision_unstored ON decision(at_ns) WHERE stored = 0",
    """CREATE TABLE IF NOT EXISTS trade(
        id TEXT PRIMARY KEY, closed_ns INTEGER NOT NULL, day TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS trade_day ON trade(day)",
    """CREATE TABLE IF NOT EXISTS entry(
        key TEXT PRIMARY KEY, body TEXT NOT NULL, until_ns INTEGER NOT NULL) WITHOUT ROWID""",
)


class SqliteShortTerm:
    """The file, and the newest decisions beside it. Calls block, and may come from any thread.

    A write survives the end of the process when it returns; the end of the machine may take the last of them, which
    the journal has. Every method raises StorageUnwritable where the file fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
                self._db.execute(f"PRAGMA {pragma}")
            for table in _TABLES:
                self._db.execute(table)
            rows = self._db.execute("SELECT body FROM decision ORDER BY at_ns DESC, id DESC LIMIT ?", (RECENT,))
            newest = [decision_of(json.loads(body)) for (body,) in rows]
        self._recent: dict[str, Decision] = {each.decision_id: each for each in newest}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock, suppress(sqlite3.Error):
            self._db.close()

    # ── decisions ─────────────────────────────────────────────────────────────

    def remember(self, case: Case) -> None:
        """Keep a decision for 30 days, and its state until its vector is stored; the same id again replaces it.

        An outcome that is known already stays.
        """
        decision = case.decision
        with self._lock, self._faults():
            old = self._decision(decision.decision_id)
            if old is not None and decision.outcome is None:
                decision = replace(decision, outcome=old.outcome)
            self._db.execute(
                "INSERT INTO decision(id, at_ns, body, state) VALUES (?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
                "at_ns = excluded.at_ns, body = excluded.body, state = excluded.state, stored = 0",
                (decision.decision_id, decision.at_ns, _text(decision), canonical_json(state_body(case.state))),
            )
            self._recent[decision.decision_id] = decision
            if len(self._recent) > 2 * RECENT:
                newest = sorted(self._recent.values(), key=_order, reverse=True)[:RECENT]
                self._recent = {each.decision_id: each for each in newest}

    def settle(self, outcome: Outcome) -> Decision | None:
        """Write down what came of a decision; return it, or None where it is not kept any more."""
        with self._lock, self._faults():
            old = self._decision(outcome.decision_id)
            if old is None:
                return None
            known = replace(old, outcome=outcome)
            self._db.execute("UPDATE decision SET body = ? WHERE id = ?", (_text(known), outcome.decision_id))
            if outcome.decision_id in self._recent:
                self._recent[outcome.decision_id] = known
            return known

    def recent(self, as_of_ns: int, limit: int, strategy: str | None) -> tuple[Decision, ...]:
        """Return the newest decisions before a moment, of at most 100, with the outcomes that were known then."""
        with self._lock:
            newest = sorted(self._recent.values(), key=_order, reverse=True)[:RECENT]
        mine = [
            each
            for each in newest
            if as_of_ns - DECISION_TTL_NS <= each.at_ns < as_of_ns and strategy in (None, each.strategy)
        ]
        return tuple(each.known_before(as_of_ns) for each in mine[:limit])

    def decision(self, decision_id: str, now_ns: int) -> Decision | None:
        """Return a decision by its id, or None."""
        with self._lock, self._faults():
            found = self._decision(decision_id)
        return found if found is not None and found.at_ns >= now_ns - DECISION_TTL_NS else None

    def _decision(self, decision_id: str) -> Decision | None:
        row = self._db.execute("SELECT body FROM decision WHERE id = ?", (decision_id,)).fetchone()
        return None if row is None else decision_of(json.loads(row[0]))

    def unstored(self, until_ns: int, limit: int) -> tuple[Case, ...]:
        """Return decisions up to a moment whose vectors are not stored yet, oldest first."""
        with self._lock, self._faults():
            rows = self._db.execute(
                "SELECT body, state FROM decision WHERE stored = 0 AND at_ns <= ? ORDER BY at_ns, id LIMIT ?",
                (until_ns, limit),
            ).fetchall()
        return tuple(Case(decision_of(json.loads(body)), state_of(json.loads(state))) for body, state in rows)

    def stored(self, decision_ids: Sequence[str]) -> None:
        """Note that these need no storing any more."""
        with self._write() as db:
            db.executemany("UPDATE decision SET stored = 1 WHERE id = ?", [(each,) for each in decision_ids])

    # ── trades and other entries ──────────────────────────────────────────────

    def add_trade(self, trade: ClosedTrade) -> None:
        """Keep a closed trade for 48 hours, under its UTC day; the same position again replaces it."""
        with self._lock, self._faults():
            self._db.execute(
                "INSERT OR REPLACE INTO trade(id, closed_ns, day, body) VALUES (?, ?, ?, ?)",
                (trade.position_id, trade.closed_ns, utc_date(trade.closed_ns), canonical_json(trade_body(trade))),
            )

    def trades(self, day: str, now_ns: int) -> tuple[ClosedTrade, ...]:
        """Return the trades closed on a UTC day, in order, as far as they are kept."""
        with self._lock, self._faults():
            rows = self._db.execute(
                "SELECT body FROM trade WHERE day = ? AND closed_ns >= ? ORDER BY closed_ns, id",
                (day, now_ns - TRADE_TTL_NS),
            ).fetchall()
        return tuple(trade_of(json.loads(body)) for (body,) in rows)

    def put(self, key: str, value: Mapping[str, Any], until_ns: int) -> None:
        """Keep a value until a moment."""
        with self._lock, self._faults():
            self._db.execute(
                "INSERT OR REPLACE INTO entry(key, body, until_ns) VALUES (?, ?, ?)",
                (key, canonical_json(value), until_ns),
            )

    def get(self, key: str, now_ns: int) -> Mapping[str, Any] | None:
        """Return the value of a key, or None."""
        with self._lock, self._faults():
            row = self._db.execute("SELECT body FROM entry WHERE key = ? AND until_ns > ?", (key, now_ns)).fetchone()
        return None if row is None else json.loads(row[0])

    def purge(self, now_ns: int) -> None:
        """Let go of what has ended; a decision whose vector is not stored yet stays until it is."""
        with self._write() as db:
            db.execute("DELETE FROM decision WHERE stored = 1 AND at_ns < ?", (now_ns - DECISION_TTL_NS,))
            db.execute("DELETE FROM trade WHERE closed_ns < ?", (now_ns - TRADE_TTL_NS,))
            db.execute("DELETE FROM entry WHERE until_ns <= ?", (now_ns,))

    # ── the file ──────────────────────────────────────────────────────────────

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._faults():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, json.JSONDecodeError) as fault:
            raise StorageUnwritable(
                f"{self._path} cannot be used: {fault}; move it away and run chanflow memory rebuild"
            ) from fault


def _text(decision: Decision) -> str:
    return canonical_json(decision_body(decision))


def _order(decision: Decision) -> tuple[int, str]:
    return decision.at_ns, decision.decision_id
