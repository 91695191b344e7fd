"""Deliveries of alerts in the desk's database: written with the event, tried by one process at a time, kept with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.alert_delivery import alert_delivery as delivery
from chanflow.adapters.storage.database.tables.alert_delivery import alert_target as target
from chanflow.adapters.storage.database.tables.alerts import alert, alert_event
from chanflow.domain.errors import StorageBusy
from chanflow.monitor.webhook import Channel, Target, delivery_id

CHUNK = 400
"""So many keys are asked about at once: below SQLite's bound on parameters."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event of an alert on its way, or there. Times are Unix ns; `status` is what the receiver answered last."""

    id: str
    seq: int
    channel: Channel
    state: Literal["waiting", "delivered"]
    attempts: int
    created_ns: int
    next_ns: int
    last_ns: int | None
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that may be tried now, with what it tells and where it goes."""

    id: str
    attempts: int
    alert_id: str
    account: str
    client_alert_id: str
    sealed: str | None
    failures: int
    seq: int
    kind: str
    known_ns: int
    logged_ns: int
    body: dict[str, Any]


class SqlDeliveries:
    """The tables of deliveries. Every method raises StorageUnwritable, those that write StorageBusy, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── sending ───────────────────────────────────────────────────────────────

    async def due(self, channel: Channel, now_ns: int, most: int) -> list[Due]:
        """Return what may be tried now, at most one delivery of each alert: the least tried, then the oldest."""
        place = func.row_number().over(partition_by=delivery.c.alert_id, order_by=(delivery.c.attempts, delivery.c.seq))
        ready = (
            select(delivery.c.id, delivery.c.seq, place.label("place"))
            .join(target, (target.c.alert_id == delivery.c.alert_id) & (target.c.channel == delivery.c.channel))
            .join(alert, alert.c.id == delivery.c.alert_id)
            .where(
                delivery.c.channel == channel, delivery.c.state == "waiting", delivery.c.next_at <= now_ns,
                target.c.off_at.is_(None), target.c.next_at <= now_ns, alert.c.status != "deleted",
            )
            .subquery()
        )  # fmt: skip
        asked = (
            select(delivery, alert.c.account, alert.c.client_alert_id, target.c.sealed, target.c.failures,
                   alert_event.c.kind, alert_event.c.known_at, alert_event.c.logged_at, alert_event.c.body)
            .join(ready, ready.c.id == delivery.c.id)
            .join(alert, alert.c.id == delivery.c.alert_id)
            .join(target, (target.c.alert_id == delivery.c.alert_id) & (target.c.channel == delivery.c.channel))
            .join(alert_event, alert_event.c.seq == delivery.c.seq)
            .where(ready.c.place == 1)
            .order_by(delivery.c.next_at, delivery.c.seq)
            .limit(most)
        )  # fmt: skip
        async with self._database.read() as connection:
            return [
                Due(row.id, row.attempts, row.alert_id, row.account, row.client_alert_id, row.sealed, row.failures,
                    row.seq, row.kind, row.known_at, row.logged_at, row.body)
                for row in await connection.execute(asked)
            ]  # fmt: skip

    async def claim(self, due: Due, channel: Channel, now_ns: int, until_ns: int) -> bool:
        """Count an attempt and keep others from it until a moment; False where another process was first."""
        mine = (delivery.c.id == due.id, delivery.c.attempts == due.attempts, delivery.c.next_at <= now_ns)
        here = (target.c.alert_id == due.alert_id, target.c.channel == channel)
        free = (target.c.next_at <= now_ns, target.c.off_at.is_(None))
        async with self._database.write() as connection:
            held = await connection.execute(update(target).where(*here, *free).values(next_at=until_ns))
            if held.rowcount != 1:
                return False
            taken = await connection.execute(
                update(delivery)
                .where(*mine, delivery.c.state == "waiting")
                .values(attempts=delivery.c.attempts + 1, next_at=until_ns)
            )
            if taken.rowcount != 1:
                await connection.execute(update(target).where(*here).values(next_at=now_ns))
                return False
        return True

    async def delivered(self, due: Due, channel: Channel, status: int | None, now_ns: int) -> None:
        """Note that a delivery arrived."""
        async with self._database.write() as connection:
            await connection.execute(
                update(delivery)
                .where(delivery.c.id == due.id)
                .values(state="delivered", last_at=now_ns, last_status=status, last_error=None)
            )
            await connection.execute(
                update(target)
                .where(target.c.alert_id == due.alert_id, target.c.channel == channel)
                .values(failures=0, next_at=now_ns)
            )

    async def failed(
        self, due: Due, channel: Channel, *, status: int | None, error: str, now_ns: int, again_ns: int,
        target_again_ns: int, most: int,
    ) -> None:  # fmt: skip
        """Note that an attempt failed; the target is switched off where `most` have in a row."""
        async with self._database.write() as connection:
            await connection.execute(
                update(delivery)
                .where(delivery.c.id == due.id)
                .values(next_at=again_ns, last_at=now_ns, last_status=status, last_error=error[:255])
            )
            here = (target.c.alert_id == due.alert_id, target.c.channel == channel)
            await connection.execute(
                update(target).where(*here).values(failures=target.c.failures + 1, next_at=target_again_ns)
            )
            why = f"{most} attempts in a row failed, the last because: {error}"[:255]
            await connection.execute(
                update(target)
                .where(*here, target.c.failures >= most, target.c.off_at.is_(None))
                .values(off_at=now_ns, off_why=why)
            )

    # ── what its owner sees and changes ───────────────────────────────────────

    async def targets(self, alert_ids: Sequence[str]) -> dict[str, list[Target]]:
        """Return where each alert goes."""
        found: dict[str, list[Target]] = {}
        async with self._database.read() as connection:
            asked = select(target).where(target.c.alert_id.in_(alert_ids)).order_by(target.c.channel)
            for row in await connection.execute(asked):
                found.setdefault(row.alert_id, []).append(_target(row))
        return found

    async def page(self, alert_id: str, *, after: tuple[int, str] | None, limit: int) -> list[Delivery]:
        """Return deliveries of an alert, newest first; `after` is event and channel of the last of the page before."""
        asked = select(delivery).where(delivery.c.alert_id == alert_id)
        if after is not None:
            asked = asked.where(tuple_(delivery.c.seq, delivery.c.channel) < after)
        asked = asked.order_by(delivery.c.seq.desc(), delivery.c.channel.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_delivery(row) for row in await connection.execute(asked)]

    async def switch(self, alert_id: str, *, off_why: str | None, now_ns: int) -> None:
        """Switch the webhook of an alert off with a reason, or on again: what waits is then tried at once."""
        here = (target.c.alert_id == alert_id, target.c.channel == "webhook")
        async with self._database.write() as connection:
            if off_why is not None:
                await connection.execute(
                    update(target).where(*here, target.c.off_at.is_(None)).values(off_at=now_ns, off_why=off_why)
                )
                return
            turned = await connection.execute(
                update(target)
                .where(*here, target.c.off_at.is_not(None))
                .values(off_at=None, off_why=None, failures=0, next_at=now_ns)
            )
            if turned.rowcount:
                waiting = (delivery.c.alert_id == alert_id, delivery.c.state == "waiting")
                await connection.execute(
                    update(delivery).where(*waiting, delivery.c.channel == "webhook").values(next_at=now_ns)
                )

    async def reseal(self, before: Target, sealed: str) -> None:
        """Set the sealed text of a target. Raises StorageBusy where it changed since `before` was read."""
        mine = (target.c.alert_id == before.alert_id, target.c.channel == before.channel)
        async with self._database.write() as connection:
            done = await connection.execute(
                update(target).where(*mine, target.c.sealed == before.sealed).values(sealed=sealed)
            )
        if done.rowcount != 1:
            raise StorageBusy("the secret changed meanwhile")


async def aim(connection: AsyncConnection, targets: Sequence[Target]) -> None:
    """Keep where a new alert goes."""
    for each in targets:
        await connection.execute(
            insert(target).values(
                alert_id=each.alert_id, channel=each.channel, shown=each.shown, sealed=each.sealed, failures=0,
                next_at=0,
            )
        )  # fmt: skip


async def post(connection: AsyncConnection, hits: Sequence[tuple[str, int, str]], now_ns: int) -> None:
    """Write a delivery for each way that an alert has: `hits` are its id, the number of the event and its key."""
    names, ways = sorted({name for name, _, _ in hits}), dict[str, list[Channel]]()
    for at in range(0, len(names), CHUNK):
        asked = select(target.c.alert_id, target.c.channel).where(target.c.alert_id.in_(names[at : at + CHUNK]))
        for row in await connection.execute(asked):
            ways.setdefault(row.alert_id, []).append(row.channel)
    rows = [
        {"id": delivery_id(name, key, channel), "alert_id": name, "seq": seq, "channel": channel, "state": "waiting",
         "attempts": 0, "next_at": now_ns, "created_at": now_ns}
        for name, seq, key in hits for channel in ways.get(name, ())
    ]  # fmt: skip
    if rows:
        await connection.execute(insert(delivery), rows)


def _target(row: Row[Any]) -> Target:
    return Target(row.alert_id, row.channel, row.shown, row.sealed, row.failures, row.off_at, row.off_why)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id, row.seq, row.channel, row.state, row.attempts, row.created_at, row.next_at, row.last_at,
        row.last_status, row.last_error,
    )  # fmt: skip
