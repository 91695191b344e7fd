"""A mock order fills at its signal's price on the simulated venue, and depends on nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from made_signals import AT_MS, line

from chanflow.runtime.broker_signals import BrokerSignal, read_line
from chanflow.runtime.mock_fill import mock_order

FIELDS = [
    "order_id", "symbol", "side", "strength", "signal_type", "signal_score", "signal_ts_ms", "order_ts_ms", "status",
    "filled_qty", "filled_price", "fee", "state_history",
]  # fmt: skip


def order(number: int = 1, kind: str = "strong_buy", **changes: Any) -> dict[str, Any]:
    signal = read_line(line(0, kind, **changes))
    assert isinstance(signal, BrokerSignal)
    return asyncio.run(mock_order(signal, number, order_latency_ns=20_000_000, response_latency_ns=30_000_000))


def test_it_has_the_fields_of_the_earlier_service_in_their_order() -> None:
    assert list(order()) == FIELDS


def test_a_strong_buy_fills_at_the_price_and_pays_the_venues_fee() -> None:
    made = order(17)
    assert made["order_id"] == "MOCK_000017"
    assert (made["side"], made["strength"], made["status"]) == ("BUY", "STRONG", "FILLED")
    assert (made["filled_price"], made["filled_qty"], made["fee"]) == (50_000.0, 0.001, 0.025)
    assert (made["signal_ts_ms"], made["order_ts_ms"]) == (AT_MS, AT_MS + 50)


def test_its_states_are_those_of_every_order() -> None:
    history = order()["state_history"]
    assert [moment["state"] for moment in history] == ["INITIALIZED", "SUBMITTED", "ACCEPTED", "FILLED"]
    assert [moment["ts_ms"] - AT_MS for moment in history] == [0, 0, 50, 50]


@pytest.mark.parametrize("price", ["0.00000001", "1", "50000.05", "3.14159265", "999999999999999"])
@pytest.mark.parametrize("kind", ["buy", "sell"])
def test_any_price_is_met_exactly(price: str, kind: str) -> None:
    made = order(kind=kind, price=price)
    assert (made["status"], made["filled_price"]) == ("FILLED", float(price))
    assert (made["side"], made["strength"]) == (kind.upper(), "NORMAL")


def test_numbers_go_on_beyond_six_digits() -> None:
    assert order(1_000_000)["order_id"] == "MOCK_1000000"
