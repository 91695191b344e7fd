"""Signing up and lost passwords, by mail to a server on this machine."""

from __future__ import annotations

import asyncio
import email
import email.policy
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_access import AccessDesk, bearer
from made_people import PASSWORD, URL, browsers, identity, logged_in, people_desk, person
from made_receivers import Mailbox, mail_server
from pydantic import SecretStr

from chanflow.access.notice import NOTICE_VERSION
from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.time import NS_PER_DAY, NS_PER_S

OWN = "a password of their own"


@pytest.fixture(scope="module")
def server() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def box(server: Mailbox) -> Mailbox:
    server.mails.clear()
    return server


def _desk(root: Path, box: Mailbox, signup: str = "open") -> AccessDesk:
    mail = SecretStr(f"mailto://127.0.0.1:{box.port}/?mode=insecure&from=desk@example.org")
    services = importlib.import_module("memory_desk").memory_services()
    return people_desk(root, services, signup=signup, mail_url=mail, public_url="https://desk.example.org")


@pytest.fixture
def desk(tmp_path: Path, box: Mailbox) -> AccessDesk:
    return _desk(tmp_path, box)


async def _post(http: httpx.AsyncClient, way: str, /, **body: Any) -> httpx.Response:
    return await http.post(f"{URL}/auth/{way}", json=body)


async def _mails(desk: AccessDesk, box: Mailbox) -> list[tuple[list[str], str]]:
    """Return the mails that were sent, once no more are under way: to whom, and the words."""
    await identity(desk).accounts.settled()
    found = []
    for receivers, content in box.mails:
        message = email.message_from_bytes(content, policy=email.policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        found.append((receivers, f"{message['Subject']}\n{body.get_content()}"))
    return found


def _token(text: str) -> str:
    found = re.search(r"https://desk\.example\.org/auth/(?:verify|reset)#([A-Za-z0-9_-]{43})\s", text)
    assert found is not None, text
    return found[1]


async def _joined(desk: AccessDesk, box: Mailbox, http: httpx.AsyncClient) -> dict[str, Any]:
    await _post(http, "register", email="Neo@Example.org")
    [(receivers, words)] = await _mails(desk, box)
    assert receivers == ["neo@example.org"]
    made = await _post(http, "verify", token=_token(words), name="neo", password=OWN)
    assert made.status_code == 200, made.text
    return await logged_in(http, "neo", OWN)


async def test_sign_up_is_closed_unless_settings_open_it(tmp_path: Path, box: Mailbox) -> None:
    desk = _desk(tmp_path, box, signup="closed")
    async with browsers(desk) as [http]:
        refused = await _post(http, "register", email="neo@example.org")
        assert (refused.status_code, refused.json()["field"]) == (422, "email")
        assert await _mails(desk, box) == []
    assert people_desk(tmp_path / "default", desk.services).books.identity.accounts.rules.signup == "closed"  # type: ignore[union-attr]


def test_a_desk_without_mail_takes_no_sign_ups(tmp_path: Path) -> None:
    services = importlib.import_module("memory_desk").memory_services()
    with pytest.raises(SettingsInvalid, match=r"set access\.mail_url too"):
        people_desk(tmp_path, services, signup="open")


async def test_who_signs_up_is_free_a_trader_and_accepts_the_notice_first(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        session = await _joined(desk, box, http)
        assert session["notice_due"] is True
        for method, path in (
            ("GET", "/user"),
            ("GET", "/mcp/tools"),
            ("GET", "/status"),
            ("GET", "/keys"),
            ("POST", "/chat"),
        ):
            refused = await http.request(method, URL + path, json={"text": "hello"} if method == "POST" else None)
            assert (refused.status_code, refused.json()["code"]) == (403, "consent_required"), path
        quota = (await http.get(f"{URL}/user/quota")).json()
        assert quota["plan"] == "free"
        notice = (await http.get(f"{URL}/user/notice")).json()
        assert "investment advice" in notice["text_en"]
        assert (await http.post(f"{URL}/user/notice", json={"version": "2020-01"})).status_code == 422
        accepted = (await http.post(f"{URL}/user/notice", json={"version": NOTICE_VERSION})).json()
        assert accepted["accepted_at"].startswith("2026-01-01T10:00:20")
        desk.clock.at_ns += NS_PER_S
        assert (await http.post(f"{URL}/user/notice", json={"version": NOTICE_VERSION})).json() == accepted
        me = (await http.get(f"{URL}/user")).json()
        assert (me["email"], me["roles"], me["plan"], me["notice_due"]) == (
            "neo@example.org",
            ["trader"],
            "free",
            False,
        )


async def test_a_key_of_who_has_yet_to_accept_the_notice_is_refused(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        session = await _joined(desk, box, http)
        user = (await identity(desk).proofs.person(session["user_id"])).user
        key = await desk.key(user)
        http.cookies.clear()
        assert (await http.get(f"{URL}/market/klines", headers=bearer(key))).json()["code"] == "consent_required"
        await identity(desk).accounts.accept(user.id, NOTICE_VERSION)
        desk.clock.at_ns += NS_PER_S
        assert (await http.get(f"{URL}/mcp/tools", headers=bearer(key))).status_code == 200


async def test_a_link_is_good_once_and_for_a_day(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        await _joined(desk, box, http)
        token = _token((await _mails(desk, box))[0][1])
        again = await _post(http, "verify", token=token, name="trinity", password=OWN)
        assert (again.status_code, again.json()["field"]) == (422, "token")
        box.mails.clear()
        await _post(http, "register", email="morpheus@example.org")
        late = _token((await _mails(desk, box))[0][1])
        desk.clock.at_ns += NS_PER_DAY
        assert (await _post(http, "verify", token=late, name="morpheus", password=OWN)).json()["field"] == "token"


async def test_a_taken_name_does_not_use_the_link_up(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "Ann")
        await _post(http, "register", email="neo@example.org")
        token = _token((await _mails(desk, box))[0][1])
        for name, password, field in (("ann", OWN, "name"), ("neo", "short", "password"), ("erased-1", OWN, "name")):
            assert (await _post(http, "verify", token=token, name=name, password=password)).json()["field"] == field
        assert (await _post(http, "verify", token=token, name="neo", password=OWN)).status_code == 200


async def test_an_answer_says_nothing_of_whether_an_address_has_an_account(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "ann", email="ann@example.org")
        for name in ("register", "forgot"):
            answers = [await _post(http, name, email=each) for each in ("ann@example.org", "nobody@example.org")]
            assert [each.status_code for each in answers] == [200, 200]
            assert answers[0].json() == answers[1].json()
        sent = {receivers[0]: words.splitlines()[0] for receivers, words in await _mails(desk, box)}
        assert sent.pop("nobody@example.org") == "Finish signing up"
        assert set(sent) == {"ann@example.org"}
        told = sorted(words.splitlines()[0] for _, words in await _mails(desk, box))
        assert told == ["Finish signing up", "Set another password", "You have an account already"]


async def test_a_reset_link_is_good_once_and_ends_every_session(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [http, other]:
        await person(desk, "ann", email="ann@example.org")
        await logged_in(http, "ann")
        await _post(other, "forgot", email="ann@example.org")
        first = _token((await _mails(desk, box))[0][1])
        await _post(other, "forgot", email="ann@example.org")
        token = _token((await _mails(desk, box))[1][1])
        assert (await _post(other, "reset", token=first, password=OWN)).json()["field"] == "token"  # a later one came
        assert (await _post(other, "reset", token=token, password=OWN)).status_code == 200
        assert (await http.get(f"{URL}/user")).status_code == 401
        replayed = await _post(other, "reset", token=token, password="yet another password")
        assert (replayed.status_code, replayed.json()["field"]) == (422, "token")
        http.cookies.clear()
        await logged_in(http, "ann", OWN)


async def test_of_many_who_use_a_link_at_once_one_does(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "ann", email="ann@example.org")
        await _post(http, "forgot", email="ann@example.org")
        token = _token((await _mails(desk, box))[0][1])
        answers = await asyncio.gather(*(_post(http, "reset", token=token, password=f"{OWN} {i}") for i in range(8)))
        assert sorted(each.status_code for each in answers) == [200] + [422] * 7


async def test_a_reset_link_lasts_an_hour(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "ann", email="ann@example.org")
        await _post(http, "forgot", email="ann@example.org")
        token = _token((await _mails(desk, box))[0][1])
        desk.clock.at_ns += 3_600 * NS_PER_S
        assert (await _post(http, "reset", token=token, password=OWN)).json()["field"] == "token"


async def test_nobody_floods_a_mailbox(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "ann", email="ann@example.org")
        assert {(await _post(http, "forgot", email="ann@example.org")).status_code for _ in range(8)} == {200}
        assert len(await _mails(desk, box)) == 3


async def test_an_invitation_lets_one_person_sign_up(tmp_path: Path, box: Mailbox) -> None:
    desk = _desk(tmp_path, box, signup="invite")
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [http, admin]:
        assert (await _post(http, "register", email="neo@example.org")).json()["field"] == "invitation"
        await person(desk, "ada", roles=["admin"])
        await logged_in(admin, "ada")
        invitation = (await admin.post(f"{URL}/users/invitations", json={})).json()["invitation"]
        assert (await _post(http, "register", email="neo@example.org", invitation=invitation)).status_code == 200
        again = await _post(http, "register", email="eve@example.org", invitation=invitation)
        assert again.json()["field"] == "invitation"
        assert [receivers for receivers, _ in await _mails(desk, box)] == [["neo@example.org"]]


async def test_a_hostile_address_is_refused_and_not_repeated(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        for address in ("ann@example.org\r\nBcc: eve@example.org", "ann@example.org,eve@example.org", "eve"):
            for way in ("register", "forgot"):
                refused = await _post(http, way, email=address)
                assert (refused.status_code, refused.json()["field"]) == (422, "email")
                assert "eve" not in refused.text
        assert await _mails(desk, box) == []


async def test_an_address_is_the_users_once_the_link_was_opened(desk: AccessDesk, box: Mailbox) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "ann")
        await logged_in(http, "ann")
        asked = {"email": "ann@example.org", "password": PASSWORD}
        assert (await http.patch(f"{URL}/user", json=asked)).json()["email"] is None
        token = _token((await _mails(desk, box))[0][1])
        assert (await _post(http, "verify", token=token)).status_code == 200
        assert (await http.get(f"{URL}/user")).json()["email"] == "ann@example.org"
        assert (await _post(http, "verify", token=token)).json()["field"] == "token"


async def test_a_dead_mail_server_is_told_to_the_log_without_its_address(
    tmp_path: Path, box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mail = SecretStr("mailto://desk:s3cretword@127.0.0.1:1/?mode=insecure&from=desk@example.org")
    services = importlib.import_module("memory_desk").memory_services()
    desk = people_desk(tmp_path, services, signup="open", mail_url=mail)
    async with browsers(desk) as [http]:
        assert (await _post(http, "register", email="neo@example.org")).status_code == 200
        await identity(desk).accounts.settled()
    told = [each.getMessage() for each in caplog.records if each.name.startswith("chanflow")]
    assert len(told) == 1
    assert "a mail was not sent" in told[0]
    assert "s3cretword" not in caplog.text
    assert "neo@example.org" not in told[0]
