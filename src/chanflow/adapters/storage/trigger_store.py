"""The monitor's triggers in SQLite, in the bus's own file: one is marked as fired where its message is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chanflow.domain.canonical import canonical_json
from chanflow.monitor.ports import Effect, Standing, Transaction
from chanflow.monitor.watch import Fired

TABLES = (
    """CREATE TABLE IF NOT EXISTS monitor_position(
        seq INTEGER PRIMARY KEY AUTOINCREMENT, position_id TEXT NOT NULL UNIQUE, body TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS monitor_fired(
        position_id TEXT NOT NULL, trigger_id TEXT NOT NULL, at_ns INTEGER NOT NULL,
        PRIMARY KEY(position_id, trigger_id)) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS monitor_price(symbol TEXT PRIMARY KEY, price TEXT NOT NULL) WITHOUT ROWID",
)


class SqliteTriggers:
    """Triggers in three tables, which `load` makes. It opens no connection: statements run in the caller's."""

    def armed(self, body: Mapping[str, Any]) -> Effect:
        """Return the keeping of a registration; it replaces the one its position had."""
        text = canonical_json(body)

        def keep(tx: Transaction) -> None:
            tx.execute("DELETE FROM monitor_position WHERE position_id = ?", (body["position_id"],))
            tx.execute("INSERT INTO monitor_position(position_id, body) VALUES (?, ?)", (body["position_id"], text))

        return keep

    def fired(self, fired: Fired) -> Effect:
        """Return the marking of a trigger as fired. It raises sqlite3.IntegrityError where it has fired before."""
        row = (fired.position_id, fired.trigger_id, fired.fired_ns)
        return lambda tx: _run(tx, "INSERT INTO monitor_fired(position_id, trigger_id, at_ns) VALUES (?, ?, ?)", row)

    def disarmed(self, position_id: str) -> Effect:
        """Return the forgetting of a position."""

        def forget(tx: Transaction) -> None:
            tx.execute("DELETE FROM monitor_position WHERE position_id = ?", (position_id,))
            tx.execute("DELETE FROM monitor_fired WHERE position_id = ?", (position_id,))

        return forget

    def seen(self, symbol: str, price: Decimal) -> Effect:
        """Return the keeping of a symbol's last trade."""
        return lambda tx: _run(
            tx, "INSERT INTO monitor_price VALUES (?1, ?2) ON CONFLICT(symbol) DO UPDATE SET price = ?2",
            (symbol, str(price)),
        )  # fmt: skip

    def load(self, tx: Transaction) -> Standing:
        """Return what stands, the tables made where there were none."""
        for statement in TABLES:
            tx.execute(statement)
        bodies = tx.execute("SELECT body FROM monitor_position ORDER BY seq").fetchall()
        fired = tx.execute("SELECT position_id, trigger_id FROM monitor_fired ORDER BY 1, 2").fetchall()
        prices = tx.execute("SELECT symbol, price FROM monitor_price ORDER BY symbol").fetchall()
        return Standing(
            tuple(json.loads(body) for (body,) in bodies), tuple((name, trigger) for name, trigger in fired),
            {symbol: Decimal(price) for symbol, price in prices},
        )  # fmt: skip


def _run(tx: Transaction, statement: str, row: tuple[Any, ...]) -> None:
    tx.execute(statement, row)
