"""Token buckets, exact: whole numbers only, so no rounding ever adds or loses a request.

A bucket holds `burst` tokens and gains `rate_per_s` each second. A token is 10^9 parts, and one nanosecond brings
`rate_per_s` parts. Buckets live in this process; one that is full again is forgotten, as a new one is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chanflow.domain.time import NS_PER_MS, NS_PER_S

_SWEEP_AT = 10_000


@dataclass(frozen=True, slots=True)
class Pace:
    """What a bucket said: whether the request passes, what is left, and how long until the next would."""

    passed: bool
    limit: int
    remaining: int
    retry_after_ms: int
    full_after_ms: int


@dataclass(slots=True)
class _Bucket:
    parts: int
    at_ns: int
    rate_per_s: int
    burst: int


class RateLimit:
    """Buckets by key. `monotonic_ns` is the time they fill by."""

    def __init__(self, monotonic_ns: Callable[[], int], *, sweep_at: int = _SWEEP_AT) -> None:
        self._now_ns = monotonic_ns
        self._buckets: dict[str, _Bucket] = {}
        self._sweep_at = sweep_at

    def take(self, key: str, *, rate_per_s: int, burst: int) -> Pace:
        """Take a token of the bucket called `key`, if there is one."""
        now_ns = self._now_ns()
        bucket = self._filled(key, now_ns, rate_per_s, burst)
        passed = bucket.parts >= NS_PER_S
        if passed:
            bucket.parts -= NS_PER_S
        lacking = max(NS_PER_S - bucket.parts, 0)
        return Pace(
            passed, burst, bucket.parts // NS_PER_S, 0 if passed else _ms(lacking, rate_per_s),
            _ms(burst * NS_PER_S - bucket.parts, rate_per_s),
        )  # fmt: skip

    def give_back(self, key: str) -> None:
        """Return a token that was taken in vain; a bucket never holds more than its burst."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.parts = min(bucket.parts + NS_PER_S, bucket.burst * NS_PER_S)

    def _filled(self, key: str, now_ns: int, rate_per_s: int, burst: int) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._sweep_at:
                self._sweep(now_ns)
            bucket = self._buckets[key] = _Bucket(burst * NS_PER_S, now_ns, rate_per_s, burst)
        bucket.parts = min(bucket.parts + (now_ns - bucket.at_ns) * bucket.rate_per_s, burst * NS_PER_S)
        bucket.at_ns, bucket.rate_per_s, bucket.burst = now_ns, rate_per_s, burst
        return bucket

    def _sweep(self, now_ns: int) -> None:
        """Forget full buckets. The next sweep waits until as many again have come, so that sweeping stays cheap."""
        for key, bucket in list(self._buckets.items()):
            if bucket.parts + (now_ns - bucket.at_ns) * bucket.rate_per_s >= bucket.burst * NS_PER_S:
                del self._buckets[key]
        self._sweep_at = max(self._sweep_at, 2 * len(self._buckets))


def _ms(parts: int, rate_per_s: int) -> int:
    """Return how long so many parts take to come, in ms, rounded up."""
    return -(-parts // (rate_per_s * NS_PER_MS))
