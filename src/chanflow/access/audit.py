"""The audit: who asked what, when, through which door, and how it ended, each row sealed with the one before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from chanflow.domain.canonical import sha256_of

FIRST_HASH = "0" * 64
AuditOutcome = Literal["started", "done", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row. `args_sha256` stands for the arguments, which are not kept; `at` is Unix ns."""

    at: int
    request_id: str
    principal: str
    ip: str | None
    door: str
    operation: str
    args_sha256: str
    outcome: AuditOutcome
    code: str | None
    latency_ms: int | None


_FIELDS = tuple(field.name for field in fields(AuditRow))


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row in its place: `hash` is of the row, its number and the hash before it."""

    seq: int
    row: AuditRow
    prev_hash: str
    hash: str


def fields_of(row: AuditRow) -> dict[str, str | int | None]:
    """Return a row's fields by name."""
    return {name: getattr(row, name) for name in _FIELDS}


def sealed(row: AuditRow, seq: int, prev_hash: str) -> SealedRow:
    """Return the row as the one numbered `seq`, after the one whose hash is `prev_hash`."""
    return SealedRow(seq, row, prev_hash, sha256_of({**fields_of(row), "seq": seq, "prev_hash": prev_hash}))


def broken_at(rows: Iterable[SealedRow], prev_hash: str = FIRST_HASH, first: int = 1) -> int | None:
    """Return the number at which a chain breaks, None where it holds: rows missing, moved or changed."""
    for seq, found in enumerate(rows, first):
        if found != sealed(found.row, seq, prev_hash):
            return seq
        prev_hash = found.hash
    return None
