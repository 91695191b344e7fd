"""Counters and their events."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from chanflow.access.audit import AuditRow
from chanflow.access.quota import Charge, Demand, Spent, Taken
from chanflow.adapters.storage import audit_chain, usage_ledger
from chanflow.adapters.storage.access_writer import AccessWriter
from chanflow.adapters.storage.database.database import Database

LIMITS = {"api_call": 12, "bsp_query": 5}
ACTION = st.one_of(
    st.tuples(st.just("charge"), st.integers(0, 15), st.sampled_from([("api_call",), ("bsp_query", "api_call")])),
    st.tuples(st.just("refund"), st.integers(0, 15), st.just(())),
)


def _charge(number: int, quotas: tuple[str, ...], cost: int = 1, account: str = "ann") -> Charge:
    demands = tuple(Demand(quota, cost, LIMITS[quota], "2026-11") for quota in quotas)
    return Charge(str(UUID(int=number)), account, number, demands)


@settings(max_examples=25)
@given(groups=st.lists(st.lists(ACTION, max_size=9), max_size=6))
def test_the_sum_of_events_is_what_is_used_whatever_is_retried_or_given_back(
    groups: list[list[tuple[str, int, tuple[str, ...]]]],
) -> None:
    async def run(path: Path) -> None:
        async with await Database.open(path) as database:
            writer, standing, back = AccessWriter(database), dict[int, tuple[str, ...]](), set[int]()
            for group in groups:
                answers = await asyncio.gather(*(
                    writer.charge(_charge(number, quotas))
                    if kind == "charge" else writer.refund(str(UUID(int=number)), 1)
                    for kind, number, quotas in group
                ))  # fmt: skip
                for (kind, number, quotas), answer in zip(group, answers, strict=True):
                    if kind == "charge" and isinstance(answer, Taken):
                        standing.setdefault(number, quotas)
                # Within a group charges come before refunds.
                back |= {number for kind, number, _ in group if kind == "refund" and number in standing}
            async with database.read() as connection:
                assert await connection.run_sync(usage_ledger.disagreeing) == ()
                keys = [("ann", quota, "2026-11") for quota in LIMITS]
                used = await connection.run_sync(usage_ledger.counted, keys)
            for _, quota, _ in keys:
                expected = sum(quota in quotas for number, quotas in standing.items() if number not in back)
                assert used.get(("ann", quota, "2026-11"), 0) == expected <= LIMITS[quota]

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "chanflow.db"))


async def test_all_quotas_of_a_call_are_taken_or_none(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        writer = AccessWriter(database)
        await writer.charge(_charge(1, ("bsp_query",), cost=5))
        spent = await writer.charge(_charge(2, ("api_call", "bsp_query")))
        assert isinstance(spent, Spent)
        assert (spent.demand.quota, spent.used) == ("bsp_query", 5)
        assert await writer.used("ann", _charge(3, ("api_call", "bsp_query")).demands) == {
            "api_call": 0, "bsp_query": 5,
        }  # fmt: skip
        assert isinstance(await writer.charge(_charge(4, ("bsp_query",), account="bob")), Taken)


@pytest.mark.parametrize("table", ["usage_event", "audit"])
@pytest.mark.parametrize("change", ["UPDATE {} SET at = 0", "DELETE FROM {}"])
async def test_what_only_grows_cannot_be_changed(tmp_path: Path, table: str, change: str) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        writer = AccessWriter(database)
        await writer.charge(_charge(1, ("api_call",)))
        await writer.append(_row(1))
        with pytest.raises(IntegrityError, match=f"{table} only grows"):
            async with database.write() as connection:
                await connection.execute(text(change.format(table)))


def _row(at: int) -> AuditRow:
    return AuditRow(at, "r-1", "key:a", None, "rest", "get_klines", "0" * 64, "done", None, 3)


async def test_a_row_that_was_changed_behind_the_triggers_is_found(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        writer = AccessWriter(database)
        await asyncio.gather(*(writer.append(_row(at)) for at in range(9)))
        async with database.write() as connection:
            await connection.execute(text("DROP TRIGGER audit_no_update"))
            await connection.execute(text("UPDATE audit SET principal = 'key:b' WHERE seq = 4"))
        async with database.read() as connection:
            assert await connection.run_sync(audit_chain.verify) == (9, 4)
        assert [row.seq for row in await writer.rows(before=4, limit=2)] == [3, 2]
