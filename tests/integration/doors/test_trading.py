"""Trading by hand through the doors of a paper desk that runs: `chanflow up` as a person starts it."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import CHANFLOW, chanflow, environment, journals
from mcp import Client

pytestmark = [pytest.mark.slow, pytest.mark.server]


class Desk:
    """A running desk, an hour of the market in a minute."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [*CHANFLOW, "up", "--speed", "60", "--hours", "48", "--seed", "7", "--port", str(self.port)],
            env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home.parent,
        )  # fmt: skip

    def ready(self) -> Desk:
        """Wait for the first quote; the test's own time limit ends a vain wait."""
        assert self.process.stdout is not None
        assert "doors at" in self.process.stdout.readline()
        while self.process.poll() is None:
            try:
                if "equity" in httpx.get(f"{self.url}/api/v2/positions", timeout=60).json():
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the desk ended: {self.process.communicate()[0]}")

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/api/v2{path}", json=arguments, timeout=300)

    def trade(self, **arguments: Any) -> httpx.Response:
        """Look at a trade and confirm what was shown, anew where the market has moved on meanwhile."""
        answer = self.post("/orders", **arguments)
        while token := answer.json().get("confirmation_token"):
            answer = self.post("/orders", **arguments, confirmation_token=token)
        return answer

    def orders(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/api/v2/orders", params=query, timeout=300).json()["orders"]
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    running = Desk(tmp_path_factory.mktemp("trading") / "home").ready()
    yield running
    running.kill()


def trade(own_id: str = "mine-0001", **changes: Any) -> dict[str, Any]:
    values = {
        "client_order_id": own_id, "symbol": "SIMUSDT", "side": "buy", "size_quote": "300", "order_type": "market",
        "stop_price": "90", "take_profit_price": "115",
    }  # fmt: skip
    return {name: value for name, value in (values | changes).items() if value is not None}


def test_a_day_by_hand_over_rest(desk: Desk) -> None:
    shown = desk.post("/orders", **trade()).json()
    assert (shown["status"], len(shown["confirmation_token"]), shown["order"]) == ("confirmation_required", 32, None)
    assert Decimal(shown["preview"]["worst_loss"]) > 0
    assert "mine-0001" not in [order["client_order_id"] for order in desk.orders()]
    filled = desk.trade(**trade())
    assert filled.status_code == 200, filled.text
    body = filled.json()
    assert (body["status"], body["reasons"]) == ("filled", [])
    assert body["order"]["client_order_id"] == "mine-0001"
    again = desk.post("/orders", **trade()).json()
    assert again == body | {"status": "replayed"}
    conflict = desk.post("/orders", **trade(size_quote="301"))
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")

    refused = desk.post("/orders", **trade("mine-0002", stop_price="120", take_profit_price="90")).json()
    assert (refused["status"], refused["order"]) == ("refused", None)
    assert [reason["code"] for reason in refused["reasons"]] == ["stop_side"]

    [held] = httpx.get(f"{desk.url}/api/v2/positions", timeout=300).json()["positions"]
    price = str((Decimal(held["mark"]) * Decimal("0.992")).quantize(Decimal("0.01")))
    resting = desk.trade(**trade("mine-0003", order_type="limit", price=price, size_quote="50")).json()
    assert (resting["status"], resting["order"]["state"]) == ("submitted", "accepted")
    [open_entry] = [order for order in desk.orders(state="open") if order["leg"] == "entry"]
    assert (open_entry["client_order_id"], open_entry["price"], open_entry["fills"]) == (
        "mine-0003",
        str(Decimal(price).normalize()),
        [],
    )
    cancelled = desk.post("/orders/cancel", client_order_id="mine-0003").json()
    assert cancelled == {"client_order_id": "mine-0003", "state": "canceled", "filled": "0"}

    stop_id = f"{body['order']['venue_order_id']}-sl"
    kept = desk.post("/orders/cancel", client_order_id=stop_id)
    assert (kept.status_code, kept.json()["code"]) == (409, "conflict")
    assert desk.post("/orders/cancel", client_order_id="nobody-01").status_code == 404

    closed = desk.post("/positions/close").json()
    assert closed["status"] == "flat"
    assert [order["state"] for order in closed["closing"]] == ["filled"]
    assert desk.post("/positions/close").json() == {"status": "flat", "cancelled": [], "closing": []}
    assert httpx.get(f"{desk.url}/api/v2/positions", timeout=300).json()["positions"] == []

    [entry] = [order for order in desk.orders() if order["client_order_id"] == "mine-0001"]
    assert sum(Decimal(fill["qty"]) for fill in entry["fills"]) == Decimal(entry["filled"])


@pytest.mark.asyncio
async def test_fifty_clients_at_once_make_one_order_over_mcp(desk: Desk) -> None:
    asked = trade("many-0001", size_quote="60")
    async with Client(f"{desk.url}/mcp") as client:
        token = (await client.call_tool("execute_trade", asked)).structured_content["confirmation_token"]
        bodies: list[Any] = [{}]
        while any("order" not in body for body in bodies):
            # Where the market moved on between two of them, the answer is a new preview.
            told = {**asked, "confirmation_token": token}
            results = await asyncio.gather(*(client.call_tool("execute_trade", told) for _ in range(50)))
            bodies = [result.structured_content for result in results]
            token = next((body["confirmation_token"] for body in bodies if "order" not in body), token)
        assert {body["order"]["venue_order_id"] for body in bodies} == {bodies[0]["order"]["venue_order_id"]}
        assert [body["status"] for body in bodies].count("replayed") >= 49
        gone = await client.call_tool("cancel_order", {"client_order_id": "many-0001"})
        assert gone.structured_content["state"] == "filled"
    assert [order["client_order_id"] for order in desk.orders()].count("many-0001") == 1


def test_an_operator_halts_and_resumes_it_by_command_and_by_file(desk: Desk) -> None:
    done = chanflow(desk.home, "halt", "--reason", "lunch")
    assert json.loads(done.stdout)["halted"], done.stderr
    refused = desk.post("/orders", **trade("halted-01")).json()
    assert "halt" in {reason["code"] for reason in refused["reasons"]}
    assert chanflow(desk.home, "resume", "--note", "back").returncode == 0

    sentinel = desk.home / "HALT"
    sentinel.write_text("a person wrote this\n")
    while not (state := httpx.get(f"{desk.url}/api/v2/risk/state", timeout=300).json())["risk_state"]["halted"]:
        continue
    assert state["halt_causes"] == [{"code": "file", "message": "a person wrote this"}]
    kept = chanflow(desk.home, "resume", "--note", "back")
    assert kept.returncode == 1
    assert [reason["code"] for reason in json.loads(kept.stdout)["reasons"]] == ["sentinel"]
    sentinel.unlink()
    assert not json.loads(chanflow(desk.home, "resume", "--note", "it is gone").stdout)["halted"]


def test_no_model_may_set_the_level_or_approve(desk: Desk) -> None:
    async def offered() -> set[str]:
        async with Client(f"{desk.url}/mcp") as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    assert not {"set_level", "approve", "resume", "lift_wall"} & asyncio.run(offered())


@pytest.mark.crash
def test_a_killed_desk_answers_for_the_trade_it_was_given(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = Desk(home).ready()
    try:
        sent = first.trade(**trade()).json()
    finally:
        first.kill()
    kept = json.loads(chanflow(home, "call", "get_orders", "--symbol", "SIMUSDT").stdout)["orders"]
    assert {order["leg"]: order["state"] for order in kept} == {
        "entry": "filled",
        "stop": "accepted",
        "take_profit": "accepted",
    }
    second = Desk(home).ready()
    try:
        again = second.post("/orders", **trade()).json()
        assert again["status"] == "replayed"
        assert again["order"]["venue_order_id"] == sent["order"]["venue_order_id"]
        assert [order["client_order_id"] for order in second.orders()].count("mine-0001") == 1
    finally:
        second.kill()
    [journal] = journals(home)
    asked = [json.loads(line)["body"]["kind"] for line in journal.read_bytes().splitlines() if b'"command"' in line]
    assert [kind for kind in asked if kind != "preview_trade"] == ["execute_trade"]


@pytest.mark.parametrize("operation", [("close_all",), ("cancel_order", "--client-order-id", "mine-0001")])
def test_without_a_running_desk_they_refuse_in_one_sentence(tmp_path: Path, operation: tuple[str, ...]) -> None:
    done = chanflow(tmp_path / "home", "call", *operation)
    assert done.returncode == 1
    body = json.loads(done.stdout)
    assert (body["code"], body["message"]) == ("conflict", "no paper desk runs behind this door")
    assert "chanflow up" in body["suggestion"]


def test_a_decision_is_asked_for_at_the_command_line(desk: Desk) -> None:
    done = chanflow(desk.home, "ask", "SIMUSDT", "--wait")
    assert done.returncode == 0, done.stderr
    assert "local asks about SIMUSDT" in done.stdout
    assert "rules answers: " in done.stdout
    other = chanflow(desk.home, "ask", "OTHERUSDT")
    assert (other.returncode, "this desk looks at SIMUSDT, not at OTHERUSDT" in other.stderr) == (2, True)
