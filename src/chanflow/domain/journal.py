"""The journal as stages see it: append a fact, and know when it cannot be lost."""

from __future__ import annotations

from typing import Any, Protocol


class Journal(Protocol):
    """An append-only, hash-chained record of everything that can change an outcome."""

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        """Append one record; with `durable` it is on disk when this returns. Raises JournalUnwritable."""
        ...
