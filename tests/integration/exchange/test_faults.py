"""Every fault of a script does to a client over real sockets what the script says; time stands still but for us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from running_exchange import RunningExchange, running_exchange
from signing_trader import Trader, heard, orders_told

pytestmark = [pytest.mark.server, pytest.mark.slow]

ORDER = {"endpoint": "POST /fapi/v1/order", "nth": 1}


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with running_exchange("--speed", "step", "--symbols", "BTCUSDT", "--seed", "7") as running:
        yield running


@pytest_asyncio.fixture
async def trader(exchange: RunningExchange, key: str) -> AsyncIterator[Trader]:
    async with aiohttp.ClientSession() as http:
        trader = Trader(exchange, key, http)
        yield trader
        await trader.script()
        for socket in trader.sockets:
            await socket.close()


async def test_a_dropped_answer_hides_an_order_that_stands(trader: Trader) -> None:
    await trader.script({"when": ORDER, "do": "drop_ack"})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await trader.order(0.95)
    assert [order["status"] for order in (await trader.books())["orders"]] == ["NEW"]


@pytest.mark.parametrize("executed", [True, False])
async def test_an_unknown_outcome_is_one(trader: Trader, executed: bool) -> None:
    await trader.script({"when": ORDER, "do": "unknown_503", "executed": executed})
    status, told, _ = await trader.order(0.95)
    assert (status, "Unknown error" in told["msg"], "code" in told) == (503, True, False)
    status, told, _ = await trader.send("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")
    assert len(told) == executed


async def test_the_request_of_a_number_has_the_error(trader: Trader) -> None:
    await trader.script({"when": {"request": 2}, "do": "error", "code": -1021})
    answers = [(await trader.send("GET", "/fapi/v1/openOrders"))[:2] for _ in range(3)]
    assert [status for status, _ in answers] == [200, 400, 200]
    assert answers[1][1]["code"] == -1021


async def test_an_order_is_refused_by_its_client_id(trader: Trader) -> None:
    await trader.script({"when": {"client_id": "q…"}, "do": "reject(-2010)"})
    assert (await trader.order(0.95, newClientOrderId="x1"))[0] == 200
    status, told, _ = await trader.order(0.95, newClientOrderId="q1")
    assert (status, told["code"]) == (400, -2010)
    assert len((await trader.books())["orders"]) == 1


async def test_too_many_requests_are_limited_then_banned_then_welcome(trader: Trader) -> None:
    await trader.script({"when": {"rate": "3/s"}, "do": "http", "status": 429, "retry_after": 3, "then": 418})
    told = [await trader.send("GET", "/fapi/v1/openOrders") for _ in range(5)]
    assert [status for status, _, _ in told] == [200, 200, 200, 429, 418]
    assert told[3][2]["Retry-After"] == "3"
    await trader.advance(3_000)
    assert (await trader.send("GET", "/fapi/v1/openOrders"))[0] == 200


@pytest.mark.parametrize("do", ["truncate_body", "garbage"])
async def test_an_answer_that_cannot_be_read(trader: Trader, do: str) -> None:
    await trader.script({"when": ORDER, "do": do})
    status, told, _ = await trader.order(0.95)
    assert (status, type(told)) == (200, str)
    assert len((await trader.books())["orders"]) == 1


async def test_a_slow_answer_comes_when_its_time_has_come(trader: Trader) -> None:
    await trader.script({"when": ORDER, "do": "slow", "ms": 900})
    before = len(await trader.log())
    asking = asyncio.ensure_future(trader.order(0.95))
    for _ in range(1_000):
        if len(await trader.log()) > before:
            break
    await trader.advance(800)
    assert not asking.done()
    await trader.advance(100)
    assert (await asyncio.wait_for(asking, 300))[0] == 200


async def test_a_frozen_venue_accepts_and_never_answers(trader: Trader) -> None:
    socket = await trader.listen()
    market = await trader.watch("public/ws/btcusdt@bookTicker")
    await trader.script({"when": {"time": 0.5}, "do": "freeze", "for_s": 20})
    await trader.order(0.95)
    await trader.advance(600)
    await heard(market)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(trader.order(0.95), 0.5)
    await trader.advance(1_000)
    assert await heard(market) == []
    await trader.advance(20_000)
    assert await heard(market) != []
    assert (await trader.order(0.95))[0] == 200
    assert orders_told(await heard(socket)) == ["NEW", "NEW"]


async def test_a_fault_strikes_the_order_api_too(trader: Trader) -> None:
    await trader.script({"when": {**ORDER, "nth": 2}, "do": "drop_ack"}, {"when": ORDER, "do": "error", "code": -1007})
    socket = await trader.watch("ws-fapi/v1")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010", "apiKey": trader.key}
    asked = trader.signed({**order, "timestamp": await trader.now_ms(), "recvWindow": 60_000})
    await socket.send_json({"id": 1, "method": "order.place", "params": asked})
    told = await socket.receive_json(timeout=300)
    assert (told["id"], told["status"], told["error"]["code"]) == (1, 503, -1007)
    asked = trader.signed({**order, "timestamp": await trader.now_ms(), "recvWindow": 60_000})
    await socket.send_json({"id": 2, "method": "order.place", "params": asked})
    assert (await socket.receive(timeout=300)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE)
    assert [order["status"] for order in (await trader.books())["orders"]] == ["FILLED"]


async def test_an_acknowledgement_comes_twice(trader: Trader) -> None:
    socket = await trader.listen()
    await trader.script({"when": {"client_id": "q…"}, "do": "duplicate_ack"})
    await trader.order(0.95, newClientOrderId="q1")
    await trader.send("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="q1")
    assert orders_told(await heard(socket)) == ["NEW", "NEW", "CANCELED"]


async def test_an_event_is_late(trader: Trader) -> None:
    socket = await trader.listen()
    await trader.script({"when": {"event": "ORDER_TRADE_UPDATE", "nth": 1}, "do": "delay", "ms": 4_000})
    await trader.order(0.95)
    await trader.advance(3_900)
    assert orders_told(await heard(socket)) == []
    await trader.advance(100)
    assert orders_told(await heard(socket)) == ["NEW"]


async def test_a_fill_comes_after_the_cancel_of_its_order(trader: Trader) -> None:
    socket = await trader.listen()
    await trader.script({"when": {"event": "fill"}, "do": "after_cancel"})
    _, ask = await trader.best()
    await trader.send(
        "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="3.000",
        price=f"{ask:.1f}", newClientOrderId="big",
    )  # fmt: skip
    status, told, _ = await trader.send("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="big")
    assert (status, told["status"]) == (200, "CANCELED")
    told_events = orders_told(await heard(socket))
    assert told_events[:2] == ["NEW", "CANCELED"]
    assert set(told_events[2:]) == {"TRADE"}


async def test_events_change_places(trader: Trader) -> None:
    socket = await trader.listen()
    await trader.script({"when": {"event": "ack"}, "do": "reorder"})
    await trader.order()
    told = [event["e"] for event in await heard(socket)]
    assert told[:2] == ["TRADE_LITE", "ORDER_TRADE_UPDATE"]


async def test_an_algo_event_comes_twice_and_an_event_never(trader: Trader) -> None:
    socket = await trader.listen()
    await trader.script(
        {"when": {"event": "ALGO_UPDATE"}, "do": "duplicate"}, {"when": {"event": "ack"}, "do": "skip_frame"}
    )
    stop = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "BUY", "type": "STOP_MARKET", "quantity": "0.010"}
    status, told, _ = await trader.send("POST", "/fapi/v1/algoOrder", **stop, triggerPrice="90000.0")
    assert status == 200, told
    await trader.order(0.95)
    assert [event["e"] for event in await heard(socket)] == ["ALGO_UPDATE", "ALGO_UPDATE"]


async def test_a_lost_frame_breaks_the_chain_of_ids(trader: Trader) -> None:
    socket = await trader.watch("public/ws/btcusdt@depth@100ms")
    await trader.script({"when": {"stream": "depth", "nth": 4}, "do": "skip_frame"})
    await trader.advance(2_000)
    told = await heard(socket)
    breaks = [after["pu"] != before["u"] for before, after in pairwise(told)]
    assert breaks.index(True) == 2
    assert breaks.count(True) == 1


async def test_a_disconnect_closes_one_class_and_keeps_it_closed(trader: Trader) -> None:
    private = await trader.listen()
    market = await trader.watch("market/ws/btcusdt@aggTrade")
    await trader.script({"when": {"time": 0.2}, "do": "disconnect", "stream": "private", "for_s": 8})
    await trader.advance(300)
    await heard(private)
    assert private.closed
    await heard(market)
    assert not market.closed
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await trader.listen()
    await trader.advance(8_000)
    await trader.order(0.95)
    again = await trader.listen()
    await trader.order(0.95)
    assert orders_told(await heard(again)) == ["NEW"]


async def test_the_venues_clock_is_ahead(trader: Trader) -> None:
    await trader.script({"when": {"time": 0}, "do": "clock_skew", "ms": 1_800})
    await trader.advance(10)
    _, told, _ = await trader.send("GET", "/fapi/v1/time")
    assert told["serverTime"] == await trader.now_ms() + 1_800


async def test_listen_keys_expire(trader: Trader) -> None:
    socket = await trader.listen()
    await trader.script({"when": {"time": 0.1}, "do": "listen_key_expire", "api_key": trader.key})
    await trader.advance(200)
    assert [event["e"] for event in await heard(socket)] == ["listenKeyExpired"]
    status, told, _ = await trader.send("PUT", "/fapi/v1/listenKey")
    assert (status, told["code"]) == (400, -1125)


@pytest.mark.parametrize(("do", "client_id"), [("adl", "adl_autoclose"), ("liquidate", "autoclose-")])
async def test_the_venue_closes_positions(trader: Trader, do: str, client_id: str) -> None:
    socket = await trader.listen()
    await trader.order()
    await heard(socket)
    await trader.script({"when": {"time": 0.1}, "do": do, "symbol": "BTCUSDT", "api_key": trader.key})
    await trader.advance(200)
    told = [event["o"] for event in await heard(socket) if event["e"] == "ORDER_TRADE_UPDATE"]
    assert told[-1]["c"].startswith(client_id)
    assert told[-1]["X"] == "FILLED"
    assert (await trader.books())["positions"] == []


async def test_a_market_jumps_and_stays_there(trader: Trader) -> None:
    await trader.send(
        "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL", type="STOP_MARKET",
        quantity="0.010", triggerPrice=f"{(await trader.best())[0] * 0.98:.1f}", workingType="MARK_PRICE",
    )  # fmt: skip
    before = (await trader.best())[0]
    await trader.script({"when": {"time": 0.1}, "do": "gap_price", "symbol": "BTCUSDT", "bps": -500})
    await trader.advance(200)
    assert (await trader.best())[0] == pytest.approx(before * 0.95, rel=2e-3)
    await trader.advance(3_000)
    assert (await trader.best())[0] == pytest.approx(before * 0.95, rel=2e-3)
    books = await trader.books()
    assert [algo["status"] for algo in books["algos"]] == ["FINISHED"]
    assert [position["qty"] for position in books["positions"]] == ["-0.010"]
    await trader.control("price", {"symbol": "BTCUSDT", "price": "60000"})
    assert (await trader.best())[0] == pytest.approx(60_000, rel=2e-3)


async def test_a_jump_that_cannot_be_is_logged_and_the_exchange_goes_on(trader: Trader) -> None:
    await trader.script({"when": {"time": 0.1}, "do": "gap_price", "symbol": "BTCUSDT", "price": 0.001})
    await trader.advance(200)
    (_, failure) = trader.exchange.firings()[-2:]
    assert "ticks, allowed is above 0" in failure["failed"]
    assert (await trader.order())[0] == 200


@pytest.mark.parametrize(
    ("what", "body", "words"),
    [
        ("faults", [{"when": {"request": 0}, "do": "drop_ack"}], "entry 1: `request` is 0, allowed are whole numbers"),
        ("faults", [{"when": {"time": 1}, "do": "adl", "symbol": "MOONUSDT"}], "entry 1: `symbol` is 'MOONUSDT'"),
        ("advance", {"ms": -1}, "`ms` is -1, allowed are whole numbers from 0 to 86,400,000"),
        ("clock", {"skew_ms": "1"}, "`skew_ms` is 1, allowed are whole numbers"),
        ("clock", {}, "`skew_ms` is None, allowed are whole numbers"),
        ("price", {"symbol": "BTCUSDT"}, "a price needs one of `price` and `bps`"),
        ("price", {"symbol": "BTCUSDT", "price": 0}, "`price` is 0, allowed is above 0 to 1,000,000,000"),
        ("price", {"symbol": "BTCUSDT", "price": "NaN"}, "`price` is NaN, allowed is above 0 to 1,000,000,000"),
        ("price", {"symbol": "MOONUSDT", "bps": 1}, "`symbol` is 'MOONUSDT', listed are BTCUSDT"),
        ("liquidate", {"symbol": 5}, "`symbol` is 5, allowed is a listed symbol"),
        ("snapshot", {"path": "/"}, "'path' is no field here, allowed are none"),
        ("reset", [], "the body is '[]', allowed is an object"),
    ],
)  # fmt: skip
async def test_a_wrong_command_is_refused_in_one_sentence(trader: Trader, what: str, body: object, words: str) -> None:
    async with trader.http.post(f"{trader.exchange.rest}/_control/{what}", json=body) as answer:
        assert answer.status == 400
        assert words in (await answer.json())["error"]


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        ("log?after=two", 400, "`after` is 'two', allowed is the number of a firing"),
        ("log?after=%C2%B2", 400, "allowed is the number of a firing"),
        ("moon", 404, "GET 'moon' is not there, there are GET log"),
    ],
)
async def test_a_wrong_question_is_refused_in_one_sentence(trader: Trader, what: str, status: int, words: str) -> None:
    async with trader.http.get(f"{trader.exchange.rest}/_control/{what}") as answer:
        assert answer.status == status
        assert words in (await answer.json())["error"]


async def test_what_no_endpoint_answers_is_counted(trader: Trader) -> None:
    assert (await trader.send("GET", "/fapi/v1/moonPhase"))[0] == 404
    async with trader.http.get(f"{trader.exchange.rest}/_control/unknown") as answer:
        assert (await answer.json())["GET /fapi/v1/moonPhase"] == 1


async def test_a_snapshot_has_books_markets_and_firings(trader: Trader) -> None:
    await trader.order(0.95)
    told = await trader.control("snapshot", {})
    bid, ask = await trader.best()
    market = told["markets"]["BTCUSDT"]
    assert (float(market["bids"][0][0]), float(market["asks"][0][0])) == (bid, ask)
    assert trader.key in [account["key"] for account in told["accounts"]]
    assert [firing["do"] for firing in told["firings"]] == await trader.log()


async def run_of(seed: str, actions: int) -> tuple[Any, Any]:
    """Trade under a script on an exchange of its own and return its firings and its books."""
    script = [
        {"when": {"endpoint": "POST /fapi/v1/order", "prob": 0.2}, "do": "unknown_503", "executed": True},
        {"when": {"endpoint": "POST /fapi/v1/order", "prob": 0.2}, "do": "error", "code": -1001},
        {"when": {"event": "fill", "prob": 0.5}, "do": "delay", "ms": 700},
        {"when": {"stream": "depth", "prob": 0.1}, "do": "skip_frame"},
        {"when": {"time": 3}, "do": "gap_price", "symbol": "BTCUSDT", "bps": 40},
    ]
    with running_exchange("--speed", "step", "--symbols", "BTCUSDT", "--seed", seed) as exchange:
        async with aiohttp.ClientSession() as http:
            trader = Trader(exchange, "same", http)
            socket = await trader.watch("public/ws/btcusdt@depth@100ms")
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            await heard(socket, 1.0)
            await trader.listen()
            await trader.script(*script)
            for number in range(actions):
                side = "BUY" if number % 3 else "SELL"
                share = None if number % 2 else 0.999
                await trader.order(share, side=side, newClientOrderId=f"n{number}")
                await trader.advance(250)
            for one in trader.sockets:
                await one.close()
        return exchange.control("log"), exchange.control("books")


async def test_a_reset_begins_anew() -> None:
    with running_exchange("--speed", "step", "--symbols", "BTCUSDT", "--seed", "7") as exchange:
        async with aiohttp.ClientSession() as http:
            trader = Trader(exchange, "reset", http)
            at_first = await trader.control("snapshot", {})
            await trader.order()
            await trader.control("price", {"symbol": "BTCUSDT", "bps": 300})
            await trader.control("clock", {"skew_ms": 70_000})
            await trader.advance(5_000)
            await trader.control("reset", {})
            assert await trader.control("snapshot", {}) == at_first
            assert (await trader.order())[0] == 200


async def test_two_runs_of_one_seed_are_one_run() -> None:
    first, second, other = [await run_of(seed, 24) for seed in ("5", "5", "6")]
    assert first == second
    assert first[0]["firings"] != other[0]["firings"]
    assert {firing["do"] for firing in first[0]["firings"]} == {
        "unknown_503",
        "error",
        "delay",
        "skip_frame",
        "gap_price",
    }
