"""A lake as a tape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_unified import START_MS, unified_rows

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.tape.opening import open_tape
from chanflow.adapters.venues.emulator.tape.steps import Kind
from chanflow.domain.errors import NotFound

ROWS, DECIMALS = unified_rows(60)


def lake(root: Path, rows: list[dict[str, Any]], symbol: str) -> None:
    folder = root / symbol / "date=2026-01-05"
    folder.mkdir(parents=True)
    named = [{**row, "symbol": symbol} for row in rows]
    # Names as a writer gives them: the time of the first row.
    pl.DataFrame(named[:90], infer_schema_length=None).write_parquet(folder / f"part-{named[0]['ts_ms']}.parquet")
    pl.DataFrame(named[90:], infer_schema_length=None).write_parquet(folder / f"part-{named[90]['ts_ms']}.parquet")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lake(tmp_path, ROWS, "SIMUSDT")
    lake(tmp_path, ROWS[: len(ROWS) // 2], "ADAUSDT")
    return tmp_path


def test_every_symbol_of_a_lake_is_played_at_its_times(root: Path) -> None:
    tape = open_tape(f"lake:{root}")
    assert list(tape.symbols) == ["ADAUSDT", "SIMUSDT"]
    assert (tape.start_ns, tape.end_ns) == (ROWS[0]["ts_ms"] * 1_000_000, (ROWS[-1]["ts_ms"] + 1) * 1_000_000)
    found = {batch.symbol: batch for batch in tape.until(tape.end_ns)}
    trades = [row for row in ROWS if row["kind"] == "trade"]
    ticks = found["SIMUSDT"]
    shown = (ticks.kind == Kind.BUY) | (ticks.kind == Kind.SELL)
    assert ticks.event_ns[shown].tolist() == [row["ts_ms"] * 1_000_000 for row in trades]
    prices = [round(row["price"] * 10 ** DECIMALS[0]) for row in trades]
    assert ticks.price[shown].tolist() == prices
    assert np.array_equal(ticks.kind[shown] == Kind.SELL, [row["is_maker"] for row in trades])


def test_a_lake_of_quotes_shows_one_level_a_side(root: Path) -> None:
    tape = open_tape(f"lake:{root}", symbols=["SIMUSDT"])
    assert list(tape.symbols) == ["SIMUSDT"]
    desk = MarketDesk(tape.symbols)
    end_ns = (START_MS + 60_000) * 1_000_000
    desk.play(tape.until(end_ns), end_ns)
    last = next(row for row in reversed(ROWS) if row["kind"] == "book_ticker")
    book = desk.states["SIMUSDT"].book
    scale = 10 ** DECIMALS[0]
    assert [price for price, _ in book.top(BID, 9)] == [round(last["bid"] * scale)]
    assert [price for price, _ in book.top(ASK, 9)] == [round(last["ask"] * scale)]


def test_rules_are_as_fine_as_the_rows(root: Path) -> None:
    rules = open_tape(f"lake:{root}").symbols["SIMUSDT"]
    assert (rules.price_decimals, rules.qty_decimals, rules.tick, rules.step) == (*DECIMALS, 1, 1)


def test_a_symbol_that_the_lake_has_not_is_named(root: Path) -> None:
    with pytest.raises(NotFound, match="BTCUSDT"):
        open_tape(f"lake:{root}", symbols=["BTCUSDT"])
