"""The Python door of the order-flow core."""

import json
from typing import Any

import chanflow_native as native
import numpy as np
import pytest

T = 1_723_161_256_000


def line(at: int, body: dict[str, Any]) -> bytes:
    return f"{(T + at) * 1_000_000} {json.dumps(body)}\n".encode()


def quote(at: int, u: int, bid: str = "100.0", ask: str = "100.2", bid_qty: str = "5.00") -> bytes:
    times = {"E": T + at, "T": T + at}
    return line(at, {"e": "bookTicker", "s": "BTCUSDT", "u": u, "b": bid, "B": bid_qty, "a": ask, "A": "7.00"} | times)


def trade(at: int, t: int, price: str = "100.2", qty: str = "0.50", *, maker: bool = False) -> bytes:
    times = {"E": T + at, "T": T + at}
    return line(at, {"e": "trade", "s": "BTCUSDT", "t": t, "p": price, "q": qty, "X": "MARKET", "m": maker} | times)


def batch_of(*lines: bytes) -> native.EventBatch:
    parser = native.WireParser()
    parser.feed(b"".join(lines))
    parser.finish()
    return parser.take()


def test_a_batch_shows_its_span_and_prices() -> None:
    batch = batch_of(quote(0, 1), trade(5, 1, "100.4"), trade(7, 2, "99.9"), trade(9, 3, "100.0"), quote(9, 2, "99.8"))
    assert len(batch) == 5
    assert (batch.price_decimals, batch.qty_decimals) == (1, 2)
    assert (batch.first_event_ns, batch.last_event_ns) == (T * 1_000_000, (T + 9) * 1_000_000)
    assert (batch.trade_low, batch.trade_high, batch.last_price) == (99.9, 100.4, 100.0)
    assert (batch.bid, batch.ask) == (99.8, 100.2)


def test_an_empty_batch_has_no_values() -> None:
    batch = native.WireParser().take()
    assert len(batch) == 0
    assert (batch.first_event_ns, batch.last_known_ns, batch.trade_low, batch.bid) == (None, None, None, None)


def test_taking_stops_before_the_bound() -> None:
    parser = native.WireParser("BTCUSDT")
    parser.feed(quote(0, 1) + quote(999, 2) + quote(1_000, 3))
    assert len(parser.take((T + 1_000) * 1_000_000)) == 2
    assert parser.next_event_ns == (T + 1_000) * 1_000_000
    assert len(parser.take()) == 1
    assert (parser.symbol, parser.price_decimals, parser.qty_decimals, parser.lines) == ("BTCUSDT", 1, 2, 3)


def test_a_fault_is_a_value_error_with_its_line() -> None:
    parser = native.WireParser("ETHUSDT")
    with pytest.raises(ValueError, match=r"^line 1: frame is for BTCUSDT, expected ETHUSDT$"):
        parser.feed(quote(0, 1))
    check = native.Preflight()
    check.feed(quote(0, 1) + quote(1, 2)[:-9])
    with pytest.raises(ValueError, match=r"^line 2: the last line has no line end"):
        check.finish()


def test_a_finished_preflight_takes_no_more() -> None:
    check = native.Preflight()
    check.feed(quote(0, 1) + trade(1, 5) + trade(2, 9))
    report = check.finish()
    assert report["gaps"] == [{"line": 3, "kind": "trade", "from_id": 5, "to_id": 9}]
    assert (report["trade_gaps"], report["book"]) == (1, "no_depth")
    with pytest.raises(ValueError, match="is finished"):
        check.feed(b"")


def test_rows_say_what_happened_in_their_bin() -> None:
    engine = native.FlowEngine(1, 2)
    lines = (
        quote(0, 1),
        quote(10, 2, bid_qty="9.00"),
        trade(20, 1),
        trade(30, 2, qty="2.00", maker=True),
        quote(1_400, 3),
    )
    rows = engine.push(batch_of(*lines))
    assert rows["ts_ms"].tolist() == [T + 1_000]
    shown = {name: rows[name][0] for name in rows}
    assert (shown["mid"], shown["ofi"], shown["tfi"], shown["cvd"]) == (100.1, 4.0, -1.5, -1.5)
    assert (shown["buy_qty"], shown["sell_qty"], shown["trades"], shown["quotes"]) == (0.5, 2.0, 2, 2)
    assert (shown["signal"], shown["reasons"], shown["book_ok"]) == ("neutral", ("warmup",), -1)
    assert np.isnan(shown["z_ofi"])
    last = engine.last()
    assert last is not None
    assert (last["z_ofi"], last["book_ok"], last["last_price"]) == (None, None, 100.2)
    assert engine.finish()["ofi"].tolist() == [-4.0]


def test_an_empty_push_closes_nothing() -> None:
    engine = native.FlowEngine(1, 2)
    rows = engine.push(native.WireParser().take())
    assert {name: len(column) for name, column in rows.items() if len(column)} == {}
    assert engine.last() is None


def test_a_clock_closes_a_bin_without_a_later_event() -> None:
    engine = native.FlowEngine(1, 2)
    engine.push(batch_of(quote(0, 1)))
    assert len(engine.advance(T + 1_249)["ts_ms"]) == 0
    assert engine.advance(T + 1_250)["ts_ms"].tolist() == [T + 1_000]


def test_batches_of_other_decimals_are_refused() -> None:
    batch = batch_of(quote(0, 1))
    for taker in (native.FlowEngine(2, 2), native.BarBuilder(1_000, 1, 3), native.RowCollector(0, 0)):
        with pytest.raises(ValueError, match="the batch has 1 and 2 decimals, expected"):
            taker.push(batch)


def test_settings_outside_their_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="bin_ms 7 does not divide a day"):
        native.FlowEngine(1, 2, 7)
    with pytest.raises(ValueError, match="interval_ms 0 is not above 0"):
        native.BarBuilder(0, 1, 2)


def test_bars_close_on_event_time() -> None:
    builder = native.BarBuilder(1_000, 1, 2)
    assert builder.push(batch_of(quote(0, 1), trade(1, 1), trade(2, 2, "100.5", maker=True))) == []
    assert builder.forming() == (T, 100.2, 100.5, 100.2, 100.5, 1.0, 100.35, 2, 0.5)
    bars = builder.push(batch_of(quote(1_300, 2)))
    assert bars == [(T, 100.2, 100.5, 100.2, 100.5, 1.0, 100.35, 2, 0.5)]
    assert builder.forming() is None


def test_rows_for_the_lake_are_columns_of_one_length() -> None:
    collector = native.RowCollector(1, 2)
    collector.push(batch_of(quote(0, 4), trade(3, 9, maker=True)))
    assert collector.pending == 2
    rows = collector.take()
    assert collector.pending == 0
    assert {len(column) for column in rows.values()} == {2}
    assert (rows["kind"].tolist(), rows["side"].tolist(), rows["is_maker"].tolist()) == ([1, 0], [0, 2], [-1, 1])
    assert [rows[name].dtype.name for name in ("kind", "is_maker", "seq_last")] == ["uint8", "int8", "int64"]
    assert rows["price"].tolist() == [100.1, 100.2]
    assert rows["seq_last"].tolist() == [4, 9]
    assert rows["ts_ms"].tolist() == [T, T + 3]
    assert np.isnan(rows["bid"][1])
