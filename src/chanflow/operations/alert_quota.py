"""What plans let alerts do: how many an account may hold, and which of them are live.

The alerts themselves are what is counted. Nothing is charged and given back, so no crash and no change of plan can
leave the count beside the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chanflow.access.alert_slots import QUOTA, first_paused
from chanflow.access.plans import PLANS, UNLIMITED, plan_named
from chanflow.access.quota import PERIODS
from chanflow.domain.watch_alert import WatchAlert
from chanflow.operations.operation import Asked
from chanflow.operations.outcome import CODES, Declined, Failed, QuotaBody
from chanflow.operations.policy import UPGRADE_URL
from chanflow.operations.services import Services


class TooManyAlerts(Declined):
    """An alert that would take more of the quota than the plan has."""

    def __init__(self, tool: str, used: int, limit: int, cost: int) -> None:
        words = f"{QUOTA}: {used} of {limit} are used, and the alert takes {cost}"
        super().__init__("quota_exceeded", words, suggestion="delete some, or take a larger plan")
        self._tool, self._used, self._limit = tool, used, limit

    def failed(self, request_id: str) -> Failed:
        """Return the failure with what the quota stands at."""
        return Failed(QuotaBody(
            code=self.code, message=str(self), retryable=CODES[self.code].retryable, retry_after_ms=None, field=None,
            suggestion=self.suggestion, request_id=request_id, error=self.code, tool=self._tool, quota=QUOTA,
            used=self._used, limit=self._limit, period=PERIODS[QUOTA], upgrade_url=UPGRADE_URL, resets_at=None,
        ))  # fmt: skip


def limit_of(asked: Asked[Any]) -> int:
    """Return how many slots the caller's present plan has, -1 for no limit, as on a desk that counts nothing."""
    books = asked.services.access
    return UNLIMITED if books is None else plan_named(books.plans, asked.principal.plan).limits[QUOTA]


def paused_ids(
    alerts: Iterable[WatchAlert], owners: Mapping[str, str | None], services: Services
) -> frozenset[str]:  # fmt: skip
    """Return the alerts that their owners' present plans pause; `alerts` are all active ones, oldest first.

    `owners` are the plans of users, None for a user that is disabled: of those every alert is paused. Who is no user
    has the plan with which the newest alert was set.
    """
    if services.access is None:
        return frozenset()
    plans, paused = services.access.plans, set[str]()
    theirs: dict[str, list[WatchAlert]] = {}
    for each in alerts:
        theirs.setdefault(each.account, []).append(each)
    for account, held in theirs.items():
        plan = owners.get(account, held[-1].plan)
        limit = 0 if plan is None else plans.get(plan, PLANS["free"]).limits[QUOTA]
        first = first_paused([(each.alert_id, each.slots) for each in held], limit)
        if first is not None:
            paused |= {each.alert_id for each in held if each.alert_id >= first}
    return frozenset(paused)
