"""What the caller's plan allows, and what is used of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from chanflow.access.plans import PLANS, UNLIMITED, Plan, plan_named
from chanflow.access.quota import PERIODS, demands, resets_ns
from chanflow.domain.time import rfc3339
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.trading import EVERY_PLAN


class GetUserQuota(Arguments):
    """Nothing is asked: it is the caller's own."""


class QuotaRow(Answer):
    """A quota. A limit of -1 is none, and so is what remains; `used` is null on a desk that counts nothing."""

    name: str
    used: int | None
    limit: int
    remaining: int | None
    period: Literal["day", "month", "permanent"]
    resets_at: str | None


class RateRow(Answer):
    """Requests a second, and how many at once; of each kind of work."""

    limit: int
    burst: int


class QuotaStatus(Answer):
    """The plan with its quotas. `period_end` is the end of the UTC month."""

    plan: str
    period_end: str
    quotas: list[QuotaRow]
    rate: RateRow


async def get_user_quota(asked: Asked[GetUserQuota]) -> QuotaStatus:
    """Return where the caller stands now; it costs nothing."""
    books, now_ns = asked.services.access, asked.services.clock.now_ns()
    plan = plan_named(PLANS if books is None else books.plans, asked.principal.plan)
    used: Mapping[str, int] | None = None
    if books is not None:
        every = demands(dict.fromkeys(plan.limits, 1), plan, now_ns)
        account = asked.principal.account
        counted = await books.counters.used(account, every)
        sockets = await books.leases.symbols(account, now_ns)
        used = {**counted, "alert_subscription": counted["alert_subscription"] + sockets}
    ends_ns = resets_ns("month", now_ns)
    assert ends_ns is not None
    return QuotaStatus(
        plan=plan.name,
        period_end=rfc3339(ends_ns),
        quotas=[_row(plan, name, None if used is None else used[name], now_ns) for name in plan.limits],
        rate=RateRow(limit=plan.rate_per_s, burst=plan.burst),
    )


def _row(plan: Plan, name: str, used: int | None, now_ns: int) -> QuotaRow:
    limit, ends_ns = plan.limits[name], resets_ns(PERIODS[name], now_ns)
    if limit == UNLIMITED:
        remaining: int | None = UNLIMITED
    else:
        remaining = None if used is None else max(limit - used, 0)
    return QuotaRow(
        name=name, used=used, limit=limit, remaining=remaining, period=PERIODS[name],
        resets_at=None if ends_ns is None else rfc3339(ends_ns),
    )  # fmt: skip


GET_USER_QUOTA = Operation(
    name="get_user_quota",
    title="Quotas",
    doc_en="The caller's plan and quotas (配额): used, limit, reset. Free.",
    doc_zh="查询套餐与配额的用量、上限与重置时间；免费。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=GetUserQuota,
    output=QuotaStatus,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/user/quota",
    before_notice=True,
    handler=get_user_quota,
    digest=lambda done: Digest(f"plan {done.plan}: {len(done.quotas)} quotas", (), ()),
)
