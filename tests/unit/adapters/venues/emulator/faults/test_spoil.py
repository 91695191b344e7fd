"""What a client hears of a request that a fault strikes, and whether the exchange heard of it."""

from __future__ import annotations

import json

import pytest
from made_door import START_NS, made_door, made_request

from chanflow.adapters.venues.emulator.faults.engine import Faults
from chanflow.adapters.venues.emulator.faults.log import FiringLog
from chanflow.adapters.venues.emulator.faults.script import parse_script
from chanflow.adapters.venues.emulator.faults.spoil import Spoiled, answer, client_ids
from chanflow.adapters.venues.emulator.records import UserEvent
from chanflow.adapters.venues.emulator.rest import Request, RestDoor

RESTING = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "price": "59000.0",
}
ORDER = made_request("POST", "/fapi/v1/order", newClientOrderId="q1", **RESTING)


def struck(request: Request = ORDER, **do: object) -> tuple[Spoiled, RestDoor]:
    door = made_door()
    script = parse_script([{"when": {"request": 1}, **do}])
    faults: Faults[UserEvent] = Faults(script, seed=1, start_ns=START_NS, log=FiringLog(START_NS))
    return answer(request, door.answer, faults, lambda: door.desk.world.now_ns), door


def orders(door: RestDoor) -> int:
    return sum(len(account.orders) for account in door.desk.world.accounts)


def body(spoiled: Spoiled) -> object:
    assert spoiled.response is not None
    return json.loads(spoiled.response.body)


def test_a_dropped_answer_leaves_the_order_at_the_exchange() -> None:
    spoiled, door = struck(do="drop_ack")
    assert spoiled == Spoiled(None)
    assert orders(door) == 1


@pytest.mark.parametrize("executed", [True, False])
def test_an_unknown_outcome_is_executed_or_not_as_the_script_says(executed: bool) -> None:
    spoiled, door = struck(do="unknown_503", executed=executed)
    assert spoiled.response is not None
    assert spoiled.response.status == 503
    assert body(spoiled) == {
        "timestamp": START_NS // 10**6, "path": "/fapi/v1/order",
        "msg": "Unknown error, please check your request or try again later.",
    }  # fmt: skip
    assert orders(door) == executed


@pytest.mark.parametrize(("code", "status"), [(-1021, 400), (-1007, 503), (-2015, 401), (-1015, 429)])
def test_an_error_has_its_codes_words_and_status(code: int, status: int) -> None:
    spoiled, door = struck(do="error", code=code)
    assert spoiled.response is not None
    assert (spoiled.response.status, orders(door)) == (status, 0)
    assert set(json.loads(spoiled.response.body)) == {"code", "msg"}


def test_a_refused_batch_is_a_list_of_refusals() -> None:
    batch = json.dumps([RESTING, RESTING])
    spoiled, door = struck(made_request("POST", "/fapi/v1/batchOrders", batchOrders=batch), do="reject(-2019)")
    assert body(spoiled) == [{"code": -2019, "msg": "Margin is insufficient."}] * 2
    assert orders(door) == 0


def test_a_limit_tells_when_to_come_back_and_a_ban_until_when_it_lasts() -> None:
    spoiled, _ = struck(do="http", status=429, retry_after=3)
    assert spoiled.response is not None
    assert (spoiled.response.status, spoiled.response.headers["Retry-After"]) == (429, "3")
    banned, _ = struck(do="http", status=418, retry_after=60)
    assert banned.response is not None
    assert f"banned until {START_NS // 10**6 + 60_000}" in banned.response.body.decode()


def test_a_firewall_answers_no_json() -> None:
    spoiled, _ = struck(do="http", status=403)
    assert spoiled.response is not None
    assert (spoiled.response.status, spoiled.response.body[:6]) == (403, b"<html>")


def test_half_an_answer_is_half_of_the_true_one() -> None:
    whole, _ = struck(do="slow", ms=0)
    half, door = struck(do="truncate_body")
    assert whole.response is not None
    assert half.response is not None
    assert half.response.body == whole.response.body[: len(whole.response.body) // 2]
    assert orders(door) == 1


def test_garbage_is_no_json() -> None:
    spoiled, door = struck(do="garbage")
    with pytest.raises(ValueError, match="Expecting value"):
        body(spoiled)
    assert orders(door) == 1


def test_a_slow_answer_is_the_true_one_later() -> None:
    spoiled, door = struck(do="slow", ms=250)
    assert (spoiled.hold_ns, orders(door)) == (250_000_000, 1)
    assert spoiled.response is not None
    assert spoiled.response.status == 200


def test_a_frozen_venue_is_silent() -> None:
    spoiled, door = struck(do="freeze", for_s=1)
    assert (spoiled.silent, spoiled.response, orders(door)) == (True, None, 0)


def test_the_client_ids_of_a_batch_are_seen() -> None:
    batch = json.dumps([{"newClientOrderId": "a"}, {"symbol": "BTCUSDT"}, {"newClientOrderId": "b"}, 7])
    assert client_ids(made_request("POST", "/fapi/v1/batchOrders", batchOrders=batch)) == ("a", "b")
    gone = made_request("DELETE", "/fapi/v1/batchOrders", origClientOrderIdList='["c","d"]')
    assert client_ids(gone) == ("c", "d")
    assert client_ids(made_request("POST", "/fapi/v1/batchOrders", batchOrders="[[[")) == ()
