"""The Python door of the intake: what goes in, and the shapes that come out."""

import json
import threading
from typing import Any

import chanflow_native as native
import numpy as np
import pytest

T = 1_723_161_256_000


def line(at: int, body: dict[str, Any]) -> bytes:
    return f"{(T + at) * 1_000_000} {json.dumps(body)}\n".encode()


def depth(at: int, ids: tuple[int, int, int], *bids: list[str]) -> bytes:
    first, last, prev = ids
    times = {"E": T + at, "T": T + at}
    return line(at, {"e": "depthUpdate", "s": "BTCUSDT", "U": first, "u": last, "pu": prev, "b": bids, "a": []} | times)


def snapshot(at: int, last_id: int) -> bytes:
    data = {"lastUpdateId": last_id, "bids": [["99.5", "1"], ["99.0", "2"]], "asks": [["100.5", "3"]]}
    return line(at, {"stream": "btcusdt@depthSnapshot", "data": data})


def mark(at: int) -> bytes:
    prices = {"p": "100.10", "i": "100.20", "r": "0.0001", "T": T + 5_000}
    return line(at, {"e": "markPriceUpdate", "E": T + at, "s": "BTCUSDT"} | prices)


def kline(at: int) -> bytes:
    candle = {"t": T - 60_000, "i": "1m", "o": "1", "h": "3", "l": "0.5", "c": "2", "v": "10", "q": "15", "n": 4}
    return line(at, {"e": "kline", "E": T + at, "s": "BTCUSDT", "k": candle | {"x": False}})


def intake(**options: Any) -> native.Intake:
    return native.Intake("binance-usdm", {"ETHUSDT": (2, 3), "BTCUSDT": (1, 3)}, **options)


@pytest.mark.parametrize(
    ("venue", "instruments", "sentence"),
    [
        ("binance", {"BTCUSDT": (1, 3)}, 'venue "binance" is not one of binance-usdm, binance-spot, '),
        ("okx", {}, "0 symbols are not 1 to 65535"),
        ("okx", {"A": (13, 0)}, 'decimals 13 and 0 of symbol "A" are not 0 to 12'),
        ("okx", {"a": (1, 0), "A": (1, 0)}, "symbol a is given twice"),
    ],
    ids=["venue", "no symbol", "decimals", "twice"],
)
def test_settings_outside_their_bounds_are_refused(
    venue: str, instruments: dict[str, tuple[int, int]], sentence: str
) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        native.Intake(venue, instruments)


def test_an_unknown_symbol_is_refused() -> None:
    for ask in (intake().events, intake().live, intake().reset):
        with pytest.raises(ValueError, match=r'^symbol "X" is not one of the 2 given$'):
            ask("X")


def test_all_that_came_is_taken_once() -> None:
    one = intake(book_layer=True)
    one.feed(depth(0, (1, 4, 0)) + snapshot(1, 4) + depth(2, (5, 6, 4), ["99.7", "0.5"]) + mark(3) + kline(4))
    taken = one.take()
    assert taken["symbols"] == one.symbols == ["BTCUSDT", "ETHUSDT"]
    rows = taken["rows"]
    assert rows["kind"].tolist() == [3, 3, 4, 6]
    assert [rows[name].dtype.name for name in ("kind", "symbol", "closed", "is_market")] == [
        "uint8",
        "uint16",
        "int8",
        "int8",
    ]
    assert rows["closed"].tolist() == [-1, -1, -1, 0]
    assert rows["books"]["row"].tolist() == [0, 1]
    assert rows["books"]["bid_price"].shape == (2, 5)
    assert rows["books"]["bid_price"][1, :3].tolist() == [99.7, 99.5, 99.0]
    assert np.isnan(rows["books"]["ask_qty"][1, 1:]).all()
    assert (rows["marks"]["row"].tolist(), rows["marks"]["next_funding_ms"].tolist()) == ([2], [T + 5_000])
    assert (rows["klines"]["interval"], rows["klines"]["high"].tolist()) == (["1m"], [3.0])
    assert taken["book"]["is_snapshot"].tolist() == [1, 1, 1, 0]
    assert {len(column) for column in taken["book"].values()} == {4}
    again = one.take()
    assert (len(again["rows"]["ts_ms"]), len(again["book"]["price"]), again["dead"]) == (0, 0, [])


def test_faults_and_holes_say_where_and_why() -> None:
    one = intake()
    one.feed(depth(0, (1, 4, 0)) + snapshot(1, 4) + b"17 {\n" + depth(2, (9, 9, 8)), socket=3)
    taken = one.take()
    assert taken["dead"] == [(17, b"{", "the line ends where '\"' should be")]
    assert taken["gaps"] == [
        {"symbol": "BTCUSDT", "from_u": 4, "to_u": 9, "from_ms": T, "to_ms": T + 2, "reason": "chain"}
    ]
    assert one.wanted() == [("BTCUSDT", (T + 2) * 1_000_000)]
    stats = one.stats()
    assert (stats["frames"], stats["dead"], stats["gaps"], stats["syncs"]) == (4, 1, 1, 1)
    assert stats["offsets_ms"] == {3: 0}
    assert stats["symbols"]["BTCUSDT"] == {
        "state": "buffering",
        "unsynced_ns": (T + 2) * 1_000_000,
        "syncs": 1,
        "gaps": 1,
        "applied": 1,
    }


def test_the_newest_values_have_both_times() -> None:
    one = intake()
    empty = {"state": "buffering", "bids": [], "asks": [], "event_ms": None, "known_ns": None}
    assert one.live("BTCUSDT") == {"quote": None, "trade": None, "mark": None, "book": empty}
    one.feed(depth(0, (1, 4, 0)) + snapshot(1, 4) + mark(3))
    live = one.live("BTCUSDT", 1)
    known_ns = (T + 3) * 1_000_000
    assert live["mark"] == {
        "price": 100.1,
        "index_price": 100.2,
        "funding_frac": 0.0001,
        "next_funding_ms": T + 5_000,
        "event_ms": T + 3,
        "known_ns": known_ns,
    }
    assert (live["book"]["state"], live["book"]["bids"], live["book"]["asks"]) == (
        "synced",
        [(99.5, 1.0)],
        [(100.5, 3.0)],
    )


def test_a_watched_symbol_gives_its_events() -> None:
    one = intake()
    assert len(one.events("BTCUSDT")) == 0
    one.feed(depth(0, (1, 4, 0)) + snapshot(1, 4))
    one.reset()
    batch = one.events("BTCUSDT")
    assert (len(batch), batch.price_decimals, batch.qty_decimals) == (3, 1, 3)
    assert len(one.events("BTCUSDT")) == 0
    assert [gap["reason"] for gap in one.take()["gaps"]] == ["reset"]


def test_one_thread_may_ask_while_another_feeds() -> None:
    one = intake()
    lines = b"".join(mark(at) for at in range(2_000))

    def feed() -> None:
        for _ in range(20):
            one.feed(lines)

    thread = threading.Thread(target=feed)
    thread.start()
    while thread.is_alive():
        one.live("BTCUSDT")
        one.wanted()
    thread.join()
    assert one.stats()["frames"] == 40_000
