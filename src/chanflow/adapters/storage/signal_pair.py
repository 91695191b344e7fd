"""Signals in both forms: each batch goes to the JSON lines first, then to the table, whose mark ends it.

A process that dies between the two leaves one shorter. When they are opened again the shorter is completed from the
longer, so that both hold the same rows, value for value.
"""

from __future__ import annotations

from collections.abc import Sequence

from chanflow.adapters.storage.signal_file import SignalFile
from chanflow.adapters.storage.signal_rows import Row
from chanflow.adapters.storage.signal_table import SignalTable
from chanflow.domain.errors import SinkUnwritable


class SignalPair:
    """A `RowStore` of a file and a table that hold the same rows."""

    def __init__(self, lines: SignalFile, table: SignalTable) -> None:
        """Complete the shorter from the longer. Raises SinkUnwritable where rows that both have differ."""
        self._lines, self._table = lines, table
        common = min(lines.rows, table.rows)
        if common and lines.read(common - 1)[:1] != table.read(common - 1)[:1]:
            raise SinkUnwritable(f"row {common - 1} of the lines is not that of the table: use another --run-id")
        shorter, longer = (lines, table) if lines.rows < table.rows else (table, lines)
        while rows := longer.read(shorter.rows):
            shorter.append(rows)

    @property
    def rows(self) -> int:
        """How many rows both keep."""
        return self._table.rows

    def append(self, rows: Sequence[Row]) -> None:
        """Keep all of the rows in both; what only the lines took is not written to them again."""
        ahead = self._lines.rows - self._table.rows
        if ahead < len(rows):
            self._lines.append(rows[ahead:])
        self._table.append(rows)

    def read(self, start: int) -> list[Row]:
        """Return at most a thousand rows from number `start`."""
        return self._table.read(start)

    def close(self) -> None:
        """Let go of both."""
        self._lines.close()
        self._table.close()
