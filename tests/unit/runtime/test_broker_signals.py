"""What a broker takes from a line, and what it passes over by name."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from made_signals import AT_MS, line

from chanflow.runtime.broker_signals import BadLine, BrokerSignal, read_line


def read(**changes: Any) -> BrokerSignal | BadLine | None:
    return read_line(line(0, **changes))


def test_a_confirmed_signal_is_taken() -> None:
    assert read() == BrokerSignal("r1-BTCUSDT-0", "BTCUSDT", "buy", 0.85, AT_MS, AT_MS, Decimal(50_000))


def test_one_that_is_not_confirmed_is_none() -> None:
    assert read(confirm=False, signal_type="nonsense") is None


def test_a_line_of_the_earlier_service_is_named_by_what_it_says() -> None:
    row = {"ts_ms": AT_MS, "symbol": "BTCUSDT", "signal_type": "strong_buy", "confirm": True, "mid_price": 50_000.5}
    found = read_line(json.dumps(row).encode())
    assert isinstance(found, BrokerSignal)
    assert (found.signal_id, found.price, found.strong) == (
        f"BTCUSDT-{AT_MS}-strong_buy",
        Decimal("50000.5"),
        True,
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"confirm": 1}, "bad_field"),
        ({"confirm": None}, "bad_field"),
        ({"signal_type": "buy_now"}, "bad_field"),
        ({"signal_type": ["buy"]}, "bad_field"),
        ({"signal_type": "neutral"}, "no_side"),
        ({"symbol": "BTC USDT"}, "bad_field"),
        ({"symbol": "../../etc"}, "bad_field"),
        ({"ts_ms": -1}, "bad_field"),
        ({"ts_ms": 1e12}, "bad_field"),
        ({"ts_ms": 10**30}, "bad_field"),
        ({"ts_ms": True}, "bad_field"),
        ({"score": float("nan")}, "bad_field"),
        ({"score": 10**400}, "bad_field"),
        ({"signal_id": ""}, "bad_field"),
        ({"signal_id": "x" * 201}, "bad_field"),
        ({"signal_id": "\ud800"}, "bad_field"),
        ({"signal_id": 5}, "bad_field"),
        ({"price": None}, "no_price"),
        ({"price": "0"}, "no_price"),
        ({"price": -5}, "no_price"),
        ({"price": "NaN"}, "no_price"),
        ({"price": "1e400"}, "no_price"),
        ({"price": "0.000000001"}, "no_price"),
        ({"price": "1234567890.12345678"}, "no_price"),
        ({"price": True}, "no_price"),
        ({"price": "a dollar"}, "no_price"),
    ],
)
def test_what_cannot_be_ordered_is_passed_over_by_name(changes: dict[str, Any], code: str) -> None:
    found = read(**changes)
    assert isinstance(found, BadLine)
    assert found.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, "too_long"), (b"garbage", "no_json"), (b"[" * 9_999, "no_json"), (b"[1]", "no_object"),
     (b"\xff\xfe", "no_json"), (b'{"confirm": true}', "bad_field")],
)  # fmt: skip
def test_what_is_no_row_is_passed_over_by_name(text: bytes | None, code: str) -> None:
    found = read_line(text)
    assert isinstance(found, BadLine)
    assert found.code == code
