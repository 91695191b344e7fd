from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.message import Envelope
from chanflow.runtime.bus.codec import MAX_BODY_BYTES, Codec

Make = Callable[..., Envelope]


def body_with(message: Envelope, **changes: Any) -> str:
    return json.dumps(json.loads(Codec().encode(message)) | changes)


def test_an_envelope_comes_back_as_it_went(envelope: Make) -> None:
    sent = envelope(1, causation_id=UUID(int=9), payload={"中": [1, 0.5, None, True, {"a": "b"}], "empty": {}})
    assert Codec().decode(Codec().encode(sent)) == sent


def test_the_wire_has_rfc3339_times_with_nine_decimals(envelope: Make) -> None:
    raw = json.loads(Codec().encode(envelope(1)))
    assert (raw["ts"], raw["known_at"]) == ("2027-01-15T08:00:00.000000000Z", "2027-01-15T08:00:00.000000001Z")


def test_money_travels_as_text(envelope: Make) -> None:
    body = Codec().encode(envelope(1, payload={"price": Decimal("61250.50")}))
    assert Codec().decode(body).payload == {"price": "61250.5"}


def test_an_unknown_field_is_refused_by_name(envelope: Make) -> None:
    with pytest.raises(InvalidArgument, match="unknown \\['colour'\\]"):
        Codec().decode(body_with(envelope(1), colour="red"))


def test_a_missing_field_is_refused_by_name(envelope: Make) -> None:
    raw = json.loads(Codec().encode(envelope(1)))
    del raw["producer"]
    with pytest.raises(InvalidArgument, match="lacks \\['producer'\\]"):
        Codec().decode(json.dumps(raw))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "not-a-uuid"),
        ("id", "00000000000000000000000000000001"),
        ("id", 1),
        ("causation_id", ""),
        ("topic", "gossip"),
        ("topic", 3),
        ("schema_version", 0),
        ("schema_version", True),
        ("schema_version", "1"),
        ("schema_version", 1.0),
        ("ts", "2027-01-15T08:00:00Z"),
        ("ts", "2027-01-15T16:00:00.000000000+08:00"),
        ("ts", "1969-01-15T08:00:00.000000000Z"),
        ("known_at", 1_800_000_000),
        ("known_at", "yesterday"),
        ("correlation_id", None),
        ("producer", ""),
        ("key", ""),
        ("key", ["BTCUSDT"]),
        ("payload", []),
        ("payload", None),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(envelope: Make, field: str, value: object) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        Codec().decode(body_with(envelope(1), **{field: value}))
    assert refusal.value.field == field


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "\ud800", "[" * 100_000])
def test_what_is_no_json_object_is_refused(body: str) -> None:
    with pytest.raises(InvalidArgument):
        Codec().decode(body)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(envelope: Make, number: str) -> None:
    body = Codec().encode(envelope(1, payload={"n": 12345})).replace("12345", number)
    with pytest.raises(InvalidArgument, match="not JSON"):
        Codec().decode(body)


def test_a_field_named_twice_is_refused(envelope: Make) -> None:
    body = Codec().encode(envelope(1)).replace('"n":1', '"n":1,"n":2')
    with pytest.raises(InvalidArgument, match="twice"):
        Codec().decode(body)


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": {"x": float("nan")}},
        {"payload": {"x": {1, 2}}},
        {"payload": {"x": "\ud800"}},
        {"payload": ["no", "object"]},
        {"ts_ns": -1},
        {"ts_ns": 1.5},
        {"known_ns": 10**30},
        {"topic": "gossip"},
        {"key": ""},
        {"schema_version": 2},
    ],
)
def test_what_cannot_travel_is_refused_before_it_is_stored(envelope: Make, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        Codec().encode(envelope(1, **changes))


def test_a_payload_nested_without_end_is_refused(envelope: Make) -> None:
    nested: dict[str, Any] = {}
    for _ in range(100_000):
        nested = {"x": nested}
    with pytest.raises(InvalidArgument):
        Codec().encode(envelope(1, payload=nested))


def test_one_mebibyte_passes_and_a_byte_more_does_not(envelope: Make) -> None:
    room = MAX_BODY_BYTES - len(Codec().encode(envelope(1, payload={"x": ""})).encode())
    body = Codec().encode(envelope(1, payload={"x": "y" * room}))
    assert len(Codec().decode(body).payload["x"]) == room
    with pytest.raises(InvalidArgument, match=f"limit is {MAX_BODY_BYTES}"):
        Codec().encode(envelope(1, payload={"x": "y" * (room + 1)}))
    with pytest.raises(InvalidArgument, match=f"limit is {MAX_BODY_BYTES}"):
        Codec().decode(body.replace('"x":"', '"x":"y'))


@pytest.mark.parametrize(("version", "readable"), [(1, False), (2, True), (3, True), (4, False)])
def test_a_reader_takes_its_version_and_the_one_before(envelope: Make, version: int, *, readable: bool) -> None:
    body = Codec({"signal": version}).encode(envelope(1, schema_version=version))
    reader = Codec({"signal": 3})
    if readable:
        assert reader.decode(body).schema_version == version
    else:
        with pytest.raises(InvalidArgument, match="readable are 2 to 3"):
            reader.decode(body)
