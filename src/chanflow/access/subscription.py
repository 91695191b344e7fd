"""What a subscription gives its account at a moment: plans go up at once, and down when the paid period ends.

Who takes the money (the provider) has the truth about what is paid; this is our copy of it, and its rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chanflow.access.plans import PLANS
from chanflow.domain.time import NS_PER_DAY

FREE = "free"
GRACE_NS = 7 * NS_PER_DAY
"""So long a plan lasts after a payment failed, or after a period ended and nobody told us of the next."""

Status = Literal["active", "trialing", "past_due", "canceled", "unpaid", "incomplete", "incomplete_expired", "paused"]
_RANK = {name: rank for rank, name in enumerate(PLANS)}


@dataclass(frozen=True, slots=True)
class Paid:
    """A subscription as the provider has it now. No `plan`: a price that is none of ours. Times are Unix ns."""

    subscription_id: str
    customer_id: str
    account: str | None
    plan: str | None
    status: Status
    starts_ns: int
    ends_ns: int
    ends_with_period: bool


@dataclass(frozen=True, slots=True)
class Subscription:
    """An account's subscription as we keep it. `next_plan` follows when the period ends; `version` counts changes."""

    account: str
    subscription_id: str
    customer_id: str
    plan: str
    status: Status
    starts_ns: int
    ends_ns: int
    ends_with_period: bool = False
    next_plan: str | None = None
    past_due_ns: int | None = None
    version: int = 0

    @property
    def paying(self) -> bool:
        """Whether money comes in for it."""
        return self.status in ("active", "past_due")


@dataclass(frozen=True, slots=True)
class PlanChange:
    """That an account came from one plan to another."""

    account: str
    before: str
    after: str
    at_ns: int


def renewed(before: Subscription | None, paid: Paid, account: str, now_ns: int) -> Subscription:
    """Return the account's subscription once the provider's state is taken over.

    A smaller plan waits for the end of the period that was paid for; a larger one, and any of a new subscription or a
    new period, holds at once. A price that is no plan of ours gives none.
    """
    plan = paid.plan or FREE
    same = before if before is not None and before.subscription_id == paid.subscription_id else None
    held, follows = plan, None
    if same is not None and paid.starts_ns == same.starts_ns and _lesser(plan, same.plan) and now_ns < paid.ends_ns:
        held, follows = same.plan, plan
    failed_ns = None
    if paid.status == "past_due":
        failed_ns = now_ns if same is None or same.past_due_ns is None else same.past_due_ns
    return Subscription(
        account, paid.subscription_id, paid.customer_id, held, paid.status, paid.starts_ns, paid.ends_ns,
        paid.ends_with_period, follows, failed_ns, 0 if before is None else before.version + 1,
    )  # fmt: skip


def supersedes(paid: Paid, held: Subscription, now_ns: int) -> bool:
    """Return whether another subscription of the account takes the place of the one that is held."""
    alive = paid.status in ("active", "trialing", "past_due")
    return alive and (plan_at(held, now_ns) == FREE or paid.starts_ns > held.starts_ns)


def plan_at(subscription: Subscription, now_ns: int) -> str:
    """Return the plan that a subscription gives at a moment."""
    match subscription.status:
        case "past_due":
            began_ns = subscription.past_due_ns
            return subscription.plan if began_ns is not None and now_ns < began_ns + GRACE_NS else FREE
        case "active" | "trialing":
            if now_ns < subscription.ends_ns:
                return subscription.plan
            if subscription.ends_with_period or now_ns >= subscription.ends_ns + GRACE_NS:
                return FREE
            return subscription.next_plan or subscription.plan
    return FREE


def next_change_ns(subscription: Subscription, now_ns: int) -> int | None:
    """Return when the clock alone may next change the plan, None where it cannot."""
    if plan_at(subscription, now_ns) == FREE:
        return None
    if subscription.status == "past_due":
        return None if subscription.past_due_ns is None else subscription.past_due_ns + GRACE_NS
    return subscription.ends_ns if now_ns < subscription.ends_ns else subscription.ends_ns + GRACE_NS


def matured(subscription: Subscription, now_ns: int) -> Subscription:
    """Return the subscription once what waited for the end of its period has come."""
    follows = subscription.next_plan
    if follows is None or now_ns < subscription.ends_ns:
        return subscription
    return replace(subscription, plan=follows, next_plan=None, version=subscription.version + 1)


def _lesser(plan: str, than: str) -> bool:
    return _RANK[plan] < _RANK[than]


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month (UTC) of an operator's report: who came to pay in it, and who ceased to."""

    month: str
    started: int
    ended: int


def months(changes: Sequence[PlanChange], month_of_ns: Sequence[str]) -> list[MonthRow]:
    """Return a row for each month in which someone began or ceased to pay; `month_of_ns` names each change's month."""
    rows: dict[str, list[int]] = {}
    for change, month in zip(changes, month_of_ns, strict=True):
        began, ceased = change.before == FREE != change.after, change.after == FREE != change.before
        if began or ceased:
            row = rows.setdefault(month, [0, 0])
            row[0 if began else 1] += 1
    return [MonthRow(month, *row) for month, row in sorted(rows.items())]
