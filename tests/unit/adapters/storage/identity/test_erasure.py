from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from made_access import START_NS
from sqlalchemy import insert, update

from chanflow.access.keys import User
from chanflow.access.people import SessionRecord
from chanflow.adapters.storage.account_shelf import AccountShelf
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.identity import person
from chanflow.adapters.storage.identity.erasure import due, erase
from chanflow.adapters.storage.identity.session_shelf import DatabaseSessions


async def _add(database: Database, name: str, deletion_ns: int | None) -> None:
    await AccountShelf(database).add_user(User(name, f"{name}-by-name", ("viewer",), "free", START_NS))
    async with database.write() as connection:
        row = {"user_id": name, "notice_asked": False, "deletion_at": deletion_ns, "changed_at": START_NS}
        await connection.execute(insert(person).values(**row))
    blank = SessionRecord("", name, "0" * 64, START_NS, START_NS, None, f"{name} at home", second_factor=False)
    for number in range(40):
        await DatabaseSessions(database).add_session(replace(blank, id=f"{name}{number:09d}"))


async def test_no_page_of_the_files_keeps_what_was_erased(tmp_path: Path) -> None:
    def left() -> bytes:
        return b"".join(path.read_bytes() for path in sorted(tmp_path.glob("chanflow.db*")))

    async with await Database.open(tmp_path / "chanflow.db") as database:
        await _add(database, "ann", START_NS)
        await _add(database, "bob", None)
        assert await due(database, START_NS - 1) == []
        assert await due(database, START_NS) == [("ann", False)]
        assert b"ann at home" in left()
        assert await erase(database, "ann", START_NS)
        for personal in (b"ann at home", b"ann-by-name"):
            assert personal not in left()
        assert b"bob at home" in left()
        assert not await erase(database, "ann", START_NS)


async def test_who_withdrew_meanwhile_is_not_erased(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        await _add(database, "ann", START_NS)
        async with database.write() as connection:
            await connection.execute(update(person).values(deletion_at=None))
        assert not await erase(database, "ann", START_NS)
        assert (await AccountShelf(database).user("ann")).disabled_ns is None
