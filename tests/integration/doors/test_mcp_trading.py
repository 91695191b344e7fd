"""A trade over MCP: a client that can ask its person has it confirmed there, through the gate and once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import memory_desk
import pytest
from made_desk import gate
from made_trading import TRADE, HandTrading, hand_trading
from mcp import Client
from mcp_types import ElicitResult

from chanflow.interfaces.mcp.server import CatalogueServer
from chanflow.operations.principal import LOCAL_OPERATOR, caller
from chanflow.risk.state import LiveAuthority

ERAS = ("2026-07-28", "legacy")


class Person:
    """Says yes, or what it was told to say, after what happens meanwhile."""

    def __init__(self, *, confirm: bool = True, meanwhile: Any = None) -> None:
        self._confirm, self._meanwhile = confirm, meanwhile
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        self.asked.append(params.message)
        if self._meanwhile is not None:
            self._meanwhile()
        return ElicitResult(action="accept", content={"confirm": self._confirm})


@pytest.fixture(autouse=True)
def as_the_operator() -> Iterator[None]:
    token = caller.set(LOCAL_OPERATOR)
    yield
    caller.reset(token)


@pytest.fixture
async def trading(tmp_path: Path) -> AsyncIterator[HandTrading]:
    async with hand_trading(tmp_path, memory_desk.memory_services()) as found:
        yield found


def _client(trading: HandTrading, era: str, person: Person | None) -> Client:
    return Client(CatalogueServer(trading.catalogue), mode=era, elicitation_callback=person)


@pytest.mark.parametrize("era", ERAS)
async def test_a_yes_at_the_client_is_the_order_and_a_repeat_is_the_same(trading: HandTrading, era: str) -> None:
    person = Person()
    async with _client(trading, era, person) as client:
        done = await client.call_tool("execute_trade", TRADE)
        again = await client.call_tool("execute_trade", TRADE)
    assert (done.structured_content["status"], again.structured_content["status"]) == ("filled", "replayed")
    assert len(trading.desk.sent) == len(person.asked) == 1
    assert "worst_loss: " in person.asked[0]
    assert "leverage: " in person.asked[0]


@pytest.mark.parametrize("era", ERAS)
async def test_a_no_sends_nothing(trading: HandTrading, era: str) -> None:
    async with _client(trading, era, Person(confirm=False)) as client:
        done = await client.call_tool("execute_trade", TRADE)
    assert done.structured_content["confirmation_token"] is None
    assert trading.desk.sent == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_yes_to_what_no_longer_holds_is_stale(trading: HandTrading, era: str) -> None:
    person = Person(meanwhile=lambda: setattr(trading.desk.clock, "at_ns", trading.desk.clock.at_ns + 61 * 10**9))
    async with _client(trading, era, person) as client:
        done = await client.call_tool("execute_trade", TRADE)
    assert done.is_error
    assert done.structured_content["code"] == "confirmation_stale"
    assert trading.desk.sent == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_yes_at_the_client_is_no_operators_approval(tmp_path: Path, era: str) -> None:
    live = gate(mode="live", level="L2")
    live.state = replace(live.state, live=LiveAuthority(scope=True, keys=True, flag=True))
    async with hand_trading(tmp_path, memory_desk.memory_services(), gate=live) as trading:
        caller.set(replace(LOCAL_OPERATOR, kind="key", id="key-2", user_id="agent-1", roles=("agent",)))
        async with _client(trading, era, Person()) as client:
            done = await client.call_tool("execute_trade", TRADE)
    assert done.structured_content["status"] == "approval_required"
    assert done.structured_content["approval_id"]
    assert trading.desk.sent == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_trade_that_is_refused_asks_nobody(trading: HandTrading, era: str) -> None:
    person = Person()
    async with _client(trading, era, person) as client:
        done = await client.call_tool("execute_trade", {**TRADE, "size_quote": "900000"})
    assert done.structured_content["status"] == "refused"
    assert person.asked == []
