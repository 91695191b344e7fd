"""The log of firings: what went wrong, when and at what, in order."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from chanflow.adapters.venues.emulator.faults.words import Do, Entry
from chanflow.domain.time import NS_PER_MS

LOG_LINES: Final = 100_000
"""Firings that are kept; the oldest are forgotten first, and their numbers are not given again."""


class FiringLog:
    """Lines `{n, t_ms, entry, do, on}`: `t_ms` since the start of the emulator, `on` the request, event or frame."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._lines: deque[dict[str, Any]] = deque(maxlen=LOG_LINES)
        self._written = 0

    def note(self, entry: Entry, now_ns: int, on: str, **more: object) -> None:
        """Write one firing down."""
        self._write(entry.number, entry.do, now_ns, on=on, **more)

    def note_failure(self, number: int, do: Do, now_ns: int, why: str) -> None:
        """Write down that what should have befallen the venue could not."""
        self._write(number, do, now_ns, failed=why)

    def _write(self, number: int, do: Do, now_ns: int, **more: object) -> None:
        self._written += 1
        t_ms = (now_ns - self._start_ns) / NS_PER_MS
        self._lines.append({"n": self._written, "t_ms": t_ms, "entry": number, "do": do.kind, **more})

    def lines(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the lines with numbers above `after`."""
        return [line for line in self._lines if line["n"] > after]
