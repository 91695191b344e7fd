"""What the emulated exchange says has the fields and types of what Binance said, as recorded."""

from __future__ import annotations

import gzip
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from made_market import RULES

from chanflow.adapters.venues.emulator.market_rest import ROUTES
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.tape.synthetic import SyntheticTape

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data"
SAMPLES = DATA / "samples"

LATER = {"st", "ps"}
"""Fields that some recorded messages have, and others of the same stream have not."""


def sample(path: str) -> Path:
    found = SAMPLES / path
    if not found.exists():
        pytest.skip(f"MARKET DATA ABSENT: {found} is not there; set CHANFLOW_TEST_DATA")
    return found


def endpoint(name: str) -> tuple[str, str, Any]:
    """Return method, path and body of a recorded reply."""
    method, path, _, body = sample(f"jkorf_binance_usdm/endpoints/ExchangeData/{name}.txt").read_text().split("\n", 3)
    return method.strip(), path.strip(), json.loads(body)


def pushed(name: str) -> Any:
    """Return the message of a recorded subscription."""
    text = sample(f"jkorf_binance_subscriptions/UsdFutures/{name}.txt").read_text()
    return json.loads(text.partition("\n= ")[2])


def shape(value: Any) -> Any:
    """Return the fields and types of a value; a list has the shape of its first element."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and not isinstance(value[0], str | int) else [shape(one) for one in value]
    return type(value).__name__


@cache
def market() -> tuple[MarketDesk, dict[str, Any]]:
    """Return a synthetic market that has settled a funding, and the last message of each of its streams."""
    tape = SyntheticTape([RULES], seed=42, start_ns=1_767_571_200_000_000_000 - 60_000_000_000)
    desk, last = MarketDesk(tape.symbols), {}
    for tenth in range(900):
        now_ns = tape.start_ns + tenth * 100_000_000
        for frame in desk.play(tape.until(now_ns), now_ns):
            last[frame.stream] = json.loads(frame.combined)
    state = desk.states["BTCUSDT"]
    for frame in state.forced(side="SELL", qty=1, price=6_000_000, average=6_000_000, event_ns=desk.now_ns):
        last[frame.stream] = json.loads(frame.combined)
    return desk, last


ASKED = {
    "GetAggregatedTradeHistory": {"symbol": "BTCUSDT"}, "GetBookPrice": {"symbol": "BTCUSDT"},
    "GetContinuousContractKlines": {"pair": "BTCUSDT", "contractType": "PERPETUAL", "interval": "1m"},
    "GetFundingInfo": {}, "GetFundingRates": {"symbol": "BTCUSDT"},
    "GetIndexPriceKlines": {"pair": "BTCUSDT", "interval": "1m"}, "GetKlines": {"symbol": "BTCUSDT", "interval": "1m"},
    "GetMarkPrice": {"symbol": "BTCUSDT"}, "GetMarkPriceKlines": {"symbol": "BTCUSDT", "interval": "1m"},
    "GetOpenInterest": {"symbol": "BTCUSDT"}, "GetOrderBook": {"symbol": "BTCUSDT"},
    "GetPremiumIndexKlines": {"symbol": "BTCUSDT", "interval": "1m"}, "GetPrice": {"symbol": "BTCUSDT"},
    "GetRecentTrades": {"symbol": "BTCUSDT"}, "GetServerTime": {}, "GetTicker": {"symbol": "BTCUSDT"},
    "GetTradeHistory": {"symbol": "BTCUSDT"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ASKED))
def test_a_reply_has_the_recorded_fields_and_types(name: str) -> None:
    method, path, body = endpoint(name)
    ours = json.loads(json.dumps(ROUTES[method, path](market()[0], ASKED[name])))
    assert ours, "an empty reply shows nothing"
    assert shape(ours) == shape(body)


def test_the_rules_have_the_recorded_fields_and_types() -> None:
    path = DATA / "wire/cryptofeed/BINANCE_FUTURES.0.txt.gz"
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    line = gzip.decompress(path.read_bytes()).decode().split("\n")[0]
    recorded = json.loads(re.sub(r"^.*? -> [\d.]+: ", "", line))
    ours = json.loads(json.dumps(ROUTES["GET", "/fapi/v1/exchangeInfo"](market()[0], {})))
    for key in ("timezone", "serverTime", "futuresType", "rateLimits", "exchangeFilters", "assets"):
        assert shape(ours[key]) == shape(recorded[key])
    theirs, mine = recorded["symbols"][0], ours["symbols"][0]
    fixed = {key: shape(one) for key, one in theirs.items() if key not in {"filters", "timeInForce", "orderTypes"}}
    assert {key: shape(one) for key, one in mine.items() if key in fixed} == fixed
    assert mine.keys() == theirs.keys()
    filters = {one["filterType"]: shape(one) for one in theirs["filters"]}
    assert {one["filterType"]: shape(one) for one in mine["filters"]} == filters


PUSHED = {
    "AggTrades": "btcusdt@aggTrade", "Book": "btcusdt@depth@100ms", "PartialBook": "btcusdt@depth5@100ms",
    "BookTicker": "btcusdt@bookTicker", "Klines": "btcusdt@kline_1M", "MarkPrice": "btcusdt@markPrice@1s",
    "ContKlines": "btcusdt_perpetual@continuousKline_1M", "Ticker": "btcusdt@ticker",
    "MiniTicker": "btcusdt@miniTicker", "Liquidations": "btcusdt@forceOrder",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PUSHED))
def test_a_message_has_the_recorded_fields_and_types(name: str) -> None:
    recorded = pushed(name)
    assert recorded["stream"] == PUSHED[name]
    assert shape(market()[1][PUSHED[name]]) == shape(recorded)


NAUTILUS = {
    "agg_trade": "btcusdt@aggTrade", "book_ticker": "btcusdt@bookTicker", "depth_update": "btcusdt@depth@100ms",
    "kline": "btcusdt@kline_1m", "liquidation": "btcusdt@forceOrder", "mark_price": "btcusdt@markPrice@1s",
    "ticker": "btcusdt@ticker",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NAUTILUS))
def test_a_message_has_the_fields_of_another_recording(name: str) -> None:
    file = "kline_stream_closed" if name == "kline" else f"{name}_stream"
    recorded = json.loads(sample(f"nautilus_binance/futures/market_data_json/{file}.json").read_text())
    kept = {key: one for key, one in recorded.items() if key not in LATER}
    assert shape(market()[1][NAUTILUS[name]]["data"]) == shape(kept)


WIRE = {"depth": "btcusdt@depth@100ms", "bookTicker": "btcusdt@bookTicker", "trade": "btcusdt@trade"}


@pytest.mark.parametrize("kind", sorted(WIRE))
def test_a_message_is_written_as_the_venue_writes_it(kind: str) -> None:
    """The very order of the fields, and the decimals."""
    path = DATA / "wire/binance_usdm_BTCUSDT_20240808.txt.gz"
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    with gzip.open(path, "rt") as lines:
        raw = next(line for line in lines if f"@{kind}" in line).partition(" ")[2]
    ours = json.dumps(market()[1][WIRE[kind]], separators=(",", ":"))
    assert pattern(ours) == pattern(raw)


def pattern(text: str) -> str:
    """Return JSON text without what its numbers are: levels are one, digits before a point are one."""
    text = re.sub(r"\[\[.*?\]\]|\[\]", "[]", text.strip())
    return re.sub(
        r"true|false",
        "B",
        re.sub(
            r"\d+(?=\.\d)|(?<=:)\d+",
            "9",
            re.sub(r"(?<=\.)\d+", lambda m: "9" * len(m[0]), re.sub(r"@depth@\w+", "@depth", text)),
        ),
    )
