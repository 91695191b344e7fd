"""The dead-man switch: while an entry waits, the venue is asked to cancel it should nothing be heard of us.

It must never remove a stop. A venue whose switch takes stops too is asked only while nothing is held and no stop
stands; as soon as that changes it is told to forget it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.ports import Accepted, Venue
from chanflow.execution.router import Router

TTL_MS = 60_000
REFRESH_NS = 20 * NS_PER_S
AGAIN_NS = NS_PER_S


class DeadMan:
    """Arms, refreshes and disarms the switch of one account."""

    def __init__(self, router: Router, venue: Venue, clock: Clock) -> None:
        self._router = router
        self._venue = venue
        self._clock = clock
        self._takes = venue.capabilities.dead_man
        self._maybe_armed = False
        self._not_before = 0

    @property
    def next_ns(self) -> int | None:
        """When to look again though nothing was heard; None while it is not armed."""
        return self._not_before if self._maybe_armed else None

    def act(self) -> list[Callable[[], Awaitable[None]]]:
        """Return what must be sent now."""
        now_ns, wanted = self._clock.now_ns(), self._wanted()
        turned = self._maybe_armed != wanted
        if not (wanted or self._maybe_armed) or (now_ns < self._not_before and not turned):
            return []
        # Whatever becomes of it, it may be armed from here on.
        self._maybe_armed = True
        self._not_before = now_ns + (REFRESH_NS if wanted else AGAIN_NS)
        return [partial(self._ask, TTL_MS if wanted else 0)]

    def _wanted(self) -> bool:
        living = self._router.living()
        waiting = any(o.leg == "entry" for o in living)
        bare = all(h.qty_base == 0 for h in self._router.ledger.holdings.values())
        nothing_to_lose = bare and not any(o.leg == "stop" for o in living)
        return waiting and (self._takes == "orders" or (self._takes == "orders_and_stops" and nothing_to_lose))

    async def _ask(self, ttl_ms: int) -> None:
        outcome = await self._venue.arm_dead_man(ttl_ms)
        if ttl_ms == 0 and isinstance(outcome, Accepted) and not self._wanted():
            self._maybe_armed = False
        elif not isinstance(outcome, Accepted):
            self._not_before = min(self._not_before, self._clock.now_ns() + AGAIN_NS)
