from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from chanflow.adapters.storage.database import tables
from chanflow.adapters.storage.database.address import database_url
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.engine import writing_engine
from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.versions import BASE, MIGRATIONS, current, downgrade, revisions, upgrade
from chanflow.domain.errors import InvalidArgument, StorageBusy, StorageUnwritable

assert tables


def _shape(connection: Connection) -> dict[str, object]:
    """Everything of the database but the table of its revision, in one order."""
    rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master WHERE tbl_name != 'alembic_version'"))
    return {f"{kind} {name}": sql for kind, name, sql in sorted(rows, key=str)}


async def _asked(url: str, question: Callable[[Connection], object]) -> object:
    engine = writing_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(question)
    finally:
        await engine.dispose()


async def test_the_migrations_make_the_tables_the_code_has(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    url = database_url(tmp_path / "chanflow.db")
    await upgrade(url)

    def difference(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))

    assert await _asked(url, difference) == []


async def test_the_migrations_have_the_checks_of_the_tables(tmp_path: Path) -> None:
    """Alembic does not compare CHECK constraints."""
    url = database_url(tmp_path / "chanflow.db")
    await upgrade(url)

    def checks(connection: Connection) -> dict[str, dict[object, str]]:
        asked = inspect(connection)
        return {t: {c["name"]: c["sqltext"] for c in asked.get_check_constraints(t)} for t in METADATA.tables}

    made = await _asked(url, checks)
    bare = database_url(tmp_path / "bare.db")
    engine = writing_engine(bare)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()
    assert made == await _asked(bare, checks)


async def test_up_down_and_up_again_gives_the_same_shape(tmp_path: Path) -> None:
    url = database_url(tmp_path / "chanflow.db")
    assert await current(url) is None
    assert await upgrade(url) == revisions()[-1] == await current(url)
    first = await _asked(url, _shape)
    assert "table llm_ledger" in first
    await downgrade(url, BASE)
    assert await current(url) is None
    assert await _asked(url, _shape) == {}
    await upgrade(url)
    assert await _asked(url, _shape) == first


async def test_every_step_goes_back_to_the_shape_before_it(tmp_path: Path) -> None:
    url = database_url(tmp_path / "chanflow.db")
    await upgrade(url)
    for revision in reversed((BASE, *revisions()[:-1])):
        await downgrade(url, revision)
        assert (await current(url) or BASE) == revision


def test_a_migrations_file_is_named_by_its_revision() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(MIGRATIONS)
    steps = list(script.walk_revisions())
    assert [step.revision for step in reversed(steps)] == list(revisions())
    assert all(Path(step.path).name.startswith(f"{step.revision}_") for step in steps)


async def test_looking_makes_no_file(tmp_path: Path) -> None:
    assert await current(database_url(tmp_path / "chanflow.db")) is None
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    url = database_url(tmp_path / "chanflow.db")
    await upgrade(url)
    first = await _asked(url, _shape)
    await upgrade(url)
    assert await _asked(url, _shape) == first


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "chanflow.db"
    async with await Database.open(path) as database, database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    sentence = f"at revision 9999, and this version knows up to {revisions()[-1]}: install the newer chanflow"
    for act in (current, upgrade, Database.open):
        with pytest.raises(StorageUnwritable, match=sentence):
            await act(database_url(path))


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    engine = writing_engine(database_url(path))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE songs (title TEXT)"))
    await engine.dispose()
    with pytest.raises(StorageUnwritable, match="has tables, like songs, and no revision: it is no database of ours"):
        await Database.open(path)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chanflow.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageUnwritable, match=r"is no sound database \(file is not a database\): put a backup"):
        await Database.open(path)
    assert path.read_bytes() == b"not a database at all" * 100


async def test_a_damaged_database_is_not_migrated(tmp_path: Path) -> None:
    path = tmp_path / "chanflow.db"
    async with await Database.open(path) as database, database.write() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    whole = bytearray(path.read_bytes())
    page = int.from_bytes(whole[16:18], "big")
    assert len(whole) > 3 * page
    for at in range(page, len(whole)):
        whole[at] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(StorageUnwritable, match="is no sound database"):
        await upgrade(database_url(path))


async def test_a_place_where_no_database_can_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageUnwritable, match="cannot be used: its folder is not there; free or repair it"):
        await upgrade(database_url(tmp_path / "missing" / "chanflow.db"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageUnwritable, match="cannot be used: it is no file"):
        await Database.open(tmp_path / "folder")


@pytest.mark.parametrize("revision", ["0099", "head", "-1", "0001; DROP"])
async def test_one_can_only_go_back_to_a_revision_that_was(tmp_path: Path, revision: str) -> None:
    url = database_url(tmp_path / "chanflow.db")
    await upgrade(url)
    with pytest.raises(InvalidArgument, match="one can go back to base, 0001"):
        await downgrade(url, revision)


async def test_two_who_upgrade_at_once_make_one_database(tmp_path: Path) -> None:
    url = database_url(tmp_path / "chanflow.db")
    assert await asyncio.gather(*(upgrade(url) for _ in range(4))) == [revisions()[-1]] * 4


async def test_a_held_database_is_told_as_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chanflow.adapters.storage.database.engine.BUSY_MS", 10)
    path = tmp_path / "chanflow.db"
    async with await Database.open(path) as one, await Database.open(path) as other, one.write():
        with pytest.raises(StorageBusy, match="held by another process: nothing was written, try again"):
            async with other.write():
                pytest.fail("two wrote at once")


def test_an_upgraded_database_opens_without_alembic(tmp_path: Path) -> None:
    asyncio.run(upgrade(database_url(tmp_path / "chanflow.db")))
    code = f"""
import asyncio, sys
from pathlib import Path
from chanflow.adapters.storage.database.database import Database
async def opened():
    async with await Database.open(Path({str(tmp_path / "chanflow.db")!r})):
        pass
asyncio.run(opened())
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
