"""The text of a tool call beside its structured body: never empty, never long."""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.canonical import decimal_text
from chanflow.operations.operation import AnyOperation, Digest
from chanflow.operations.outcome import Done, Outcome, body_of, compact_json

_LONGEST_BYTES = 2048


def text_of(outcome: Outcome, operation: AnyOperation | None) -> str:
    """Return the body's compact JSON; of a long result its digest: a line, the newest rows as CSV, and the cursor."""
    text = compact_json(body_of(outcome))
    if operation is None or not isinstance(outcome, Done) or len(text.encode()) <= _LONGEST_BYTES:
        return text
    return _digest_text(operation.digest(outcome.result))


def _digest_text(digest: Digest) -> str:
    lines = [digest.line]
    if digest.rows:
        lines += [",".join(digest.columns), *(",".join(map(_cell, row)) for row in digest.rows)]
    if digest.cursor is not None:
        lines.append(f"next_cursor: {digest.cursor}")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return decimal_text(value) if isinstance(value, Decimal) else str(value)
