"""The highest and the lowest of a series since any moment, each found by bisection."""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from typing import Generic, TypeVar

V = TypeVar("V", float, Decimal)


class Extremes(Generic[V]):
    """Keeps, of a series in order of time, only the values that can still be the lowest since some moment.

    They rise from the oldest to the newest, so the lowest since `start` is the first at or after it. The highest of a
    series is the negative of the lowest of its negatives.
    """

    def __init__(self) -> None:
        self._at: list[int] = []
        self._values: list[V] = []
        self._head = 0

    def add(self, at: int, value: V) -> None:
        """Take a value that is not older than the ones before."""
        while len(self._values) > self._head and self._values[-1] >= value:
            self._values.pop()
            self._at.pop()
        self._at.append(at)
        self._values.append(value)

    def lowest_since(self, start: int) -> V | None:
        """Return the lowest value at or after `start`, or None."""
        found = bisect_left(self._at, start, lo=self._head)
        return self._values[found] if found < len(self._values) else None

    def forget_before(self, start: int) -> None:
        """Let go of what nobody will ask for any more."""
        while self._head < len(self._at) and self._at[self._head] < start:
            self._head += 1
        if self._head > 1_024 and self._head * 2 > len(self._at):
            del self._at[: self._head], self._values[: self._head]
            self._head = 0

    def clear(self) -> None:
        """Begin anew."""
        self._at, self._values, self._head = [], [], 0
