"""Whatever a client says, each frame has one answer of a documented code, none our own fault; the socket goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_socket import MESSAGE_S, served
from websockets.sync.client import ClientConnection, connect

from chanflow.interfaces.ws.channels import TERMS
from chanflow.operations.offered import OPERATIONS
from chanflow.operations.outcome import CODES
from chanflow.operations.schema import input_schema

pytestmark = pytest.mark.server
ERRORS = {-32700, -32600, -32601, -32602, -32010, -32011, -32012, -32013, -32014}
OUR_OWN = {"internal", "timeout", "journal_unwritable"}
SCHEMAS = {operation.name: input_schema(operation) for operation in OPERATIONS if "ws" in operation.doors}

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SYMBOLS = st.sampled_from(["BTCUSDT", "ETHUSDT", "EMPTY", "NONE", "000001.SZ"])


def value_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that a schema mostly allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([value_of(each) for each in schema["anyOf"]])
    match schema.get("type"):
        case "integer":
            low, high = schema.get("minimum", 0), schema.get("maximum", 500)
            return st.integers(low, min(high, low + 500))
        case "number":
            return st.floats(0, 1e6)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(value_of(schema.get("items", {})), max_size=3)
        case "object":
            return st.dictionaries(st.text(max_size=6), st.integers() | st.text(max_size=6), max_size=3)
        case "string" if "pattern" in schema:
            return SYMBOLS | st.from_regex(schema["pattern"], fullmatch=True).map(lambda text: text[:64])
        case "string":
            return st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T05:00:00+08:00", "", "x"])
    return ANY


def arguments_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return arguments of an operation: by its schema, with some left out and some of any kind."""
    schema = SCHEMAS[name]
    fields = {key: value_of(each) | ANY for key, each in schema["properties"].items()}
    required = {key: fields[key] for key in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional={key: fields[key] for key in fields if key not in required})


def named(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"name": st.just(name), "arguments": arguments_of(name)})


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "symbol": SYMBOLS | ANY, "symbols": st.lists(SYMBOLS, max_size=3) | ANY, "level": st.sampled_from(["1m", "9q"]),
        "type": st.lists(st.sampled_from(["buy1", "x"]), max_size=2), "state": st.sampled_from(["any", "void", "y"]),
        "alert_id": st.just("al_" + "0" * 32) | ANY, "job_id": st.just("job") | ANY,
    },
)  # fmt: skip
SUBSCRIBED = st.fixed_dictionaries(
    {"channel": st.sampled_from(sorted(TERMS)) | ANY},
    optional={"filter": FILTERS | ANY, "after": st.sampled_from(["e0000000000000000", "j0000010000000001"]) | ANY},
)
CALLS = st.one_of(
    st.tuples(st.just("tools/call"), st.sampled_from(sorted(SCHEMAS)).flatmap(named)),
    st.tuples(st.just("subscribe"), SUBSCRIBED),
    st.tuples(st.sampled_from(["tools/call", "tools/list", "unsubscribe", "ping", "authenticate"]) | st.text(), ANY),
)
IDS = st.integers() | st.text(max_size=8)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientConnection]:
    with served(tmp_path_factory.mktemp("desk"), keys=True) as desk:
        desk.tell("signal", symbol="BTCUSDT")
        shown = {"Authorization": f"Bearer {asyncio.run(desk.key('fuzz', role='operator')).text}"}
        with connect(desk.url, proxy=None, max_queue=None, additional_headers=shown) as client:
            yield client


def answer(client: ClientConnection) -> dict[str, Any]:
    """Return the next answer; what is pushed before it is passed over."""
    while "method" in (found := json.loads(client.recv(MESSAGE_S))):
        assert set(found) == {"jsonrpc", "method", "params"}
    assert isinstance(found, dict)
    return found


def check(found: dict[str, Any]) -> None:
    assert found["jsonrpc"] == "2.0"
    assert set(found) in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
    if "error" in found:
        assert found["error"]["code"] in ERRORS
        assert found["error"]["data"]["code"] in set(CODES) | {"cursor_expired"}
    body = found.get("error", {}).get("data") or found["result"].get("structuredContent", {})
    assert body.get("code") not in OUR_OWN, body


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(call=CALLS, call_id=IDS)
def test_a_call_has_one_answer_under_its_id(client: ClientConnection, call: tuple[str, Any], call_id: Any) -> None:
    method, params = call
    client.send(json.dumps({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}))
    found = answer(client)
    check(found)
    assert found["id"] in (call_id, None)
    if "subscription_id" in found.get("result", {}) and method == "subscribe":
        ended = {"subscription_id": found["result"]["subscription_id"]}
        client.send(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "unsubscribe", "params": ended}))
        assert answer(client)["result"]["ok"] is True


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    frame=st.text(max_size=200) | ANY.map(json.dumps) | st.binary(max_size=80).map(lambda raw: raw.decode("latin-1"))
)
def test_a_frame_that_is_no_call_has_one_answer(client: ClientConnection, frame: str) -> None:
    client.send(frame)
    found = answer(client)
    check(found)
    assert found["error"]["code"] in (-32700, -32600)
    client.send('{"jsonrpc":"2.0","id":"still","method":"ping"}')
    assert answer(client) == {"jsonrpc": "2.0", "id": "still", "result": {}}
