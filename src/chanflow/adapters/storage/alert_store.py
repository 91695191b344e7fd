"""Alerts that people set and the log of what happened, in the desk's database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Row, case, delete, false, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.access.alert_slots import first_paused
from chanflow.access.plans import UNLIMITED
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import user
from chanflow.adapters.storage.database.tables.alerts import alert, alert_counter, alert_event, alert_hit, alert_series
from chanflow.adapters.storage.delivery_store import SqlDeliveries, aim, post
from chanflow.adapters.storage.slots import slots_taken
from chanflow.domain.watch_alert import AlertKind, AlertStatus, Happening, Logged, SeriesMark, WatchAlert
from chanflow.monitor.webhook import Target

COUNTER = "log"

CHUNK = 400
"""So many keys are asked about at once: below SQLite's bound on parameters."""


@dataclass(frozen=True, slots=True)
class Change:
    """What tells whether alerts came or went, or a plan that decides which of them are live."""

    changed_ns: int
    active: int
    owners: Mapping[str, str | None]
    """The plan of each user that has active alerts; None for one that is disabled."""


@dataclass(frozen=True, slots=True)
class Full:
    """An alert that was not kept: the account holds so many alerts, and so many slots of its quota."""

    alerts: int
    slots: int


class SqlAlerts:
    """The tables of alerts. Every method raises StorageUnwritable, those that write StorageBusy, too."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.deliveries = SqlDeliveries(database)
        """Where alerts go beyond the log."""

    # ── alerts ────────────────────────────────────────────────────────────────

    async def add(
        self, new: WatchAlert, *, marks: Sequence[SeriesMark], most: int, limit: int = UNLIMITED,
        targets: Sequence[Target] = (),
    ) -> WatchAlert | Full:  # fmt: skip
        """Keep an alert with the series it needs, and return it; the one that is there where its client id was used.

        Full where the account has `most` active ones, or would hold more slots than `limit`. A series that is watched
        already stays where it is.
        """
        async with self._database.write() as connection:
            asked = select(alert).where(alert.c.account == new.account, alert.c.client_alert_id == new.client_alert_id)
            if (row := (await connection.execute(asked)).first()) is not None:
                return _alert(row)
            if (count := await _count_active(connection, new.account)) >= most:
                return Full(count, count)
            if limit != UNLIMITED:
                slots = await connection.run_sync(slots_taken, new.account, new.created_ns)
                if slots + new.slots > limit:
                    return Full(count, slots)
            await connection.execute(insert(alert).values(**_alert_row(new)))
            await aim(connection, targets)
            for mark in marks:
                await _watch(connection, mark, 0)
        return new

    async def end(self, alert_id: str, status: AlertStatus, now_ns: int) -> None:
        """Set an active alert's status; one that has ended stays as it is."""
        async with self._database.write() as connection:
            await connection.execute(
                update(alert)
                .where(alert.c.id == alert_id, alert.c.status == "active")
                .values(status=status, changed_at=now_ns)
            )

    async def expire(self, now_ns: int) -> None:
        """End the alerts whose time is over."""
        over = select(alert.c.id).where(alert.c.status == "active", alert.c.expires_at <= now_ns).limit(1)
        async with self._database.read() as connection:
            if (await connection.execute(over)).first() is None:
                return
        async with self._database.write() as connection:
            await connection.execute(
                update(alert)
                .where(alert.c.status == "active", alert.c.expires_at <= now_ns)
                .values(status="expired", changed_at=now_ns)
            )

    async def find(self, account: str, alert_id: str) -> WatchAlert | None:
        """Return an alert of an account, None where it has none of that id."""
        async with self._database.read() as connection:
            asked = select(alert).where(alert.c.account == account, alert.c.id == alert_id)
            row = (await connection.execute(asked)).first()
        return None if row is None else _alert(row)

    async def find_client(self, account: str, client_alert_id: str) -> WatchAlert | None:
        """Return the alert that an account set under a name of its own, None where it never did."""
        async with self._database.read() as connection:
            asked = select(alert).where(alert.c.account == account, alert.c.client_alert_id == client_alert_id)
            row = (await connection.execute(asked)).first()
        return None if row is None else _alert(row)

    async def page(
        self, account: str, *, status: str | None, limit: int, after: str | None, paused_from: str | None = None
    ) -> list[WatchAlert]:
        """Return alerts of an account, newest first; `after` is the last id of the page before.

        From `paused_from` on the active ones count as paused.
        """
        asked = select(alert).where(alert.c.account == account).order_by(alert.c.id.desc()).limit(limit)
        if status is not None:
            asked = asked.where(alert.c.status == ("active" if status == "paused" else status))
        if status == "active" and paused_from is not None:
            asked = asked.where(alert.c.id < paused_from)
        if status == "paused":
            # Ids begin with their time, so what is newer has a greater one; without a first one none is paused.
            asked = asked.where(alert.c.id >= paused_from if paused_from is not None else false())
        if after is not None:
            asked = asked.where(alert.c.id < after)
        async with self._database.read() as connection:
            return [_alert(row) for row in await connection.execute(asked)]

    async def active(self) -> list[WatchAlert]:
        """Return every active alert."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(alert).where(alert.c.status == "active").order_by(alert.c.id))
            return [_alert(row) for row in rows]

    async def count(self, account: str) -> int:
        """Return how many active alerts an account has, paused ones with them."""
        async with self._database.read() as connection:
            return await _count_active(connection, account)

    async def slots(self, account: str, now_ns: int) -> int:
        """Return the slots of `alert_subscription` that an account takes, with its open sockets' symbols."""
        return await self._database.consult(lambda connection: slots_taken(connection, account, now_ns))

    async def paused_from(self, account: str, limit: int) -> str | None:
        """Return the first alert of an account that a limit of slots pauses, None where all of them are live."""
        if limit == UNLIMITED:
            return None
        async with self._database.read() as connection:
            found = await _active(connection, account)
        return first_paused([(each.alert_id, each.slots) for each in found], limit)

    async def change(self) -> Change:
        """Return what changes whenever an alert comes or goes."""
        newest = select(func.coalesce(func.max(alert.c.changed_at), 0)).scalar_subquery()
        active = select(func.count()).where(alert.c.status == "active").scalar_subquery()
        owning = select(alert.c.account).where(alert.c.status == "active")
        users = select(user.c.id, user.c.plan, user.c.disabled_at).where(user.c.id.in_(owning)).order_by(user.c.id)
        async with self._database.read() as connection:
            row = (await connection.execute(select(newest, active))).one()
            owners = {each.id: each.plan if each.disabled_at is None else None
                      for each in await connection.execute(users)}  # fmt: skip
        return Change(int(row[0]), int(row[1]), owners)

    # ── series ────────────────────────────────────────────────────────────────

    async def want(self, mark: SeriesMark, until_ns: int) -> None:
        """Keep a series watched until a moment, from `mark` on where it was not."""
        async with self._database.write() as connection:
            await _watch(connection, mark, until_ns)

    async def series(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return how far each series was looked at (Unix ms), and until when it is wanted without an alert (ns)."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(alert_series))
            return {(row.symbol, row.level): (row.seen_ms, row.wanted_until) for row in rows}

    # ── the log ───────────────────────────────────────────────────────────────

    async def log(
        self,
        happenings: Sequence[tuple[Happening, Sequence[str]]],
        *,
        mark: SeriesMark | None,
        before_ms: int | None,
        now_ns: int,
    ) -> int | None:
        """Write down what happened, with the ids of the alerts it is for, and how far the series was looked at.

        All of it or nothing. What is in the log already is passed over. Returns the last number of the log; None,
        with nothing written, where the series is no longer at `before_ms`: another process was first.
        """
        async with self._database.write() as connection:
            if mark is not None and not await _advance(connection, mark, before_ms):
                return None
            known = await _known(connection, [each.key for each, _ in happenings])
            last = await _last(connection)
            fresh = [(each, ids) for each, ids in happenings if each.key not in known]
            rows = [_event_row(last + at, each, now_ns) for at, (each, _) in enumerate(fresh, start=1)]
            hits = [{"alert_id": name, "seq": last + at} for at, (_, ids) in enumerate(fresh, start=1) for name in ids]
            if rows:
                await connection.execute(insert(alert_event), rows)
                await _count(connection, last + len(rows))
            if hits:
                await connection.execute(insert(alert_hit), hits)
                numbered = enumerate(fresh, start=last + 1)
                await post(connection, [(name, seq, each.key) for seq, (each, ids) in numbered for name in ids], now_ns)
        return last + len(rows)

    async def head(self) -> int:
        """Return the last number of the log, 0 before the first."""
        async with self._database.read() as connection:
            return await _last(connection)

    async def first_since(self, logged_ns: int) -> int | None:
        """Return the first number logged at or after a moment, None where there is none."""
        async with self._database.read() as connection:
            asked = select(func.min(alert_event.c.seq)).where(alert_event.c.logged_at >= logged_ns)
            found = (await connection.execute(asked)).scalar()
        return None if found is None else int(found)

    async def events(self, after: int, *, upto: int | None = None, limit: int) -> list[Logged]:
        """Return what follows a number of the log, in order."""
        asked = select(alert_event).where(alert_event.c.seq > after).order_by(alert_event.c.seq).limit(limit)
        if upto is not None:
            asked = asked.where(alert_event.c.seq <= upto)
        async with self._database.read() as connection:
            return [_logged(row) for row in await connection.execute(asked)]

    async def events_of(self, alert_id: str, after: int, *, limit: int) -> list[Logged]:
        """Return what follows a number of the log for one alert, in order."""
        asked = (
            select(alert_event)
            .join(alert_hit, alert_hit.c.seq == alert_event.c.seq)
            .where(alert_hit.c.alert_id == alert_id, alert_hit.c.seq > after)
            .order_by(alert_hit.c.seq)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [_logged(row) for row in await connection.execute(asked)]

    async def hits(self, first: int, last: int) -> dict[int, list[tuple[str, str]]]:
        """Return, for numbers of the log from `first` to `last`, the id and account of each alert they are for."""
        asked = (
            select(alert_hit.c.seq, alert.c.id, alert.c.account)
            .join(alert, alert.c.id == alert_hit.c.alert_id)
            .where(alert_hit.c.seq >= first, alert_hit.c.seq <= last)
            .order_by(alert_hit.c.seq, alert.c.id)
        )
        found: dict[int, list[tuple[str, str]]] = {}
        async with self._database.read() as connection:
            for row in await connection.execute(asked):
                found.setdefault(row[0], []).append((row[1], row[2]))
        return found

    async def forget(self, before_ns: int) -> None:
        """Forget what was logged before a moment."""
        async with self._database.write() as connection:
            await connection.execute(delete(alert_event).where(alert_event.c.logged_at < before_ns))


async def _active(connection: AsyncConnection, account: str) -> list[WatchAlert]:
    asked = select(alert).where(alert.c.account == account, alert.c.status == "active").order_by(alert.c.id)
    return [_alert(row) for row in await connection.execute(asked)]


async def _count_active(connection: AsyncConnection, account: str) -> int:
    asked = select(func.count()).where(alert.c.account == account, alert.c.status == "active")
    return int((await connection.execute(asked)).scalar_one())


async def _watch(connection: AsyncConnection, mark: SeriesMark, until_ns: int) -> None:
    here = (alert_series.c.symbol == mark.symbol, alert_series.c.level == mark.level)
    later = case((alert_series.c.wanted_until < until_ns, until_ns), else_=alert_series.c.wanted_until)
    if (await connection.execute(update(alert_series).where(*here).values(wanted_until=later))).rowcount == 0:
        row = {"symbol": mark.symbol, "level": mark.level, "seen_ms": mark.seen_ms, "wanted_until": until_ns}
        await connection.execute(insert(alert_series).values(**row))


async def _advance(connection: AsyncConnection, mark: SeriesMark, before_ms: int | None) -> bool:
    moved = await connection.execute(
        update(alert_series)
        .where(
            alert_series.c.symbol == mark.symbol,
            alert_series.c.level == mark.level,
            alert_series.c.seen_ms == before_ms,
        )
        .values(seen_ms=mark.seen_ms)
    )
    return moved.rowcount == 1


async def _known(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for at in range(0, len(keys), CHUNK):
        asked = select(alert_event.c.key).where(alert_event.c.key.in_(keys[at : at + CHUNK]))
        known.update((await connection.execute(asked)).scalars())
    return known


async def _last(connection: AsyncConnection) -> int:
    asked = select(alert_counter.c.seq).where(alert_counter.c.name == COUNTER)
    return int((await connection.execute(asked)).scalar() or 0)


async def _count(connection: AsyncConnection, seq: int) -> None:
    known = await connection.execute(update(alert_counter).where(alert_counter.c.name == COUNTER).values(seq=seq))
    if known.rowcount == 0:
        await connection.execute(insert(alert_counter).values(name=COUNTER, seq=seq))


def _alert_row(each: WatchAlert) -> dict[str, Any]:
    terms = {
        "kind": each.kind, "symbols": list(each.symbols), "level": each.level, "types": list(each.types),
        "above": each.above, "below": each.below, "since_ms": dict(each.since_ms),
        "known_since_ns": each.known_since_ns, "plan": each.plan,
    }  # fmt: skip
    return {
        "id": each.alert_id, "account": each.account, "client_alert_id": each.client_alert_id,
        "args_hash": each.args_hash, "status": each.status, "terms": terms,
        "created_at": each.created_ns, "expires_at": each.expires_ns, "changed_at": each.created_ns,
    }  # fmt: skip


def _alert(row: Row[Any]) -> WatchAlert:
    terms: Mapping[str, Any] = row.terms
    return WatchAlert(
        alert_id=row.id, account=row.account, client_alert_id=row.client_alert_id, args_hash=row.args_hash,
        kind=cast("AlertKind", terms["kind"]), symbols=tuple(terms["symbols"]), level=terms["level"],
        types=tuple(terms["types"]), above=terms["above"], below=terms["below"],
        status=cast("AlertStatus", row.status), created_ns=row.created_at, expires_ns=row.expires_at,
        known_since_ns=terms["known_since_ns"], since_ms=terms["since_ms"], plan=terms.get("plan", "enterprise"),
    )  # fmt: skip


def _event_row(seq: int, each: Happening, now_ns: int) -> dict[str, Any]:
    return {
        "seq": seq, "key": each.key, "kind": each.kind, "symbol": each.symbol, "level": each.level, "type": each.type,
        "known_at": each.known_ns, "logged_at": now_ns, "body": dict(each.body),
    }  # fmt: skip


def _logged(row: Row[Any]) -> Logged:
    happening = Happening(
        key=row.key, kind=cast("AlertKind", row.kind), symbol=row.symbol, level=row.level, known_ns=row.known_at,
        body=row.body, type=row.type,
    )  # fmt: skip
    return Logged(row.seq, happening, row.logged_at)
