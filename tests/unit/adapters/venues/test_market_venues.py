"""Addresses, words and limits of each venue."""

from __future__ import annotations

import json

import pytest
from chanflow_native import Intake

from chanflow.adapters.venues import binance_market, hyperliquid_market, okx_market
from chanflow.adapters.venues.binance_market import URLS, BinanceMarket
from chanflow.adapters.venues.hyperliquid_market import HyperliquidMarket
from chanflow.adapters.venues.okx_market import OkxMarket
from chanflow.domain.errors import InvalidArgument

USDM = BinanceMarket("binance-usdm", URLS["binance-usdm"])


def test_usdm_streams_go_over_the_routed_sockets_of_their_class() -> None:
    public, market = USDM.sockets(["BTCUSDT"])
    assert public.url == (
        "wss://fstream.binance.com/public/stream?streams=btcusdt@bookTicker/btcusdt@depth@100ms/btcusdt@trade"
    )
    assert market.url == (
        "wss://fstream.binance.com/market/stream?streams="
        "btcusdt@aggTrade/btcusdt@markPrice@1s/btcusdt@forceOrder/btcusdt@kline_1m"
    )


@pytest.mark.parametrize("symbols", [1, 20, 21, 150, 1_200])
def test_no_socket_carries_more_than_200_streams_and_each_symbol_one_of_a_class(symbols: int) -> None:
    names = [f"S{n}USDT" for n in range(symbols)]
    plans = USDM.sockets(names)
    assert all(plan.streams <= 200 for plan in plans)
    for word in ("public", "market"):
        carried = [name for plan in plans if plan.name.startswith(word) for name in plan.symbols]
        assert carried == names


def test_a_combined_frame_names_its_symbol_and_stream() -> None:
    frame = b'{"stream":"btcusdt@depth@100ms","data":{"s":"BTCUSDT"}}'
    assert (USDM.symbol_of(frame), USDM.stream_of(frame)) == ("BTCUSDT", b"btcusdt@depth@100ms")
    assert USDM.symbol_of(b'{"result":null,"id":1}') is None


def test_a_snapshot_reply_becomes_a_frame() -> None:
    frame = json.loads(USDM.snapshot_frame("BTCUSDT", b'{"lastUpdateId":7,"bids":[],"asks":[]}'))
    assert frame["stream"] == "btcusdt@depthSnapshot"
    assert frame["data"]["lastUpdateId"] == 7


def test_missed_trades_are_asked_for_by_id_and_become_frames() -> None:
    request = USDM.missed_trades("BTCUSDT", 7)
    assert request is not None
    assert request.url == "https://fapi.binance.com/fapi/v1/aggTrades"
    assert dict(request.params) == {"symbol": "BTCUSDT", "fromId": "7", "limit": "1000"}
    body = b'[{"a":7,"p":"61800.1","q":"0.010","nq":"0.010","f":11,"l":12,"T":1767571200000,"m":true}]'
    [(number, frame)] = USDM.trade_frames("BTCUSDT", body)
    assert number == 7
    intake = Intake("binance-usdm", {"BTCUSDT": (1, 3)})
    intake.feed(b"1767571201000000000 %b\n" % frame)
    rows = intake.take()["rows"]
    assert [rows[name][0] for name in ("kind", "seq_last", "price", "qty", "ts_ms")] == [
        2, 7, 61_800.1, 0.01, 1_767_571_200_000,
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"{", b'{"code":-1}', b'[{"a":"7"}]', b'[{"a":7}]', b"[7]"], ids=range(5))
def test_broken_trades_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|cannot be read"):
        USDM.trade_frames("BTCUSDT", body)


def test_decimals_come_from_the_rules() -> None:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"}, {"filterType": "LOT_SIZE", "stepSize": "0.00100000"},
    ]  # fmt: skip
    body = json.dumps({"symbols": [{"symbol": "BTCUSDT", "filters": filters}]}).encode()
    assert USDM.decimals([body], ["BTCUSDT"]) == {"BTCUSDT": (1, 3)}
    with pytest.raises(InvalidArgument, match="trades no symbol ETHUSDT"):
        USDM.decimals([body], ["ETHUSDT"])
    with pytest.raises(InvalidArgument, match="cannot be read"):
        USDM.decimals([b"<html>"], ["BTCUSDT"])


def test_a_probe_tells_the_venues_time() -> None:
    assert USDM.probe_ms(b'{"symbol":"BTCUSDT","time":5}') == 5
    assert BinanceMarket("binance-coinm", URLS["binance-coinm"]).probe_ms(b'[{"time":6}]') == 6
    assert USDM.probe_ms(b"[]") is None
    assert BinanceMarket("binance-spot", URLS["binance-spot"]).probe("BTCUSDT") is None


def test_hyperliquid_shares_eight_sockets_and_refuses_too_many() -> None:
    venue = HyperliquidMarket(hyperliquid_market.URLS)
    plans = venue.sockets([f"C{n}" for n in range(30)])
    assert len(plans) <= 8
    assert json.loads(plans[0].subscribe[0]) == {
        "method": "subscribe",
        "subscription": {"type": "l2Book", "coin": "C0"},
    }
    with pytest.raises(InvalidArgument, match="301 symbols"):
        venue.sockets([f"C{n}" for n in range(301)])
    frame = b'{"channel":"trades","data":[{"coin":"BTC","px":"1"}]}'
    assert (venue.symbol_of(frame), venue.stream_of(frame)) == ("BTC", b"trades BTC")
    assert venue.decimals([b'{"universe":[{"name":"BTC","szDecimals":5}]}'], ["BTC"]) == {"BTC": (1, 5)}


def test_okx_brings_a_whole_book_by_subscribing_anew() -> None:
    venue = OkxMarket(okx_market.URLS)
    off, on = (json.loads(message) for message in venue.resubscribe("BTC-USDT-SWAP"))
    assert (off["op"], on["op"]) == ("unsubscribe", "subscribe")
    assert on["args"] == [{"channel": "books", "instId": "BTC-USDT-SWAP"}]
    frame = b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},"data":[]}'
    assert (venue.symbol_of(frame), venue.stream_of(frame)) == ("BTC-USDT-SWAP", b"bbo-tbt BTC-USDT-SWAP")
    body = b'{"data":[{"instId":"BTC-USDT-SWAP","tickSz":"0.1","lotSz":"0.01"}]}'
    assert venue.decimals([body], ["BTC-USDT-SWAP"]) == {"BTC-USDT-SWAP": (1, 2)}


def test_addresses_of_every_venue_have_a_rest_base() -> None:
    assert all("rest" in urls for urls in (*binance_market.URLS.values(), hyperliquid_market.URLS, okx_market.URLS))
