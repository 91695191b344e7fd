"""Who failed too often waits. Failures are counted in this process, by whatever key they are told under."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chanflow.domain.time import NS_PER_MS, NS_PER_S

MOST_FAILURES, WAIT_S = 5, 15 * 60
_SWEEP_AT = 10_000


@dataclass(slots=True)
class _Count:
    number: int
    last_ns: int


class Attempts:
    """Attempts by key: after `most` in a row without success, none for `wait_s`.

    An attempt is counted before it is judged, so that many at once are no way around it.
    """

    def __init__(self, monotonic_ns: Callable[[], int], *, most: int = MOST_FAILURES, wait_s: int = WAIT_S) -> None:
        self._now_ns, self._most, self._wait_ns = monotonic_ns, most, wait_s * NS_PER_S
        self._counts: dict[str, _Count] = {}
        self._sweep_at = _SWEEP_AT

    def begin(self, key: str) -> int:
        """Count an attempt; return 0, or for how many ms there may be none: such an attempt does not count."""
        now_ns = self._now_ns()
        if len(self._counts) >= self._sweep_at:
            self._sweep(now_ns)
        found = self._counts.get(key)
        if found is None or now_ns - found.last_ns >= self._wait_ns:
            self._counts[key] = _Count(1, now_ns)
            return 0
        if found.number >= self._most:
            return -(-(found.last_ns + self._wait_ns - now_ns) // NS_PER_MS)
        found.number += 1
        found.last_ns = now_ns
        return 0

    def forgive(self, key: str) -> None:
        """Forget the attempts: the last one was good."""
        self._counts.pop(key, None)

    def _sweep(self, now_ns: int) -> None:
        for key, found in list(self._counts.items()):
            if now_ns - found.last_ns >= self._wait_ns:
                del self._counts[key]
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._counts))
