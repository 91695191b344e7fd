"""How many sockets an account has open, and how many symbols they name: held to its plan, across processes.

Where keys are asked for, each socket is a lease in the database. Where none are, it is counted in this process.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chanflow.access.books import AccessBooks
from chanflow.access.plans import PLANS, Plan, plan_named
from chanflow.access.principals import Principal
from chanflow.access.quota import Spent
from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import Clock, Ids
from chanflow.operations.outcome import Declined, QuotaUse

SYMBOLS_QUOTA = "alert_subscription"
MAX_SOCKETS = 2_000
"""So many sockets a process serves, whoever they are of."""

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Place:
    """An open socket's place. `symbols` are those that its subscriptions count for."""

    id: str
    account: str
    symbols: int = 0


class Places:
    """The places of a process's sockets."""

    def __init__(self, books: AccessBooks | None, clock: Clock, ids: Ids) -> None:
        self._books, self._clock, self._ids = books, clock, ids
        self._taken: dict[str, Place] = {}
        self._counts: Counter[str] = Counter()
        self._named = 0

    def plan(self, principal: Principal) -> Plan:
        """Return the plan that someone's sockets are held to."""
        return plan_named(PLANS if self._books is None else self._books.plans, principal.plan)

    async def take(self, principal: Principal) -> Place:
        """Give a socket a place. Raises Declined where the plan has no more; StorageUnwritable, StorageBusy."""
        plan, account = self.plan(principal), principal.account
        if len(self._taken) >= MAX_SOCKETS or self._counts[account] >= plan.sockets:
            raise _no_more(plan)
        # Names of requests may repeat where a test says so; places may not.
        self._named += 1
        place = Place(str(self._ids.uuid7()) if self._books else f"place-{self._named}", account)
        self._taken[place.id] = place
        self._counts[account] += 1
        try:
            if self._books is not None and not await self._books.leases.open(
                place.id, account, most=plan.sockets, now_ns=self._clock.now_ns()
            ):
                raise _no_more(plan)
        except BaseException:
            self._forget(place)
            raise
        return place

    async def hold(self, place: Place, principal: Principal, symbols: int) -> QuotaUse | None:
        """Let a socket count for so many symbols in all, and return how its quota then stands; None uncounted.

        Raises Declined where the plan has not so many; StorageUnwritable, StorageBusy.
        """
        if self._books is None or symbols == place.symbols:
            place.symbols = symbols
            return None
        limit = self.plan(principal).limits[SYMBOLS_QUOTA]
        found = await self._books.leases.hold(
            place.id, place.account, symbols=symbols, limit=limit, now_ns=self._clock.now_ns()
        )
        if isinstance(found, Spent):
            raise Declined(
                "quota_exceeded",
                f"{SYMBOLS_QUOTA}: {found.used} of {limit} are used, and this asks for {found.demand.cost} more",
                field="filter", suggestion="end a subscription or an alert, or take a larger plan",
            )  # fmt: skip
        place.symbols = symbols
        return QuotaUse(found.used[SYMBOLS_QUOTA], limit)

    async def renew(self) -> Sequence[str]:
        """Keep the places of open sockets; returns those that were lost. Raises StorageUnwritable, StorageBusy."""
        if self._books is None or not self._taken:
            return ()
        return await self._books.leases.renew(sorted(self._taken), self._clock.now_ns())

    async def give_back(self, place: Place) -> None:
        """Free a place. What the database does not take now ends by itself."""
        if self._forget(place) and self._books is not None:
            try:
                await self._books.leases.close(place.id)
            except ChanflowError:
                _log.warning("the lease of a closed socket stays until it ends", exc_info=True)

    def _forget(self, place: Place) -> bool:
        if self._taken.pop(place.id, None) is None:
            return False
        self._counts[place.account] -= 1
        return True


def _no_more(plan: Plan) -> Declined:
    sentence = f"the plan {plan.name} allows {plan.sockets} sockets at once"
    return Declined("quota_exceeded", sentence, suggestion="close one, or take a larger plan")
