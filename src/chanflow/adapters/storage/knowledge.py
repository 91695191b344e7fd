"""The knowledge base in the desk's database: what was learned and measured, kept for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.memory import (
    learning_summary,
    lesson,
    market_case,
    market_pattern,
    memory_flow,
    performance_history,
    strategy_evaluation,
    trade,
)
from chanflow.domain.canonical import plain
from chanflow.domain.errors import NotFound
from chanflow.domain.lesson import LearningSummary, Lesson
from chanflow.domain.market_state import FEATURES
from chanflow.domain.memory import Case, ClosedTrade, Outcome
from chanflow.review.memory_json import decision_body, decision_of, lesson_body, lesson_of, state_body, state_of
from chanflow.review.ports import Pattern, Performance

MAX_CASES = 20_000
_SETUP = "setup"
"""Statistics of this kind are the evaluation of strategies; all others are patterns of the market."""


class SqlKnowledge:
    """The knowledge base. It does not own the database."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # ── lessons and summaries ─────────────────────────────────────────────────

    async def add_lessons(self, lessons: Sequence[Lesson]) -> None:
        """Keep new lessons; one whose id is there already is left as it is."""
        async with self._db.write() as db:
            there = await _there(db, lesson, "id", [each.lesson_id for each in lessons])
            await _add(db, lesson, [_lesson_row(each) for each in lessons if each.lesson_id not in there])

    async def lesson(self, lesson_id: str) -> Lesson | None:
        """Return a lesson, or None."""
        async with self._db.read() as db:
            body = (await db.execute(select(lesson.c.body).where(lesson.c.id == lesson_id))).scalar()
        return None if body is None else lesson_of(body)

    async def lessons(self, as_of_ns: int | None = None) -> tuple[Lesson, ...]:
        """Return lessons, the oldest first: all, or those made before a moment that had not expired by then."""
        wanted = select(lesson.c.body).order_by(lesson.c.created_at, lesson.c.id)
        if as_of_ns is not None:
            wanted = wanted.where(lesson.c.created_at < as_of_ns, lesson.c.expires_at > as_of_ns)
        async with self._db.read() as db:
            return tuple(lesson_of(body) for body in (await db.execute(wanted)).scalars())

    async def save_lesson(self, changed: Lesson) -> None:
        """Write the new status of a lesson that is there. Raises NotFound where it is not."""
        row = _lesson_row(changed)
        async with self._db.write() as db:
            done = await db.execute(update(lesson).where(lesson.c.id == changed.lesson_id).values(**row))
            if not done.rowcount:
                raise NotFound(f"there is no lesson {changed.lesson_id}")

    async def add_summary(self, summary: LearningSummary) -> None:
        """Keep a summary; one of the same period is left as it is."""
        async with self._db.write() as db:
            if not await _there(db, learning_summary, "period", [summary.period]):
                row = {"period": summary.period, "made_at": summary.made_ns, "body": plain(summary)}
                await _add(db, learning_summary, [row])

    async def summary(self, as_of_ns: int) -> LearningSummary | None:
        """Return the newest summary made strictly before a moment, or None."""
        wanted = (
            select(learning_summary.c.body)
            .where(learning_summary.c.made_at < as_of_ns)
            .order_by(learning_summary.c.made_at.desc(), learning_summary.c.period)
            .limit(1)
        )
        async with self._db.read() as db:
            body = (await db.execute(wanted)).scalar()
        return None if body is None else LearningSummary(**{**body, "lesson_ids": tuple(body["lesson_ids"])})

    # ── statistics ────────────────────────────────────────────────────────────

    async def add_patterns(self, patterns: Sequence[Pattern]) -> None:
        """Keep statistics of setups and of patterns in place of all of the same periods."""
        rows = [asdict(each) for each in patterns]
        periods = sorted({each.period for each in patterns})
        setups = [{k: v for k, v in row.items() if k != "kind"} for row in rows if row["kind"] == _SETUP]
        async with self._db.write() as db:
            for table in (strategy_evaluation, market_pattern):
                await db.execute(delete(table).where(table.c.period.in_(periods)))
            await _add(db, strategy_evaluation, setups)
            await _add(db, market_pattern, [row for row in rows if row["kind"] != _SETUP])

    async def patterns(self, period: str) -> tuple[Pattern, ...]:
        """Return the statistics of a period: of setups first, then by kind and name."""
        async with self._db.read() as db:
            found = []
            for table in (strategy_evaluation, market_pattern):
                rows = (await db.execute(select(table).where(table.c.period == period))).mappings()
                found += [Pattern(**{"kind": _SETUP, **row}) for row in rows]
        return tuple(sorted(found, key=lambda each: (each.kind != _SETUP, each.kind, each.strategy, each.name)))

    async def add_performance(self, performance: Performance) -> None:
        """Keep a day's figures in place of older ones of the same day."""
        row = {"day": performance.day, "made_at": performance.made_ns, "figures": plain(performance.figures)}
        async with self._db.write() as db:
            await _replace(db, performance_history, "day", [row])

    async def performance(self, limit: int) -> tuple[Performance, ...]:
        """Return the newest days, the newest first."""
        wanted = select(performance_history).order_by(performance_history.c.day.desc()).limit(limit)
        async with self._db.read() as db:
            rows = (await db.execute(wanted)).mappings()
            return tuple(Performance(row["day"], row["made_at"], row["figures"]) for row in rows)

    # ── trades and cases ──────────────────────────────────────────────────────

    async def add_trades(self, trades: Sequence[ClosedTrade]) -> None:
        """Keep closed trades; known positions are replaced."""
        rows = [{_TRADE_COLUMNS.get(k, k): v for k, v in asdict(each).items()} for each in trades]
        async with self._db.write() as db:
            await _replace(db, trade, "position_id", rows)

    async def trades(self, from_ns: int, until_ns: int) -> tuple[ClosedTrade, ...]:
        """Return the trades closed in [from, until), the oldest first."""
        wanted = (
            select(trade)
            .where(trade.c.closed_at >= from_ns, trade.c.closed_at < until_ns)
            .order_by(trade.c.closed_at, trade.c.position_id)
        )
        async with self._db.read() as db:
            rows = (await db.execute(wanted)).mappings()
            return tuple(ClosedTrade(**{_TRADE_FIELDS.get(k, k): v for k, v in row.items()}) for row in rows)

    async def add_cases(self, cases: Sequence[Case]) -> None:
        """Keep decisions with their states; known ones are replaced."""
        rows = [
            {
                "decision_id": case.decision.decision_id, "at": case.decision.at_ns,
                "missing": len(FEATURES) - len(case.state.known()), "decision": decision_body(case.decision),
                "state": state_body(case.state),
            }
            for case in cases
        ]  # fmt: skip
        async with self._db.write() as db:
            await _replace(db, market_case, "decision_id", rows)

    async def settle(self, outcome: Outcome) -> None:
        """Write a decision's outcome down with its case, where that is kept."""
        mine = market_case.c.decision_id == outcome.decision_id
        async with self._db.write() as db:
            body = (await db.execute(select(market_case.c.decision).where(mine))).scalar()
            if body is not None:
                known = replace(decision_of(body), outcome=outcome)
                await db.execute(update(market_case).where(mine).values(decision=decision_body(known)))

    async def cases(self, *, after: str = "", limit: int = 1_000) -> tuple[Case, ...]:
        """Return decisions with their states by id, those after an id; a page at a time."""
        wanted = select(market_case).where(market_case.c.decision_id > after)
        async with self._db.read() as db:
            rows = await db.execute(wanted.order_by(market_case.c.decision_id).limit(limit))
            return _cases(rows.mappings())

    async def case_count(self, *, most_missing: int, from_ns: int) -> int:
        """Return how many decisions from a moment on are kept with at most so many figures missing."""
        mine = market_case.c.missing <= most_missing, market_case.c.at >= from_ns
        wanted = select(func.count()).select_from(market_case).where(*mine)
        async with self._db.read() as db:
            return int((await db.execute(wanted)).scalar_one())

    async def cases_between(self, from_ns: int, until_ns: int) -> tuple[Case, ...]:
        """Return the decisions taken in [from, until), the oldest first; the newest 20,000 of them."""
        wanted = select(market_case).where(market_case.c.at >= from_ns, market_case.c.at < until_ns)
        async with self._db.read() as db:
            rows = await db.execute(
                wanted.order_by(market_case.c.at.desc(), market_case.c.decision_id).limit(MAX_CASES)
            )
            return tuple(reversed(_cases(rows.mappings())))

    # ── regular tasks ─────────────────────────────────────────────────────────

    async def done(self, flow: str) -> str | None:
        """Return how far a flow has come: the last period it finished, or None."""
        async with self._db.read() as db:
            found: str | None = (
                await db.execute(select(memory_flow.c.period).where(memory_flow.c.flow == flow))
            ).scalar()
        return found

    async def mark_done(self, flow: str, period: str) -> None:
        """Note that a flow has finished a period."""
        async with self._db.write() as db:
            await _replace(db, memory_flow, "flow", [{"flow": flow, "period": period}])


_TRADE_COLUMNS = {"opened_ns": "opened_at", "closed_ns": "closed_at"}
_TRADE_FIELDS = {column: name for name, column in _TRADE_COLUMNS.items()}
_PAGE = 500
"""SQLite takes a limited number of values in one statement."""


def _lesson_row(each: Lesson) -> dict[str, Any]:
    return {
        "id": each.lesson_id, "status": each.status, "created_at": each.created_ns, "expires_at": each.expires_ns,
        "body": lesson_body(each),
    }  # fmt: skip


def _cases(rows: Iterable[Any]) -> tuple[Case, ...]:
    return tuple(Case(decision_of(row["decision"]), state_of(row["state"])) for row in rows)


async def _there(db: AsyncConnection, table: Table, key: str, values: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for at in range(0, len(values), _PAGE):
        wanted = select(table.c[key]).where(table.c[key].in_(values[at : at + _PAGE]))
        found |= set((await db.execute(wanted)).scalars())
    return found


async def _add(db: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await db.execute(insert(table), rows)


async def _replace(db: AsyncConnection, table: Table, key: str, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows in place of those of the same key, in the caller's transaction; of twins the last stays."""
    last = {row[key]: row for row in rows}
    for at in range(0, len(last), _PAGE):
        await db.execute(delete(table).where(table.c[key].in_(list(last)[at : at + _PAGE])))
    await _add(db, table, list(last.values()))
