"""The ledger of what models cost, in the desk's database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, case, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.budget import llm_ledger as table
from chanflow.analyst.budget import Line, Scope, Used
from chanflow.domain.time import NS_PER_DAY

_SETTLED = table.c.state == "settled"
_USD = func.coalesce(
    func.sum(case((_SETTLED, table.c.spent), else_=table.c.reserved)), literal(Decimal(0), table.c.spent.type)
)
_TOKENS = func.coalesce(
    func.sum(case((_SETTLED, table.c.tokens_in + table.c.tokens_out), else_=table.c.reserved_tokens)), 0
)
_REQUESTS = func.count(table.c.id)


@dataclass(frozen=True, slots=True)
class Day:
    """What one agent's calls of one model came to on one UTC day, by the moments they were reserved."""

    day_ns: int
    agent: str
    model: str
    used: Used
    open: int
    """How many calls were never settled; they count with what was reserved."""


class LlmLedger:
    """Implements `analyst.budget.Ledger` for all processes that share a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def enter(
        self, line: Line, scopes: Sequence[Scope], judge: Callable[[Sequence[Used]], None]
    ) -> Sequence[Used]:
        """Count, judge and write in one transaction. Raises what `judge` raises; StorageUnwritable, StorageBusy."""
        claim = line.claim
        async with self._database.write() as connection:
            used = await _counted(connection, scopes)
            judge(used)
            await connection.execute(
                insert(table).values(
                    id=line.line_id, run=claim.question_id, account=claim.account, agent=claim.agent,
                    model=claim.model, reserved_tokens=claim.tokens, reserved=claim.cost_usd, state="reserved",
                    at=line.at_ns,
                )
            )  # fmt: skip
        return used

    async def settle(self, line_id: str, *, tokens_in: int, tokens_out: int, usd: Decimal) -> bool:
        """Settle a line the first time; False for one that is not there. Raises StorageUnwritable, StorageBusy."""
        async with self._database.write() as connection:
            settled = await connection.execute(
                update(table)
                .where(table.c.id == line_id, table.c.state == "reserved")
                .values(state="settled", tokens_in=tokens_in, tokens_out=tokens_out, spent=usd)
            )
            if settled.rowcount:
                return True
            return (await connection.execute(select(table.c.id).where(table.c.id == line_id))).first() is not None

    async def used(self, scopes: Sequence[Scope]) -> Sequence[Used]:
        """Return what each scope comes to. Raises StorageUnwritable."""
        async with self._database.read() as connection:
            return await _counted(connection, scopes)

    async def days(self, since_ns: int) -> tuple[Day, ...]:
        """Return what was used from a moment on, by day, agent and model in this order. Raises StorageUnwritable."""
        day = (table.c.at // NS_PER_DAY).label("day")
        unsettled = func.sum(case((_SETTLED, 0), else_=1))
        asked = (
            select(day, table.c.agent, table.c.model, _REQUESTS, _TOKENS, _USD, unsettled)
            .where(table.c.at >= since_ns)
            .group_by(day, table.c.agent, table.c.model)
            .order_by(day, table.c.agent, table.c.model)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(asked)).all()
        return tuple(Day(r[0] * NS_PER_DAY, r[1], r[2], Used(r[3], int(r[4]), r[5]), int(r[6])) for r in rows)


async def _counted(connection: AsyncConnection, scopes: Sequence[Scope]) -> list[Used]:
    found: dict[Scope, Used] = {}
    for scope in scopes:
        if scope not in found:
            row = (await connection.execute(_question(scope))).one()
            found[scope] = Used(row[0], int(row[1]), row[2])
    return [found[scope] for scope in scopes]


def _question(scope: Scope) -> Select[Any]:
    asked = select(_REQUESTS, _TOKENS, _USD).where(table.c.at >= scope.since_ns, table.c.at < scope.until_ns)
    for column, value in ((table.c.run, scope.run), (table.c.agent, scope.agent), (table.c.account, scope.account)):
        if value is not None:
            asked = asked.where(column == value)
    return asked
