"""Plans that are sold, and the caller's own subscription. Paid for on the provider's pages, never here."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from chanflow.access.billing import Billing
from chanflow.access.plans import PLANS
from chanflow.access.subscription import Subscription, plan_at
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import rfc3339
from chanflow.operations.fields import time_of_ns
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import Door
from chanflow.operations.trading import EVERY_PLAN

PlanName = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(PLANS)})$")]
_REST: frozenset[Door] = frozenset({"rest"})


class ListPlans(Arguments):
    """Nothing is asked."""


class PlanRow(Answer):
    """A plan: what it allows (-1 is unlimited), and what it is a month where it is sold."""

    name: str
    limits: dict[str, int]
    rate_per_s: int
    burst: int
    amount: str | None
    currency: str | None


class PlansListed(Answer):
    """The plans, the smallest first. `billing` is false where nothing is sold."""

    billing: bool
    plans: list[PlanRow]


class StartCheckout(Arguments):
    """Which plan."""

    plan: PlanName


class OpenPortal(Arguments):
    """Nothing is asked: it is the caller's own."""


class PageOpened(Answer):
    """The provider's page, to be opened in a browser."""

    url: str


class GetSubscription(Arguments):
    """Nothing is asked: it is the caller's own."""


class ChangeSubscription(Arguments):
    """Which plan from now on; `free` ends the subscription with the period that is paid for."""

    plan: PlanName


class SubscriptionRead(Answer):
    """The caller's plan. Without a subscription the rest is null; `next_plan` follows at `period_end`."""

    plan: str
    status: str | None
    period_start: str | None
    period_end: str | None
    ends_with_period: bool
    next_plan: str | None


class GetBillingReport(Arguments):
    """Nothing is asked."""


class MonthRead(Answer):
    """A UTC month: who came to pay in it, and who ceased to."""

    month: str
    started: int
    ended: int


class BillingRead(Answer):
    """Accounts, those not disabled, those that pay, their share, and what recurs a month, by currency."""

    accounts: int
    active: int
    paying: int
    conversion: float | None
    recurring: dict[str, str]
    months: list[MonthRead]


async def list_plans(asked: Asked[ListPlans]) -> PlansListed:
    """Return the plans."""
    books = asked.services.access
    billing = None if books is None else books.billing
    prices = {offer.plan: offer for offer in billing.offers} if billing else {}
    rows = [
        PlanRow(
            name=plan.name, limits=dict(plan.limits), rate_per_s=plan.rate_per_s, burst=plan.burst,
            amount=prices[plan.name].amount if plan.name in prices else None,
            currency=prices[plan.name].currency if plan.name in prices else None,
        )
        for plan in (PLANS if books is None else books.plans).values()
    ]  # fmt: skip
    return PlansListed(billing=billing is not None, plans=rows)


async def start_checkout(asked: Asked[StartCheckout]) -> PageOpened:
    """Return the page where a plan is paid. Raises Declined."""
    billing, account = _billing(asked)
    try:
        return PageOpened(url=await billing.checkout(account, asked.args.plan, asked.request_id))
    except InvalidArgument as fault:
        raise _declined(fault) from None


async def open_portal(asked: Asked[OpenPortal]) -> PageOpened:
    """Return the caller's page at the provider. Raises Declined."""
    billing, account = _billing(asked)
    try:
        return PageOpened(url=await billing.portal(account))
    except NotFound as fault:
        raise _declined(fault) from None


async def get_subscription(asked: Asked[GetSubscription]) -> SubscriptionRead:
    """Return how the caller's subscription stands."""
    books = asked.services.access
    if books is None or books.billing is None or asked.principal.user_id is None:
        return _read(asked.principal.plan, None)
    held = await books.billing.shelf.of_account(asked.principal.user_id)
    plan = asked.principal.plan if held is None else plan_at(held, asked.services.clock.now_ns())
    return _read(plan, held)


async def change_subscription(asked: Asked[ChangeSubscription]) -> SubscriptionRead:
    """Set the plan: a larger one at once, a smaller one when the period ends. Raises Declined."""
    billing, account = _billing(asked)
    try:
        held = await billing.change(account, asked.args.plan, asked.request_id)
    except (InvalidArgument, NotFound) as fault:
        raise _declined(fault) from None
    return _read(plan_at(held, asked.services.clock.now_ns()), held)


async def get_billing_report(asked: Asked[GetBillingReport]) -> BillingRead:
    """Return what the desk's own tables say of its business. Raises Declined."""
    books = asked.services.access
    if books is None or books.billing is None:
        raise _nothing_sold()
    found = await books.billing.report()
    return BillingRead(
        accounts=found.accounts, active=found.active, paying=found.paying,
        conversion=found.paying / found.active if found.active else None, recurring=found.recurring,
        months=[MonthRead(month=row.month, started=row.started, ended=row.ended) for row in found.months],
    )  # fmt: skip


def _read(plan: str, held: Subscription | None) -> SubscriptionRead:
    if held is None:
        return SubscriptionRead(
            plan=plan, status=None, period_start=None, period_end=None, ends_with_period=False, next_plan=None
        )
    return SubscriptionRead(
        plan=plan, status=held.status, period_start=time_of_ns(held.starts_ns), period_end=rfc3339(held.ends_ns),
        ends_with_period=held.ends_with_period, next_plan=held.next_plan,
    )  # fmt: skip


def _billing(asked: Asked[StartCheckout] | Asked[OpenPortal] | Asked[ChangeSubscription]) -> tuple[Billing, str]:
    books = asked.services.access
    if books is None or books.billing is None:
        raise _nothing_sold()
    if asked.principal.user_id is None:
        raise Declined("conflict", "the caller is no user, and so buys nothing")
    return books.billing, asked.principal.user_id


def _nothing_sold() -> Declined:
    return Declined("conflict", "this desk sells no plans", suggestion="billing.provider=stripe")


def _declined(fault: InvalidArgument | NotFound) -> Declined:
    field = fault.field if isinstance(fault, InvalidArgument) else None
    return Declined("invalid_argument" if field else "conflict", str(fault), field=field)


LIST_PLANS = Operation(
    name="list_plans",
    title="Plans",
    doc_en="The plans (套餐): what each allows, and its price where it is sold.",
    doc_zh="套餐列表：额度与价格。",
    scope="market:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="read",
    input=ListPlans,
    output=PlansListed,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/billing/plans",
    handler=list_plans,
    digest=lambda done: Digest(f"{len(done.plans)} plans", (), ()),
    doors=frozenset({"cli", "rest"}),
)

START_CHECKOUT = Operation(
    name="start_checkout",
    title="Buy a plan",
    doc_en="The payment provider's page where a plan is bought (购买套餐).",
    doc_zh="打开支付页面以购买套餐。",
    scope="billing:write",
    plans=EVERY_PLAN,
    charges={},
    rate_class="write",
    input=StartCheckout,
    output=PageOpened,
    hints=Hints(read_only=False),
    timeout_s=20,
    path="/billing/checkout",
    handler=start_checkout,
    digest=lambda done: Digest(done.url, (), ()),
    doors=_REST,
)

OPEN_PORTAL = Operation(
    name="open_portal",
    title="Payment details",
    doc_en="The caller's page at the payment provider (支付详情): cards, invoices.",
    doc_zh="打开支付服务商的客户页面：银行卡与发票。",
    scope="billing:write",
    plans=EVERY_PLAN,
    charges={},
    rate_class="write",
    input=OpenPortal,
    output=PageOpened,
    hints=Hints(read_only=False),
    timeout_s=20,
    path="/billing/portal",
    handler=open_portal,
    digest=lambda done: Digest(done.url, (), ()),
    doors=_REST,
)

GET_SUBSCRIPTION = Operation(
    name="get_subscription",
    title="Subscription",
    doc_en="The caller's plan and subscription (订阅).",
    doc_zh="查询当前套餐与订阅状态。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="read",
    input=GetSubscription,
    output=SubscriptionRead,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/billing/subscription",
    handler=get_subscription,
    digest=lambda done: Digest(f"plan {done.plan}", (), ()),
    doors=_REST,
)

CHANGE_SUBSCRIPTION = Operation(
    name="change_subscription",
    title="Change the plan",
    doc_en="Change the plan (更换套餐): a larger one holds at once, a smaller one when the period ends.",
    doc_zh="更换套餐：升级立即生效，降级于周期结束时生效。",
    scope="billing:write",
    plans=EVERY_PLAN,
    charges={},
    rate_class="write",
    input=ChangeSubscription,
    output=SubscriptionRead,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=30,
    path="/billing/subscription",
    verb="PATCH",
    handler=change_subscription,
    digest=lambda done: Digest(f"plan {done.plan}", (), ()),
    doors=_REST,
)

GET_BILLING_REPORT = Operation(
    name="get_billing_report",
    title="Billing report",
    doc_en="Accounts, who pays, what recurs and who left, by month (账单报告).",
    doc_zh="运营报告：账户、付费、经常性收入与流失。",
    scope="plan:admin",
    plans=EVERY_PLAN,
    charges={},
    rate_class="read",
    input=GetBillingReport,
    output=BillingRead,
    hints=Hints(read_only=True),
    timeout_s=10,
    path="/billing/report",
    handler=get_billing_report,
    digest=lambda done: Digest(f"{done.paying} of {done.active} accounts pay", (), ()),
    doors=frozenset({"cli", "rest"}),
)

BILLING_OPERATIONS = (
    LIST_PLANS, START_CHECKOUT, OPEN_PORTAL, GET_SUBSCRIPTION, CHANGE_SUBSCRIPTION, GET_BILLING_REPORT,
)  # fmt: skip
