"""Subscriptions in the database, each with the plan of its account, which changes in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.access.billing import BillingEvent
from chanflow.access.subscription import FREE, PlanChange, Subscription
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import user
from chanflow.adapters.storage.database.tables.billing import billing_event, plan_change, subscription
from chanflow.domain.errors import NotFound, StorageBusy


class SqlSubscriptions:
    """Implements `access.billing.SubscriptionShelf`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heard(self, event: BillingEvent, at_ns: int) -> bool:
        """Note an event; return whether it has yet to be applied."""
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(billing_event).values(
                        event_id=event.id, type=event.kind, object_id=event.subscription_id,
                        created_at=event.created_ns, heard_at=at_ns,
                    )
                )  # fmt: skip
        except IntegrityError:
            async with self._database.read() as connection:
                asked = select(billing_event.c.applied_at).where(billing_event.c.event_id == event.id)
                return (await connection.execute(asked)).scalar_one() is None
        return True

    async def applied(self, event_id: str, at_ns: int) -> None:
        """Note that an event was applied."""
        async with self._database.write() as connection:
            mine = billing_event.c.event_id == event_id
            await connection.execute(update(billing_event).where(mine).values(applied_at=at_ns))

    async def of_account(self, account: str) -> Subscription | None:
        """Return an account's subscription."""
        return await self._one(subscription.c.account == account)

    async def of_id(self, subscription_id: str) -> Subscription | None:
        """Return the subscription that the provider knows by this id."""
        return await self._one(subscription.c.subscription_id == subscription_id)

    async def keep(self, kept: Subscription, before: Subscription | None, plan: str, check_ns: int | None,
                   at_ns: int) -> PlanChange | None:  # fmt: skip
        """Keep a subscription and give its account the plan, both or neither; return the change of plan.

        Raises StorageBusy where another was kept since `before` was read, NotFound for an account that is none.
        """
        values = {**_values(kept), "check_at": check_ns}
        try:
            async with self._database.write() as connection:
                held = (await connection.execute(select(user.c.plan).where(user.c.id == kept.account))).scalar()
                if held is None:
                    raise NotFound("there is no such account")
                if before is None:
                    await connection.execute(insert(subscription).values(values))
                else:
                    mine = (subscription.c.account == kept.account) & (subscription.c.version == before.version)
                    done = await connection.execute(update(subscription).where(mine).values(values))
                    if done.rowcount != 1:
                        raise StorageBusy("the subscription changed meanwhile")
                return await _given(connection, kept.account, held, plan, at_ns)
        except IntegrityError:
            raise StorageBusy("the subscription was kept meanwhile") from None

    async def due(self, now_ns: int) -> Sequence[Subscription]:
        """Return the subscriptions whose `check_ns` has come."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(subscription).where(subscription.c.check_at <= now_ns))
            return [_subscription(row) for row in rows]

    async def changes(self) -> Sequence[PlanChange]:
        """Return every change of plan, oldest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(plan_change).order_by(plan_change.c.seq))
            return [PlanChange(row.account, row.before, row.after, row.at) for row in rows]

    async def standing(self) -> tuple[int, int, Sequence[Subscription]]:
        """Return how many accounts there are, how many are not disabled, and all subscriptions."""
        async with self._database.read() as connection:
            asked = select(func.count(), func.count().filter(user.c.disabled_at.is_(None))).select_from(user)
            accounts, active = (await connection.execute(asked)).one()
            rows = await connection.execute(select(subscription).order_by(subscription.c.account))
            return int(accounts), int(active), [_subscription(row) for row in rows]

    async def _one(self, which: Any) -> Subscription | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(subscription).where(which))).first()
        return None if row is None else _subscription(row)


async def _given(connection: AsyncConnection, account: str, held: str, plan: str, at_ns: int) -> PlanChange | None:
    if held == plan:
        return None
    await connection.execute(update(user).where(user.c.id == account).values(plan=plan))
    await connection.execute(insert(plan_change).values(account=account, before=held, after=plan, at=at_ns))
    return PlanChange(account, held, plan, at_ns)


def _values(kept: Subscription) -> dict[str, Any]:
    return {
        "account": kept.account, "subscription_id": kept.subscription_id, "customer_id": kept.customer_id,
        "plan": kept.plan or FREE, "status": kept.status, "starts_at": kept.starts_ns, "ends_at": kept.ends_ns,
        "ends_with_period": kept.ends_with_period, "next_plan": kept.next_plan, "past_due_at": kept.past_due_ns,
        "version": kept.version,
    }  # fmt: skip


def _subscription(row: Any) -> Subscription:
    return Subscription(
        row.account, row.subscription_id, row.customer_id, row.plan, row.status, row.starts_at, row.ends_at,
        row.ends_with_period, row.next_plan, row.past_due_at, row.version,
    )  # fmt: skip
