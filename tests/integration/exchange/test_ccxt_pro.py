"""ccxt.pro `binanceusdm` as it comes watches the emulated exchange and trades over its sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import ccxt.pro
import pytest
import pytest_asyncio
from running_exchange import RunningExchange, point_ccxt

pytestmark = [pytest.mark.server, pytest.mark.slow]

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@pytest_asyncio.fixture
async def client(exchange: RunningExchange, key: str) -> AsyncIterator[Any]:
    client = point_ccxt(ccxt.pro.binanceusdm({"apiKey": key, "secret": "test"}), exchange)
    await client.load_markets()
    yield client
    await client.close()


async def soon(value: Awaitable[Any], within_s: float = 300) -> Any:
    return await asyncio.wait_for(value, within_s)


async def user_stream(client: Any) -> None:
    """Return when the account's own socket is open: what happens before is not told there."""
    while not any("listenKey" in url and socket.connected.done() for url, socket in client.clients.items()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def first_fault(watch: Callable[[], Awaitable[Any]], within_s: float = 300) -> ccxt.BaseError:
    """Watch until the client raises one of its faults, and return it."""

    async def look() -> ccxt.BaseError:
        while True:
            try:
                await watch()
            except ccxt.BaseError as fault:
                return fault

    return await soon(look(), within_s)


async def again(watch: Callable[[], Awaitable[Any]]) -> Any:
    """Watch until it succeeds: the exchange lets nobody in for a while."""
    while True:
        try:
            return await watch()
        except ccxt.BaseError:
            await asyncio.sleep(0.05)


async def test_the_book_that_is_watched_is_the_exchanges(client: Any, exchange: RunningExchange) -> None:
    for _ in range(20):
        book = await soon(client.watch_order_book(BTC, 50))
        assert book["bids"][0][0] < book["asks"][0][0]
    told = exchange.control("snapshot", {})["markets"]["BTCUSDT"]
    while book["nonce"] < told["update_id"]:
        book = await soon(client.watch_order_book(BTC, 50))
    asked = await client.fetch_order_book(BTC, 50)
    while book["nonce"] < asked["nonce"]:
        book = await soon(client.watch_order_book(BTC, 50))
    assert book["symbol"] == BTC


async def test_trades_candles_marks_and_tickers_are_watched(client: Any) -> None:
    trades = await soon(client.watch_trades(BTC))
    assert trades[-1]["price"] > 0
    candles = await soon(client.watch_ohlcv(BTC, "1m"))
    assert candles[-1][0] % 60_000 == 0
    mark = await soon(client.watch_mark_price(BTC))
    assert mark["markPrice"] > 0
    ticker = await soon(client.watch_ticker(BTC))
    assert ticker["last"] > 0
    best = (await soon(client.watch_bids_asks([BTC])))[BTC]
    assert best["bid"] < best["ask"]
    tickers = await soon(client.watch_tickers([BTC, ETH]))
    assert set(tickers) <= {BTC, ETH}


async def test_many_symbols_share_a_socket(client: Any) -> None:
    # The client hands out what waits of the first symbol first, and on a busy machine something always waits.
    seen, both = set(), [BTC, ETH]
    while seen != {BTC, ETH}:
        seen.add((await soon(client.watch_order_book_for_symbols(both)))["symbol"])
        both.reverse()
    seen = set()
    while seen != {BTC, ETH}:
        seen.add((await soon(client.watch_trades_for_symbols(both)))[-1]["symbol"])
        both.reverse()


async def test_an_order_is_watched_from_its_ack_to_its_end(client: Any) -> None:
    watching = asyncio.ensure_future(client.watch_orders(BTC))
    await client.fetch_balance()
    price = (await client.fetch_ticker(BTC))["last"]
    below = client.price_to_precision(BTC, price * 0.95)
    await soon(user_stream(client))
    made = await client.create_order(BTC, "limit", "buy", 0.01, below)
    told = (await soon(watching))[-1]
    assert (told["id"], told["status"]) == (made["id"], "open")
    watching = asyncio.ensure_future(client.watch_orders(BTC))
    await asyncio.sleep(0)
    await client.cancel_order(made["id"], BTC)
    told = (await soon(watching))[-1]
    assert (told["id"], told["status"]) == (made["id"], "canceled")


async def test_a_fill_moves_order_trade_balance_and_position(client: Any) -> None:
    assert await soon(client.watch_positions([BTC])) == []  # the state that it begins with
    watching = [
        asyncio.ensure_future(one)
        for one in (client.watch_my_trades(BTC), client.watch_balance(), client.watch_positions([BTC]))
    ]
    await soon(user_stream(client))
    made = await client.create_order(BTC, "market", "buy", 0.01)
    trades, balance, positions = await soon(asyncio.gather(*watching))
    assert {trade["order"] for trade in trades} == {made["id"]}
    assert balance["USDT"]["total"] < 10_000
    assert positions[-1]["side"] == "long"


async def test_orders_go_over_the_order_api(client: Any) -> None:
    price = (await client.fetch_ticker(BTC))["last"]
    at = [float(client.price_to_precision(BTC, price * share)) for share in (0.95, 0.94)]
    made = await soon(client.create_order_ws(BTC, "limit", "buy", 0.01, at[0]))
    assert made["status"] == "open"
    changed = await soon(client.edit_order_ws(made["id"], BTC, "limit", "buy", 0.02, at[1]))
    assert (changed["amount"], changed["price"]) == (0.02, at[1])
    found = await soon(client.fetch_order_ws(made["id"], BTC))
    assert found["price"] == at[1]
    ended = await soon(client.cancel_order_ws(made["id"], BTC))
    assert ended["status"] == "canceled"
    stop = await soon(client.create_order_ws(BTC, "market", "buy", 0.01, None, {"triggerPrice": at[0] * 2}))
    assert stop["id"]
    await soon(client.cancel_order_ws(stop["id"], BTC, {"trigger": True}))
    assert (await soon(client.fetch_balance_ws()))["USDT"]["total"] == 10_000
    assert await soon(client.fetch_positions_ws([BTC])) == []
    assert (await soon(client.fetch_order_book_ws(BTC)))["bids"]
    with pytest.raises(ccxt.pro.OrderNotFound):
        await soon(client.fetch_order_ws("1", BTC))


async def test_a_lost_frame_is_noticed_and_the_book_is_read_anew(client: Any, exchange: RunningExchange) -> None:
    await soon(client.watch_order_book(BTC))
    exchange.script({"when": {"stream": "btcusdt@depth", "nth": 3}, "do": "skip_frame"})
    assert isinstance(await first_fault(lambda: client.watch_order_book(BTC)), ccxt.pro.ChecksumError)
    book = await soon(client.watch_order_book(BTC))
    assert book["bids"][0][0] < book["asks"][0][0]
    assert [firing["do"] for firing in exchange.firings()][-1:] == ["skip_frame"]
    exchange.script()


async def test_a_cut_socket_is_opened_again(client: Any, exchange: RunningExchange) -> None:
    await soon(client.watch_trades(BTC))
    exchange.script({"when": {"time": 0.1}, "do": "disconnect", "stream": "all", "for_s": 0.2})
    assert isinstance(await first_fault(lambda: client.watch_trades(BTC)), ccxt.pro.NetworkError)
    assert (await soon(again(lambda: client.watch_trades(BTC))))[-1]["price"] > 0
    exchange.script()
