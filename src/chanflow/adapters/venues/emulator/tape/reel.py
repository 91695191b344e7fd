"""Ticks of one symbol on their way from a source to the tape: pulled when time needs them, cut where time stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.venues.emulator.tape.steps import Ticks

Columns = tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]


class Reel:
    """The ticks of one symbol. What is held is what the source gave at once."""

    def __init__(self, symbol: str, source: Iterator[Columns]) -> None:
        """`source` yields columns in order of time."""
        self._symbol = symbol
        self._source: Iterator[Columns] | None = source
        self._held: deque[Ticks] = deque()

    def until(self, ns: int) -> Ticks | None:
        """Return the ticks up to `ns` that were not given before, None where there are none."""
        given: list[Ticks] = []
        while True:
            while self._held:
                first = self._held[0]
                rows = int(first.event_ns.searchsorted(ns, side="right"))
                if rows < len(first):
                    if rows:
                        given.append(first[:rows])
                        self._held[0] = first[rows:]
                    return joined(given)
                given.append(self._held.popleft())
            if not self._pull():
                return joined(given)

    def _pull(self) -> bool:
        """Hold what the source gives next, and return whether it gave anything."""
        while self._source is not None:
            columns = next(self._source, None)
            if columns is None:
                self._source = None
            elif len(columns[0]):
                self._held.append(Ticks(self._symbol, *columns))
                return True
        return False


def joined(parts: Sequence[Ticks]) -> Ticks | None:
    """Return batches of one symbol as one, None for no rows."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else None
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("event_ns", "kind", "price", "qty")]
    return Ticks(parts[0].symbol, *columns)
