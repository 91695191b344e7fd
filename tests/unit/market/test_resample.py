"""Coarser bars: closed ones only, on the crypto calendar, the same at once and one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chanflow.domain.market_data import Bar
from chanflow.market.calendar import Calendar, CnCalendar, CryptoCalendar
from chanflow.market.ports import WEEK_MS, bar_open_ms
from chanflow.market.resample import BAR_COLUMNS, CalendarResampler, Resampler, resample, resample_on

MINUTE_MS = 60_000
MONDAY_MS = 1_767_571_200_000
"""2026-01-05T00:00:00Z."""


def bar(ts_ms: int, *prices: float, interval_ms: int = MINUTE_MS, volume: float = 1.0) -> Bar:
    first, high, low, last = prices or (10.0, 12.0, 9.0, 11.0)
    return Bar(ts_ms, interval_ms, first, high, low, last, volume, volume * last, 3, volume / 2)


def columns(bars: list[Bar]) -> dict[str, NDArray[Any]]:
    whole = ("ts_ms", "trades")
    return {n: np.array([getattr(b, n) for b in bars], dtype=np.int64 if n in whole else float) for n in BAR_COLUMNS}


def bars_in(found: dict[str, NDArray[Any]], interval_ms: int) -> list[Bar]:
    rows = zip(*(found[name].tolist() for name in BAR_COLUMNS), strict=True)
    return [Bar(row[0], interval_ms, *row[1:]) for row in rows]


def test_five_minutes_make_one_bar() -> None:
    prices = [(10.0, 12.0, 9.0, 11.0), (11.0, 15.0, 11.0, 14.0), (14.0, 14.0, 7.0, 8.0)]
    bars = [bar(MONDAY_MS + n * MINUTE_MS, *p) for n, p in zip((0, 1, 4), prices, strict=True)]
    found = resample(columns(bars), MINUTE_MS, 5 * MINUTE_MS)
    assert bars_in(found, 5 * MINUTE_MS) == [Bar(MONDAY_MS, 5 * MINUTE_MS, 10.0, 15.0, 7.0, 8.0, 3.0, 33.0, 9, 1.5)]


def test_an_open_bar_is_not_given_until_its_end_is_known() -> None:
    bars = columns([bar(MONDAY_MS + n * MINUTE_MS) for n in range(4)])
    assert resample(bars, MINUTE_MS, 5 * MINUTE_MS)["ts_ms"].size == 0
    known = resample(bars, MINUTE_MS, 5 * MINUTE_MS, known_to_ms=MONDAY_MS + 5 * MINUTE_MS)
    assert known["ts_ms"].tolist() == [MONDAY_MS]


def test_no_bars_make_no_bars() -> None:
    found = resample(columns([]), MINUTE_MS, 5 * MINUTE_MS)
    assert {name: values.size for name, values in found.items()} == dict.fromkeys(BAR_COLUMNS, 0)


def test_a_week_opens_on_monday() -> None:
    day_ms = 1_440 * MINUTE_MS
    assert [bar_open_ms(MONDAY_MS + n * day_ms, WEEK_MS) for n in (-1, 0, 6, 7)] == [
        MONDAY_MS - WEEK_MS,
        MONDAY_MS,
        MONDAY_MS,
        MONDAY_MS + WEEK_MS,
    ]
    assert bar_open_ms(MONDAY_MS + 5, day_ms) == MONDAY_MS


def test_one_bar_may_close_two() -> None:
    resampler = Resampler(MINUTE_MS, 5 * MINUTE_MS)
    assert resampler.push(bar(MONDAY_MS + 3 * MINUTE_MS)) == ()
    closed = resampler.push(bar(MONDAY_MS + 9 * MINUTE_MS))
    assert [(b.ts_ms, b.trades) for b in closed] == [(MONDAY_MS, 3), (MONDAY_MS + 5 * MINUTE_MS, 3)]


def test_time_alone_closes_a_bar_once() -> None:
    resampler = Resampler(MINUTE_MS, 5 * MINUTE_MS)
    resampler.push(bar(MONDAY_MS))
    assert resampler.advance(MONDAY_MS + 5 * MINUTE_MS - 1) is None
    closed = resampler.advance(MONDAY_MS + 5 * MINUTE_MS)
    assert closed is not None
    assert closed.ts_ms == MONDAY_MS
    assert resampler.advance(MONDAY_MS + 5 * MINUTE_MS) is None


def test_bars_that_do_not_fit_are_refused() -> None:
    resampler = Resampler(MINUTE_MS, 5 * MINUTE_MS)
    with pytest.raises(ValueError, match="bar has 1000 ms, expected are 60000 ms"):
        resampler.push(bar(MONDAY_MS, interval_ms=1_000))
    resampler.push(bar(MONDAY_MS))
    with pytest.raises(ValueError, match="bars are known up to"):
        resampler.push(bar(MONDAY_MS))
    with pytest.raises(ValueError, match="do not rise"):
        resample(columns([bar(MONDAY_MS), bar(MONDAY_MS)]), MINUTE_MS, 5 * MINUTE_MS)
    for to_ms in (MINUTE_MS, 90_000, 0):
        with pytest.raises(ValueError, match="larger multiple"):
            Resampler(MINUTE_MS, to_ms)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4_000)), max_size=60),
    st.sampled_from([2, 5, 60, 1_440, 10_080]),
)
def test_one_by_one_equals_at_once(steps: list[tuple[int, int]], minutes: int) -> None:
    at_ms, bars = MONDAY_MS - 30 * MINUTE_MS, []
    for step, cents in steps:
        at_ms += step * MINUTE_MS
        price = cents / 64
        bars.append(bar(at_ms, price, price + 1, price / 2, price + 0.5, volume=cents / 16))
    resampler = Resampler(MINUTE_MS, minutes * MINUTE_MS)
    one_by_one = [closed for fine in bars for closed in resampler.push(fine)]
    assert one_by_one == bars_in(resample(columns(bars), MINUTE_MS, minutes * MINUTE_MS), minutes * MINUTE_MS)


MARKETS: dict[str, tuple[Calendar, list[str]]] = {
    "crypto": (CryptoCalendar(), ["1m", "5m", "30m", "1d", "1w", "1M"]),
    "cn": (CnCalendar(), ["1m", "5m", "30m", "1d", "1w", "1M"]),
}
SESSION_OPENS_MS = MONDAY_MS + 90 * MINUTE_MS
"""09:30 in Shanghai."""


def session_minutes(days: int) -> list[int]:
    """Return the opens of the minutes in which Shanghai trades, on the weekdays of some days from Monday on."""
    minutes = [*range(120), *range(210, 330)]
    return [
        SESSION_OPENS_MS + (day * 1_440 + minute) * MINUTE_MS
        for day in range(days)
        if day % 7 < 5
        for minute in minutes
    ]


def made_columns(times: list[int], seed: int) -> dict[str, NDArray[Any]]:
    """Return bars at these times; a tenth of them has no volume."""
    chance = np.random.default_rng(seed)
    first, last = chance.uniform(9, 11, (2, len(times)))
    volume = np.where(chance.random(len(times)) < 0.1, 0.0, chance.uniform(0, 3, len(times)))
    return {
        "ts_ms": np.array(times, dtype=np.int64), "open": first, "high": np.maximum(first, last) + 0.1,
        "low": np.minimum(first, last) - 0.1, "close": last, "volume": volume, "trades": np.arange(len(times)),
    }  # fmt: skip


def first_rows(found: dict[str, NDArray[Any]], begin: int, end: int) -> dict[str, NDArray[Any]]:
    return {name: values[begin:end] for name, values in found.items()}


@given(
    market=st.sampled_from(sorted(MARKETS)),
    seed=st.integers(0, 99),
    kept=st.floats(0.01, 1),
    sizes=st.lists(st.sampled_from([1, 1, 2, 3, 17, 400]), min_size=1, max_size=40),
)
def test_batches_of_any_size_equal_all_rows_at_once(market: str, seed: int, kept: float, sizes: list[int]) -> None:
    calendar, names = MARKETS[market]
    chance = np.random.default_rng(seed)
    times = session_minutes(40)
    chosen = np.sort(chance.choice(len(times), int(len(times) * kept), replace=False))
    rows = made_columns([times[at] for at in chosen.tolist()], seed)
    resampler = CalendarResampler(calendar, "1m", names)
    given_bars: dict[str, list[dict[str, NDArray[Any]]]] = {name: [] for name in names}
    at = 0
    for size in sizes:
        for name, made in resampler.push(first_rows(rows, at, at + size)).items():
            assert made["ts_ms"].size
            given_bars[name].append(made)
        at = min(at + size, chosen.size)
    for name in names:
        whole = resample_on(first_rows(rows, 0, at), calendar, "1m", name)
        all_bars = resample_on(first_rows(rows, 0, at), calendar, "1m", name, known_to_ms=2**42)
        forming = resampler.forming(name)
        assert (0 if forming is None else 1) == all_bars["ts_ms"].size - whole["ts_ms"].size
        for column, values in whole.items():
            parts = [made[column] for made in given_bars[name]]
            assert np.array_equal(np.concatenate(parts) if parts else values[:0], values), (name, column)
            assert forming is None or forming[column].tolist() == all_bars[column][-1:].tolist()


def test_time_alone_closes_bars_of_a_calendar() -> None:
    resampler = CalendarResampler(CryptoCalendar(), "1m", ["5m", "30m"])
    rows = made_columns([MONDAY_MS, MONDAY_MS + MINUTE_MS], 1)
    assert resampler.push(rows) == {}
    later = resampler.push(first_rows(rows, 2, 2), known_to_ms=MONDAY_MS + 5 * MINUTE_MS)
    assert {name: made["close_ms"].tolist() for name, made in later.items()} == {"5m": [MONDAY_MS + 5 * MINUTE_MS]}
    assert resampler.forming("5m") is None
    assert resampler.forming("30m") is not None


def test_rows_that_do_not_fit_change_nothing() -> None:
    resampler = CalendarResampler(CnCalendar(), "1m", ["5m", "1d"])
    rows = made_columns(session_minutes(1)[:7], 3)
    resampler.push(first_rows(rows, 0, 5))
    before = resampler.forming("1d")
    sunday = made_columns([MONDAY_MS + 6 * 1_440 * MINUTE_MS], 1)
    bare = {name: rows[name][5:] for name in ("ts_ms", "open", "high", "low", "close")}
    known = CalendarResampler(CryptoCalendar(), "1m", ["5m"])
    known.push(first_rows(rows, 0, 1), known_to_ms=int(rows["ts_ms"][0]) + 5 * MINUTE_MS)
    with pytest.raises(ValueError, match="belongs to a closed 5m bar"):
        known.push(first_rows(rows, 1, 2))
    for wrong, sentence in (
        (first_rows(rows, 4, 6), "do not rise"),
        (sunday, "is no trading day"),
        (bare, "rows have ts_ms, open, high, low, close, those before had ts_ms, open, high, low, close, volume"),
    ):
        with pytest.raises(ValueError, match=sentence):
            resampler.push(wrong)
    after = resampler.forming("1d")
    assert before is not None
    assert after is not None
    assert {name: values.tolist() for name, values in after.items()} == {n: v.tolist() for n, v in before.items()}
    with pytest.raises(ValueError, match="does not lie in one 3m bar"):
        CalendarResampler(CryptoCalendar(), "5m", ["3m"]).push(first_rows(rows, 0, 1))
