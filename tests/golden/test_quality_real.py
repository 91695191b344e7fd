"""The quality gate on real files: corrupted twins, counts, and the clock of the recordings."""

from __future__ import annotations

import gzip
import os
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chanflow.adapters.storage.recorder_csv import read_recorder_csv
from chanflow.interfaces.cli.feed_check import check_file
from chanflow.market.quality import CODE_BITS, codes_of
from chanflow.market.row_check import RowCheck

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data"

TWINS = {
    "merged": (
        "merged_depth_snapshot_difference_depth_stream_trade_stream_usd_m_futures_trxusdt_14-04-2025_{}.csv.gz",
        {
            1: ("bad_value",),  # ordered by a time before its receipt
            2: ("bad_value",),  # ends a message that goes on
            **dict.fromkeys(range(5522, 5547), ("chain_break",)),  # u off by one, told by the event after
        },
    ),
    "snapshot-spot": (
        "test_{}_binance_depth_snapshot_spot_btcusdt_14-04-2025.csv.gz",
        {1: ("latency",)},  # received 1 ms after 1970
    ),
    "diff-coinm": (
        "test_{}_binance_difference_depth_stream_coin_m_futures_trxusd_perp_04-03-2025.csv.gz",
        {
            1: ("bad_value",),  # another symbol, price 0
            2: ("bad_value", "latency"),  # E years old, T = 0
            3: ("bad_value", "latency"),  # E a year old, side 2
            7: ("price_jump",),  # price 11.23
            9: ("bad_value", "chain_break"),  # u of the event before
            10_000: ("latency",),  # received a day after E
        },
    ),
    "diff-spot": (
        "test_{}_binance_difference_depth_stream_spot_trxusdt_04-03-2025.csv.gz",
        {
            1: ("bad_value",),  # E = 0, price -1
            8: ("chain_break",),  # U off by one
            9: ("chain_break",),  # U off by one
            10_000: ("bad_value",),  # of another day
        },
    ),
    "trade-coinm": (
        "test_{}_binance_trade_stream_coin_m_futures_trxusd_perp_04-03-2025.csv.gz",
        {
            1: (),  # received a second later: less than what is bad, and nothing contradicts it
            3: ("duplicate", "price_jump"),  # the id again, price 0.53
            10_000: ("latency",),  # received hours after E
        },
    ),
    "trade-spot": (
        "test_{}_binance_trade_stream_spot_trxusdt_04-03-2025.csv.gz",
        {
            3: ("chain_break",),  # the id again
            10_000: ("latency",),  # received a day after E
        },
    ),
    "trade-usdm": (
        "test_{}_binance_trade_stream_usd_m_futures_trxusdt_04-03-2025.csv.gz",
        {1: ("bad_value",)},  # price -1
    ),
    "diff-usdm": ("test_{}_binance_difference_depth_stream_usd_m_futures_trxusdt_04-03-2025.csv.gz", {}),
}
"""Names of the twins, and of each row that was altered its codes."""


def data(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    return path


def twin(name: str, kind: str) -> Path:
    return data(f"wire/daniellasota/{TWINS[name][0].format(kind)}")


def lines(path: Path) -> list[str]:
    return [line for line in gzip.decompress(path.read_bytes()).decode().splitlines() if not line.startswith("#")]


def masks(path: Path) -> NDArray[np.uint32]:
    rows = read_recorder_csv(path)
    check = RowCheck(rows.venue, {rows.symbol: None})
    check.push(rows.columns, rows.found)
    return check.masks()


@pytest.mark.parametrize("name", sorted(TWINS))
def test_every_altered_row_has_a_code_that_its_twin_has_not(name: str) -> None:
    clean, corrupt = lines(twin(name, "positive")), lines(twin(name, "negative"))
    altered = [row for row, (a, b) in enumerate(zip(clean, corrupt, strict=False)) if a != b]
    assert altered == sorted(TWINS[name][1])
    before, after = masks(twin(name, "positive")), masks(twin(name, "negative"))
    found = {row: codes_of(int(after[row - 1] & ~before[row - 1])) for row in altered}
    assert found == TWINS[name][1]


@pytest.mark.parametrize("name", sorted(TWINS))
def test_a_clean_twin_has_no_code_at_all(name: str) -> None:
    assert not masks(twin(name, "positive")).any()


def test_the_one_altered_row_without_a_code_is_within_the_bound() -> None:
    path = twin("trade-coinm", "negative")
    rows = read_recorder_csv(path)
    delay_ms = rows.columns["known_ns"] // 1_000_000 - rows.columns["event_ms"]
    assert delay_ms[0] == 1_001
    assert delay_ms[0] - delay_ms.min() == 1_000


def test_only_rows_that_an_alteration_touches_have_codes() -> None:
    """A break is told on both sides of it, a clock that falls at the row after it."""
    touched = {
        "diff-coinm": {8, *range(10, 16)},
        "diff-spot": {6, 7},
        "merged": set(range(7_552, 7_585)),
        "trade-coinm": {2, 4},
        "trade-spot": {2, 4},
    }
    for name, (_, altered) in TWINS.items():
        found = {int(row) + 1 for row in np.flatnonzero(masks(twin(name, "negative")))}
        assert found == {row for row, codes in altered.items() if codes} | touched.get(name, set()), name


@pytest.mark.parametrize("kind", ["positive", "negative"])
def test_a_trade_that_is_not_the_markets_is_told_alike_in_both_twins(kind: str) -> None:
    found = check_file(twin("trade-usdm", kind)).not_market
    assert (found.count, found.first) == (1, (9_327,))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("trades/binance_usdm_BTCUSDT_20240808_trades.parquet", 21_313),
        ("trades/binance_spot_BTCUSDT_20240808_trades.parquet", 9_757),
        ("trades/binance_spot_ETHUSDT_20240808_trades.parquet", 6_106),
        ("trades/binance_coinm_BTCUSD_PERP_20240808_trades.parquet", 2_286),
        ("trades/binance_spot_PEPEUSDT_aggtrades_20241027.parquet", 57_229),
        ("trades/binance_spot_XRPETH_trades_201910.parquet", 12_477),
        ("depth/binance_usdm_BTCUSDT_20240808_depth.parquet", 445_521),
        ("depth/binance_coinm_BTCUSD_PERP_20240808_depth.parquet", 298_013),
        ("depth/binance_spot_BTCUSDT_20240808_depth.parquet", 126_090),
        ("depth/binance_spot_ETHUSDT_20240808_depth.parquet", 108_814),
        ("depth/binance_usdm_BTCUSDT_20240808_bookticker.parquet", 66_089),
        ("depth/binance_coinm_BTCUSD_PERP_20240808_bookticker.parquet", 19_136),
        ("depth/binance_usdm_TRXUSDT_20250304_depth_nosnap.parquet", 10_000),
    ],
)
def test_a_clean_table_has_no_code(name: str, rows: int) -> None:
    report = check_file(data(name))
    assert (report.rows, report.bad_rows) == (rows, 0)


def test_a_break_of_ids_under_aggregates_is_no_gap() -> None:
    report = check_file(data("trades/binance_usdm_APEUSDT_aggtrades_20241018.parquet"))
    assert (report.rows, report.bad_rows) == (45_342, 0)
    [note] = report.notes
    assert note.startswith("underlying trade ids skip 1 times")


def test_the_trade_without_price_is_told_and_breaks_nothing() -> None:
    report = check_file(data("trades/binance_usdm_TRXUSDT_trades_20250304.parquet"))
    assert (report.rows, report.bad_rows) == (10_000, 0)
    assert report.not_market.first == (9_327,)


@pytest.mark.parametrize("name", ["usdm_BTCUSDT", "coinm_BTCUSD_PERP", "spot_BTCUSDT", "spot_ETHUSDT"])
def test_raw_frames_of_a_clock_that_is_behind_have_no_code(name: str) -> None:
    report = check_file(data(f"wire/binance_{name}_20240808.txt.gz"))
    assert (report.bad_rows, report.notes) == (0, ())
    [clock] = report.sockets
    assert clock.offset_ms is not None
    assert -1_280 < clock.offset_ms < -1_270
    assert clock.clock_steps == 0


def quotes() -> dict[str, NDArray[Any]]:
    from chanflow.adapters.storage.row_tables import read_row_table

    path = data("depth/binance_usdm_BTCUSDT_20240808_bookticker.parquet")
    return dict(read_row_table(path, venue="binance-usdm").columns)


def test_the_largest_excess_of_the_recorded_quotes_is_53_ms() -> None:
    report = check_file(data("depth/binance_usdm_BTCUSDT_20240808_bookticker.parquet"))
    assert [clock.max_excess_ms for clock in report.sockets] == [53]


def test_a_step_of_two_seconds_for_five_flags_exactly_its_rows() -> None:
    columns = quotes()
    known_ns = columns["known_ns"]
    begin_ns = known_ns[0] + 120_000_000_000
    stepped = (known_ns >= begin_ns) & (known_ns < begin_ns + 5_000_000_000)
    columns["known_ns"] = np.where(stepped, known_ns + 2_000_000_000, known_ns)
    check = RowCheck("binance-usdm", {"BTCUSDT": ("0.1", "0.001")})
    check.push(columns)
    assert 100 < stepped.sum() < 5_000
    assert np.array_equal(check.masks() != 0, stepped)
    assert set(check.masks()[stepped].tolist()) == {CODE_BITS["latency"]}


def test_twins_differ_in_as_many_rows_as_are_told() -> None:
    counts = []
    for name in TWINS:
        pairs = zip_longest(lines(twin(name, "positive")), lines(twin(name, "negative")))
        counts.append(sum(a != b for a, b in pairs if a is not None and b is not None))
    assert sorted(counts) == [0, 1, 1, 2, 3, 4, 6, 27]
