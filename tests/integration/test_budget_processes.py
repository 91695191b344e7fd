"""One ledger, several processes, and processes that die."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from chanflow.adapters.storage.database.address import database_url
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.budget import llm_ledger
from chanflow.adapters.storage.database.versions import upgrade
from chanflow.adapters.storage.llm_ledger import LlmLedger
from chanflow.analyst.budget import Scope, Used

SUPPORT = Path(__file__).parents[1] / "support"
pytestmark = pytest.mark.crash


def _start(database: Path, cents: int, limit_cents: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SUPPORT / "spending.py"), str(database), str(cents), str(limit_cents)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def _go(children: Sequence[subprocess.Popen[str]]) -> None:
    for child in children:
        assert _line(child) == "ready"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()


async def _kept(path: Path) -> tuple[set[str], Used]:
    async with await Database.open(path) as database:
        async with database.read() as connection:
            ids = set((await connection.execute(select(llm_ledger.c.id))).scalars())
        (used,) = await LlmLedger(database).used([Scope(0, (1 << 63) - 1)])
    return ids, used


def test_four_processes_spend_what_one_may(tmp_path: Path) -> None:
    path = tmp_path / "chanflow.db"
    asyncio.run(upgrade(database_url(path)))
    children = [_start(path, 1, 60) for _ in range(4)]
    _go(children)
    told = [child.communicate(timeout=300)[0].split() for child in children]
    assert [child.returncode for child in children] == [0] * 4
    ids, used = asyncio.run(_kept(path))
    assert used.usd == Decimal("0.60")
    assert sorted(ids) == sorted(each for lines in told for each in lines)
    assert len(ids) == 60


@pytest.mark.parametrize("after", [1, 2, 7])
def test_what_was_reserved_before_a_kill_stays_spent(tmp_path: Path, after: int) -> None:
    path = tmp_path / "chanflow.db"
    with _start(path, 1, 1_000_000) as child:
        _go([child])
        confirmed = {_line(child) for _ in range(after)}
        child.kill()
        assert child.stdout is not None
        confirmed |= set(child.stdout.read().split("\n")[:-1])  # a line cut short was never told
    ids, used = asyncio.run(_kept(path))
    assert confirmed <= ids
    assert len(ids) - len(confirmed) <= 1  # written, and killed before it could tell
    assert used.usd == Decimal(len(ids)) / 100
