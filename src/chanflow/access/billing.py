"""Who pays for which plan: opens the provider's pages, hears its events, and keeps each account's plan as paid for.

Every event makes us ask the provider for the subscription's present state, so events may come twice, late and out of
order. Two that are heard at once cannot undo one another: what is kept must be younger than what was read before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from chanflow.access.plans import PLANS
from chanflow.access.subscription import (
    FREE,
    MonthRow,
    Paid,
    PlanChange,
    Subscription,
    matured,
    months,
    next_change_ns,
    plan_at,
    renewed,
    supersedes,
)
from chanflow.domain.errors import BillingBusy, InvalidArgument, NotFound, StorageBusy
from chanflow.domain.time import Clock, utc_date

_log = logging.getLogger(__name__)
_TRIES = 5


@dataclass(frozen=True, slots=True)
class BillingEvent:
    """Something the provider told us of. `subscription_id` is None where it concerns none; `created_ns` is its time."""

    id: str
    kind: str
    created_ns: int
    subscription_id: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan that can be bought: its price a month, as decimal text, in a currency."""

    plan: str
    amount: str
    currency: str


class BillingProvider(Protocol):
    """Takes the money. Calls raise BillingBusy where it cannot be reached, InvalidArgument for what it refuses."""

    async def checkout(self, account: str, plan: str, customer_id: str | None, key: str) -> str:
        """Return the address of a page where the plan is paid; the same key is the same page."""
        ...

    async def portal(self, customer_id: str) -> str:
        """Return the address of the customer's own page: cards, invoices."""
        ...

    async def paid(self, subscription_id: str) -> Paid:
        """Return the present state of a subscription."""
        ...

    async def change(self, subscription_id: str, plan: str, *, at_once: bool, key: str) -> None:
        """Set the plan that is paid for: from now on, or from the next period."""
        ...

    async def end_with_period(self, subscription_id: str, *, ends: bool, key: str) -> None:
        """Have a subscription end with its period, or go on after all."""
        ...

    def event(self, body: bytes, signature: str) -> BillingEvent:
        """Return what a message says. Raises InvalidArgument unless it is signed by the provider, lately."""
        ...


class SubscriptionShelf(Protocol):
    """Keeps subscriptions. Every method raises StorageUnwritable or StorageBusy."""

    async def heard(self, event: BillingEvent, at_ns: int) -> bool:
        """Note an event; return whether it has yet to be applied."""
        ...

    async def applied(self, event_id: str, at_ns: int) -> None:
        """Note that an event was applied."""
        ...

    async def of_account(self, account: str) -> Subscription | None:
        """Return an account's subscription."""
        ...

    async def of_id(self, subscription_id: str) -> Subscription | None:
        """Return the subscription that the provider knows by this id."""
        ...

    async def keep(self, kept: Subscription, before: Subscription | None, plan: str, check_ns: int | None,
                   at_ns: int) -> PlanChange | None:  # fmt: skip
        """Keep a subscription and give its account the plan, both or neither; return the change of plan, if it is one.

        Raises StorageBusy where another was kept since `before` was read, NotFound for an account that is none.
        """
        ...

    async def due(self, now_ns: int) -> Sequence[Subscription]:
        """Return the subscriptions whose `check_ns` has come."""
        ...

    async def changes(self) -> Sequence[PlanChange]:
        """Return every change of plan, oldest first."""
        ...

    async def standing(self) -> tuple[int, int, Sequence[Subscription]]:
        """Return how many accounts there are, how many are active, and all subscriptions."""
        ...


@dataclass(frozen=True, slots=True)
class BillingReport:
    """What an operator's business looks like. Money is decimal text by currency, a month."""

    accounts: int
    active: int
    paying: int
    recurring: dict[str, str]
    months: Sequence[MonthRow]


class Billing:
    """Subscriptions of a desk. `offers` are the plans that are sold."""

    def __init__(
        self, provider: BillingProvider, shelf: SubscriptionShelf, offers: Sequence[Offer], clock: Clock
    ) -> None:
        self.provider, self.shelf, self._clock = provider, shelf, clock
        self.offers = tuple(offers)
        self._one_at_a_time = asyncio.Lock()

    async def checkout(self, account: str, plan: str, key: str) -> str:
        """Return the page where an account buys a plan. Raises InvalidArgument for one that is not sold, or is held."""
        self._sold(plan)
        held = await self.shelf.of_account(account)
        if held is not None and plan_at(held, self._clock.now_ns()) != FREE:
            raise InvalidArgument("the account has a subscription: change it instead", field="plan")
        return await self.provider.checkout(account, plan, None if held is None else held.customer_id, key)

    async def portal(self, account: str) -> str:
        """Return the account's page at the provider. Raises NotFound for one that never bought."""
        return await self.provider.portal((await self._held(account)).customer_id)

    async def change(self, account: str, plan: str, key: str) -> Subscription:
        """Set the plan: a larger one at once, a smaller one when the period ends; `free` ends with the period."""
        held = await self._held(account)
        if plan == FREE:
            await self.provider.end_with_period(held.subscription_id, ends=True, key=key)
        else:
            self._sold(plan)
            if held.ends_with_period:
                await self.provider.end_with_period(held.subscription_id, ends=False, key=f"{key}-on")
            rank = tuple(PLANS)
            larger = rank.index(plan) > rank.index(held.plan)
            await self.provider.change(held.subscription_id, plan, at_once=larger, key=key)
        return await self._taken_over(held.subscription_id)

    async def hear(self, body: bytes, signature: str) -> BillingEvent:
        """Apply a message of the provider, once. Raises InvalidArgument for one it did not sign; BillingBusy."""
        event = self.provider.event(body, signature)
        if not await self.shelf.heard(event, self._clock.now_ns()):
            return event
        if event.subscription_id is not None:
            try:
                await self._taken_over(event.subscription_id)
            except NotFound:
                # Money for nobody we know: a person must look, and the provider must not ask again for ever.
                _log.error("billing event %s concerns an account that is not here", event.id)
        await self.shelf.applied(event.id, self._clock.now_ns())
        return event

    async def tick(self) -> Sequence[PlanChange]:
        """Let the clock do its part: what waited for the end of a period, and graces that are over."""
        changed: list[PlanChange] = []
        for held in await self.shelf.due(self._clock.now_ns()):
            now_ns = self._clock.now_ns()
            ripe = matured(held, now_ns)
            change = await self._keep(ripe, held, now_ns)
            changed += [] if change is None else [change]
        return changed

    async def report(self) -> BillingReport:
        """Return what the desk's own tables say."""
        return await business(self.shelf, self.offers, self._clock.now_ns())

    async def _taken_over(self, subscription_id: str) -> Subscription:
        """Ask the provider how a subscription stands, and keep that. Raises NotFound where it is nobody's here."""
        async with self._one_at_a_time:  # other processes are met below
            return await self._asked_and_kept(subscription_id)

    async def _asked_and_kept(self, subscription_id: str) -> Subscription:
        known = await self.shelf.of_id(subscription_id)
        account = None if known is None else known.account
        for _ in range(_TRIES):
            # Read before asking: where something is kept in between, the answer is too old and is asked for again.
            before = None if account is None else await self.shelf.of_account(account)
            paid = await self.provider.paid(subscription_id)
            if account is None:
                account = paid.account
                if account is None:
                    raise NotFound("the subscription names no account of this desk")
                continue
            now_ns = self._clock.now_ns()
            if (
                before is not None
                and before.subscription_id != subscription_id
                and not supersedes(paid, before, now_ns)
            ):
                return before
            kept = renewed(before, paid, account, now_ns)
            try:
                await self._keep(kept, before, now_ns)
            except StorageBusy:
                continue
            return kept
        raise BillingBusy("the subscription changed under us again and again")

    async def _keep(self, kept: Subscription, before: Subscription | None, now_ns: int) -> PlanChange | None:
        return await self.shelf.keep(kept, before, plan_at(kept, now_ns), next_change_ns(kept, now_ns), now_ns)

    async def _held(self, account: str) -> Subscription:
        held = await self.shelf.of_account(account)
        if held is None:
            raise NotFound("the account has no subscription: buy a plan first")
        return held

    def _sold(self, plan: str) -> None:
        if plan not in {offer.plan for offer in self.offers}:
            raise InvalidArgument(
                f"plan is {plan!r}, sold are {', '.join(offer.plan for offer in self.offers) or 'none'}", field="plan"
            )


async def business(shelf: SubscriptionShelf, offers: Sequence[Offer], now_ns: int) -> BillingReport:
    """Return how many accounts there are and pay, what recurs a month, and who came and went."""
    accounts, active, held = await shelf.standing()
    prices = {offer.plan: offer for offer in offers}
    paying = [each for each in held if each.paying and plan_at(each, now_ns) != FREE]
    sums: dict[str, Decimal] = {}
    for offer in (prices[each.plan] for each in paying if each.plan in prices):
        sums[offer.currency] = sums.get(offer.currency, Decimal(0)) + Decimal(offer.amount)
    changes = await shelf.changes()
    rows = months(changes, [utc_date(change.at_ns)[:7] for change in changes])
    recurring = {currency: f"{total:.2f}" for currency, total in sorted(sums.items())}
    return BillingReport(accounts, active, len(paying), recurring, rows)
