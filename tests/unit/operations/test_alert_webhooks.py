"""What an alert heard reaches its webhook: signed, once noted, again under the same id until it is."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_outside import Outside, certificate, outside

from chanflow.adapters.net.outward import Outward
from chanflow.adapters.storage.delivery_store import Due
from chanflow.domain.alert import Alert
from chanflow.domain.time import NS_PER_S
from chanflow.domain.watch_alert import Happening
from chanflow.monitor.webhook import LONGEST_S, MOST_FAILURES, pause_ns
from chanflow.operations.alert_courier import CLAIM_NS, AlertCourier, alert_of_event
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import body_of
from chanflow.operations.principal import LOCAL_OPERATOR, Principal
from chanflow.operations.services import Services
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.clock import SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home

TRADER = replace(LOCAL_OPERATOR, kind="user", id="trader-1", roles=("trader",))
HOUR_NS = 3_600 * NS_PER_S
POINTS: dict[str, Any] = {"symbols": ["ETHUSDT"], "level": "1m"}


class HandClock:
    def __init__(self, now_ns: int) -> None:
        self.at_ns = now_ns

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns

    async def sleep_until(self, at_ns: int) -> None:
        raise AssertionError("nothing sleeps")


class Names:
    """A resolver that gives each answer once, in order, and then the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> list[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class World:
    """A desk that keeps alerts, and whoever may be reached from it."""

    services: Services
    book: AlertBook
    clock: HandClock

    async def ask(self, name: str, who: Principal = TRADER, **args: Any) -> dict[str, Any]:
        catalogue = build_catalogue(self.services)
        return body_of(await catalogue.execute(who, name, args, door="rest", request_id="r"))

    async def set(self, url: str, name: str = "hook-0001", **args: Any) -> str:
        made = await self.ask("subscribe_alert", client_alert_id=name, **POINTS, webhook=url, **args)
        return str(made["alert_id"])

    async def secret(self, alert_id: str) -> str:
        return str((await self.ask("renew_alert_secret", alert_id=alert_id))["secret"])

    async def happen(self, number: int, *alert_ids: str) -> None:
        body = {"event": "new", "symbol": "ETHUSDT", "level": "30m", "type": "buy2", "price": 2.5}
        told = Happening(f"h{number}", "buy_sell_points", "ETHUSDT", "30m", self.clock.at_ns, body, "buy2")
        async with self.book.open() as store:
            await store.log([(told, alert_ids)], mark=None, before_ms=None, now_ns=self.clock.at_ns)

    async def carry(self) -> int:
        courier = AlertCourier(self.book, self.clock)
        begun = await courier.begin()
        await courier.settled()
        return begun

    async def deliveries(self, alert_id: str) -> dict[str, Any]:
        return await self.ask("get_alert_deliveries", alert_id=alert_id)


def world_of(desk: Any, root: Path, outward: Outward) -> World:
    clock = HandClock(desk.NOW_NS)
    book = AlertBook(Home(root), clock, outward=outward)
    ids = Uuid7Ids(clock, SystemRandomness())
    services = replace(desk.memory_services(), alerts=book, ids=ids, clock=clock)
    return World(services, book, clock)


def reaching(desk: Any, root: Path, server: Outside) -> tuple[World, str]:
    origin = f"http://127.0.0.1:{server.port}"
    return world_of(desk, root, Outward(allowed_origins=frozenset({origin}))), f"{origin}/in?token=hidden"


def parts(raw: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, value in lines}, body


def signed_by(secret: str, raw: bytes) -> bool:
    headers, body = parts(raw)
    text = f"{headers['x-cf-timestamp']}.{headers['x-cf-delivery']}.".encode() + body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest() == headers["x-cf-signature"]


async def test_an_event_is_sent_once_signed_with_the_secret_that_was_shown(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        server.says(b"", "204 No Content")
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        secret = await world.secret(alert)
        await world.happen(1, alert)
        assert (await world.carry(), await world.carry()) == (1, 0)
        (raw,) = server.asked
        headers, body = parts(raw)
        told = json.loads(body)
        (row,) = (await world.deliveries(alert))["deliveries"]
        assert signed_by(secret, raw)
        assert not signed_by(secret[:-1], raw)
        assert headers["x-cf-delivery"] == told["id"] == row["id"]
        assert int(headers["x-cf-timestamp"]) == world.clock.at_ns // NS_PER_S
        assert (told["alert_id"], told["cursor"], told["data"]["type"]) == (alert, row["event"], "buy2")
        assert (row["state"], row["attempts"], row["status"], row["error"]) == ("delivered", 1, 204, None)


async def test_after_refusals_it_comes_again_with_the_same_id_and_body(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        server.says(b"no", "500 Internal Server Error")
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        await world.happen(1, alert)
        await world.carry()
        assert await world.carry() == 0
        (row,) = (await world.deliveries(alert))["deliveries"]
        assert (row["state"], row["status"], row["error"]) == ("waiting", 500, "answered 500, wanted is 2xx")
        world.clock.at_ns += 10 * NS_PER_S
        await world.carry()
        server.says(b"")
        world.clock.at_ns += 10 * NS_PER_S
        await world.carry()
        sent = [parts(raw) for raw in server.asked]
        assert len(sent) == 3
        assert len({headers["x-cf-delivery"] for headers, _ in sent}) == len({body for _, body in sent}) == 1
        assert len({headers["x-cf-signature"] for headers, _ in sent}) == 3
        assert (await world.deliveries(alert))["deliveries"][0]["state"] == "delivered"
        assert (await world.deliveries(alert))["failures"] == 0


async def test_a_redirect_is_a_failure_and_not_followed(desk: Any, tmp_path: Path) -> None:
    async with outside() as server, outside() as other:
        server.says(b"", "302 Found", f"Location: http://127.0.0.1:{other.port}/")
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        await world.happen(1, alert)
        await world.carry()
        assert other.asked == []
        (row,) = (await world.deliveries(alert))["deliveries"]
        assert (row["state"], row["error"]) == ("waiting", "answered 302, wanted is 2xx; no redirect is followed")


async def test_a_name_that_turns_private_after_it_was_checked_is_not_asked(desk: Any, tmp_path: Path) -> None:
    async with outside(certificate(tmp_path)) as server:
        names = Names(["1.1.1.1"], ["127.0.0.1"])
        world = world_of(desk, tmp_path, Outward(resolve=names))
        alert = await world.set(f"https://hook.example:{server.port}/in")
        assert alert.startswith("al_")
        await world.happen(1, alert)
        await world.carry()
        (row,) = (await world.deliveries(alert))["deliveries"]
        assert (server.asked, server.names) == ([], [])
        assert (row["state"], "not of the public internet" in row["error"]) == ("waiting", True)


@pytest.mark.parametrize("url", [
    "http://hook.example/", "https://127.0.0.1/", "https://user:word@hook.example/", "https://[::1]/", "hook.example",
    "https://10.0.0.7:8443/", f"https://{'a' * 64}.example/", f"https://hook.example/{'a' * 2048}", "https://%00/",
])  # fmt: skip
async def test_an_address_that_may_not_be_asked_sets_no_alert(desk: Any, tmp_path: Path, url: str) -> None:
    world = world_of(desk, tmp_path, Outward())
    fault = await world.ask("subscribe_alert", client_alert_id="hook-0001", **POINTS, webhook=url)
    assert (fault["code"], fault["field"]) == ("invalid_argument", "webhook")
    assert url not in fault["message"]
    assert (await world.ask("list_alerts", status="any"))["alerts"] == []


async def test_a_slow_receiver_is_left_and_holds_up_no_other(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chanflow.adapters.net.outward.TIMEOUT_S", 0.3)
    async with outside() as slow, outside() as quick:
        slow.answer = None
        quick.says(b"")
        origins = [f"http://127.0.0.1:{server.port}" for server in (slow, quick)]
        world = world_of(desk, tmp_path, Outward(allowed_origins=frozenset(origins)))
        late = [await world.set(origins[0], f"slow-000{n}") for n in range(6)]
        other = replace(TRADER, id="trader-2")
        made = await world.ask("subscribe_alert", other, client_alert_id="quick-01", **POINTS, webhook=origins[1])
        await world.happen(1, *late, made["alert_id"])
        assert await world.carry() == 5
        assert len(quick.asked) == 1
        rows = [(await world.deliveries(alert))["deliveries"][0] for alert in late]
        assert sorted(row["attempts"] for row in rows) == [0, 0, 1, 1, 1, 1]
        assert {row["error"] for row in rows} == {None, "http://127.0.0.1 did not answer within 0.3 s"}


async def test_twenty_failures_in_a_row_switch_it_off_and_its_owner_on_again(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        server.says(b"", "503 Service Unavailable")
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        await world.happen(1, alert)
        await world.happen(2, alert)
        for _ in range(MOST_FAILURES):
            assert await world.carry() == 1
            world.clock.at_ns += 2 * HOUR_NS
        assert await world.carry() == 0
        (listed,) = (await world.ask("list_alerts"))["alerts"]
        why = "20 attempts in a row failed, the last because: answered 503, wanted is 2xx"
        assert (listed["webhook_off"], listed["failures"], listed["status"]) == (why, 20, "active")
        assert listed["webhook"] == "http://127.0.0.1"
        await world.happen(3, alert)
        assert {row["state"] for row in (await world.deliveries(alert))["deliveries"]} == {"off"}
        server.says(b"")
        assert (await world.ask("update_alert", alert_id=alert, webhook="on"))["off"] is None
        for _ in range(3):
            assert await world.carry() == 1
        assert {row["state"] for row in (await world.deliveries(alert))["deliveries"]} == {"delivered"}
        assert len({parts(raw)[0]["x-cf-delivery"] for raw in server.asked}) == 3
        assert (await world.ask("update_alert", alert_id=alert, webhook="off"))["off"] == "switched off by its owner"
        await world.happen(4, alert)
        assert await world.carry() == 0


async def test_an_event_that_is_refused_for_ever_does_not_hold_up_the_next(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        server.says(b"", "400 Bad Request")
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        await world.happen(1, alert)
        await world.carry()
        await world.happen(2, alert)
        server.says(b"")
        world.clock.at_ns += HOUR_NS
        await world.carry()
        rows = {row["event"]: row["state"] for row in (await world.deliveries(alert))["deliveries"]}
        assert [rows[name] for name in sorted(rows)] == ["waiting", "delivered"]


async def test_deliveries_come_in_pages_newest_first(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        for number in range(5):
            await world.happen(number, alert)
        whole = (await world.deliveries(alert))["deliveries"]
        paged, cursor = [], None
        for _ in range(3):
            page = await world.ask(
                "get_alert_deliveries", alert_id=alert, limit=2, **({"cursor": cursor} if cursor else {})
            )
            paged += page["deliveries"]
            cursor = page["next_cursor"]
        assert (paged, cursor) == (whole, None)
        assert [row["event"] for row in whole] == sorted((row["event"] for row in whole), reverse=True)


async def test_two_that_carry_at_once_send_once(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        server.says(b"")
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        await world.happen(1, alert)
        one, other = AlertCourier(world.book, world.clock), AlertCourier(world.book, world.clock)
        async with world.book.open() as store:
            (due,) = await store.deliveries.due("webhook", world.clock.at_ns, 9)
        await asyncio.gather(one._attempt(due), other._attempt(due))
        assert len(server.asked) == 1


async def test_a_deleted_alert_sends_nothing_more(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        await world.happen(1, alert)
        await world.ask("subscribe_alert", alert_id=alert, action="delete")
        assert await world.carry() == 0


async def test_the_webhook_of_another_account_is_not_found(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        other = replace(TRADER, id="trader-2")
        for name, more in (
            ("get_alert_deliveries", {}), ("update_alert", {"webhook": "off"}), ("renew_alert_secret", {}),
        ):  # fmt: skip
            fault = await world.ask(name, other, alert_id=alert, **more)
            assert (fault["code"], fault["field"]) == ("not_found", "alert_id")
        bare = (await world.ask("subscribe_alert", client_alert_id="bare-001", **POINTS))["alert_id"]
        assert (await world.ask("renew_alert_secret", alert_id=bare))["code"] == "not_found"


async def test_the_secret_and_the_path_are_in_no_log_and_not_in_the_database(
    desk: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "chanflow")
    async with outside() as server:
        server.says(b"", "500 Internal Server Error")
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        secret = await world.secret(alert)
        await world.happen(1, alert)
        await world.carry()
        shown = json.dumps([await world.deliveries(alert), await world.ask("list_alerts")])
        kept = b"".join(each.read_bytes() for each in tmp_path.glob("chanflow.db*"))  # noqa: ASYNC240
        for hidden in (secret, "hidden"):
            assert hidden not in caplog.text
            assert hidden not in shown
            assert hidden.encode() not in kept
        assert alert.encode() in kept


def test_a_risk_event_is_told_with_its_kind_and_cause() -> None:
    body = {"event": "risk", "kind": "halt", "cause": "drawdown is 0.11"}
    told = alert_of_event(Due("dl_1", 0, "al_1", "local", "risk-001", None, 0, 1, "risk", NS_PER_S, NS_PER_S, body))
    assert told.title == "alert risk-001: halt risk"
    assert told.body.startswith("drawdown is 0.11\n")


async def test_what_another_pepper_sealed_is_a_failure_that_ends(desk: Any, tmp_path: Path) -> None:
    async with outside() as server:
        world, url = reaching(desk, tmp_path, server)
        alert = await world.set(url)
        await world.happen(1, alert)
        home = Home(tmp_path)
        home.pepper_path.unlink()
        world.book = AlertBook(home, world.clock, outward=world.book.outward)
        await world.carry()
        (row,) = (await world.deliveries(alert))["deliveries"]
        assert (row["state"], row["error"]) == ("waiting", "the desk cannot send it: StorageUnwritable")
        assert server.asked == []


async def test_only_the_operator_may_use_the_channels_of_the_desk(desk: Any, tmp_path: Path) -> None:
    world = world_of(desk, tmp_path, Outward())
    wanted = {**POINTS, "notify": True}
    fault = await world.ask("subscribe_alert", client_alert_id="tell-001", **wanted)
    assert (fault["code"], fault["field"]) == ("insufficient_scope", "notify")
    made = await world.ask("subscribe_alert", LOCAL_OPERATOR, client_alert_id="tell-001", **wanted)
    await world.happen(1, made["alert_id"])
    told: list[tuple[Alert, str]] = []

    async def tell(alert: Alert, alert_id: str) -> None:
        told.append((alert, alert_id))

    for _ in range(2):
        courier = AlertCourier(world.book, world.clock, tell)
        await courier.begin()
        await courier.settled()
    ((alert, alert_id),) = told
    (row,) = (await world.ask("get_alert_deliveries", LOCAL_OPERATOR, alert_id=made["alert_id"]))["deliveries"]
    assert (row["id"], row["channel"], row["state"]) == (alert_id, "desk", "delivered")
    assert alert.title == "alert tell-001: ETHUSDT 30m buy2 new at 2.5"
    assert (alert.severity, alert.dedupe_key) == ("warning", alert_id)


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_a_bound_and_chance_moves_them_by_half(failures: int, chance: float) -> None:
    middle_s = min(2**failures, LONGEST_S)
    assert 0.5 * middle_s * NS_PER_S <= pause_ns(failures, chance) <= 1.5 * middle_s * NS_PER_S
    assert pause_ns(failures, chance) <= pause_ns(failures + 1, chance)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
for folder in sys.argv[1:4]:
    sys.path.insert(0, folder)
import memory_desk as desk
from test_alert_webhooks import AlertCourier, Outward, world_of
from chanflow.adapters.storage import delivery_store
from chanflow.adapters.storage.delivery_store import SqlDeliveries

async def main():
    root, origin, where = Path(sys.argv[4]), sys.argv[5], sys.argv[6]
    world = world_of(desk, root, Outward(allowed_origins=frozenset({origin})))
    alert = await world.set(origin + "/in")
    def kill(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)
    async def dies(*_, **__):
        kill()
    if where == "before the attempt":
        Outward.post = dies
    elif where == "before the answer is noted":
        SqlDeliveries.delivered = dies
    await world.happen(1, alert)
    if where == "before the claim":
        kill()
    await world.carry()

asyncio.run(main())
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("where", ["before the claim", "before the attempt", "before the answer is noted"])
async def test_a_kill_loses_no_delivery_and_changes_no_id(desk: Any, tmp_path: Path, where: str) -> None:
    async with outside() as server:
        server.says(b"")
        origin = f"http://127.0.0.1:{server.port}"
        import made_outside

        folders = [str(Path(each).parent) for each in (desk.__file__, made_outside.__file__, __file__)]
        command = [sys.executable, "-c", KILLED, *folders, str(tmp_path), origin, where]
        done = await asyncio.to_thread(partial(subprocess.run, command, capture_output=True, text=True, check=False))
        assert done.returncode == -9, done.stderr
        world = world_of(desk, tmp_path, Outward(allowed_origins=frozenset({origin})))
        world.clock.at_ns += CLAIM_NS
        assert await world.carry() == 1
        async with world.book.open() as store:
            (alert,) = await store.active()
        ids = {parts(raw)[0]["x-cf-delivery"] for raw in server.asked}
        (row,) = (await world.deliveries(alert.alert_id))["deliveries"]
        assert (ids, row["state"]) == ({row["id"]}, "delivered")
        assert len(server.asked) == (2 if where == "before the answer is noted" else 1)
