"""Sessions in a browser: opened by a password, shown as a cookie, ended by those whose they are."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_access import AccessDesk, access_desk, bearer
from made_people import ORIGIN, PASSWORD, URL, browsers, identity, logged_in, people_desk, person

from chanflow.access.people import IDLE_NS, LONGEST_NS
from chanflow.adapters.storage.account_shelf import AccountShelf
from chanflow.adapters.storage.database.database import Database
from chanflow.domain.time import NS_PER_S
from chanflow.interfaces.rest.app import build_app
from chanflow.interfaces.rest.frontage import Frontage

ME, SESSIONS, LOGIN = f"{URL}/user", f"{URL}/user/sessions", f"{URL}/auth/login"


@pytest.fixture
def desk(tmp_path: Path) -> AccessDesk:
    return people_desk(tmp_path, importlib.import_module("memory_desk").memory_services())


async def _login(http: httpx.AsyncClient, login: str, password: str, **more: Any) -> httpx.Response:
    return await http.post(LOGIN, json={"login": login, "password": password, **more})


def _told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """Return all that an answer tells, but the name of the request."""
    return answer.status_code, {key: value for key, value in answer.json().items() if key != "request_id"}


async def test_a_password_opens_a_session_and_logging_out_ends_it(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "ann")
        answer = await _login(http, "ann", PASSWORD)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        shown = answer.headers["set-cookie"].lower()
        for part in ("httponly", "samesite=strict", "path=/"):
            assert part in shown
        assert "secure" not in shown  # http to this very machine
        me = await http.get(ME)
        assert (me.json()["name"], me.headers["x-csrf-token"]) == ("ann", answer.json()["csrf_token"])
        cookies = dict(http.cookies)
        headers = {"Origin": ORIGIN, "X-CSRF-Token": answer.json()["csrf_token"]}
        assert (await http.post(f"{URL}/auth/logout", headers=headers)).json() == {"ended": 1}
        assert not http.cookies
        http.cookies.update(cookies)
        assert (await http.get(ME)).status_code == 401


async def test_beyond_this_machine_the_cookie_goes_over_tls_alone(desk: AccessDesk) -> None:
    app = build_app(desk.services, frontage=Frontage(allowed_hosts=frozenset({"desk.example.org", "127.0.0.1"})))
    async with app.router.lifespan_context(app):
        await person(desk, "ann")
        for url in ("http://desk.example.org", "https://127.0.0.1"):
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url) as http:
                assert "; secure" in (await _login(http, "ann", PASSWORD)).headers["set-cookie"].lower()


async def test_several_credentials_are_as_good_as_none(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        key = await desk.key(await person(desk, "ann"))
        await logged_in(http, "ann")
        assert (await http.get(ME)).status_code == 200
        both = await http.get(ME, headers=bearer(key))
        assert (both.status_code, both.json()["code"]) == (401, "unauthenticated")
        text = http.cookies["chanflow_session"]
        http.cookies.clear()
        assert (await http.get(ME, headers=bearer(key))).status_code == 200
        twice = {"Cookie": f"chanflow_session={text}; chanflow_session={text}"}
        assert (await http.get(ME, headers=twice)).status_code == 401


async def test_a_write_by_cookie_needs_an_origin_of_ours_and_its_sessions_token(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [http, other]:
        await person(desk, "ann")
        own = await logged_in(http, "ann")
        foreign = await logged_in(other, "ann")
        for name in ("Origin", "X-CSRF-Token"):
            del http.headers[name]
        for headers, code in (
            ({}, "csrf_required"),
            ({"Origin": ORIGIN}, "csrf_required"),
            ({"X-CSRF-Token": own["csrf_token"]}, "csrf_required"),
            ({"Origin": ORIGIN, "X-CSRF-Token": foreign["csrf_token"]}, "csrf_required"),
            ({"Origin": ORIGIN, "X-CSRF-Token": ""}, "csrf_required"),
            ({"Origin": "https://evil.example", "X-CSRF-Token": own["csrf_token"]}, "origin_not_allowed"),
            ({"Origin": "null", "X-CSRF-Token": own["csrf_token"]}, "origin_not_allowed"),
        ):
            refused = await http.patch(ME, json={"name": "eve"}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, code), headers
            called = await http.post(f"{URL}/mcp/tools/call", json={"name": "get_user_quota"}, headers=headers)
            assert called.status_code == 403
        assert (await http.get(ME)).json()["name"] == "ann"
        good = {"Origin": ORIGIN, "X-CSRF-Token": own["csrf_token"]}
        assert (await http.patch(ME, json={"name": "eve"}, headers=good)).json()["name"] == "eve"


async def test_a_login_never_goes_on_under_an_id_that_was_there_before(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [victim, attacker]:
        await person(desk, "ann")
        await person(desk, "eve")
        planted = f"cfs_{'0' * 12}_{'A' * 43}"
        victim.cookies.set("chanflow_session", planted, domain="127.0.0.1", path="/")
        await logged_in(victim, "ann")
        first = victim.cookies["chanflow_session"]
        assert first != planted
        await logged_in(victim, "ann")
        assert victim.cookies["chanflow_session"] != first
        attacker.cookies.set("chanflow_session", first)
        assert (await attacker.get(ME)).status_code == 401  # the former session ended with the login
        attacker.cookies.clear()
        assert len((await victim.get(SESSIONS)).json()["sessions"]) == 1


async def test_anothers_session_is_neither_seen_nor_ended(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [ann, bob]:
        await person(desk, "ann")
        await person(desk, "bob")
        await logged_in(ann, "ann")
        await logged_in(bob, "bob")
        [theirs] = (await bob.get(SESSIONS)).json()["sessions"]
        refused = await ann.delete(SESSIONS, params={"session_id": theirs["id"]})
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        assert (await bob.get(ME)).json()["name"] == "bob"
        assert theirs["id"] not in (await ann.get(SESSIONS)).text


async def test_ones_own_sessions_are_listed_and_ended(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "10.0.0.9") as [here, there]:
        await person(desk, "ann")
        await logged_in(here, "ann")
        there.headers["User-Agent"] = "phone\x7f"
        desk.clock.at_ns += NS_PER_S
        await logged_in(there, "ann")
        sessions = (await here.get(SESSIONS)).json()["sessions"]
        assert [(each["ip"], each["current"]) for each in sessions] == [("127.0.0.1", True), ("10.0.0.9", False)]
        assert sessions[1]["client"] == "phone"
        assert (await here.delete(SESSIONS)).json() == {"ended": 1}
        assert [(await each.get(ME)).status_code for each in (here, there)] == [200, 401]


async def test_a_session_ends_when_idle_and_after_thirty_days(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "ann")
        await logged_in(http, "ann")
        began = desk.clock.at_ns
        desk.clock.at_ns += IDLE_NS - 1
        assert (await http.get(ME)).status_code == 200
        desk.clock.at_ns += IDLE_NS
        assert (await http.get(ME)).status_code == 401
        await logged_in(http, "ann")
        began = desk.clock.at_ns
        while desk.clock.at_ns + IDLE_NS - NS_PER_S < began + LONGEST_NS:
            desk.clock.at_ns += IDLE_NS - NS_PER_S
            assert (await http.get(ME)).status_code == 200
        desk.clock.at_ns = began + LONGEST_NS
        assert (await http.get(ME)).status_code == 401


async def test_a_new_password_ends_the_other_sessions(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [here, there]:
        await person(desk, "ann")
        await logged_in(here, "ann")
        await logged_in(there, "ann")
        change = {"new_password": "another good long password"}
        assert (await here.patch(ME, json=change)).json()["code"] == "proof_required"
        wrong = await here.patch(ME, json={**change, "password": "not the password"})
        assert (wrong.status_code, wrong.json()["code"]) == (403, "proof_required")
        weak = await here.patch(ME, json={"new_password": "aaaaaaaaaaaaaaaa", "password": PASSWORD})
        assert weak.json()["field"] == "new_password"
        both = await here.patch(ME, json={**change, "password": PASSWORD, "name": "eve"})
        assert (both.status_code, both.json()["code"]) == (422, "invalid_argument")  # nothing half-done stays
        assert (await here.patch(ME, json={**change, "password": PASSWORD})).status_code == 200
        assert [(await each.get(ME)).status_code for each in (here, there)] == [200, 401]
        assert (await _login(there, "ann", PASSWORD)).status_code == 401
        await logged_in(there, "ann", change["new_password"])


async def test_who_is_disabled_is_out_at_once_and_stays_out(desk: AccessDesk, tmp_path: Path) -> None:
    async with browsers(desk) as [http]:
        user = await person(desk, "ann")
        await logged_in(http, "ann")
        async with await Database.open(tmp_path / "chanflow.db") as database:  # as the command line does
            await AccountShelf(database).change_user(user.id, disabled_at=desk.clock.now_ns())
        assert (await http.get(ME)).status_code == 401
        http.cookies.clear()
        assert (await _login(http, "ann", PASSWORD)).status_code == 401
        assert await identity(desk).sessions.listed(user.id) == []


async def test_five_failures_close_the_door_to_an_address_for_a_quarter_of_an_hour(desk: AccessDesk) -> None:
    async with browsers(desk, "10.0.0.1", "10.0.0.2") as [here, there]:
        await person(desk, "ann", email="ann@example.org")
        for login in ("ann", "ann", "ann@example.org", "ANN@example.org", "ann"):
            assert (await _login(here, login, "not the password")).status_code == 401
        waits = await _login(here, "ann", PASSWORD)
        assert (waits.status_code, waits.json()["code"], waits.headers["retry-after"]) == (429, "rate_limited", "900")
        assert (await _login(there, "ann", PASSWORD)).status_code == 200
        desk.clock.at_ns += 900 * NS_PER_S
        assert (await _login(here, "ann", PASSWORD)).status_code == 200


async def test_an_unknown_user_hears_the_same_as_a_wrong_password(desk: AccessDesk) -> None:
    async with browsers(desk, "10.0.0.1") as [http]:
        await person(desk, "ann")
        for _ in range(6):  # the wait as well
            known, unknown = [await _login(http, login, "not the password") for login in ("ann", "nobody")]
            assert _told(known) == _told(unknown)
        assert known.status_code == 429


async def test_hostile_bodies_are_refused_in_words_that_repeat_nothing(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        for body in (
            {"login": "ann\r\nX: y", "password": "p"}, {"login": "\x00", "password": "p"},
            {"login": "a" * 255, "password": "p"}, {"login": "ann", "password": "p" * 257},
            {"login": "ann", "password": ["p"]}, {"login": "ann", "password": "p", "admin": True}, {"login": "ann"},
        ):  # fmt: skip
            refused = await http.post(LOGIN, json=body)
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_argument")
            assert "X: y" not in refused.text
        surrogate = b'{"login": "ann", "password": "\\ud800 and more"}'
        headers = {"Content-Type": "application/json"}
        assert (await http.post(LOGIN, content=surrogate, headers=headers)).status_code == 422
        assert (await http.post(LOGIN, content=b"login=ann&password=p")).status_code == 422
        assert (await http.get(LOGIN)).status_code == 405


async def test_a_key_changes_no_person(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        key = await desk.key(await person(desk, "ann"))
        assert (await http.get(ME, headers=bearer(key))).json()["name"] == "ann"
        for method, path, body in (
            ("PATCH", "/user", {"name": "eve"}), ("DELETE", "/user/sessions", None), ("POST", "/user/export", {}),
            ("POST", "/user/delete", {"password": PASSWORD}), ("POST", "/auth/totp", {"password": PASSWORD}),
        ):  # fmt: skip
            refused = await http.request(method, URL + path, json=body, headers=bearer(key))
            assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope"), path


async def test_a_desk_that_asks_nobody_who_they_are_has_no_logins(tmp_path: Path) -> None:
    services = importlib.import_module("memory_desk").memory_services()
    app = build_app(services)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http,
    ):
        assert (await _login(http, "ann", PASSWORD)).status_code == 409
        assert (await http.get(ME)).status_code == 409


async def test_roles_are_given_by_administrators_alone(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [admin, ann]:
        await person(desk, "ada", roles=["admin"])
        user = await person(desk, "ann", roles=["viewer"])
        await logged_in(admin, "ada")
        await logged_in(ann, "ann")
        path = f"{URL}/users/{user.id}/roles"
        assert (await ann.put(path, json={"roles": ["admin"]})).json()["code"] == "insufficient_scope"
        assert (await admin.put(path, json={"roles": ["god"]})).status_code == 422
        assert (await admin.put(f"{URL}/users/nobody/roles", json={"roles": ["viewer"]})).status_code == 404
        assert (await admin.put(path, json={"roles": ["trader"]})).json()["roles"] == ["trader"]
        assert (await ann.get(ME)).json()["roles"] == ["trader"]
        page = (await admin.get(f"{URL}/users", params={"limit": 1})).json()
        assert [each["name"] for each in page["users"]] == ["ada"]
        rest = (await admin.get(f"{URL}/users", params={"cursor": page["next_cursor"]})).json()
        assert ([each["name"] for each in rest["users"]], rest["next_cursor"]) == (["ann"], None)


async def test_a_user_an_administrator_adds_sets_a_password_by_a_link_once(desk: AccessDesk) -> None:
    async with browsers(desk, "127.0.0.1", "127.0.0.1") as [admin, new]:
        await person(desk, "ada", roles=["admin"])
        await logged_in(admin, "ada")
        asked = {"name": "neo", "email": "neo@example.org", "roles": ["trader"], "plan": "pro"}
        made = (await admin.post(f"{URL}/users", json=asked)).json()  # this desk sends no mail, so the link is shown
        assert (await admin.post(f"{URL}/users", json={**asked, "name": "NEO"})).json()["field"] == "name"
        token = re.fullmatch(rf"{ORIGIN}/auth/reset#(\S{{43}})", made["password_link"])[1]  # type: ignore[index]
        reset = {"token": token, "password": "a password of neo's own"}
        assert (await new.post(f"{URL}/auth/reset", json=reset)).json() == {"user_id": made["id"]}
        replayed = await new.post(f"{URL}/auth/reset", json=reset)
        assert (replayed.status_code, replayed.json()["field"]) == (422, "token")
        session = await logged_in(new, "neo@example.org", reset["password"])
        assert (session["name"], session["notice_due"]) == ("neo", True)


def test_two_desks_do_not_take_each_others_sessions(tmp_path: Path) -> None:
    services = importlib.import_module("memory_desk").memory_services()
    one, two = access_desk(tmp_path / "1", services), access_desk(tmp_path / "2", services)
    text = f"cfs_{'0' * 12}_{'A' * 43}"
    assert identity(one).sessions.csrf(text) != identity(two).sessions.csrf(text)
    assert not identity(two).sessions.csrf_fits(text, identity(one).sessions.csrf(text))
