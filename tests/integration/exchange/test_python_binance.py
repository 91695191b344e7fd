"""python-binance as it comes, synchronous, asynchronous and over sockets, trades on the emulated exchange."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from running_exchange import RunningExchange, done, point_binance

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the library imports a name that its own library renamed
    from binance import AsyncClient, BinanceAPIException, BinanceSocketManager, Client
    from binance.ws.reconnecting_websocket import ReconnectingWebsocket

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest_asyncio.fixture(params=["sync", "async"])
async def client(request: pytest.FixtureRequest, exchange: RunningExchange, key: str) -> AsyncIterator[Any]:
    if request.param == "sync":
        client = point_binance(Client, exchange)(key, "test")
        yield client
        client.close_connection()
    else:
        client = await point_binance(AsyncClient, exchange).create(key, "test")
        yield client
        await client.close_connection()


async def price(client: Any, share: float = 1.0) -> str:
    ticker = await done(client.futures_symbol_ticker(symbol="BTCUSDT"))
    return f"{float(ticker['price']) * share:.1f}"


async def resting(client: Any, share: float = 0.95, **more: object) -> dict[str, Any]:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
    return dict(await done(client.futures_create_order(**order, price=await price(client, share), **more)))


async def test_the_market_can_be_asked_for(client: Any) -> None:
    rules = {row["symbol"]: row for row in (await done(client.futures_exchange_info()))["symbols"]}
    assert sorted(rules) == ["BTCUSDT", "ETHUSDT"]
    book = await done(client.futures_order_book(symbol="BTCUSDT", limit=5))
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    for call in (client.futures_recent_trades, client.futures_aggregate_trades, client.futures_historical_trades):
        assert await done(call(symbol="BTCUSDT", limit=3))
    assert await done(client.futures_klines(symbol="BTCUSDT", interval="1m", limit=2))
    assert await done(
        client.futures_continuous_klines(pair="BTCUSDT", contractType="PERPETUAL", interval="1m", limit=2)
    )
    assert float((await done(client.futures_mark_price(symbol="BTCUSDT")))["markPrice"]) > 0
    assert float((await done(client.futures_ticker(symbol="BTCUSDT")))["lastPrice"]) > 0
    best = await done(client.futures_orderbook_ticker(symbol="BTCUSDT"))
    assert float(best["bidPrice"]) < float(best["askPrice"])
    assert float((await done(client.futures_open_interest(symbol="BTCUSDT")))["openInterest"]) > 0


async def test_a_limit_order_lives(client: Any) -> None:
    made = await resting(client)
    found = await done(client.futures_get_order(symbol="BTCUSDT", orderId=made["orderId"]))
    assert (found["status"], found["origQty"]) == ("NEW", "0.010")
    moved = {"symbol": "BTCUSDT", "orderId": made["orderId"], "side": "BUY", "quantity": "0.020"}
    changed = await done(client.futures_modify_order(**moved, price=await price(client, 0.94)))
    assert changed["origQty"] == "0.020"
    assert len(await done(client.futures_get_open_orders(symbol="BTCUSDT"))) == 1
    ended = await done(client.futures_cancel_order(symbol="BTCUSDT", orderId=made["orderId"]))
    assert ended["status"] == "CANCELED"
    (past,) = await done(client.futures_get_all_orders(symbol="BTCUSDT"))
    assert past["status"] == "CANCELED"


async def test_a_market_order_is_filled_and_booked(client: Any, exchange: RunningExchange, key: str) -> None:
    made = await done(client.futures_create_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.010"))
    trades = await done(client.futures_account_trades(symbol="BTCUSDT"))
    assert {trade["orderId"] for trade in trades} == {made["orderId"]}
    (position,) = await done(client.futures_position_information(symbol="BTCUSDT"))
    assert position["positionAmt"] == "-0.010"
    balance = {row["asset"]: row["balance"] for row in await done(client.futures_account_balance())}
    assert balance["USDT"] == exchange.account(key)["wallet"]
    account = await done(client.futures_account())
    assert account["totalWalletBalance"] == balance["USDT"]
    income = await done(client.futures_income_history())
    assert "COMMISSION" in {row["incomeType"] for row in income}


async def test_a_stop_is_an_algo_order(client: Any) -> None:
    await done(client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010"))
    stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "closePosition": "true"}
    made = await done(client.futures_create_order(**stop, stopPrice=await price(client, 0.5)))
    (armed,) = await done(client.futures_get_open_algo_orders(symbol="BTCUSDT"))
    assert armed["algoId"] == made["algoId"]
    assert (await done(client.futures_get_algo_order(algoId=made["algoId"])))["algoStatus"] == "NEW"
    await done(client.futures_cancel_algo_order(algoId=made["algoId"]))
    await done(client.futures_create_order(**stop, stopPrice=await price(client, 0.5)))
    await done(client.futures_cancel_all_algo_open_orders(symbol="BTCUSDT"))
    assert await done(client.futures_get_open_algo_orders(symbol="BTCUSDT")) == []
    assert len(await done(client.futures_get_all_algo_orders(symbol="BTCUSDT"))) == 2


async def test_orders_go_in_batches(client: Any) -> None:
    at = [await price(client, share) for share in (0.95, 0.94)]
    row = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
    made = await done(client.futures_place_batch_order(batchOrders=[{**row, "price": one} for one in at]))
    assert [float(one["price"]) for one in made] == [float(one) for one in at]
    ids = [one["orderId"] for one in made]
    ended = await done(client.futures_cancel_orders(symbol="BTCUSDT", orderidlist=ids))
    assert [one["status"] for one in ended] == ["CANCELED", "CANCELED"]


async def test_all_orders_are_cancelled_and_by_countdown_too(client: Any) -> None:
    await resting(client, 0.95)
    await resting(client, 0.94)
    await done(client.futures_cancel_all_open_orders(symbol="BTCUSDT"))
    assert await done(client.futures_get_open_orders()) == []
    await resting(client, 0.95)
    armed = await done(client.futures_countdown_cancel_all(symbol="BTCUSDT", countdownTime=500))
    assert armed["countdownTime"] in (500, "500")
    async with asyncio.timeout(300):
        while await done(client.futures_get_open_orders()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_an_account_sets_leverage_margin_and_mode(client: Any) -> None:
    assert (await done(client.futures_change_leverage(symbol="BTCUSDT", leverage=9)))["leverage"] == 9
    await done(client.futures_change_margin_type(symbol="BTCUSDT", marginType="ISOLATED"))
    with pytest.raises(BinanceAPIException) as caught:
        await done(client.futures_change_margin_type(symbol="BTCUSDT", marginType="ISOLATED"))
    assert caught.value.code == -4046
    await done(client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010"))
    await done(client.futures_change_position_margin(symbol="BTCUSDT", amount="15", type=1))
    (row,) = await done(client.futures_position_margin_history(symbol="BTCUSDT"))
    assert float(row["amount"]) == 15
    assert (await done(client.futures_get_position_mode()))["dualSidePosition"] is False
    await done(client.futures_create_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.010"))
    await done(client.futures_change_position_mode(dualSidePosition="true"))
    assert (await done(client.futures_get_position_mode()))["dualSidePosition"] is True
    bracket = await done(client.futures_leverage_bracket(symbol="BTCUSDT"))
    assert bracket[0]["brackets"][0]["initialLeverage"] == 125
    fee = await done(client.futures_commission_rate(symbol="BTCUSDT"))
    assert float(fee["takerCommissionRate"]) == 0.0005


async def test_a_refusal_has_the_venues_code(client: Any) -> None:
    with pytest.raises(BinanceAPIException) as caught:
        await done(client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="100"))
    assert (caught.value.code, caught.value.message) == (-2019, "Margin is insufficient.")


@pytest_asyncio.fixture
async def watcher(
    exchange: RunningExchange, key: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Any, Any]]:
    # A quiet socket is closed no sooner than this after its last look, in s.
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 1)
    client = await point_binance(AsyncClient, exchange).create(key, "test")
    manager = BinanceSocketManager(client)
    manager.FSTREAM_URL = f"{exchange.ws}/"
    yield client, manager
    await client.ws_future.close()  # which the library leaves open
    await client.close_connection()


async def first(socket: Any, wanted: Any, within_s: float = 300) -> Any:
    async def look() -> Any:
        while True:
            message = await socket.recv()
            assert message.get("e") != "error", message
            if wanted(message):
                return message

    return await asyncio.wait_for(look(), within_s)


@pytest.mark.parametrize(
    ("name", "arguments", "event"),
    [
        ("symbol_mark_price_socket", {"symbol": "BTCUSDT"}, "markPriceUpdate"),
        ("aggtrade_futures_socket", {"symbol": "BTCUSDT"}, "aggTrade"),
        ("kline_futures_socket", {"symbol": "BTCUSDT"}, "continuous_kline"),
        ("symbol_ticker_futures_socket", {"symbol": "BTCUSDT"}, "bookTicker"),
        ("futures_depth_socket", {"symbol": "BTCUSDT"}, "depthUpdate"),
    ],
)  # fmt: skip
async def test_the_market_is_watched(
    watcher: tuple[Any, Any], name: str, arguments: dict[str, Any], event: str
) -> None:
    _, manager = watcher
    async with getattr(manager, name)(**arguments) as socket:
        message = await first(socket, lambda told: True)
        assert message.get("data", message)["e"] == event


async def test_user_events_tell_an_orders_life(watcher: tuple[Any, Any]) -> None:
    client, manager = watcher
    async with manager.futures_user_socket() as socket:
        await client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010")
        told: dict[str, Any] = {}
        while set(told) < {"NEW", "TRADE"}:
            message = await first(socket, lambda one: one["e"] == "ORDER_TRADE_UPDATE")
            told[message["o"]["x"]] = message["o"]
        assert told["TRADE"]["X"] == "FILLED"
        await client.futures_create_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.010")
        assert await first(socket, lambda one: one["e"] == "ACCOUNT_UPDATE" and one["a"]["P"][0]["pa"] == "0.000")


async def test_orders_go_over_the_order_api(watcher: tuple[Any, Any]) -> None:
    client, _ = watcher
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
    made = await client.ws_futures_create_order(**order, price=await price(client, 0.95))
    which = {"symbol": "BTCUSDT", "orderId": made["orderId"]}
    changed = await client.ws_futures_edit_order(**which, side="BUY", quantity="0.020", price=await price(client, 0.94))
    assert changed["origQty"] == "0.020"
    assert (await client.ws_futures_get_order(**which))["status"] == "NEW"
    assert (await client.ws_futures_cancel_order(**which))["status"] == "CANCELED"
    assert (await client.ws_futures_v2_account_balance())[0]["asset"] == "USDT"
    assert await client.ws_futures_v2_account_position() == []
    assert (await client.ws_futures_get_order_book(symbol="BTCUSDT"))["bids"]
    assert float((await client.ws_futures_get_all_tickers(symbol="BTCUSDT"))["price"]) > 0
