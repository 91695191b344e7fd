"""The WebSocket order API says what the REST door says, and signs as the venue does."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from made_door import START_MS, made_door

from chanflow.adapters.venues.emulator.rest import RestDoor
from chanflow.adapters.venues.emulator.signing import signature
from chanflow.adapters.venues.emulator.ws_orders import MAX_MESSAGE, Session

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "price": "59000.0",
}


def session(door: RestDoor) -> Session:
    return Session(door.answer, lambda key: door.keys.account(key).secret, now_ms=lambda: START_MS, address="127.0.0.1")


def said(one: Session, door: RestDoor, message: object) -> dict[str, Any]:
    read = one.read(message if isinstance(message, bytes) else json.dumps(message).encode())
    told = read if isinstance(read, bytes) else one.reply(read, door.answer(read.request))
    return dict(json.loads(told))


def covered(params: dict[str, Any]) -> str:
    return "&".join(f"{name}={params[name]}" for name in sorted(params))


def signed(params: dict[str, Any], key: str = "me") -> dict[str, Any]:
    whole = {**params, "apiKey": key, "timestamp": START_MS}
    return {**whole, "signature": signature("test", covered(whole))}


def ed25519(params: dict[str, Any]) -> dict[str, Any]:
    whole = {**params, "apiKey": "ed", "timestamp": START_MS}
    return {**whole, "signature": base64.b64encode(PRIVATE.sign(covered(whole).encode())).decode()}


def test_an_order_lives_over_the_socket() -> None:
    door = made_door()
    one = session(door)
    placed = said(one, door, {"id": "a", "method": "order.place", "params": signed(ORDER)})
    assert (placed["id"], placed["status"], placed["result"]["status"]) == ("a", 200, "NEW")
    which = {"symbol": "BTCUSDT", "orderId": placed["result"]["orderId"]}
    moved = {**which, "side": "BUY", "quantity": "0.020", "price": "58000.0"}
    changed = said(one, door, {"id": 2, "method": "order.modify", "params": signed(moved)})
    assert (changed["id"], changed["result"]["origQty"]) == (2, "0.020")
    found = said(one, door, {"id": 3, "method": "order.status", "params": signed(which)})
    assert found["result"]["price"] == "58000.0"
    ended = said(one, door, {"id": 4, "method": "order.cancel", "params": signed(which)})
    assert ended["result"]["status"] == "CANCELED"


def test_the_limits_are_told_unless_they_are_not_wanted() -> None:
    door = made_door()
    one = session(door)
    told = said(one, door, {"id": 1, "method": "order.place", "params": signed(ORDER)})["rateLimits"]
    assert [(row["rateLimitType"], row["intervalNum"], row["count"]) for row in told][1:] == [
        ("ORDERS", 10, 1),
        ("ORDERS", 1, 1),
    ]
    quiet = signed({**ORDER, "returnRateLimits": "false"})
    assert "rateLimits" not in said(one, door, {"id": 1, "method": "order.place", "params": quiet})


def test_a_refusal_has_its_code_and_status() -> None:
    door = made_door()
    told = said(
        session(door), door, {"id": 1, "method": "order.status", "params": signed({"symbol": "BTCUSDT", "orderId": 5})}
    )
    assert (told["status"], told["error"]["code"]) == (400, -2013)
    wrong = {**signed(ORDER), "signature": "00"}
    assert said(session(door), door, {"id": 1, "method": "order.place", "params": wrong})["error"]["code"] == -1022
    assert said(session(door), door, {"id": 1, "method": "order.place", "params": ORDER})["error"]["code"] == -2014


def test_numbers_are_signed_as_they_were_written() -> None:
    door = made_door()
    params = signed({**ORDER, "quantity": "0.010", "price": "59000.0"})
    text = json.dumps(params).replace('"0.010"', "0.010").replace('"59000.0"', "59000.0")
    told = said(session(door), door, f'{{"id":1,"method":"order.place","params":{text}}}'.encode())
    assert told["status"] == 200


def test_an_ed25519_key_signs_each_request() -> None:
    door = made_door(ed=PUBLIC)
    assert said(session(door), door, {"id": 1, "method": "order.place", "params": ed25519(ORDER)})["status"] == 200
    other = {**ed25519(ORDER), "price": "58000.0"}
    assert said(session(door), door, {"id": 1, "method": "order.place", "params": other})["error"]["code"] == -1022


def test_a_session_that_logged_on_signs_no_more() -> None:
    door = made_door(ed=PUBLIC)
    one = session(door)
    logged = said(one, door, {"id": 1, "method": "session.logon", "params": ed25519({})})["result"]
    assert (logged["apiKey"], logged["authorizedSince"], logged["serverTime"]) == ("ed", START_MS, START_MS)
    bare = {"id": 2, "method": "order.place", "params": {**ORDER, "timestamp": START_MS}}
    assert said(one, door, bare)["result"]["status"] == "NEW"
    assert said(session(door), door, bare)["error"]["code"] == -2014
    assert said(one, door, {"id": 3, "method": "session.logout"})["result"]["apiKey"] is None
    assert said(one, door, bare)["error"]["code"] == -2014


def test_a_session_speaks_for_its_own_key_alone() -> None:
    door = made_door(ed=PUBLIC)
    one = session(door)
    said(one, door, {"id": 1, "method": "session.logon", "params": ed25519({})})
    theirs = {**ORDER, "timestamp": START_MS, "apiKey": "somebody"}
    assert said(one, door, {"id": 2, "method": "order.place", "params": theirs})["error"]["code"] == -1102


def test_an_hmac_key_cannot_log_on() -> None:
    door = made_door()
    told = said(session(door), door, {"id": 1, "method": "session.logon", "params": signed({})})
    assert told["error"]["code"] == -4056


def test_a_wrong_or_old_logon_is_refused() -> None:
    door = made_door(ed=PUBLIC)
    wrong = {**ed25519({}), "timestamp": START_MS + 1}
    assert said(session(door), door, {"id": 1, "method": "session.logon", "params": wrong})["error"]["code"] == -1022
    assert said(session(door), door, {"id": 1, "method": "session.status"})["result"]["apiKey"] is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"{", "Invalid JSON request."),
        (b"[1]", "'id' is a number or a string"),
        (b'{"id": {}, "method": "ping"}', "'id' is a number or a string"),
        (b'{"id": 1}', "'method' is a string"),
        (b'{"id": 1, "method": "ping", "params": [1]}', "'params' an object"),
        (b'{"id": 1, "method": "order.destroy"}', "method 'order.destroy' is unknown"),
        (b'{"id": 1, "method": "session.steal"}', "method 'session.steal' is unknown"),
        (b'{"id": 1, "method": "ping", "params": {"a": [1]}}', "Illegal characters found in parameter 'a'"),
        (b'{"id": 1, "method": "order.place", "params": {"symbol": "A&b=1"}}', "Illegal characters found"),
        (b"[" * 10_000, "Invalid JSON request."),
        (b'{"id": 1, "method": "' + b"x" * MAX_MESSAGE + b'"}', "allowed are 65,536"),
    ],
)
def test_what_is_no_request_is_answered_so(message: bytes, words: str) -> None:
    door = made_door()
    told = said(session(door), door, message)
    assert told["status"] == 400
    assert words in told["error"]["msg"]
