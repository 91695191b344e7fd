"""Waiting between attempts, and buckets of tokens for what a venue counts."""

from __future__ import annotations

from random import Random

from chanflow.domain.time import NS_PER_S, Clock


class Backoff:
    """Full jitter: a wait between 0 and a bound that doubles from 1 s to 60 s, and is 1 s again after a stable spell.

    Source: Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
    """

    def __init__(self, random: Random, *, first_s: float = 1.0, most_s: float = 60.0, stable_s: float = 300.0) -> None:
        self._random = random
        self._first_s, self._most_s, self._stable_s = first_s, most_s, stable_s
        self._bound_s = first_s

    def next_s(self, *, stable_for_s: float = 0.0) -> float:
        """Return the next wait in s; `stable_for_s` is how long the last connection flowed."""
        if stable_for_s >= self._stable_s:
            self._bound_s = self._first_s
        wait_s = self._random.uniform(0.0, self._bound_s)
        self._bound_s = min(self._most_s, self._bound_s * 2)
        return wait_s


class TokenBucket:
    """So many takes in a span, refilled steadily; it may be stopped until a moment."""

    def __init__(self, clock: Clock, *, size: int, span_s: float) -> None:
        self._clock = clock
        self._size = float(size)
        self._per_ns = size / (span_s * NS_PER_S)
        self._tokens = float(size)
        self._at_ns = clock.now_ns()
        self._stopped_ns = 0

    @property
    def stopped_until_ns(self) -> int:
        """The moment before which nothing is given, 0 when it was never stopped."""
        return self._stopped_ns

    def stop_until(self, at_ns: int) -> None:
        """Give nothing before a moment, and then begin at one token."""
        self._stopped_ns = max(self._stopped_ns, at_ns)
        self._tokens = min(self._tokens, 1.0)

    async def take(self) -> None:
        """Return once a token is had."""
        while (wait_ns := self.wait_ns()) > 0:
            await self._clock.sleep_until(self._clock.now_ns() + wait_ns)
        self._tokens -= 1

    def wait_ns(self) -> int:
        """Return how long until a token is to be had, 0 for now."""
        now_ns = self._clock.now_ns()
        self._tokens = min(self._size, self._tokens + max(0, now_ns - self._at_ns) * self._per_ns)
        self._at_ns = now_ns
        short_ns = 0 if self._tokens >= 1 else int((1 - self._tokens) / self._per_ns) + 1
        return max(short_ns, self._stopped_ns - now_ns)
