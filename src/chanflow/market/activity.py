"""When each kind of row last came, and how many came over the last minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from chanflow.domain.time import NS_PER_S

KINDS = ("trade", "book_ticker", "agg_trade", "book", "mark")
"""The kinds that are watched, at their codes."""

_MINUTE_NS = 60 * NS_PER_S


class Activity:
    """One symbol's streams, as their rows show them. Times are receive times in Unix ns."""

    def __init__(self) -> None:
        self.last_ns: dict[str, int] = {}
        self._seen: deque[tuple[int, list[int]]] = deque()

    def see(self, rows: Mapping[str, Any]) -> None:
        """Take the columns of rows in order of arrival."""
        kinds = np.asarray(rows["kind"])
        if not kinds.size:
            return
        known = np.asarray(rows["known_ns"])
        counts = np.bincount(kinds, minlength=8)[: len(KINDS)].tolist()
        for code, name in enumerate(KINDS):
            if counts[code]:
                last = int(known[kinds == code].max())
                self.last_ns[name] = max(last, self.last_ns.get(name, 0))
        newest = int(known[-1])
        self._seen.append((newest, counts))
        while self._seen[0][0] < newest - _MINUTE_NS:
            self._seen.popleft()

    def rate(self, kind: str) -> float:
        """Return rows a second of a kind over the minute before its newest batch."""
        code = KINDS.index(kind)
        return sum(counts[code] for _, counts in self._seen) / 60

    def silent_s(self, kind: str, now_ns: int) -> float | None:
        """Return how long a kind has been silent, None before its first row."""
        last = self.last_ns.get(kind)
        return None if last is None else max(0, now_ns - last) / NS_PER_S

    def restart(self, now_ns: int) -> None:
        """Begin anew behind a new connection: silence counts from here."""
        for kind in self.last_ns:
            self.last_ns[kind] = max(now_ns, self.last_ns[kind])
