"""Triggers that wait for a moment, the next one on top of a heap."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from chanflow.monitor.armed import Armed, Hit

_FEW = 64


class Moments:
    """Armed triggers, each at a Unix time in ns."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Armed]] = []
        self._dropped: set[int] = set()

    def add(self, at_ns: int, armed: Armed) -> None:
        """Let a trigger wait for a moment."""
        heappush(self._heap, (at_ns, armed.seq, armed))

    def drop(self, armed: Armed) -> None:
        """Forget a trigger, whether it waits still or not. Those forgotten leave the heap once they are half of it."""
        self._dropped.add(armed.seq)
        if len(self._dropped) > _FEW and len(self._dropped) * 2 > len(self._heap):
            self._heap = [row for row in self._heap if row[1] not in self._dropped]
            heapify(self._heap)
            self._dropped.clear()

    def come(self, now_ns: int) -> list[Hit]:
        """Return those whose moment has come, and take them out."""
        hits = []
        while self._heap and self._heap[0][0] <= now_ns:
            at_ns, seq, armed = heappop(self._heap)
            if seq in self._dropped:
                self._dropped.discard(seq)
            else:
                hits.append(Hit(armed, str(now_ns), at_ns))
        return hits
