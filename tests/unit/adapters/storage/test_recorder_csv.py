"""The flattened frames of a recorder as row columns."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from chanflow.adapters.storage.recorder_csv import is_recorder_csv, read_recorder_csv
from chanflow.adapters.storage.row_columns import ABSENT_MS, FileRows
from chanflow.domain.errors import RecordingInvalid

DAY_MS = 1_741_046_400_000
"""2025-03-04T00:00:00Z."""

TRADES = (
    "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,TradeId,Price,Quantity,"
    "IsBuyerMarketMaker,XUnknownParameter"
)
NAME = "trade_stream_usd_m_futures_trxusdt_04-03-2025.csv"


def trade(**other: object) -> str:
    row = {
        "received": DAY_MS + 12, "stream": "trxusdt@trade", "type": "trade", "emitted": DAY_MS + 10,
        "happened": DAY_MS + 9, "symbol": "TRXUSDT", "id": 7, "price": 0.23, "qty": 5.0, "maker": 1, "x": "MARKET",
    }  # fmt: skip
    return ",".join(str(value) for value in (row | other).values())


def read(tmp_path: Path, *lines: str, name: str = NAME) -> FileRows:
    path = tmp_path / name
    path.write_text("\n".join(lines))
    return read_recorder_csv(path)


def test_a_trade_becomes_a_row(tmp_path: Path) -> None:
    rows = read(tmp_path, "# a report", TRADES, trade())
    assert (rows.venue, rows.symbol) == ("binance-usdm", "TRXUSDT")
    found = {name: column.tolist()[0] for name, column in rows.columns.items()}
    assert found == {
        "kind": 0, "symbol": 0, "socket": 0, "ts_ms": DAY_MS + 9, "event_ms": DAY_MS + 10,
        "known_ns": (DAY_MS + 12) * 1_000_000, "side": 2, "is_market": 1, "price": 0.23, "qty": 5.0, "seq_last": 7,
    }  # fmt: skip
    assert rows.found is not None
    assert not rows.found.any()


@pytest.mark.parametrize(
    "other",
    [
        {"price": "many"},
        {"received": 0},
        {"received": "x"},
        {"stream": "btcusdt@trade"},
        {"type": "depthUpdate"},
        {"emitted": DAY_MS - 1},
        {"emitted": DAY_MS + 86_400_000},
    ],
    ids=["price", "no-receipt", "receipt", "stream", "type", "day-before", "day-after"],
)
def test_what_no_column_can_carry_is_condemned_by_the_reader(tmp_path: Path, other: dict[str, object]) -> None:
    rows = read(tmp_path, TRADES, trade(), trade(id=8, **other))
    assert rows.found is not None
    assert rows.found.tolist() == [0, 4]


def test_absent_and_impossible_values_reach_the_gate(tmp_path: Path) -> None:
    rows = read(tmp_path, TRADES, trade(symbol="X", maker=2, id="", happened="", emitted=0, x="INSURANCE_FUND"))
    columns = rows.columns
    assert (columns["symbol"][0], columns["side"][0], columns["seq_last"][0]) == (65_535, 255, -1)
    assert (columns["event_ms"][0], columns["ts_ms"][0], columns["is_market"][0]) == (-1, 0, 0)
    assert read(tmp_path, TRADES, trade(happened="", emitted="")).columns["ts_ms"][0] == ABSENT_MS


def test_times_in_microseconds_are_told_by_their_size(tmp_path: Path) -> None:
    times = {"received": DAY_MS * 1_000 + 12_345, "emitted": DAY_MS * 1_000, "happened": DAY_MS * 1_000}
    rows = read(tmp_path, TRADES, trade(**times), name="trade_stream_spot_trxusdt_04-03-2025.csv")
    assert rows.columns["known_ns"][0] == (DAY_MS + 12) * 1_000_000
    assert rows.columns["is_market"][0] == 1


def test_a_damaged_byte_is_a_fault_of_its_row(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes("\n".join([TRADES, trade(), trade(id=8, price='0.2"3')]).encode() + b"\xff\n")
    rows = read_recorder_csv(path)
    assert rows.found is not None
    assert (rows.found.tolist(), rows.columns["is_market"].tolist()) == ([0, 4], [1, 0])


def test_a_remark_on_the_last_line_is_passed_over(tmp_path: Path) -> None:
    assert len(read(tmp_path, TRADES, trade(), "#1,2,3").columns["kind"]) == 1


def test_a_file_cut_short_or_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(gzip.compress(f"{TRADES}\n{trade()}".encode())[:-9])
    with pytest.raises(RecordingInvalid, match="cannot be read"):
        read_recorder_csv(path)
    with pytest.raises(RecordingInvalid, match="no column TimestampOfReceive; its columns are a, b"):
        read(tmp_path, "a,b", "1,2")
    with pytest.raises(RecordingInvalid, match="no CSV"):
        read(tmp_path, "# only remarks")


def test_a_name_must_tell_market_symbol_and_day(tmp_path: Path) -> None:
    assert is_recorder_csv(Path(NAME))
    assert not is_recorder_csv(Path("trades.csv"))
    with pytest.raises(RecordingInvalid, match="names no market"):
        read(tmp_path, TRADES, name="trades.csv")
    with pytest.raises(RecordingInvalid, match="names the day 31-02-2025, there is none"):
        read(tmp_path, TRADES, name="trade_stream_spot_trxusdt_31-02-2025.csv")
