from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Table, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable, MetaData

from chanflow.adapters.storage.database.address import database_file, database_url
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.engine import writing_engine
from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Amount, Usd
from chanflow.domain.errors import SettingsInvalid, StorageUnwritable

LEDGER_ROW = (
    "INSERT INTO llm_ledger (id, run, account, agent, model, reserved_tokens, reserved, state, at)"
    " VALUES ('{}', 'r', 'a', 'analyst', 'm', 1, 1, 'reserved', 1)"
)


async def test_connections_are_durable_and_check_references(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database, database.write() as connection:
        asked = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5_000}


async def test_a_fault_undoes_the_whole_block(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        with pytest.raises(IntegrityError):  # noqa: PT012  (the first row is part of the case)
            async with database.write() as connection:
                await connection.execute(text(LEDGER_ROW.format("one")))
                await connection.execute(text(LEDGER_ROW.format("one")))
        async with database.read() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM llm_ledger"))).scalar() == 0


async def test_a_reader_does_not_wait_for_a_writer_and_sees_what_was_committed(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database, database.write() as writer:
        await writer.execute(text(LEDGER_ROW.format("one")))
        async with database.read() as reader:
            assert (await reader.execute(text("SELECT count(*) FROM llm_ledger"))).scalar() == 0


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        with pytest.raises(StorageUnwritable, match="readonly"):
            async with database.read() as connection:
                await connection.execute(text(LEDGER_ROW.format("one")))


async def test_a_network_filesystem_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"rootfs / ext4 rw 0 0\nserver:/ {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr("chanflow.adapters.storage.filesystem.refuse_network.__kwdefaults__", {"mounts": mounts})
    with pytest.raises(StorageUnwritable, match="lies on nfs4, a network filesystem"):
        await Database.open(tmp_path / "chanflow.db")


@pytest.mark.parametrize(
    "url",
    ["", "chanflow.db", "sqlite:////tmp/x.db", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:",
     "sqlite+aiosqlite:///file:x?mode=memory&uri=true", "postgresql+asyncpg://desk:hunter2@db/chanflow"],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="write sqlite") as told:
        database_file(url)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("name", ["plain.db", "with space.db", "100%.db", "question?.db", "数据.db"])
async def test_any_file_name_survives_its_address(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert database_file(database_url(path)) == path
    async with await Database.open(path):
        assert path.exists()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**20) + 1, max_value=10**20 - 1))
def test_an_amount_comes_back_exactly(value: Decimal) -> None:
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        assert Amount().process_result_value(Amount().process_bind_param(value, dialect), dialect) == value


@pytest.mark.parametrize("value", ["NaN", "Infinity", "100000000000000000000", "0.0000000000000000001"])
def test_an_amount_that_does_not_fit_is_never_rounded(value: str) -> None:
    with pytest.raises(ValueError, match=r"refused|at most 20 and 18"):
        Amount().process_bind_param(Decimal(value), sqlite.dialect())


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1000000.000000000001"])
def test_dollars_that_do_not_fit_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="can be kept"):
        Usd().process_bind_param(Decimal(value), sqlite.dialect())


async def test_the_database_adds_dollars_exactly(tmp_path: Path) -> None:
    table = Table("t", MetaData(), Column("usd", Usd))
    engine = writing_engine(database_url(tmp_path / "sum.db"))
    async with engine.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
        await connection.execute(insert(table), [{"usd": Decimal("0.1")}] * 10 + [{"usd": Decimal("1e-13")}])
        assert (await connection.execute(select(func.sum(table.c.usd)))).scalar() == Decimal("1.000000000001")
    await engine.dispose()


def test_every_table_has_a_shape_in_postgresql() -> None:
    dialect = postgresql.dialect()
    for table in METADATA.sorted_tables:
        assert f"CREATE TABLE {dialect.identifier_preparer.quote(table.name)}" in str(
            CreateTable(table).compile(dialect=dialect)
        )
        assert all(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
        assert all(constraint.name for constraint in table.constraints)
