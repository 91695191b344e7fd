from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chanflow.domain.errors import InvalidArgument, StorageUnwritable
from chanflow.runtime.bus.writer import MAX_GROUP, Writer


class Watched(sqlite3.Connection):
    """A connection that counts its statements and fails those it is told to."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ran: list[str] = []
        self.refuse: str | None = None

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:  # type: ignore[override]
        self.ran.append(sql)
        if sql == self.refuse:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *parameters)


class Bench:
    """A writer on a small table, its first connection and a second one to look on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = Writer(self.connect, path)
        self.connection: Watched

    def connect(self) -> Watched:
        connection = sqlite3.connect(self.path, timeout=0.05, isolation_level=None, factory=Watched)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS item(n INTEGER PRIMARY KEY, pad TEXT)")
        self.connection = connection
        return connection

    def stored(self) -> list[int]:
        onlooker = sqlite3.connect(self.path)
        try:
            return [n for (n,) in onlooker.execute("SELECT n FROM item ORDER BY n")]
        finally:
            onlooker.close()

    async def together(self, *works: Callable[[sqlite3.Connection], Any]) -> list[Any]:
        """Have all of `works` in one group: the thread is held up until they are queued."""
        held, gate = threading.Event(), threading.Event()

        def hold(_: sqlite3.Connection) -> None:
            held.set()
            gate.wait(300)

        holding = self.writer.submit(hold)
        await asyncio.to_thread(held.wait, 10)
        waiting = [self.writer.submit(work) for work in works]
        gate.set()
        return (await asyncio.gather(holding, *waiting, return_exceptions=True))[1:]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "items.db")
    await bench.writer.start()
    yield bench
    await bench.writer.stop()


def put(n: int, tx: sqlite3.Connection) -> int:
    tx.execute("INSERT INTO item(n) VALUES (?)", (n,))
    return n


def put_then_raise(n: int, tx: sqlite3.Connection) -> None:
    put(n, tx)
    raise KeyError(n)


@pytest.mark.asyncio
async def test_work_that_raises_is_undone_alone(bench: Bench) -> None:
    first, bad, last = await bench.together(partial(put, 1), partial(put_then_raise, 2), partial(put, 3))
    assert (first, last) == (1, 3)
    assert isinstance(bad, KeyError)
    assert bench.stored() == [1, 3]


@pytest.mark.asyncio
async def test_a_statement_that_fails_is_its_own_work_s_fault(bench: Bench) -> None:
    one, twin, other = await bench.together(partial(put, 1), partial(put, 1), partial(put, 2))
    assert (one, other) == (1, 2)
    assert isinstance(twin, sqlite3.IntegrityError)
    assert bench.stored() == [1, 2]


@pytest.mark.asyncio
async def test_an_answer_comes_after_the_commit(bench: Bench) -> None:
    for n in range(20):
        await bench.writer.submit(partial(put, n))
        assert bench.stored() == list(range(n + 1))


@pytest.mark.asyncio
async def test_a_failed_commit_fails_all_of_its_group(bench: Bench) -> None:
    bench.connection.refuse = "COMMIT"
    outcomes = await bench.together(partial(put, 1), partial(put_then_raise, 2), partial(put, 3))
    assert [type(outcome) for outcome in outcomes] == [StorageUnwritable] * 3
    assert bench.stored() == []
    bench.connection.refuse = None
    assert await bench.writer.submit(partial(put, 1)) == 1


@pytest.mark.asyncio
async def test_a_full_disk_undoes_the_group_and_says_where_and_why(bench: Bench) -> None:
    await bench.writer.submit(lambda tx: tx.execute("PRAGMA max_page_count=8").fetchall())

    def large(tx: sqlite3.Connection) -> None:
        tx.execute("INSERT INTO item(pad) VALUES (?)", ("x" * 100_000,))

    outcomes = await bench.together(partial(put, 1), large, partial(put, 3))
    assert [type(outcome) for outcome in outcomes] == [StorageUnwritable] * 3
    assert f"cannot write {bench.path}: database or disk is full" in str(outcomes[0])
    assert bench.stored() == []


@pytest.mark.asyncio
async def test_another_writer_s_lock_that_never_ends_is_reported(bench: Bench) -> None:
    other = sqlite3.connect(bench.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnwritable, match="locked"):
        await bench.writer.submit(partial(put, 1))
    other.execute("COMMIT")
    other.close()
    assert await bench.writer.submit(partial(put, 1)) == 1


@pytest.mark.asyncio
async def test_work_that_ends_the_transaction_fails_its_group(bench: Bench) -> None:
    outcomes = await bench.together(partial(put, 1), lambda tx: tx.execute("ROLLBACK").fetchall(), partial(put, 2))
    assert [type(outcome) for outcome in outcomes] == [StorageUnwritable] * 3
    assert bench.stored() == []
    assert await bench.writer.submit(partial(put, 5)) == 5


@pytest.mark.asyncio
async def test_a_commit_takes_512_pieces_at_most(bench: Bench) -> None:
    before = bench.connection.ran.count("COMMIT")
    await bench.together(*(partial(put, n) for n in range(2 * MAX_GROUP + 1)))
    assert bench.connection.ran.count("COMMIT") - before == 4  # the one that held the thread up, then 512, 512 and 1
    assert len(bench.stored()) == 2 * MAX_GROUP + 1


@pytest.mark.asyncio
async def test_a_caller_that_was_cancelled_harms_nobody(bench: Bench) -> None:
    gate = threading.Event()
    holding = bench.writer.submit(lambda _: gate.wait(300))
    dropped, kept = bench.writer.submit(partial(put, 1)), bench.writer.submit(partial(put, 2))
    dropped.cancel()
    gate.set()
    assert await kept == 2
    assert await holding
    assert bench.stored() == [1, 2]


@pytest.mark.asyncio
async def test_stop_finishes_what_was_queued(bench: Bench) -> None:
    waiting = [bench.writer.submit(partial(put, n)) for n in range(1_000)]
    await bench.writer.stop()
    assert await asyncio.gather(*waiting) == list(range(1_000))


@pytest.mark.asyncio
async def test_a_writer_that_is_not_open_says_so(bench: Bench) -> None:
    await bench.writer.stop()
    with pytest.raises(InvalidArgument, match="open"):
        bench.writer.submit(partial(put, 1))


@pytest.mark.asyncio
async def test_opening_twice_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidArgument, match="open already"):
        await bench.writer.start()


@pytest.mark.asyncio
async def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "nowhere" / "items.db")
    with pytest.raises(StorageUnwritable, match=r"nowhere/items\.db: unable to open"):
        await bench.writer.start()
    with pytest.raises(InvalidArgument):
        bench.writer.submit(partial(put, 1))
