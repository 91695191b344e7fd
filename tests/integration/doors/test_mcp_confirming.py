"""A person at the client confirms what asks for it; the token goes from desk to desk, never through the model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import memory_desk
import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestParams, ElicitResult

from chanflow.interfaces.mcp.server import CatalogueServer
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import LOCAL_OPERATOR, caller

ERAS = ("2026-07-28", "legacy")
TOKEN = "7" * 32


class Order(Arguments):
    symbol: str
    confirmation_token: str | None = None


class Preview(Answer):
    notional: str
    limits: list[dict[str, str]]


class Ordered(Answer):
    status: Literal["confirmation_required", "approval_required", "submitted"]
    preview: Preview | None
    confirmation_token: str | None
    approval_id: str | None = None


class Desk:
    """Shows an order first, and takes it with the token of what it showed."""

    def __init__(self) -> None:
        self.calls: list[str | None] = []
        self.fresh = True

    async def order(self, asked: Asked[Order]) -> Ordered:
        token = asked.args.confirmation_token
        self.calls.append(token)
        if token is None:
            limits = [{"name": "max_leverage", "value": "2", "bound": "5"}]
            return Ordered(
                status="confirmation_required", preview=Preview(notional="1500", limits=limits),
                confirmation_token=TOKEN,
            )  # fmt: skip
        if token != TOKEN or not self.fresh:
            raise Declined("confirmation_invalid", "the token fits no order")
        return Ordered(status="submitted", preview=None, confirmation_token=None)

    def server(self) -> CatalogueServer:
        operation = Operation(
            name="execute_trade", title="Trade", doc_en="Trade.", doc_zh="下单。", scope="trade:paper",
            plans=frozenset({"enterprise"}), charges={"api_call": 1}, rate_class="trade", input=Order, output=Ordered,
            hints=Hints(read_only=False), timeout_s=20, path="/orders", handler=self.order,
            digest=lambda done: Digest(done.status, (), ()),
        )  # fmt: skip
        return CatalogueServer(Catalogue(memory_desk.memory_services(), [operation]))


class Person:
    """Answers what is asked, and remembers it."""

    def __init__(self, action: Literal["accept", "decline", "cancel"], content: dict[str, Any] | None) -> None:
        self._answer = ElicitResult(action=action, content=content)
        self.asked: list[str] = []

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        assert params.requested_schema["required"] == ["confirm"]
        return self._answer


@pytest.fixture(autouse=True)
def as_the_operator() -> Iterator[None]:
    token = caller.set(LOCAL_OPERATOR)
    yield
    caller.reset(token)


@pytest.mark.parametrize("era", ERAS)
async def test_a_yes_sends_what_was_shown(era: str) -> None:
    desk, person = Desk(), Person("accept", {"confirm": True})
    async with Client(desk.server(), mode=era, elicitation_callback=person) as client:
        result = await client.call_tool("execute_trade", {"symbol": "BTCUSDT"})
    assert result.structured_content["status"] == "submitted"
    assert desk.calls == [None, TOKEN]
    assert len(person.asked) == 1
    assert "notional: 1500" in person.asked[0]
    assert "max_leverage: 2 of 5" in person.asked[0]
    assert TOKEN not in person.asked[0]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("action", "content"),
    [("decline", None), ("cancel", None), ("accept", {"confirm": False})],
    ids=["decline", "cancel", "accepted-as-no"],
)
async def test_anything_but_a_yes_sends_nothing_and_gives_no_token(era: str, action: Any, content: Any) -> None:
    desk = Desk()
    async with Client(desk.server(), mode=era, elicitation_callback=Person(action, content)) as client:
        result = await client.call_tool("execute_trade", {"symbol": "BTCUSDT"})
    assert desk.calls == [None]
    assert result.structured_content["status"] == "confirmation_required"
    assert result.structured_content["confirmation_token"] is None
    assert TOKEN not in result.content[0].text


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cannot_ask_gets_the_answer_as_it_is(era: str) -> None:
    desk = Desk()
    async with Client(desk.server(), mode=era) as client:
        first = await client.call_tool("execute_trade", {"symbol": "BTCUSDT"})
        assert first.structured_content["confirmation_token"] == TOKEN
        again = {"symbol": "BTCUSDT", "confirmation_token": first.structured_content["confirmation_token"]}
        second = await client.call_tool("execute_trade", again)
    assert second.structured_content["status"] == "submitted"
    assert desk.calls == [None, TOKEN]


@pytest.mark.parametrize("era", ERAS)
async def test_what_has_gone_stale_in_between_is_refused(era: str) -> None:
    desk = Desk()
    desk.fresh = False
    person = Person("accept", {"confirm": True})
    async with Client(desk.server(), mode=era, elicitation_callback=person) as client:
        result = await client.call_tool("execute_trade", {"symbol": "BTCUSDT"})
    assert result.is_error
    assert result.structured_content["code"] == "confirmation_invalid"


async def test_what_the_client_carries_is_sealed_to_caller_tool_and_arguments() -> None:
    desk = Desk()
    person = Person("accept", {"confirm": True})
    yes = {"confirm": ElicitResult(action="accept", content={"confirm": True})}
    async with Client(desk.server(), mode="2026-07-28", elicitation_callback=person) as client:
        call = client.session.call_tool
        asked = await call("execute_trade", {"symbol": "BTCUSDT"}, allow_input_required=True)
        state = asked.request_state
        assert TOKEN not in state
        tries = [({"symbol": "ETHUSDT"}, state), ({"symbol": "BTCUSDT"}, f"{state}x"), ({"symbol": "BTCUSDT"}, "{}")]
        for arguments, carried in tries:
            with pytest.raises(MCPError) as raised:
                await call("execute_trade", arguments, input_responses=yes, request_state=carried)
            assert raised.value.error.code == -32602
        assert desk.calls == [None]
        done = await call("execute_trade", {"symbol": "BTCUSDT"}, input_responses=yes, request_state=state)
    assert done.structured_content["status"] == "submitted"


async def test_another_caller_cannot_bring_it_back() -> None:
    desk = Desk()
    server, yes = desk.server(), {"confirm": ElicitResult(action="accept", content={"confirm": True})}
    person = Person("accept", {"confirm": True})
    async with Client(server, mode="2026-07-28", elicitation_callback=person) as client:
        asked = await client.session.call_tool("execute_trade", {"symbol": "BTCUSDT"}, allow_input_required=True)
    caller.set(replace(LOCAL_OPERATOR, kind="key", id="another"))
    async with Client(server, mode="2026-07-28", elicitation_callback=person) as client:
        with pytest.raises(MCPError):
            await client.session.call_tool(
                "execute_trade", {"symbol": "BTCUSDT"}, input_responses=yes, request_state=asked.request_state
            )
    assert desk.calls == [None]


async def test_an_answer_without_its_question_confirms_nothing() -> None:
    desk = Desk()
    person = Person("accept", {"confirm": True})
    yes = {"confirm": ElicitResult(action="accept", content={"confirm": True})}
    async with Client(desk.server(), mode="2026-07-28", elicitation_callback=person) as client:
        result = await client.session.call_tool(
            "execute_trade", {"symbol": "BTCUSDT"}, input_responses=yes, allow_input_required=True
        )
    assert desk.calls == [None]
    assert json.loads(result.model_dump_json(by_alias=True))["resultType"] == "input_required"
