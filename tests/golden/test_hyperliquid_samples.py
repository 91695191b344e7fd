"""Recorded bodies and frames of Hyperliquid, three collections, through our parsers."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from chanflow.adapters.venues.hyperliquid.parse import (
    assets_of,
    cursor_ms,
    fill_row,
    fill_rows,
    funding_rows,
    instruments_of,
    open_rows,
    order_row,
    positions_of,
    wallet_of,
)
from chanflow.adapters.venues.hyperliquid.replies import verdicts
from chanflow.adapters.venues.hyperliquid.words import state_of
from chanflow.domain.errors import VenueBusy
from chanflow.execution.ports import Accepted

D = Decimal

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data" / "samples"


def recorded(name: str) -> Path:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    return path


def cassette(name: str) -> Any:
    """Return the last answer of one of the SDK's own recordings."""
    text = recorded(f"hyperliquid_sdk_cassettes/info_test/{name}.yaml").read_text()
    return json.loads(yaml.safe_load(text)["interactions"][-1]["response"]["body"]["string"])


def endpoint(name: str) -> Any:
    return json.loads(recorded(f"jkorf_hyperliquid/endpoints/{name}.txt").read_text().split("\n", 3)[3])


def frame(name: str) -> Any:
    return json.loads(recorded(f"jkorf_hyperliquid/subscriptions/{name}.txt").read_text().split("\n= ", 1)[1])


def nautilus(name: str) -> Any:
    return json.loads(recorded(f"nautilus_hyperliquid/{name}.json").read_text())


def test_every_order_of_the_recorded_history_has_a_state() -> None:
    history = cassette("test_historical_orders")
    rows = [order_row(each["order"], each["status"], each["statusTimestamp"]) for each in history]
    assert [row.status for row in rows if state_of(row.status) is None] == []
    assert (rows[0].oid, rows[0].symbol, rows[0].side, rows[0].qty_base) == (141682155424, "TON", "buy", D("81.7"))
    assert (rows[0].state, rows[0].tif, rows[0].cloid) == ("rejected", "Ioc", None)


def test_recorded_fills_come_oldest_first_and_each_is_one() -> None:
    body = cassette("test_get_user_fills")
    rows = fill_rows(body)
    assert len(rows) == len(body)
    assert [row.at_ms for row in rows] == sorted(row.at_ms for row in rows)
    assert len({(row.symbol, row.ref) for row in rows}) == len(rows)
    newest = rows[-1]
    assert (newest.symbol, newest.side, newest.price, newest.qty_base) == ("SUI", "sell", D("1.3189"), D("142.7"))
    assert (newest.maker, cursor_ms(newest.ref)) == (False, 1683245884863)


def test_recorded_positions_and_wallet() -> None:
    body = cassette("test_get_user_state")
    held = {position.symbol: position for position in positions_of(body)}
    assert (held["BTC"].qty_base, held["BTC"].average_price) == (D("-0.00785"), D("26951.0"))
    assert held["BTC"].mark_price == D("211.64542") / D("0.00785")
    unrealised = sum(D(row["position"]["unrealizedPnl"]) for row in body["assetPositions"])
    assert wallet_of(body) == D(body["marginSummary"]["accountValue"]) - unrealised


def test_recorded_open_orders_with_their_children() -> None:
    rows = open_rows(cassette("test_get_frontend_open_orders"))
    assert [(row.order_type, row.is_stop, row.trigger_price) for row in rows] == [
        ("Take Profit Market", False, D("10.004")), ("Stop Market", True, D("9.995")), ("Limit", False, None),
    ]  # fmt: skip
    assert [row.reduce_only for row in rows] == [True, True, False]


def test_recorded_funding_is_positive_where_it_was_received() -> None:
    rows = funding_rows(cassette("test_user_funding_history_with_end_time"))
    ape, arb = rows[0], rows[1]
    # Long at a negative rate, and short at a positive one: both received.
    assert (ape.symbol, ape.amount_quote, ape.at_ns) == ("APE", D("0.145796"), 1681948800000 * 10**6)
    assert (arb.symbol, arb.amount_quote) == ("ARB", D("2.694388"))
    assert funding_rows(endpoint("Futures/Account/GetFundingHistory"))[0].amount_quote == D("-0.044263")


def test_recorded_rules_have_the_tick_of_their_mark_price() -> None:
    body = endpoint("Futures/ExchangeData/GetExchangeInfoAndTickers")
    rules = instruments_of(body, maker_fee_frac=D("0.00015"), taker_fee_frac=D("0.00045"))
    # 14.3161 with szDecimals 5: one decimal; ETH 6.0436 with 4: two; HPOS 8.4542 with 0: five figures.
    assert {s: r.tick for s, r in rules.items()} == {"BTC": D("0.1"), "ETH": D("0.01"), "HPOS": D("0.0001")}
    assert {s: r.step for s, r in rules.items()} == {"BTC": D("0.00001"), "ETH": D("0.0001"), "HPOS": D(1)}


def test_delisted_perpetuals_are_left_out_and_keep_their_number() -> None:
    assets = assets_of(endpoint("Futures/ExchangeData/GetExchangeInfo"))
    assert {name: asset.index for name, asset in assets.items()} == {"BTC": 0, "ETH": 1, "HPOS": 2}
    assert list(assets_of(nautilus("http_meta_perp_sample"))) == ["BTC", "ETH", "ATOM"]


def test_a_recorded_order_answer_is_an_acceptance_with_its_number() -> None:
    (told,) = verdicts(endpoint("Spot/Trading/PlaceOrder"), 1)
    assert (told.outcome, told.oid) == (Accepted(), 77738308)
    (told,) = verdicts(endpoint("Futures/Trading/SetLeverage"), 1)
    assert told.outcome == Accepted()


def test_recorded_frames_of_the_user_streams() -> None:
    update = frame("Order")["data"][0]
    row = order_row(update["order"], update["status"], update["statusTimestamp"])
    assert (row.oid, row.state, row.limit_price, row.leaves_base) == (1, "accepted", D("30.0"), D("0.49"))
    fill = fill_row(frame("UserEventTrade")["data"]["fills"][0])
    assert (fill.fee, fill.fee_asset, fill.ref) == (D("0.00031499"), "HYPE", "1764840678849-1")


def test_a_recorded_liquidation_is_told_as_one() -> None:
    row = fill_row(nautilus("ws_user_fill_liquidation")["data"]["fills"][0])
    assert (row.liquidation, row.cloid, row.maker) == (True, "0xe8d5fd7ebbb4c3cff4d1803472a11463", True)


def test_recorded_fills_without_a_perpetual_are_read_too() -> None:
    rows = fill_rows(nautilus("http_user_fills_dust_conversion"))
    assert [row.symbol for row in rows][-2:] == ["JUP", "ARB"]


def test_a_body_of_another_shape_is_no_answer() -> None:
    for read in (assets_of, positions_of, wallet_of, funding_rows, fill_rows, open_rows):
        with pytest.raises(VenueBusy, match="cannot be read"):
            read({"universe": [{}], "assetPositions": [{}]} if read in (assets_of, positions_of, wallet_of) else [{}])
