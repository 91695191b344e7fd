"""The counters of quotas in the database: events that only grow, and their sums.

All charges of a group are judged one after the other under the write lock, so each sees those before it, whichever
process made them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, insert, select, update

from chanflow.access.quota import Charge, Demand, Spent, Taken
from chanflow.adapters.storage.database.tables.access import usage_counter as counter
from chanflow.adapters.storage.database.tables.access import usage_event as event
from chanflow.adapters.storage.socket_leases import SYMBOLS_QUOTA, held

Key = tuple[str, str, str]
"""Account, quota, period."""


def take(connection: Connection, charges: Sequence[Charge]) -> list[Taken | Spent]:
    """Take each charge whole or not at all, in order; one that was taken before is not taken again."""
    ids = [charge.charge_id for charge in charges]
    known = set((connection.execute(select(event.c.charge_id).where(event.c.charge_id.in_(ids)))).scalars())
    keys = [_key(charge.account, demand) for charge in charges for demand in charge.demands]
    before, leased = counted(connection, keys), _leased(connection, charges)
    used, events, answers = dict(before), list[dict[str, object]](), list[Taken | Spent]()

    def stands(charge: Charge, demand: Demand) -> int:
        open_now = leased.get(charge.account, 0) if demand.quota == SYMBOLS_QUOTA else 0
        return used.get(_key(charge.account, demand), 0) + open_now

    for charge in charges:
        lacking = next((d for d in charge.demands if not d.fits(stands(charge, d))), None)
        if charge.charge_id not in known:
            if lacking is not None:
                answers.append(Spent(lacking, stands(charge, lacking)))
                continue
            known.add(charge.charge_id)
            for demand in charge.demands:
                key = _key(charge.account, demand)
                used[key] = used.get(key, 0) + demand.cost
                events.append(_event(charge.charge_id, "charged", key, demand.cost, charge.at_ns))
        answers.append(Taken({d.quota: stands(charge, d) for d in charge.demands}))
    _write(connection, before, used, events)
    return answers


def give_back(connection: Connection, charge_id: str, at_ns: int) -> None:
    """Take a charge back by events of its own, once."""
    found = (connection.execute(select(event).where(event.c.charge_id == charge_id))).all()
    if any(row.outcome == "refunded" for row in found):
        return
    keys = [(row.account, row.quota, row.period_key) for row in found]
    before = counted(connection, keys)
    used = {key: before[key] - row.cost for key, row in zip(keys, found, strict=True)}
    events = [
        _event(charge_id, "refunded", key, -row.cost, at_ns) for key, row in zip(keys, found, strict=True)
    ]  # fmt: skip
    _write(connection, before, used, events)


def counted(connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
    """Return what is used under each key that has a counter."""
    columns = (counter.c.account, counter.c.quota, counter.c.period_key)
    asked = select(*columns, counter.c.used).where(
        *(column.in_(sorted({key[at] for key in keys})) for at, column in enumerate(columns))
    )
    return {(row[0], row[1], row[2]): row[3] for row in connection.execute(asked)}


def disagreeing(connection: Connection) -> tuple[Key, ...]:
    """Return the counters that are not the sum of their events; none, in a sound database."""
    columns = (event.c.account, event.c.quota, event.c.period_key)
    sums = connection.execute(select(*columns, func.sum(event.c.cost)).group_by(*columns))
    summed = {(row[0], row[1], row[2]): int(row[3]) for row in sums}
    counters = connection.execute(select(counter.c.account, counter.c.quota, counter.c.period_key, counter.c.used))
    kept = {(row[0], row[1], row[2]): int(row[3]) for row in counters}
    return tuple(key for key in sorted({*summed, *kept}) if summed.get(key, 0) != kept.get(key, 0))


def _leased(connection: Connection, charges: Sequence[Charge]) -> Mapping[str, int]:
    """Return what open sockets hold of the accounts that are charged for such."""
    asking = [charge for charge in charges if any(demand.quota == SYMBOLS_QUOTA for demand in charge.demands)]
    if not asking:
        return {}
    return held(connection, {each.account for each in asking}, max(each.at_ns for each in asking))


def _key(account: str, demand: Demand) -> Key:
    return (account, demand.quota, demand.period_key)


def _event(charge_id: str, outcome: str, key: Key, cost: int, at_ns: int) -> dict[str, object]:
    account, quota, period_key = key
    return {
        "charge_id": charge_id, "quota": quota, "outcome": outcome, "account": account, "period_key": period_key,
        "cost": cost, "at": at_ns,
    }  # fmt: skip


def _write(
    connection: Connection, before: dict[Key, int], used: dict[Key, int], events: list[dict[str, object]]
) -> None:
    if not events:
        return
    connection.execute(insert(event), events)
    new = [dict(zip(("account", "quota", "period_key"), k, strict=True), used=n)
           for k, n in sorted(used.items()) if k not in before]  # fmt: skip
    moved = [{"a": k[0], "q": k[1], "p": k[2], "n": n} for k, n in sorted(used.items()) if n != before.get(k, n)]
    if new:
        connection.execute(insert(counter), new)
    if moved:
        connection.execute(
            update(counter)
            .where(
                counter.c.account == bindparam("a"), counter.c.quota == bindparam("q"),
                counter.c.period_key == bindparam("p"),
            )
            .values(used=bindparam("n")),
            moved,
        )  # fmt: skip
