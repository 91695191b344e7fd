"""Levels of recorded markets: live and batch show the same, previews settle nothing, nested intervals hold in time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chanflow.features import chan
from chanflow.features.levels import LINKED, LevelBars, LevelPoint, Levels, NestedInterval
from chanflow.market.calendar import Calendar, CnCalendar, CryptoCalendar
from chanflow.runtime.level_feed import LevelFeed, levels_of

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared")))
CONFIRMED = 1
COLUMNS = ("open_ms", "close_ms", "open", "high", "low", "close", "volume")
PERPETUALS = "binance_usdm_1m_14sym_202505_202506"
# Points above the finest level, and how many of them nest one level deeper or more, and down to the finest.
CHAINS = {
    "ADAUSDT": (13, 4, 4),
    "AVAXUSDT": (6, 0, 0),
    "BCHUSDT": (7, 4, 4),
    "BNBUSDT": (5, 1, 1),
    "BTCUSDT": (20, 7, 7),
    "ENAUSDT": (8, 2, 2),
    "ETCUSDT": (10, 4, 4),
    "ETHUSDT": (7, 1, 1),
    "LAYERUSDT": (13, 4, 4),
    "LINKUSDT": (19, 5, 5),
    "LTCUSDT": (15, 3, 3),
    "SOLUSDT": (21, 5, 5),
    "XLMUSDT": (4, 0, 0),
    "XMRUSDT": (7, 3, 3),
    "000001.SH": (134, 53, 52),
}
MARKETS: dict[str, tuple[str, Calendar, tuple[str, ...]]] = {
    "BTCUSDT": (PERPETUALS, CryptoCalendar(), ("1m", "5m", "30m", "1d")),
    # A year of it for the properties: every holiday, and prefixes that are quick to analyse again.
    "000001.SH": ("ashare_000001SH_1m_2015_2019", CnCalendar(), ("1m", "5m", "30m", "1d", "1w", "1M")),
}
ROWS = {"BTCUSDT": 43_199, "000001.SH": 60_000}

Columns = dict[str, NDArray[Any]]
_read: dict[str, Columns] = {}


def minutes(symbol: str) -> Columns:
    """Return a symbol's recorded minutes, read once."""
    if symbol not in _read:
        name = MARKETS[symbol][0] if symbol in MARKETS else PERPETUALS
        path = DATA / "data" / "klines" / f"{name}.parquet"
        if not path.exists():
            pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
        rows = pl.read_parquet(path).filter(pl.col("symbol") == symbol).sort("ts_ms").head(ROWS.get(symbol, 10**6))
        _read[symbol] = {of: rows[of].to_numpy() for of in ("ts_ms", "open", "high", "low", "close", "volume")}
    return _read[symbol]


def cut(columns: Columns, begin: int, end: int) -> Columns:
    return {name: values[begin:end] for name, values in columns.items()}


def check_same(one: Levels, other: Levels) -> None:
    assert one.names == other.names
    for name in one.names:
        assert len(one.bars[name]) == len(other.bars[name]), name
        for of in COLUMNS if len(one.bars[name]) else ():
            assert np.array_equal(getattr(one.bars[name], of), getattr(other.bars[name], of)), (name, of)
        assert one.structures[name].to_json() == other.structures[name].to_json(), name
    for fine in one.names[:-1]:
        for of in ("bars", *LINKED):
            assert np.array_equal(one.links(fine, of).parent, other.links(fine, of).parent), (fine, of)


@st.composite
def pushes(draw: st.DrawFn, rows: int) -> list[int]:
    """Return where batches of bars end: long ones first, then some of a single bar or a few."""
    begin = draw(st.integers(0, rows - 400))
    sizes = draw(st.lists(st.sampled_from([1, 1, 1, 2, 7, 31, 121]), min_size=1, max_size=25))
    return [begin, *(begin + end for end in np.cumsum(sizes).tolist() if begin + end <= rows)]


@pytest.mark.parametrize("symbol", list(MARKETS))
@settings(max_examples=15)
@given(data=st.data())
def test_live_levels_are_those_of_the_bars_closed_by_then(symbol: str, data: st.DataObject) -> None:
    columns, (_, calendar, names) = minutes(symbol), MARKETS[symbol]
    ends = data.draw(pushes(ROWS[symbol]))
    feed = LevelFeed(calendar, "1m", names)
    for begin, end in pairwise([0, *ends]):
        feed.push(cut(columns, begin, end))
        if data.draw(st.booleans()):
            feed.preview()
    check_same(feed.now(), levels_of(cut(columns, 0, ends[-1]), calendar, "1m", names))


def settled(found: Levels, name: str) -> Iterator[tuple[Any, ...]]:
    """Return all that is confirmed on a level, with everything that must never change."""
    structure = found.structures[name]
    for of in ("strokes", "segments", "super_segments"):
        rows = getattr(structure, of)
        for at in np.flatnonzero(rows.state == CONFIRMED).tolist():
            dates = int(rows.first_seen_bar[at]), int(rows.confirmed_bar[at])
            span = int(rows.start_bar[at]), int(rows.end_bar[at])
            yield of, at, *span, float(rows.start_price[at]), float(rows.end_price[at]), *dates
    rows = structure.centers
    for at in np.flatnonzero(rows.state == CONFIRMED).tolist():
        figures = (rows.level, rows.start_stroke, rows.end_stroke, rows.low, rows.high, rows.confirmed_bar)
        yield "center", *(column[at].item() for column in figures)
    points = structure.points
    for at in np.flatnonzero(points.confirmed_types).tolist():
        place = points.level[at].item(), points.bar[at].item(), points.side[at].item(), points.price[at].item()
        for bit in range(6):
            if points.confirmed_types[at] >> bit & 1:
                yield "point", *place, bit


@pytest.mark.parametrize("symbol", list(MARKETS))
@settings(max_examples=15)
@given(data=st.data())
def test_a_preview_confirms_what_closed_bars_did_and_nothing_else(symbol: str, data: st.DataObject) -> None:
    columns, (_, calendar, names) = minutes(symbol), MARKETS[symbol]
    ends = data.draw(pushes(ROWS[symbol]))
    final = finally_settled(symbol)
    feed = LevelFeed(calendar, "1m", names)
    for begin, end in pairwise([0, *ends]):
        feed.push(cut(columns, begin, end))
        now, ahead = feed.now(), feed.preview()
        for name in names:
            closed, shown = list(settled(now, name)), list(settled(ahead, name))
            assert shown == closed
            assert final[name].issuperset(shown)
            # Since when a point is known is not said while only a forming bar shows it.
            forming = ahead.bars[name].closed
            assert all((p.known_ms is None) == (p.known_bar == forming) for p in ahead.points(name))
    last_ms = int(columns["ts_ms"][ends[-1] - 1]) + 60_000 if ends[-1] else 0
    check_same(feed.preview().at(last_ms), feed.now())


@cache
def finally_settled(symbol: str) -> dict[str, set[tuple[Any, ...]]]:
    _, calendar, names = MARKETS[symbol]
    final = levels_of(minutes(symbol), calendar, "1m", names)
    return {name: set(settled(final, name)) for name in names}


def test_a_forming_bar_would_have_confirmed_what_the_preview_keeps_provisional() -> None:
    columns, (_, calendar, names) = minutes("BTCUSDT"), MARKETS["BTCUSDT"]
    feed, forming, kept_back = LevelFeed(calendar, "1m", names), 0, 0
    feed.push(cut(columns, 0, 20_000))
    for row in range(20_000, 20_600):
        feed.push(cut(columns, row, row + 1))
        ahead = feed.preview()
        for name in ("5m", "30m"):
            if ahead.bars[name].forming:
                forming += 1
                taken, shown = taken_for_closed(ahead.bars[name]).strokes, ahead.structures[name].strokes
                kept_back += int((taken.state == CONFIRMED).sum() > (shown.state == CONFIRMED).sum())
    assert forming == 600 // 5 * 4 + 600 // 30 * 29
    assert kept_back > 0


def taken_for_closed(bars: LevelBars) -> chan.Structure:
    """Return what an engine shows that does not know of the forming bar that it forms."""
    return chan.analyze(bars.open, bars.high, bars.low, bars.close, bars.open_ms, volume=bars.volume)


@pytest.mark.parametrize("symbol", list(MARKETS))
def test_a_preview_shows_what_would_be_if_the_bars_closed_now(symbol: str) -> None:
    columns, (_, calendar, names) = minutes(symbol), MARKETS[symbol]
    for end in (5_003, 30_017, 40_111):
        feed = LevelFeed(calendar, "1m", names)
        feed.push(cut(columns, 0, end))
        ahead = feed.preview()
        whole = levels_of(cut(columns, 0, end), calendar, "1m", names, known_to_ms=2**42)
        assert sum(bars.forming for bars in ahead.bars.values()) >= 2
        for name in names:
            for of in COLUMNS:
                assert np.array_equal(getattr(ahead.bars[name], of), getattr(whole.bars[name], of)), (name, of)
            shown, closed = ahead.structures[name], whole.structures[name]
            assert np.array_equal(shown.strokes.end_bar, closed.strokes.end_bar)
            assert np.array_equal(shown.points.bar, closed.points.bar)


def place(point: LevelPoint) -> tuple[str, str, int, str]:
    return point.level, point.ends, point.bar, point.side


def same_point(point: LevelPoint, then: LevelPoint) -> bool:
    """Tell whether a point is there. Types that came with the same bars stand in one row at all times."""
    return place(point) == place(then) and set(point.types) <= set(then.types)


def found_again(chain: NestedInterval, then: Levels) -> bool:
    """Tell whether levels show the same chain."""
    first = chain.points[0]
    top = [point for point in then.points(first.level) if same_point(first, point)]
    if not top or len(chain.points) == 1:
        return bool(top)
    again = then.nested(top[0], chain.points[-1].level).points
    return len(again) == len(chain.points) and all(map(same_point, chain.points, again))


def check_chain(whole: Levels, chain: NestedInterval, finest: str) -> None:
    """Each point lies inside the exit element of the one above; missing links say so."""
    for above, point in pairwise(chain.points):
        structure, bars = whole.structures[above.level], whole.bars[above.level]
        rows = structure.strokes if above.ends == "stroke" else structure.segments
        begin_ms = bars.open_ms[rows.start_bar[above.element]]
        until_ms = bars.close_ms[rows.end_bar[above.element]]
        assert rows.end_bar[above.element] == above.bar
        bar = whole.bars[point.level]
        assert begin_ms <= point.ts_ms < until_ms
        assert begin_ms <= bar.open_ms[point.bar] < bar.close_ms[point.bar] <= until_ms
        assert point.side == above.side
        assert set(point.types) & {"1", "1p"}
    reached = chain.points[-1].level
    below = whole.names[whole.names.index(reached) - 1] if reached != finest else None
    assert chain.missing == below


def chains(whole: Levels, finest: str) -> list[NestedInterval]:
    return [
        whole.nested(point, finest)
        for name in whole.names[whole.names.index(finest) + 1 :]
        for point in whole.points(name)
    ]


@pytest.mark.parametrize("symbol", list(CHAINS))
def test_nested_intervals_lie_inside_one_another_and_were_known_when_they_say(symbol: str) -> None:
    is_share = symbol == "000001.SH"
    names = ("1m", "5m", "30m", "1d") if is_share else ("5m", "30m", "1d")
    calendar: Calendar = CnCalendar() if is_share else CryptoCalendar()
    whole = levels_of(minutes(symbol), calendar, "1m", names)
    found = chains(whole, names[0])
    for chain in found:
        check_chain(whole, chain, names[0])
    deep = [chain for chain in found if len(chain.points) > 1]
    assert (len(found), len(deep), sum(chain.missing is None for chain in found)) == CHAINS[symbol]
    for chain in deep[:: max(1, len(deep) // 12)]:
        known = chain.known
        assert known is not None
        assert known.ms == whole.bars[known.level].close_ms[known.bar]
        assert found_again(chain, whole.at(known.ms))
        assert not found_again(chain, whole.at(known.ms - 1))


@pytest.mark.parametrize("symbol", list(CHAINS))
def test_resonance_is_what_the_minutes_before_show(symbol: str) -> None:
    is_share = symbol == "000001.SH"
    names = ("1m", "5m", "30m", "1d", "1w", "1M") if is_share else ("5m", "30m", "1d")
    calendar: Calendar = CnCalendar() if is_share else CryptoCalendar()
    columns = minutes(symbol)
    whole = levels_of(columns, calendar, "1m", names)
    for row in np.linspace(100, len(columns["ts_ms"]) - 1, 4).astype(int).tolist():
        ts_ms = int(columns["ts_ms"][row])
        known = whole.resonance(ts_ms)
        fresh = levels_of(cut(columns, 0, row), calendar, "1m", names)
        assert known == {name: fresh.points(name) for name in names}
        assert all(point.known_ms is not None and point.known_ms <= ts_ms for name in names for point in known[name])
