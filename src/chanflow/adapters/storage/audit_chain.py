"""The audit in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from chanflow.access.audit import FIRST_HASH, AuditRow, SealedRow, broken_at, fields_of, sealed
from chanflow.adapters.storage.database.tables.access import audit

_AT_ONCE = 1_000


def append(connection: Connection, rows: Sequence[AuditRow]) -> None:
    """Seal rows onto the chain, in order."""
    last = (connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1))).first()
    seq, prev_hash = (last[0], last[1]) if last is not None else (0, FIRST_HASH)
    lines: list[dict[str, Any]] = []
    for row in rows:
        seq += 1
        found = sealed(row, seq, prev_hash)
        prev_hash = found.hash
        lines.append({**fields_of(row), "seq": seq, "prev_hash": found.prev_hash, "hash": found.hash})
    connection.execute(insert(audit), lines)


def newest(connection: Connection, *, before: int | None, limit: int) -> list[SealedRow]:
    """Return the newest rows numbered below `before`, newest first."""
    asked = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        asked = asked.where(audit.c.seq < before)
    return [_sealed_row(row) for row in connection.execute(asked)]


def verify(connection: Connection) -> tuple[int, int | None]:
    """Return how many rows the chain has, and the number at which it breaks, if it does."""
    count, prev_hash = 0, FIRST_HASH
    while True:
        asked = select(audit).order_by(audit.c.seq).offset(count).limit(_AT_ONCE)
        rows = [_sealed_row(row) for row in connection.execute(asked)]
        if (broken := broken_at(rows, prev_hash, count + 1)) is not None:
            return count + len(rows), broken
        count += len(rows)
        if len(rows) < _AT_ONCE:
            return count, None
        prev_hash = rows[-1].hash


def _sealed_row(row: Any) -> SealedRow:
    found = AuditRow(
        row.at, row.request_id, row.principal, row.ip, row.door, row.operation, row.args_sha256, row.outcome, row.code,
        row.latency_ms,
    )  # fmt: skip
    return SealedRow(row.seq, found, row.prev_hash, row.hash)
