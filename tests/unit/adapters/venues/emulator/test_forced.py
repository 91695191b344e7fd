"""Positions that the venue closes by itself."""

from __future__ import annotations

import json

import pytest
from made_door import made_door, made_request

from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.forced import force_out
from chanflow.adapters.venues.emulator.records import UserEvent
from chanflow.adapters.venues.emulator.rest import RestDoor

MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
RESTING = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "price": "59000.0",
}


def holding(*keys: str) -> RestDoor:
    door = made_door()
    for key in keys:
        for order in (MARKET, RESTING):
            assert door.answer(made_request("POST", "/fapi/v1/order", key, **order)).status == 200
    return door


def positions(door: RestDoor, key: str) -> list[str]:
    told = json.loads(door.answer(made_request("GET", "/fapi/v3/positionRisk", key, symbol="BTCUSDT")).body)
    return [row["positionAmt"] for row in told]


def test_a_liquidation_closes_the_position_and_cancels_the_orders_of_its_symbol() -> None:
    door = holding("a", "b")
    events: list[UserEvent] = []
    door.desk.world.on_user_event = lambda _, event: events.append(event)
    (order,) = force_out(door.desk.world, "BTCUSDT", "autoclose", key="a")
    assert (order.status, order.filled, order.client_id[:10]) == ("FILLED", 10, "autoclose-")
    told = [
        (event.payload["o"]["x"], event.payload["o"]["X"]) for event in events if event.name == "ORDER_TRADE_UPDATE"
    ]
    assert told == [("CANCELED", "CANCELED"), ("NEW", "NEW"), ("CALCULATED", "FILLED")]
    assert positions(door, "a") == []
    assert positions(door, "b") == ["0.010"]


def test_auto_deleveraging_reduces_every_position_by_no_more_than_asked() -> None:
    door = holding("a", "b")
    done = force_out(door.desk.world, "BTCUSDT", "adl_autoclose", lots=4)
    assert [(order.filled, order.client_id[:14]) for order in done] == [(4, "adl_autoclose-")] * 2
    assert positions(door, "a") == positions(door, "b") == ["0.006"]
    assert len(door.desk.world.accounts[0].open_orders) == 1


def test_an_account_without_a_position_is_left_alone() -> None:
    door = made_door()
    door.answer(made_request("POST", "/fapi/v1/order", "a", **RESTING))
    assert force_out(door.desk.world, "BTCUSDT", "autoclose") == []
    assert len(door.desk.world.accounts[0].open_orders) == 1


def test_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(Fault, match="-1121"):
        force_out(made_door().desk.world, "MOONUSDT", "autoclose")
