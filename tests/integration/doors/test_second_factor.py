"""The second factor at the doors: set up, asked for, and each code good once."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_access import AccessDesk
from made_people import PASSWORD, URL, browsers, code_at, identity, logged_in, people_desk, person

from chanflow.domain.time import NS_PER_S

LOGIN, TOTP = f"{URL}/auth/login", f"{URL}/auth/totp"


@pytest.fixture
def desk(tmp_path: Path) -> AccessDesk:
    return people_desk(tmp_path, importlib.import_module("memory_desk").memory_services())


async def _enrolled(desk: AccessDesk, http: httpx.AsyncClient) -> tuple[str, list[str]]:
    """Log ann in and set up her authenticator; returns its secret and the recovery codes."""
    await person(desk, "ann")
    await logged_in(http, "ann")
    offered = (await http.post(TOTP, json={"password": PASSWORD})).json()
    confirmed = await http.post(f"{TOTP}/confirm", json={"code": code_at(offered["secret"], desk.clock)})
    assert confirmed.status_code == 200
    return offered["secret"], confirmed.json()["recovery_codes"]


async def _login(http: httpx.AsyncClient, code: str | None = None) -> tuple[int, Any]:
    http.cookies.clear()
    more = {} if code is None else {"code": code}
    answer = await http.post(LOGIN, json={"login": "ann", "password": PASSWORD, **more})
    body = answer.json()
    return answer.status_code, body.get("code", body.get("second_factor"))


async def test_once_set_up_a_code_is_asked_for_and_each_is_good_once(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        secret, _ = await _enrolled(desk, http)
        assert await _login(http) == (401, "second_factor_required")
        assert await _login(http, code_at(secret, desk.clock)) == (401, "unauthenticated")  # it confirmed the set-up
        desk.clock.at_ns += 30 * NS_PER_S
        code = code_at(secret, desk.clock)
        assert await _login(http, code) == (200, True)
        assert await _login(http, code) == (401, "unauthenticated")
        assert await _login(http, code_at(secret, desk.clock, later=1)) == (200, True)
        assert await _login(http, code_at(secret, desk.clock)) == (401, "unauthenticated")  # older than the last


async def test_a_code_without_its_password_is_no_way_in(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        secret, _ = await _enrolled(desk, http)
        http.cookies.clear()
        desk.clock.at_ns += 30 * NS_PER_S
        asked = {"login": "ann", "password": "not the password", "code": code_at(secret, desk.clock)}
        assert (await http.post(LOGIN, json=asked)).json()["code"] == "unauthenticated"
        assert await _login(http, asked["code"]) == (200, True)  # and was not used up by that


async def test_guessed_codes_close_the_door_too(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        secret, _ = await _enrolled(desk, http)
        desk.clock.at_ns += 30 * NS_PER_S
        good = code_at(secret, desk.clock)
        wrong = f"{(int(good) + 1) % 1_000_000:06d}"
        assert [(await _login(http, wrong))[0] for _ in range(6)] == [401] * 5 + [429]
        assert (await _login(http, good))[0] == 429


async def test_a_recovery_code_is_good_once(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        _, recovery = await _enrolled(desk, http)
        assert len(set(recovery)) == 10
        assert await _login(http, recovery[3]) == (200, True)
        assert await _login(http, recovery[3]) == (401, "unauthenticated")
        assert await _login(http, recovery[4].upper()) == (200, True)


async def test_it_is_set_up_by_password_and_ended_by_password_and_code(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        secret, recovery = await _enrolled(desk, http)
        assert (await http.post(TOTP, json={"password": "not the password"})).json()["code"] == "proof_required"
        assert (await http.post(TOTP, json={"password": PASSWORD})).status_code == 422  # there is one in use
        used = code_at(secret, desk.clock)
        refused = await http.post(f"{TOTP}/end", json={"password": PASSWORD, "code": used})
        assert refused.json()["code"] == "proof_required"
        assert (await http.get(f"{URL}/user")).json()["second_factor"] is True
        assert (await http.post(f"{TOTP}/end", json={"password": PASSWORD, "code": recovery[0]})).status_code == 200
        assert await _login(http) == (200, False)


async def test_a_secret_that_was_not_confirmed_asks_for_nothing(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        await person(desk, "ann")
        await logged_in(http, "ann")
        offered = (await http.post(TOTP, json={"password": PASSWORD})).json()
        assert offered["uri"].startswith("otpauth://totp/chanflow:ann?secret=")
        wrong = f"{(int(code_at(offered['secret'], desk.clock)) + 1) % 1_000_000:06d}"
        assert (await http.post(f"{TOTP}/confirm", json={"code": wrong})).json()["code"] == "proof_required"
        assert await _login(http) == (200, False)


async def test_a_principal_says_whether_a_code_came_with_its_login(desk: AccessDesk) -> None:
    async with browsers(desk) as [http]:
        secret, _ = await _enrolled(desk, http)
        sessions = identity(desk).sessions
        before = await sessions.principal(http.cookies["chanflow_session"], None)
        desk.clock.at_ns += 30 * NS_PER_S
        await _login(http, code_at(secret, desk.clock))
        after = await sessions.principal(http.cookies["chanflow_session"], None)
        assert not isinstance(before, str)
        assert not isinstance(after, str)
        assert (before.second_factor, after.second_factor) == (False, True)
