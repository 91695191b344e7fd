"""Slices of a lake: order, pages, gaps, tails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_lake import ClockAt, write_rows
from made_rows import DAY_MS, START_MS, joined, quote_columns, sliced, trade_columns

from chanflow.adapters.storage import lake_slices
from chanflow.adapters.storage.lake import LakeWriter
from chanflow.adapters.storage.lake_source import LakeSource
from chanflow.domain.errors import Broken, InvalidArgument, NotFound
from chanflow.market.feed import Feed, Page, SliceQuery

END_MS = START_MS + 10 * DAY_MS


class HeldRows:
    """A writer's tail."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows

    def tail(self, symbol: str) -> pl.DataFrame | None:
        return self._rows if symbol == "SIMUSDT" else None

    def live(self, symbol: str) -> dict[str, Any] | None:
        return (
            {"trade": {"price": 7.0, "event_ms": 1, "known_ns": 2**62, "dq_codes": []}} if symbol == "SIMUSDT" else None
        )


def feed_of(root: Path, *tails: Any) -> Feed:
    return Feed([LakeSource(root)], ClockAt(END_MS), tails=tails)


def query(**more: Any) -> SliceQuery:
    return SliceQuery(**{"symbols": ("SIMUSDT",), "start_ms": START_MS, "end_ms": END_MS, **more})


def paged(feed: Feed, asked: SliceQuery, limit: int) -> list[Page]:
    pages = [feed.historical_slice(asked, limit=limit)]
    while pages[-1].next_cursor is not None:
        pages.append(feed.historical_slice(asked, limit=limit, cursor=pages[-1].next_cursor))
    return pages


def scrambled() -> dict[str, Any]:
    """Trades and quotes of one span, out of order and with many ties, as two streams arrive."""
    chance = np.random.default_rng(5)
    both = joined(trade_columns(900), quote_columns(900))
    both["ts_ms"] = START_MS + chance.integers(0, 400, 1_800) * 10
    both["known_ns"] = both["ts_ms"] * 1_000_000 + chance.integers(0, 2, 1_800)
    both["seq_last"] = chance.integers(-1, 3, 1_800)
    return both


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    write_rows(root, scrambled(), rotate_rows=130)
    return root


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(limit=st.integers(1, 700))
def test_pages_of_any_size_join_to_the_whole_in_order(tied: Path, limit: int) -> None:
    feed = feed_of(tied)
    whole = feed.historical_slice(query()).rows
    keys = whole.select("ts_ms", "known_ns", pl.col("seq_last").fill_null(-1)).rows()
    assert len(keys) == 1_800
    assert keys == sorted(keys)
    limit = max(limit, 60)
    assert pl.concat([page.rows for page in paged(feed, query(), limit)]).equals(whole)


def test_a_small_reading_gives_the_same_rows_as_a_large_one(tied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = feed_of(tied).historical_slice(query()).rows
    monkeypatch.setattr(lake_slices, "READ_ROWS", 50)
    assert (
        feed_of(tied).historical_slice(query()).rows.sort(whole.columns[0], "row_id", "known_ns").height == whole.height
    )
    keys = feed_of(tied).historical_slice(query()).rows.select("ts_ms", "known_ns").rows()
    assert keys == whole.select("ts_ms", "known_ns").rows()


def test_the_start_is_in_the_slice_and_the_end_is_not(tmp_path: Path) -> None:
    write_rows(tmp_path, trade_columns(10))
    rows = feed_of(tmp_path).historical_slice(query(start_ms=START_MS + 200, end_ms=START_MS + 500)).rows
    assert (rows["ts_ms"] - START_MS).to_list() == [200, 300, 400]


def test_only_the_kinds_and_columns_that_were_asked_for_come(tmp_path: Path) -> None:
    write_rows(tmp_path, joined(trade_columns(5), quote_columns(5)))
    rows = feed_of(tmp_path).historical_slice(query(kinds=("trade",), columns=("price", "ts_ms"))).rows
    assert rows.columns == ["price", "ts_ms"]
    assert rows.height == 5


def test_a_page_lists_the_gaps_that_it_covers_and_no_other(tmp_path: Path) -> None:
    trades = trade_columns(100)
    gap = sliced(trades, 0, 1) | {
        "kind": np.array([7], dtype=np.uint8), "ts_ms": np.array([START_MS + 7_150]), "seq_first": np.array([70]),
        "seq_last": np.array([72]), "event_ms": np.array([START_MS + 6_900]),
    }  # fmt: skip
    write_rows(tmp_path, joined(sliced(trades, 0, 72), gap, sliced(trades, 72, 100)))
    pages = paged(feed_of(tmp_path), query(kinds=("trade",)), 40)
    assert [len(page.gaps) for page in pages] == [0, 1, 0]
    told = pages[1].gaps[0]
    assert (told.from_ms - START_MS, told.to_ms - START_MS, told.from_u, told.to_u) == (6_900, 7_150, 70, 72)
    assert sum(page.rows.height for page in pages) == 100


def test_what_is_not_yet_published_comes_from_memory_and_what_is_both_comes_once(tmp_path: Path) -> None:
    trades = trade_columns(100)
    write_rows(tmp_path, sliced(trades, 0, 60), rotate_rows=60)
    lake = LakeWriter(tmp_path / "elsewhere", "sim", "SIMUSDT", writer_id="desk")
    lake.add(sliced(trades, 40, 100))
    held = lake.tail()
    lake.discard()
    assert held is not None
    whole = feed_of(tmp_path, HeldRows(held)).historical_slice(query()).rows
    assert whole["seq_last"].to_list() == list(range(1, 101))


def test_two_lakes_are_one_in_order(tmp_path: Path) -> None:
    write_rows(tmp_path / "a", trade_columns(50, step_ms=100))
    write_rows(tmp_path / "b", trade_columns(50, start_ms=START_MS + 50, step_ms=100), symbol="OTHER")
    feed = Feed([LakeSource(tmp_path / "a"), LakeSource(tmp_path / "b")], ClockAt(END_MS))
    rows = feed.historical_slice(query(symbols=("OTHER", "SIMUSDT"))).rows
    assert (rows["ts_ms"] - START_MS).to_list() == list(range(0, 5_000, 50))


def test_a_span_without_rows_is_an_empty_page(tmp_path: Path) -> None:
    write_rows(tmp_path, trade_columns(5))
    page = feed_of(tmp_path).historical_slice(query(start_ms=0, end_ms=5))
    assert (page.rows.height, page.next_cursor, page.gaps) == (0, None, ())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"columns": ("wings",)}, "column 'wings' is none of"),
        ({"kinds": ("wings",)}, "kind 'wings' is none of"),
        ({"end_ms": START_MS}, "must be after start_ts"),
        ({"symbols": ()}, "0 symbols, allowed are 1 to 200"),
        ({"kinds": ("trade",), "interval": "1m"}, "give one of them"),
        ({"fill": True}, "give an interval"),
        ({"interval": "7x"}, "level is '7x'"),
    ],
)
def test_a_slice_out_of_bounds_is_one_sentence(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    write_rows(tmp_path, trade_columns(5))
    with pytest.raises(InvalidArgument, match=words):
        feed_of(tmp_path).historical_slice(query(**more))


def test_an_unknown_symbol_is_not_found_and_names_what_there_is(tmp_path: Path) -> None:
    write_rows(tmp_path, trade_columns(5))
    with pytest.raises(NotFound, match="known are SIMUSDT"):
        feed_of(tmp_path).historical_slice(query(symbols=("../etc",)))


def test_a_cursor_of_another_slice_or_none_of_ours_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path, trade_columns(5))
    feed = feed_of(tmp_path)
    cursor = feed.historical_slice(query(), limit=2).next_cursor
    with pytest.raises(InvalidArgument, match="other arguments"):
        feed.historical_slice(query(kinds=("trade",)), cursor=cursor)
    for text in ("", "AAAA", "W10", "bnVsbA", "é" * 300):
        with pytest.raises(InvalidArgument, match="none of ours"):
            feed.historical_slice(query(), cursor=text)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    write_rows(tmp_path, trade_columns(5))
    part = next(tmp_path.glob("SIMUSDT/*/part-*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(Broken, match=r"part-.*cannot be read"):
        feed_of(tmp_path).historical_slice(query())


def test_a_snapshot_has_the_newest_of_each_kind_and_says_where_there_is_nothing(tmp_path: Path) -> None:
    both = joined(quote_columns(50), trade_columns(51))
    arrived = np.argsort(both["known_ns"], kind="stable")
    write_rows(tmp_path, {name: values[arrived] for name, values in both.items()}, rotate_rows=40)
    feed = Feed([LakeSource(tmp_path)], ClockAt(START_MS + 5_000))
    found, absent = feed.live_snapshot(["SIMUSDT", "NONE"])
    assert found.trade is not None
    assert found.quote is not None
    assert (found.trade["event_ms"] - START_MS, found.trade["age_ms"]) == (5_000, 0)
    assert (found.quote["event_ms"] - START_MS, found.quote["age_ms"], found.dq_ok) == (4_900, 100, True)
    assert (absent.dq_ok, absent.dq_codes, absent.known_ns, absent.age_ms) == (False, ("no_data",), None, None)


def test_an_old_quote_is_stale(tmp_path: Path) -> None:
    write_rows(tmp_path, quote_columns(50))
    feed = Feed([LakeSource(tmp_path)], ClockAt(START_MS + 4_900 + 1_501))
    assert feed.live_snapshot(["SIMUSDT"])[0].dq_codes == ("stale",)


def test_the_writers_memory_is_newer_than_the_lake(tmp_path: Path) -> None:
    write_rows(tmp_path, trade_columns(5))
    found = feed_of(tmp_path, HeldRows(pl.DataFrame())).live_snapshot(["SIMUSDT"])[0]
    assert found.trade is not None
    assert found.trade["price"] == 7.0
