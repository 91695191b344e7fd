"""Addresses and messages of stream sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chanflow.adapters.venues.emulator.streams import Asked, address, answer, class_of


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        ("btcusdt@bookTicker", "public"), ("btcusdt@depth@100ms", "public"), ("btcusdt@depth5", "public"),
        ("btcusdt@trade", "public"), ("!bookTicker", "public"), ("btcusdt@aggTrade", "market"),
        ("btcusdt@kline_1m", "market"), ("btcusdt@markPrice@1s", "market"), ("!ticker@arr", "market"),
        ("btcusdt_perpetual@continuousKline_1m", "market"), ("pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61", "private"),
    ],
)  # fmt: skip
def test_each_stream_has_a_class(stream: str, kind: str) -> None:
    assert class_of(stream) == kind


@pytest.mark.parametrize(
    ("target", "kind", "combined", "streams"),
    [
        ("/public/stream?streams=btcusdt@depth/btcusdt@trade", "public", True, ["btcusdt@depth", "btcusdt@trade"]),
        ("/market/ws/btcusdt@aggTrade", "market", False, ["btcusdt@aggTrade"]),
        ("/public/ws/3", "public", False, []),  # ccxt numbers its connections
        ("/private/ws?listenKey=abc", "private", False, ["abc"]),
        ("/private/ws/abc", "private", False, ["abc"]),
        ("/private/stream?listenKey=abc&events=ORDER_TRADE_UPDATE", "private", True, ["abc"]),
        ("/private/ws/0?listenKey=abc", "private", False, ["abc"]),
    ],
)
def test_an_address_says_what_is_asked(target: str, kind: str, combined: bool, streams: list[str]) -> None:
    asked = address(target, legacy=False)
    assert asked is not None
    assert (asked.kind, asked.combined, list(asked.streams)) == (kind, combined, streams)


@pytest.mark.parametrize(
    "target", ["/", "/public", "/public/wss", "/ws", "/stream?streams=btcusdt@trade", "/elsewhere/ws"]
)
def test_other_addresses_are_none_of_ours(target: str) -> None:
    assert address(target, legacy=False) is None


def test_the_old_addresses_carry_every_class_where_they_are_open() -> None:
    asked = address("/stream?streams=btcusdt@aggTrade/btcusdt@depth/abcdef", legacy=True)
    assert asked is not None
    assert asked.carried == ("abcdef", "btcusdt@aggTrade", "btcusdt@depth")


def test_a_stream_of_another_class_is_silent() -> None:
    asked = address("/public/ws", legacy=False)
    assert asked is not None
    assert (
        said(asked, {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade", "btcusdt@depth"], "id": 1})["result"] is None
    )
    assert asked.carried == ("btcusdt@depth",)


@pytest.mark.parametrize("number", [1, "abc", None])
def test_the_id_comes_back_as_it_was_sent(number: int | str | None) -> None:
    told = said(Asked("public", combined=False), {"method": "SUBSCRIBE", "params": ["btcusdt@depth"], "id": number})
    assert told == {"result": None, "id": number}


def test_streams_are_listed_and_left() -> None:
    asked = Asked("market", combined=True)
    said(asked, {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade", "btcusdt@kline_1m"], "id": 1})
    said(asked, {"method": "UNSUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 2})
    assert said(asked, {"method": "LIST_SUBSCRIPTIONS", "id": 3}) == {"result": ["btcusdt@kline_1m"], "id": 3}


def test_a_client_may_have_its_messages_named() -> None:
    asked = Asked("market", combined=False)
    said(asked, {"method": "SET_PROPERTY", "params": ["combined", True], "id": 1})
    assert said(asked, {"method": "GET_PROPERTY", "params": ["combined"], "id": 2}) == {"result": True, "id": 2}


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (b"{", 3, "Invalid JSON"),
        (b"[]", 2, "must be an object"),
        (b'{"method":"FLY","id":1}', 2, "unknown variant `FLY`"),
        (b'{"method":"SUBSCRIBE","params":"x","id":1}', 2, "params"),
        (b'{"method":"SUBSCRIBE","params":[1],"id":1}', 2, "stream names"),
        (b'{"method":"SUBSCRIBE","params":["a@b"],"id":1.5}', 2, "request ID"),
    ],
)
def test_what_cannot_be_read_is_said_so(text: bytes, code: int, word: str) -> None:
    told = json.loads(answer(Asked("public", combined=False), text))
    assert told["error"]["code"] == code
    assert word in told["error"]["msg"]


def test_a_connection_carries_so_many_streams_and_no_more() -> None:
    asked = Asked("public", combined=False)
    many = [f"s{n}usdt@depth" for n in range(1_024)]
    assert "error" not in said(asked, {"method": "SUBSCRIBE", "params": many, "id": 1})
    assert "1024" in said(asked, {"method": "SUBSCRIBE", "params": ["btcusdt@depth"], "id": 2})["error"]["msg"]
    assert len(asked.streams) == 1_024


def said(asked: Asked, message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer(asked, json.dumps(message).encode()))
    return found
