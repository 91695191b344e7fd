"""Triggers in order of a value, so that those which an observation passes are found by bisection."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from decimal import Decimal
from math import inf
from typing import Generic, TypeVar

from chanflow.monitor.armed import Armed

V = TypeVar("V", float, Decimal)


class Levels(Generic[V]):
    """Armed triggers, each at a value. What is taken is out."""

    def __init__(self) -> None:
        self._rows: list[tuple[V, int, Armed]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, value: V, armed: Armed) -> None:
        """Put a trigger at a value."""
        insort(self._rows, (value, armed.seq, armed))

    def drop(self, value: V, armed: Armed) -> None:
        """Take out the trigger that was put at `value`."""
        found = bisect_left(self._rows, (value, armed.seq))
        if found < len(self._rows) and self._rows[found][2] is armed:
            del self._rows[found]

    def take_below(self, value: V) -> list[Armed]:
        """Take those at less than `value`."""
        return self._take(0, self._before(value))

    def take_up_to(self, value: V) -> list[Armed]:
        """Take those at `value` or less."""
        return self._take(0, self._after(value))

    def take_above(self, value: V) -> list[Armed]:
        """Take those at more than `value`."""
        return self._take(self._after(value), len(self._rows))

    def take_from(self, value: V) -> list[Armed]:
        """Take those at `value` or more."""
        return self._take(self._before(value), len(self._rows))

    def take_rise(self, start: V, end: V) -> list[Armed]:
        """Take those that a rise from `start` to `end` reaches: above the first, up to the second."""
        return self._take(self._after(start), self._after(end)) if start < end else []

    def take_fall(self, start: V, end: V) -> list[Armed]:
        """Take those that a fall from `start` to `end` reaches: below the first, down to the second."""
        return self._take(self._before(end), self._before(start)) if end < start else []

    def all(self) -> list[tuple[V, Armed]]:
        """Return all, lowest first, and where they are; they stay."""
        return [(value, armed) for value, _, armed in self._rows]

    def last(self) -> V | None:
        """Return the highest value, or None."""
        return self._rows[-1][0] if self._rows else None

    def _before(self, value: V) -> int:
        return bisect_left(self._rows, (value,))

    def _after(self, value: V) -> int:
        return bisect_right(self._rows, (value, inf))

    def _take(self, first: int, end: int) -> list[Armed]:
        if first >= end:
            return []
        taken = [armed for _, _, armed in self._rows[first:end]]
        del self._rows[first:end]
        return taken
