"""One quota, four processes, a thousand calls at once, and a process that dies among them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from chanflow.adapters.storage import usage_ledger
from chanflow.adapters.storage.database.address import database_url
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import usage_counter, usage_event
from chanflow.adapters.storage.database.versions import upgrade

CHILD = Path(__file__).parents[1] / "support" / "charging.py"
pytestmark = [pytest.mark.crash, pytest.mark.slow]


def _start(path: Path, limit: int, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(path), str(limit), "250", str(number)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _go(children: list[subprocess.Popen[str]]) -> None:
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()


async def _kept(path: Path) -> tuple[int, set[str]]:
    async with await Database.open(path) as database, database.read() as connection:
        assert await connection.run_sync(usage_ledger.disagreeing) == ()
        used = (await connection.execute(select(usage_counter.c.used))).scalar_one()
        return used, set((await connection.execute(select(usage_event.c.charge_id))).scalars())


def _told(text: str) -> set[str]:
    return set(text.split("\n")[:-1])  # a line cut short was never told


def test_of_a_thousand_calls_from_four_processes_exactly_the_limit_pass(tmp_path: Path) -> None:
    path = tmp_path / "chanflow.db"
    asyncio.run(upgrade(database_url(path)))
    children = [_start(path, 100, number) for number in range(1, 5)]
    _go(children)
    told = [_told(child.communicate(timeout=300)[0]) for child in children]
    assert [child.returncode for child in children] == [0] * 4
    used, ids = asyncio.run(_kept(path))
    assert (used, len(ids)) == (100, 100)
    assert set().union(*told) == ids


def test_a_kill_in_the_middle_loses_no_count_and_lets_nobody_pass_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "chanflow.db"
    asyncio.run(upgrade(database_url(path)))
    children = [_start(path, 900, number) for number in range(1, 5)]
    _go(children)
    with children[0] as victim:
        assert victim.stdout is not None
        first = victim.stdout.readline()
        victim.kill()
        told = _told(first + victim.stdout.read())
    told |= set().union(*(_told(child.communicate(timeout=300)[0]) for child in children[1:]))
    used, ids = asyncio.run(_kept(path))
    assert used == len(ids) <= 900
    assert told <= ids  # what was served was counted
    # What was counted and never told was the victim's: at most what it had asked for at once.
    assert all(each.startswith("00000000-0000-0001-") for each in ids - told)
    assert len(ids - told) <= 40
    assert 750 <= len(ids) < 1_000  # the three that lived had room for all of theirs


def test_a_charge_asked_for_again_after_a_crash_is_the_same_charge(tmp_path: Path) -> None:
    path = tmp_path / "chanflow.db"
    asyncio.run(upgrade(database_url(path)))
    for _ in range(2):
        child = _start(path, 1_000, 1)
        _go([child])
        told = _told(child.communicate(timeout=300)[0])
        assert len(told) == 250
    assert asyncio.run(_kept(path)) == (250, told)
