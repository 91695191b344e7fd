from __future__ import annotations

from pathlib import Path

import pytest
from made_access import START_NS, SystemBytes
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chanflow.access.audit import AuditRow
from chanflow.adapters.storage import audit_chain, user_keys
from chanflow.adapters.storage.access_writer import AccessWriter
from chanflow.adapters.storage.database.address import database_url
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.versions import downgrade, upgrade
from chanflow.adapters.storage.vault import Vault
from chanflow.domain.errors import StorageUnwritable


def _row(request: str, ip: str | None = "10.1.2.3") -> AuditRow:
    return AuditRow(START_NS, request, "user:ann", ip, "rest", "get_user", "0" * 64, "done", None, 1)


async def test_an_address_is_read_until_its_key_is_destroyed_and_the_chain_holds_after(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        writer = AccessWriter(database, Vault(b"0f" * 32, SystemBytes().stream("vault").randbytes))
        await writer.append(_row("r1"), "ann")
        await writer.append(_row("r2", None), "ann")
        await writer.append(_row("r3", "10.4.5.6"))  # of nobody who has a key
        await writer.append(_row("r4", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), "bob")

        async def ips() -> list[str | None]:
            return [each.row.ip for each in reversed(await writer.rows(before=None, limit=9))]

        longest = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"
        assert await ips() == ["10.1.2.3", None, "10.4.5.6", longest]
        async with database.write() as connection:
            await connection.run_sync(user_keys.destroy, "ann", START_NS)
        assert await ips() == [None, None, "10.4.5.6", longest]
        await writer.append(_row("r5"), "ann")
        assert (await ips())[-1] is None
        async with database.read() as connection:
            assert await connection.run_sync(audit_chain.verify) == (5, None)
            stored = [row.ip for row in await connection.execute(text("SELECT ip FROM audit ORDER BY seq"))]
        assert stored[4] is None
        assert stored[0].startswith("v1.ann.")
        assert max(len(each or "") for each in stored) <= 200


@pytest.mark.parametrize("change", ["UPDATE audit SET ip = NULL", "DELETE FROM audit"])
async def test_the_audit_still_only_grows(tmp_path: Path, change: str) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        await AccessWriter(database).append(_row("r1"))
        with pytest.raises((StorageUnwritable, DBAPIError), match="audit only grows"):
            async with database.write() as connection:
                await connection.execute(text(change))


async def test_a_chain_from_before_holds_through_the_step_down_and_up(tmp_path: Path) -> None:
    url = database_url(tmp_path / "chanflow.db")
    async with await Database.open(url) as database:
        writer = AccessWriter(database)
        for number in range(3):
            await writer.append(_row(f"r{number}"))
    await downgrade(url, "0004")
    await upgrade(url)
    async with await Database.open(url) as database:
        async with database.read() as connection:
            assert await connection.run_sync(audit_chain.verify) == (3, None)
        with pytest.raises((StorageUnwritable, DBAPIError), match="audit only grows"):
            async with database.write() as connection:
                await connection.execute(text("DELETE FROM audit"))
