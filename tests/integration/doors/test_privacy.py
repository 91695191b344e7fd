"""People's data at the doors: taken along, erased, and secret all the while."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import logging
import stat
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_access import AccessDesk, bearer
from made_people import ORIGIN, PASSWORD, URL, browsers, code_at, identity, logged_in, people_desk, person

from chanflow.access.people import SECOND_THOUGHTS_NS
from chanflow.adapters.storage import audit_chain
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import audit, user
from chanflow.domain.errors import NotFound, StorageUnwritable
from chanflow.domain.time import NS_PER_DAY, NS_PER_S

DELETE, EXPORT = f"{URL}/user/delete", f"{URL}/user/export"


@pytest.fixture
def desk(tmp_path: Path) -> AccessDesk:
    services = importlib.import_module("memory_desk").memory_services()
    return people_desk(tmp_path, replace(services, account=Flat()))


class Flat:
    """A desk that never ran."""

    def account(self) -> Any:
        raise NotFound("no desk has run yet")


class Unknown:
    """A desk whose books cannot be read."""

    def account(self) -> Any:
        raise StorageUnwritable("the disk is gone")


async def _verified(root: Path) -> tuple[int, int | None]:
    async with await Database.open(root / "chanflow.db") as database, database.read() as connection:
        return await connection.run_sync(audit_chain.verify)


def _bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("chanflow.db*")))


async def test_an_export_has_all_that_is_kept_of_its_owner_and_no_secret(desk: AccessDesk, tmp_path: Path) -> None:
    async with browsers(desk, "10.1.2.3", "127.0.0.1") as [ann, bob]:
        key = await desk.key(await person(desk, "ann", email="ann@example.org"))
        await person(desk, "bob", email="bob@example.org")
        session = await logged_in(ann, "ann")
        await logged_in(bob, "bob")
        made = (await ann.post(EXPORT, json={})).json()
        assert made["path"].startswith("/api/v2/user/export/")
        found = await ann.get(made["path"])
        assert (found.status_code, found.headers["content-type"]) == (200, "application/zip")
        assert (hashlib.sha256(found.content).hexdigest(), len(found.content)) == (made["sha256"], made["size"])
        [kept] = (tmp_path / "exports").iterdir()
        assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(kept.parent.stat().st_mode)) == (0o600, 0o700)
        archive = zipfile.ZipFile(io.BytesIO(found.content))
        manifest = json.loads(archive.read("manifest.json"))
        for each in manifest["files"]:
            assert hashlib.sha256(archive.read(each["file"])).hexdigest() == each["sha256"]
        tables = {each["file"]: archive.read(each["file"]).decode() for each in manifest["files"]}
        assert {"user.jsonl", "person.jsonl", "login_session.jsonl", "api_key.jsonl", "audit.jsonl"} <= set(tables)
        assert json.loads(tables["person.jsonl"])["email"] == "ann@example.org"
        logins = [json.loads(line) for line in tables["audit.jsonl"].splitlines()]
        assert ("login", "10.1.2.3") in [(each["operation"], each["ip"]) for each in logins]
        everything = "".join(tables.values())
        secrets = (key.record.secret_hmac, session["csrf_token"], ann.cookies["chanflow_session"], "$argon2id$")
        for secret in (*secrets, "bob@example.org", "bob"):
            assert secret not in everything


async def test_an_export_is_its_owners_alone_and_for_a_day(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [ann, bob]:
        key = await desk.key(await person(desk, "ann"))
        await person(desk, "bob")
        await logged_in(ann, "ann")
        await logged_in(bob, "bob")
        path = (await ann.post(EXPORT, json={})).json()["path"]
        assert (await bob.get(path)).status_code == 404
        async with httpx.AsyncClient(transport=ann._transport, base_url=ORIGIN) as stranger:
            assert (await stranger.get(path)).status_code == 401
            assert (await stranger.get(path, headers=bearer(key))).status_code == 404
        for wrong in ("0" * 32, "..%2f..%2fchanflow.db", "%00" * 32, "A" * 32):
            assert (await ann.get(f"{EXPORT}/{wrong}")).status_code == 404
        assert (await ann.get(path)).status_code == 200
        desk.clock.at_ns += NS_PER_DAY // 3
        assert (await ann.get(path)).status_code == 200
        for _ in range(2):
            desk.clock.at_ns += NS_PER_DAY // 3
            last = await ann.get(path)
        assert last.status_code == 404


async def test_who_is_erased_leaves_a_chain_that_holds_and_nothing_personal(desk: AccessDesk, tmp_path: Path) -> None:
    async with browsers(desk, "10.9.8.7", "127.0.0.1") as [ann, admin]:
        ann_user = await person(desk, "ann", email="ann@example.org")
        key = await desk.key(ann_user)
        await person(desk, "ada", roles=["admin"])
        await logged_in(ann, "ann")
        await logged_in(admin, "ada")
        assert (await ann.patch(f"{URL}/user", json={"name": "bathsheba"})).status_code == 200
        assert (await ann.get(f"{URL}/user")).status_code == 200
        rows = (await admin.get(f"{URL}/audit?limit=50")).json()["rows"]
        assert {row["ip"] for row in rows if row["principal"] == f"user:{ann_user.id}"} == {"10.9.8.7"}
        assert b"10.9.8.7" not in await _stored_ips(tmp_path)
        assert (await ann.post(DELETE, json={"password": "not the password"})).json()["code"] == "proof_required"
        due = (await ann.post(DELETE, json={"password": PASSWORD})).json()
        assert due == {"deletion_at": "2026-01-15T10:00:20.000000000Z"}
        privacy = identity(desk).privacy
        desk.clock.at_ns += SECOND_THOUGHTS_NS - 1
        assert await privacy.erase_due() == 0
        desk.clock.at_ns += 1
        assert await privacy.erase_due() == 1
        assert await privacy.erase_due() == 0
        assert (await ann.get(f"{URL}/user")).status_code == 401
        ann.cookies.clear()
        assert (await ann.get(f"{URL}/user", headers=bearer(key))).status_code == 401
        refused = await ann.post(f"{URL}/auth/login", json={"login": "bathsheba", "password": PASSWORD})
        assert refused.status_code == 401
        admin.cookies.clear()
        await logged_in(admin, "ada")
        rows = (await admin.get(f"{URL}/audit?limit=50")).json()["rows"]
        assert {row["ip"] for row in rows if row["principal"] == f"user:{ann_user.id}"} == {None}
        assert {row["ip"] for row in rows if row["principal"].startswith("user:user-ada")} == {"127.0.0.1"}
    count, broken = await _verified(tmp_path)
    assert count > 6
    assert broken is None
    left = _bytes_of(tmp_path)
    for personal in (b"bathsheba", b"ann@example.org", b"10.9.8.7"):
        assert personal not in left
    async with await Database.open(tmp_path / "chanflow.db") as database, database.read() as connection:
        row = (await connection.execute(user.select().where(user.c.id == ann_user.id))).one()
        assert (row.name, row.roles) == (f"erased-{ann_user.id}", [])


async def _stored_ips(root: Path) -> bytes:
    async with await Database.open(root / "chanflow.db") as database, database.read() as connection:
        rows = await connection.execute(audit.select().where(audit.c.principal.like("user:user-ann%")))
        return "".join(str(row.ip) for row in rows).encode()


async def test_who_changes_their_mind_stays(desk: AccessDesk) -> None:
    async with browsers(desk) as [ann]:
        await person(desk, "ann")
        await logged_in(ann, "ann")
        await ann.post(DELETE, json={"password": PASSWORD})
        assert (await ann.get(f"{URL}/user")).json()["deletion_at"] is not None
        assert (await ann.delete(DELETE)).json() == {"deletion_at": None}
        desk.clock.at_ns += SECOND_THOUGHTS_NS
        assert await identity(desk).privacy.erase_due() == 0


async def test_nobody_who_trades_goes_while_positions_are_or_may_be_open(tmp_path: Path) -> None:
    services = importlib.import_module("memory_desk").memory_services()  # its account holds positions
    desk = people_desk(tmp_path, services, positions_open=True)
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [ann, eve]:
        await person(desk, "ann")
        await person(desk, "eve", roles=["viewer"])
        await logged_in(ann, "ann")
        await logged_in(eve, "eve")
        refused = await ann.post(DELETE, json={"password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert "positions are open" in refused.json()["message"]
        assert (await eve.post(DELETE, json={"password": PASSWORD})).status_code == 200
        await identity(desk).accounts.ask_deletion("user-ann")  # asked for while nothing was open
        desk.clock.at_ns += SECOND_THOUGHTS_NS
        assert await identity(desk).privacy.erase_due() == 1
        assert (await identity(desk).proofs.person("user-ann")).user.disabled_ns is None
    blind = people_desk(tmp_path / "blind", replace(services, account=Unknown()))
    async with browsers(blind) as [ann]:
        await person(blind, "ann")
        await logged_in(ann, "ann")
        unsure = await ann.post(DELETE, json={"password": PASSWORD})
        assert (unsure.status_code, unsure.json()["code"]) == (409, "conflict")


async def test_a_call_with_a_password_leaves_no_hash_that_it_could_be_guessed_from(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [ann, admin]:
        await person(desk, "ann")
        await person(desk, "ada", roles=["admin"])
        await logged_in(ann, "ann")
        await logged_in(admin, "ada")
        for body in ({"password": "first wrong password"}, {"password": "second wrong one"}, {"pasword": PASSWORD}):
            await ann.post(DELETE, json=body)
        rows = (await admin.get(f"{URL}/audit?limit=50")).json()["rows"]
        assert len({row["args_sha256"] for row in rows if row["operation"] == "delete_account"}) == 1


async def test_nothing_secret_or_personal_reaches_a_log_an_answer_or_the_database(
    desk: AccessDesk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with browsers(desk, "10.7.7.7") as [ann]:
        await person(desk, "ann", email="ann@example.org")
        wrong = "a password that is wrong"
        await ann.post(f"{URL}/auth/login", json={"login": "ann", "password": wrong})
        session = await logged_in(ann, "ann")
        cookie = ann.cookies["chanflow_session"]
        secret = (await ann.post(f"{URL}/auth/totp", json={"password": PASSWORD})).json()["secret"]
        code = code_at(secret, desk.clock)
        codes = (await ann.post(f"{URL}/auth/totp/confirm", json={"code": code})).json()["recovery_codes"]
        desk.clock.at_ns += 30 * NS_PER_S
        bodies = [
            (await ann.get(f"{URL}{path}")).text for path in ("/user", "/user/sessions", "/user/notice", "/nothing")
        ]
        bodies.append((await ann.post(DELETE, json={"password": wrong})).text)
        bodies.append(repr(await identity(desk).proofs.person("user-ann")))
        bodies.append(repr(await identity(desk).sessions.listed("user-ann")))
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("chanflow")]
    kept = _bytes_of(tmp_path)
    for found in (PASSWORD, wrong, cookie.split("_", 2)[2], session["csrf_token"], secret, codes[0]):
        assert found not in "".join(bodies) + "".join(ours)
        assert found.encode() not in kept
    assert b"ann@example.org" not in kept
    assert "ann@example.org" not in "".join(ours)
