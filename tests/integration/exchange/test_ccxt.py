"""ccxt `binanceusdm` as it comes, synchronous and asynchronous, trades on the emulated exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import ccxt.async_support
import pytest
import pytest_asyncio
from running_exchange import RunningExchange, done, point_ccxt

pytestmark = [pytest.mark.server, pytest.mark.slow]

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@pytest_asyncio.fixture(params=["sync", "async"])
async def client(request: pytest.FixtureRequest, exchange: RunningExchange, key: str) -> AsyncIterator[Any]:
    kind = ccxt.binanceusdm if request.param == "sync" else ccxt.async_support.binanceusdm
    client = point_ccxt(
        kind({"apiKey": key, "secret": "test", "options": {"warnOnFetchOpenOrdersWithoutSymbol": False}}), exchange
    )
    await done(client.load_markets())
    yield client
    if request.param == "async":
        await client.close()


async def price(client: Any, share: float = 1.0) -> float:
    ticker = await done(client.fetch_ticker(BTC))
    return float(client.price_to_precision(BTC, ticker["last"] * share))


async def test_markets_say_what_orders_must_be(client: Any) -> None:
    market = client.market(BTC)
    assert (market["linear"], market["swap"], market["active"]) == (True, True, True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.001, 0.1)
    assert market["limits"]["cost"]["min"] == 5
    assert ETH in client.markets


async def test_the_book_is_a_book(client: Any) -> None:
    book = await done(client.fetch_order_book(BTC, 20))
    bids, asks = [row[0] for row in book["bids"]], [row[0] for row in book["asks"]]
    assert len(bids) == len(asks) == 20
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert book["nonce"] > 0


async def test_the_market_can_be_asked_for(client: Any) -> None:
    now_ms = await done(client.fetch_time())
    assert abs(now_ms - client.milliseconds()) < 2_000
    trades = await done(client.fetch_trades(BTC, limit=5))
    assert len(trades) == 5
    candles = await done(client.fetch_ohlcv(BTC, "1m", limit=3))
    assert [candle[0] % 60_000 for candle in candles] == [0] * len(candles)
    assert candles
    tickers = await done(client.fetch_tickers([BTC, ETH]))
    assert sorted(tickers) == [BTC, ETH]
    best = (await done(client.fetch_bids_asks([BTC])))[BTC]
    assert best["bid"] < best["ask"]
    last = (await done(client.fetch_last_prices([BTC])))[BTC]
    assert last["price"] > 0
    mark = await done(client.fetch_mark_price(BTC))
    assert mark["markPrice"] > 0
    rate = await done(client.fetch_funding_rate(BTC))
    assert rate["fundingTimestamp"] > now_ms
    interest = await done(client.fetch_open_interest(BTC))
    assert interest["openInterestAmount"] > 0
    for name in ("mark", "index", "premiumIndex"):
        assert await done(client.fetch_ohlcv(BTC, "1m", limit=2, params={"price": name}))


async def test_a_limit_order_lives(client: Any) -> None:
    below = await price(client, 0.95)
    made = await done(client.create_order(BTC, "limit", "buy", 0.01, below, {"clientOrderId": "mine-1"}))
    assert (made["status"], made["clientOrderId"], made["amount"], made["price"]) == ("open", "mine-1", 0.01, below)
    found = await done(client.fetch_order(made["id"], BTC))
    assert (found["id"], found["status"], found["filled"]) == (made["id"], "open", 0)
    lower = await price(client, 0.94)
    changed = await done(client.edit_order(made["id"], BTC, "limit", "buy", 0.02, lower))
    assert (changed["amount"], changed["price"]) == (0.02, lower)
    (still,) = await done(client.fetch_open_orders(BTC))
    assert (still["id"], still["amount"]) == (made["id"], 0.02)
    ended = await done(client.cancel_order(made["id"], BTC))
    assert ended["status"] == "canceled"
    assert await done(client.fetch_open_orders()) == []
    (past,) = await done(client.fetch_orders(BTC))
    assert (past["id"], past["status"]) == (made["id"], "canceled")
    (canceled,) = await done(client.fetch_canceled_orders(BTC))
    assert canceled["id"] == made["id"]


async def test_a_market_order_is_filled_and_booked(client: Any, exchange: RunningExchange, key: str) -> None:
    before = await done(client.fetch_balance())
    assert before["USDT"]["total"] == 10_000
    made = await done(client.create_order(BTC, "market", "buy", 0.01))
    found = await done(client.fetch_order(made["id"], BTC))
    assert (found["status"], found["filled"], found["remaining"]) == ("closed", 0.01, 0)
    trades = await done(client.fetch_my_trades(BTC))
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.01)
    assert {trade["order"] for trade in trades} == {made["id"]}
    assert all(trade["fee"]["cost"] > 0 for trade in trades)
    (position,) = await done(client.fetch_positions([BTC]))
    assert (position["side"], position["contracts"]) == ("long", 0.01)
    assert position["entryPrice"] == pytest.approx(found["average"], rel=1e-6)
    await done(client.create_order(BTC, "market", "sell", 0.01, params={"reduceOnly": True}))
    assert await done(client.fetch_positions([BTC])) == []
    after = await done(client.fetch_balance())
    assert after["USDT"]["total"] == pytest.approx(float(exchange.account(key)["wallet"]))
    assert after["USDT"]["total"] < 10_000


async def test_a_stop_is_an_algo_order(client: Any) -> None:
    far = await price(client, 0.5)
    await done(client.create_order(BTC, "market", "buy", 0.01))
    stop = await done(
        client.create_order(BTC, "market", "sell", 0.01, params={"stopLossPrice": far, "reduceOnly": True})
    )
    assert (stop["type"], stop["stopPrice"]) == ("market", far)
    (armed,) = await done(client.fetch_open_orders(BTC, params={"trigger": True}))
    assert armed["id"] == stop["id"]
    found = await done(client.fetch_order(stop["id"], BTC, {"trigger": True}))
    assert found["status"] == "open"
    await done(client.cancel_order(stop["id"], BTC, {"trigger": True}))
    assert await done(client.fetch_open_orders(BTC, params={"trigger": True})) == []
    target = await price(client, 1.5)
    trailing = {"trailingPercent": 2, "reduceOnly": True}
    assert (await done(client.create_order(BTC, "market", "sell", 0.01, params=trailing)))["id"]
    assert (await done(client.create_order(BTC, "market", "sell", 0.01, params={"takeProfitPrice": target})))["id"]
    await done(client.cancel_all_orders(BTC, {"trigger": True}))
    assert await done(client.fetch_open_orders(BTC, params={"trigger": True})) == []


async def test_all_orders_of_a_symbol_are_cancelled(client: Any) -> None:
    for share in (0.95, 0.94, 0.93):
        await done(client.create_order(BTC, "limit", "buy", 0.01, await price(client, share)))
    assert len(await done(client.fetch_open_orders(BTC))) == 3
    await done(client.cancel_all_orders(BTC))
    assert await done(client.fetch_open_orders(BTC)) == []


async def test_orders_go_in_batches(client: Any) -> None:
    at = [await price(client, share) for share in (0.95, 0.94)]
    wanted = [{"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": one} for one in at]
    made = await done(client.create_orders(wanted))
    assert [one["price"] for one in made] == at
    lower = [await price(client, share) for share in (0.93, 0.92)]
    changes = [
        {"id": one["id"], "symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": new}
        for one, new in zip(made, lower, strict=True)
    ]
    changed = await done(client.edit_orders(changes))
    assert [one["price"] for one in changed] == lower
    ended = await done(client.cancel_orders([one["id"] for one in made], BTC))
    assert [one["status"] for one in ended] == ["canceled", "canceled"]


async def test_an_account_sets_leverage_margin_and_mode(client: Any) -> None:
    assert (await done(client.set_leverage(7, BTC)))["leverage"] == 7
    (leverage,) = (await done(client.fetch_leverages([BTC]))).values()
    assert (leverage["longLeverage"], leverage["shortLeverage"]) == (7, 7)
    await done(client.set_margin_mode("isolated", BTC))
    (mode,) = (await done(client.fetch_margin_modes([BTC]))).values()
    assert mode["marginMode"] == "isolated"
    with pytest.raises(ccxt.MarginModeAlreadySet):
        await done(client.set_margin_mode("isolated", BTC))
    await done(client.set_position_mode(True))
    assert (await done(client.fetch_position_mode()))["hedged"] is True
    await done(client.create_order(BTC, "market", "buy", 0.01, params={"hedged": True}))
    (held,) = await done(client.fetch_positions([BTC]))
    assert (held["side"], held["hedged"], held["marginMode"]) == ("long", True, "isolated")
    await done(client.add_margin(BTC, 20, {"positionSide": "LONG"}))
    changes = await done(client.fetch_margin_adjustment_history(BTC))
    assert 20 in [change["amount"] for change in changes]


async def test_an_account_sees_its_money(client: Any) -> None:
    await done(client.create_order(BTC, "market", "buy", 0.01))
    fee = await done(client.fetch_trading_fee(BTC))
    assert (fee["maker"], fee["taker"]) == (0.0002, 0.0005)
    rows = await done(client.fetch_ledger("USDT"))
    assert "commission" in {row["type"] for row in rows}
    tiers = await done(client.fetch_leverage_tiers([BTC]))
    assert tiers[BTC][0]["maxLeverage"] == 125
    (risk,) = await done(client.fetch_positions_risk([BTC]))
    assert risk["contracts"] == 0.01
    assert await done(client.fetch_funding_history(BTC)) == []


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (("limit", "buy", 0.01, "0.5"), -4164),
        (("market", "buy", 100), -2019),
        (("market", "sell", 0.01, None, {"reduceOnly": True}), -2022),
        (("limit", "buy", 0.01, "1000000"), -4016),
    ],
)  # fmt: skip
async def test_refusals_are_the_venues(client: Any, order: tuple[Any, ...], code: int) -> None:
    kind, side, amount, *rest = order
    with pytest.raises(ccxt.ExchangeError, match=f'"code":{code},'):
        await done(client.create_order(BTC, kind, side, amount, *rest))


async def test_an_unknown_order_is_not_found(client: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        await done(client.fetch_order("1", BTC))
    with pytest.raises(ccxt.OrderNotFound):
        await done(client.cancel_order("1", BTC))


async def test_a_wrong_secret_is_refused(client: Any) -> None:
    client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        await done(client.fetch_balance())
