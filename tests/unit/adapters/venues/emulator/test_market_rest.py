"""The public endpoints."""

from __future__ import annotations

import json
from typing import Any

import pytest
from made_market import RULES, START_MS, opened, played, ticks

from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.market_rest import DEPTHS, ROUTES, weight_of
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.tape.listed import rules_of
from chanflow.adapters.venues.emulator.tape.steps import Kind

DESK = played(200)
"""Built once: no endpoint changes it."""


def ask(path: str, desk: MarketDesk = DESK, **asked: str) -> Any:
    path = path if path.startswith("/") else f"/fapi/v1/{path}"
    return json.loads(json.dumps(ROUTES["GET", path](desk, asked)))


def test_the_book_has_as_many_levels_as_asked_best_first() -> None:
    for limit in DEPTHS:
        book = ask("depth", symbol="BTCUSDT", limit=str(limit))
        assert len(book["bids"]) <= limit
        prices = [float(price) for price, _ in book["bids"]]
        assert prices == sorted(prices, reverse=True)
        assert float(book["bids"][0][0]) < float(book["asks"][0][0])


def test_the_book_falls_inside_the_next_diff() -> None:
    state = opened()
    desk = MarketDesk({"BTCUSDT": RULES})
    desk.states["BTCUSDT"] = state
    told = [
        json.loads(f.data) for f in state.advance(START_MS * 1_000_000 + 100_000_000) if f.stream.endswith("@100ms")
    ]
    last_id = ask("depth", desk, symbol="BTCUSDT", limit="5")["lastUpdateId"]
    later = state.take(ticks((150, Kind.BID, 6_000_000, 1))) + state.advance(START_MS * 1_000_000 + 200_000_000)
    (following,) = [json.loads(f.data) for f in later if f.stream == "btcusdt@depth@100ms"]
    assert told[0]["u"] < last_id
    assert following["U"] <= last_id <= following["u"]


def test_trades_by_number_and_by_id() -> None:
    last = ask("trades", symbol="BTCUSDT", limit="3")
    assert [one["id"] for one in last] == list(range(last[0]["id"], last[0]["id"] + 3))
    old = ask("historicalTrades", symbol="BTCUSDT", fromId="5", limit="2")
    assert [one["id"] for one in old] == [5, 6]
    assert float(old[0]["price"]) * float(old[0]["qty"]) == pytest.approx(float(old[0]["quoteQty"]))


def test_aggregates_by_id_and_by_time() -> None:
    some = ask("aggTrades", symbol="BTCUSDT", fromId="10", limit="5")
    assert [one["a"] for one in some] == [10, 11, 12, 13, 14]
    start, end = some[1]["T"], some[3]["T"]
    timed = ask("aggTrades", symbol="BTCUSDT", startTime=str(start), endTime=str(end))
    assert {one["a"] for one in some[1:4]} <= {one["a"] for one in timed}
    assert all(start <= one["T"] <= end for one in timed)


def test_candles_hold_every_trade() -> None:
    rows = ask("klines", symbol="BTCUSDT", interval="1m")
    assert [row[0] for row in rows] == [START_MS + n * 60_000 for n in range(4)]
    assert sum(row[8] for row in rows) == DESK.states["BTCUSDT"].last_trade.trade_id
    assert ask("continuousKlines", pair="BTCUSDT", contractType="PERPETUAL", interval="1m") == rows
    assert ask("continuousKlines", pair="BTCUSDT", contractType="CURRENT_QUARTER", interval="1m") == []


def test_candles_of_mark_index_and_premium_have_no_volume() -> None:
    for name, key in (("markPriceKlines", "symbol"), ("indexPriceKlines", "pair"), ("premiumIndexKlines", "symbol")):
        rows = ask(name, interval="1m", **{key: "BTCUSDT"})
        assert len(rows) == 4
        assert {row[5] for row in rows} == {"0"}


def test_prices_of_one_symbol_or_of_all() -> None:
    for name in ("ticker/24hr", "ticker/price", "ticker/bookTicker", "premiumIndex"):
        assert ask(name, symbol="BTCUSDT") == ask(name)[0]
    assert ask("/fapi/v2/ticker/price", symbol="BTCUSDT") == ask("ticker/price", symbol="BTCUSDT")


def test_rules_show_the_filters() -> None:
    rules = rules_of("BTCUSDT")
    (symbol,) = ask("exchangeInfo")["symbols"]
    filters = {one["filterType"]: one for one in symbol["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.10"
    assert filters["LOT_SIZE"]["stepSize"] == "0.001"
    assert filters["MIN_NOTIONAL"]["notional"] == "5"
    assert filters["MAX_NUM_ORDERS"]["limit"] == rules.max_orders
    limits = {
        (one["rateLimitType"], one["interval"], one["intervalNum"]): one["limit"]
        for one in ask("exchangeInfo")["rateLimits"]
    }
    assert limits == {
        ("REQUEST_WEIGHT", "MINUTE", 1): 2400,
        ("ORDERS", "MINUTE", 1): 1200,
        ("ORDERS", "SECOND", 10): 300,
    }


def test_statistics_of_others_are_empty() -> None:
    for name in ("openInterestHist", "globalLongShortAccountRatio", "basis"):
        assert ask(f"/futures/data/{name}", symbol="BTCUSDT", period="5m") == []


def test_pings_of_both_products() -> None:
    assert ask("/fapi/v1/ping") == ask("/api/v3/ping") == {}
    assert ask("/fapi/v1/time") == ask("/api/v3/time") == {"serverTime": START_MS + 200_000}


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("depth", {}, -1102),
        ("depth", {"symbol": "NOPE"}, -1121),
        ("depth", {"symbol": "BTCUSDT", "limit": "7"}, -4021),
        ("trades", {"symbol": "BTCUSDT", "limit": "1001"}, -1130),
        ("aggTrades", {"symbol": "BTCUSDT", "fromId": "-1"}, -1130),
        ("klines", {"symbol": "BTCUSDT"}, -1102),
        ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "1501"}, -1130),
        ("continuousKlines", {"pair": "BTCUSDT", "interval": "1m"}, -1102),
        ("continuousKlines", {"pair": "BTCUSDT", "interval": "1m", "contractType": "X"}, -1130),
        ("indexPriceKlines", {"symbol": "BTCUSDT", "interval": "1m"}, -1102),
        ("openInterest", {}, -1102),
    ],
)
def test_a_bad_question_gets_the_venues_code(path: str, asked: dict[str, str], code: int) -> None:
    with pytest.raises(Fault) as raised:
        ask(path, **asked)
    assert (raised.value.code, raised.value.http_status) == (code, 400)


@pytest.mark.parametrize(
    ("path", "asked", "weight"),
    [
        ("/fapi/v1/depth", {"limit": "50"}, 2), ("/fapi/v1/depth", {"limit": "100"}, 5), ("/fapi/v1/depth", {}, 10),
        ("/fapi/v1/depth", {"limit": "1000"}, 20), ("/fapi/v1/klines", {"limit": "99"}, 1), ("/fapi/v1/klines", {}, 5),
        ("/fapi/v1/klines", {"limit": "1500"}, 10), ("/fapi/v1/markPriceKlines", {"limit": "100"}, 2),
        ("/fapi/v1/ticker/24hr", {"symbol": "X"}, 1), ("/fapi/v1/ticker/24hr", {}, 40), ("/fapi/v1/trades", {}, 5),
        ("/fapi/v1/aggTrades", {}, 20), ("/fapi/v1/ping", {}, 1),
    ],
)  # fmt: skip
def test_questions_weigh_what_they_weigh_at_the_venue(path: str, asked: dict[str, str], weight: int) -> None:
    assert weight_of(path, asked) == weight
