"""What the lake answers, held against plain Python over the same rows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import chanflow_native
import pytest
from made_rows import DAY_MS, START_MS, joined, quote_columns, sliced, trade_columns
from numpy.typing import NDArray

from chanflow.adapters.storage.lake import LakeWriter
from chanflow.adapters.storage.lake_reader import LakeReader
from chanflow.domain.errors import Broken, InvalidArgument, NotFound
from chanflow.domain.market_data import Bar
from chanflow.market.ports import WEEK_MS
from chanflow.market.recorded import RecordedSource
from chanflow.market.resample import Resampler

MINUTE_MS = 60_000


def write(root: Path, columns: dict[str, NDArray[Any]], *, symbol: str = "SIMUSDT", rotate_rows: int = 700) -> None:
    lake = LakeWriter(root, "sim", symbol, writer_id="desk", rotate_rows=rotate_rows)
    lake.add(columns)
    lake.close()


def bars_of(columns: dict[str, NDArray[Any]], interval_ms: int) -> list[Bar]:
    """Return all bars, the open one too, by going through the trades one at a time."""
    groups: dict[int, list[int]] = {}
    for index, ts_ms in enumerate(columns["ts_ms"].tolist()):
        groups.setdefault(ts_ms - ts_ms % interval_ms, []).append(index)
    price, qty, side = (columns[name].tolist() for name in ("price", "qty", "side"))
    return [
        Bar(
            open_ms,
            interval_ms,
            price[rows[0]],
            max(price[row] for row in rows),
            min(price[row] for row in rows),
            price[rows[-1]],
            math.fsum(qty[row] for row in rows),
            math.fsum(price[row] * qty[row] for row in rows),
            len(rows),
            math.fsum(qty[row] for row in rows if side[row] == 1),
        )
        for open_ms, rows in groups.items()
    ]


def assert_same_bars(found: list[Bar], expected: list[Bar]) -> None:
    assert [(b.ts_ms, b.interval_ms, b.open, b.high, b.low, b.close, b.trades) for b in found] == [
        (b.ts_ms, b.interval_ms, b.open, b.high, b.low, b.close, b.trades) for b in expected
    ]
    for name in ("volume", "amount", "buy_qty"):
        assert [getattr(b, name) for b in found] == pytest.approx([getattr(b, name) for b in expected], rel=1e-12)


def test_klines_equal_the_trades_gone_through_one_by_one(tmp_path: Path) -> None:
    trades = trade_columns(5_000, start_ms=START_MS + 7_300)
    write(tmp_path, joined(trades, quote_columns(100, start_ms=START_MS + 7_300)))
    assert_same_bars(LakeReader(tmp_path).klines("SIMUSDT", MINUTE_MS), bars_of(trades, MINUTE_MS)[:-1])


def test_resampled_bars_equal_bars_made_directly(tmp_path: Path) -> None:
    write(tmp_path, trade_columns(20_000))
    lake = LakeReader(tmp_path)
    resampler = Resampler(MINUTE_MS, 5 * MINUTE_MS)
    resampled = [coarse for bar in lake.klines("SIMUSDT", MINUTE_MS) for coarse in resampler.push(bar)]
    direct = lake.klines("SIMUSDT", 5 * MINUTE_MS)
    assert len(direct) == 6
    assert_same_bars(resampled, direct)


def test_a_bar_is_closed_once_any_row_reaches_its_end(tmp_path: Path) -> None:
    write(tmp_path / "open", trade_columns(600))
    assert LakeReader(tmp_path / "open").klines("SIMUSDT", MINUTE_MS) == []
    write(tmp_path / "closed", joined(trade_columns(600), quote_columns(1, start_ms=START_MS + MINUTE_MS)))
    assert [bar.trades for bar in LakeReader(tmp_path / "closed").klines("SIMUSDT", MINUTE_MS)] == [600]


def test_bounds_are_half_open_and_never_cut_a_bar(tmp_path: Path) -> None:
    write(tmp_path, trade_columns(6_001))
    lake = LakeReader(tmp_path)
    every = lake.klines("SIMUSDT", MINUTE_MS)
    assert len(every) == 10
    second, fourth = START_MS + MINUTE_MS, START_MS + 3 * MINUTE_MS
    assert lake.klines("SIMUSDT", MINUTE_MS, start_ms=second, end_ms=fourth) == every[1:3]
    assert lake.klines("SIMUSDT", MINUTE_MS, start_ms=second - 1, end_ms=fourth + 1) == every[1:4]
    assert lake.klines("SIMUSDT", MINUTE_MS, start_ms=fourth, end_ms=second) == []


def test_a_limit_takes_the_first_after_a_start_and_the_last_without(tmp_path: Path) -> None:
    write(tmp_path, trade_columns(6_001))
    lake = LakeReader(tmp_path)
    every = lake.klines("SIMUSDT", MINUTE_MS)
    assert lake.klines("SIMUSDT", MINUTE_MS, start_ms=START_MS, limit=3) == every[:3]
    assert lake.klines("SIMUSDT", MINUTE_MS, limit=3) == every[-3:]
    assert lake.klines("SIMUSDT", MINUTE_MS, end_ms=every[5].ts_ms, limit=3) == every[2:5]


def test_bars_are_found_across_a_silence(tmp_path: Path) -> None:
    early = trade_columns(1_800)
    late = trade_columns(601, start_ms=START_MS + 3 * DAY_MS, first_id=1_801)
    write(tmp_path, joined(early, late))
    found = LakeReader(tmp_path).klines("SIMUSDT", MINUTE_MS, limit=3)
    assert [bar.ts_ms for bar in found] == [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS, START_MS + 3 * DAY_MS]
    assert LakeReader(tmp_path).klines("SIMUSDT", MINUTE_MS, start_ms=found[0].ts_ms, limit=3) == found


def test_the_last_bars_are_found_across_a_silence_within_a_day(tmp_path: Path) -> None:
    write(tmp_path, joined(trade_columns(600), trade_columns(601, start_ms=START_MS + 3_600_000, first_id=601)))
    found = LakeReader(tmp_path).klines("SIMUSDT", MINUTE_MS, limit=2)
    assert [bar.ts_ms for bar in found] == [START_MS, START_MS + 3_600_000]


def test_weeks_open_on_monday(tmp_path: Path) -> None:
    write(tmp_path, trade_columns(40, start_ms=START_MS - DAY_MS, step_ms=DAY_MS // 2), rotate_rows=5)
    found = LakeReader(tmp_path).klines("SIMUSDT", WEEK_MS)
    assert [(bar.ts_ms, bar.trades) for bar in found] == [
        (START_MS - WEEK_MS, 2),
        (START_MS, 14),
        (START_MS + WEEK_MS, 14),
    ]


def test_rows_come_sorted_filtered_and_bounded(tmp_path: Path) -> None:
    write(tmp_path, joined(quote_columns(50), trade_columns(50)))
    lake = LakeReader(tmp_path)
    both = lake.rows("SIMUSDT", START_MS + 100, START_MS + 300)
    assert [(row["ts_ms"] - START_MS, row["seq_last"]) for row in both] == [(100, 2), (100, 2), (200, 3), (200, 3)]
    trades = lake.rows("SIMUSDT", START_MS, START_MS + DAY_MS, kinds=["trade"], limit=7)
    assert [row["kind"] for row in trades] == ["trade"] * 7
    assert lake.rows("SIMUSDT", START_MS + DAY_MS, START_MS + 2 * DAY_MS) == []
    assert lake.rows("SIMUSDT", -1, -5) == []


def test_symbols_are_those_with_rows_and_nothing_behind_an_underscore(tmp_path: Path) -> None:
    lake = LakeReader(tmp_path / "lake")
    assert lake.symbols() == []
    for symbol in ("ETHUSDT", "BTCUSDT"):
        write(tmp_path / "lake", trade_columns(5), symbol=symbol)
    (tmp_path / "lake" / "EMPTY" / "date=2026-01-05").mkdir(parents=True)
    (tmp_path / "lake" / "_features" / "date=2026-01-05").mkdir(parents=True)
    (tmp_path / "lake" / "_features" / "date=2026-01-05" / "part-1.parquet").write_bytes(b"")
    assert lake.symbols() == ["BTCUSDT", "ETHUSDT"]


def test_an_unknown_symbol_is_not_found(tmp_path: Path) -> None:
    write(tmp_path, trade_columns(5))
    lake = LakeReader(tmp_path)
    for question in (
        lambda: lake.klines("DOGEUSDT", MINUTE_MS),
        lambda: lake.klines("DOGEUSDT", MINUTE_MS, start_ms=START_MS),
        lambda: lake.rows("DOGEUSDT", 0, 1),
    ):
        with pytest.raises(NotFound, match="no rows of DOGEUSDT; it has SIMUSDT"):
            question()


@pytest.mark.parametrize("symbol", ["..", "../SIMUSDT", "_tmp", "a*", "/etc", "SIMUSDT\n", ""])
def test_a_symbol_that_is_a_path_is_refused(tmp_path: Path, symbol: str) -> None:
    write(tmp_path, trade_columns(5))
    lake = LakeReader(tmp_path)
    with pytest.raises(InvalidArgument, match="symbol"):
        lake.klines(symbol, MINUTE_MS)
    with pytest.raises(InvalidArgument, match="symbol"):
        lake.rows(symbol, 0, 1)


def test_arguments_outside_their_bounds_are_refused(tmp_path: Path) -> None:
    write(tmp_path, trade_columns(5))
    lake = LakeReader(tmp_path)
    with pytest.raises(InvalidArgument, match="interval is 0 ms"):
        lake.klines("SIMUSDT", 0)
    with pytest.raises(InvalidArgument, match="limit is 0"):
        lake.klines("SIMUSDT", MINUTE_MS, limit=0)
    with pytest.raises(InvalidArgument, match="kind 'quotes' is none of"):
        lake.rows("SIMUSDT", 0, 1, kinds=["quotes"])


def test_a_root_with_pattern_characters_is_read_as_it_is_spelt(tmp_path: Path) -> None:
    write(tmp_path / "run[1]*?", trade_columns(601))
    write(tmp_path / "run1ab", trade_columns(1_000))
    assert len(LakeReader(tmp_path / "run[1]*?").rows("SIMUSDT", 0, START_MS + DAY_MS)) == 601


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    write(tmp_path, trade_columns(5))
    part = next(tmp_path.glob("SIMUSDT/*/*.parquet"))
    part.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(Broken, match=part.name):
        LakeReader(tmp_path).rows("SIMUSDT", 0, START_MS + DAY_MS)


def test_rows_written_later_are_seen(tmp_path: Path) -> None:
    trades = trade_columns(1_201)
    write(tmp_path, sliced(trades, 0, 601), rotate_rows=601)
    lake = LakeReader(tmp_path)
    assert len(lake.klines("SIMUSDT", MINUTE_MS)) == 1
    write(tmp_path, sliced(trades, 601, 1_201))
    assert len(lake.klines("SIMUSDT", MINUTE_MS)) == 2
    lake.close()
    assert len(lake.klines("SIMUSDT", MINUTE_MS)) == 2


@pytest.mark.golden
def test_recorded_trades_give_the_bars_that_the_core_builds(tmp_path: Path, market_data: Path) -> None:
    source = RecordedSource.open(market_data / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz")
    decimals = (source.price_decimals, source.qty_decimals)
    collector, builder = chanflow_native.RowCollector(*decimals), chanflow_native.BarBuilder(MINUTE_MS, *decimals)
    lake = LakeWriter(tmp_path, source.venue, "BTCUSDT", writer_id="desk")
    built, at_ns = [], source.start_ns
    while not source.exhausted:
        at_ns += 10_000_000_000
        batch = source.next(at_ns)
        built += [Bar(first, MINUTE_MS, *rest) for first, *rest in builder.push(batch)]
        collector.push(batch)
        lake.add(collector.take())
    lake.close()
    assert [path.parent.name for path in sorted(tmp_path.glob("BTCUSDT/*/*"))] == ["date=2024-08-08", "date=2024-08-09"]
    found = LakeReader(tmp_path).klines("BTCUSDT", MINUTE_MS)
    assert len(found) == 6
    assert_same_bars(found, built)
