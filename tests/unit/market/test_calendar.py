"""Bar edges: crypto around the clock, A-shares by session; and the bars that come of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chanflow.domain.errors import InvalidArgument
from chanflow.market.calendar import SHANGHAI, Calendar, CnCalendar, CryptoCalendar, calendar_named, trading_days
from chanflow.market.ports import bar_open_ms
from chanflow.market.resample import resample, resample_on

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def cn(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1_000)


def edges(calendar: Calendar, ts_ms: int, level: str) -> tuple[int, int]:
    open_ms, close_ms = calendar.edges(np.array([ts_ms]), level)
    return int(open_ms[0]), int(close_ms[0])


@pytest.mark.parametrize(
    ("level", "opens", "closes"),
    [
        ("1s", "2024-02-29T13:47:31", "2024-02-29T13:47:32"),
        ("5m", "2024-02-29T13:45", "2024-02-29T13:50"),
        ("4h", "2024-02-29T12:00", "2024-02-29T16:00"),
        ("1d", "2024-02-29T00:00", "2024-03-01T00:00"),
        ("1w", "2024-02-26T00:00", "2024-03-04T00:00"),
        ("1M", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("3M", "2024-01-01T00:00", "2024-04-01T00:00"),
        ("12M", "2024-01-01T00:00", "2025-01-01T00:00"),
    ],
)
def test_crypto_counts_in_utc_with_weeks_from_monday_and_months_from_the_first(
    level: str, opens: str, closes: str
) -> None:
    assert edges(CryptoCalendar(), utc("2024-02-29T13:47:31.5"), level) == (utc(opens), utc(closes))


@given(
    st.integers(0, utc("2199-12-01T00:00")), st.sampled_from([("1m", 1), ("30m", 30), ("1d", 1_440), ("1w", 10_080)])
)
def test_crypto_edges_are_those_of_fixed_intervals(ts_ms: int, level: tuple[str, int]) -> None:
    name, minutes = level
    opens = bar_open_ms(ts_ms, minutes * MINUTE_MS)
    assert edges(CryptoCalendar(), ts_ms, name) == (opens, opens + minutes * MINUTE_MS)


@pytest.mark.parametrize(
    ("at", "level", "opens", "closes"),
    [
        ("09:25", "1m", "09:30", "09:31"),
        ("09:25", "30m", "09:30", "10:00"),
        ("09:30", "60m", "09:30", "10:30"),
        ("10:30", "60m", "10:30", "11:30"),
        ("11:29:59", "60m", "10:30", "11:30"),
        ("11:30", "1m", "11:29", "11:30"),
        ("13:00", "60m", "13:00", "14:00"),
        ("14:00", "60m", "14:00", "15:00"),
        ("15:00", "60m", "14:00", "15:00"),
        ("15:00:03", "1m", "14:59", "15:00"),
        ("14:59", "2h", "13:00", "15:00"),
        ("13:31", "30m", "13:30", "14:00"),
        ("11:29", "45m", "11:00", "11:30"),
        ("14:31", "1d", "00:00", "15:00"),
        ("09:25", "1d", "00:00", "15:00"),
        ("00:00", "1d", "00:00", "15:00"),
    ],
)
def test_a_share_bars_follow_the_sessions(at: str, level: str, opens: str, closes: str) -> None:
    day = "2024-02-29T"
    assert edges(CnCalendar(), cn(day + at), level) == (cn(day + opens), cn(day + closes))


def test_a_share_weeks_and_months_close_on_their_last_weekday() -> None:
    at = cn("2024-08-29T10:00")
    assert edges(CnCalendar(), at, "1w") == (cn("2024-08-26T00:00"), cn("2024-08-30T15:00"))
    assert edges(CnCalendar(), at, "1M") == (cn("2024-08-01T00:00"), cn("2024-08-30T15:00"))


def test_trading_days_close_a_week_before_a_holiday_but_not_beyond_the_table() -> None:
    monday = (date(2024, 9, 23) - date(1970, 1, 1)).days
    calendar = CnCalendar(monday + np.array([0, 1, 2, 3, 4, 7, 15, 16, 17]))
    assert edges(calendar, cn("2024-09-30T10:00"), "1w")[1] == cn("2024-09-30T15:00")
    assert edges(calendar, cn("2024-09-30T10:00"), "1M")[1] == cn("2024-09-30T15:00")
    assert edges(calendar, cn("2024-10-08T10:00"), "1w")[1] == cn("2024-10-11T15:00")
    with pytest.raises(ValueError, match="2024-10-01, which is no trading day"):
        calendar.edges([cn("2024-09-30T10:00"), cn("2024-10-01T10:00")], "1m")


def test_summer_time_moves_the_session_and_not_the_date() -> None:
    calendar = CnCalendar()
    assert edges(calendar, utc("1991-07-01T00:30"), "1m")[0] == utc("1991-07-01T00:30")
    assert edges(calendar, utc("1991-07-01T00:30"), "1d") == (utc("1991-06-30T15:00"), utc("1991-07-01T06:00"))
    assert edges(calendar, utc("1991-12-02T01:30"), "1d") == (utc("1991-12-01T16:00"), utc("1991-12-02T07:00"))


SESSION_TIMES = st.builds(
    lambda week, day, at: utc("1970-01-05T00:00") + (7 * week + day) * DAY_MS + at,
    st.integers(1_200, 4_000),
    st.integers(0, 4),
    st.one_of(
        st.integers(90 * MINUTE_MS, 210 * MINUTE_MS - 1), st.integers(300 * MINUTE_MS, 420 * MINUTE_MS - 1)
    ),
)  # fmt: skip
"""Times inside the sessions in UTC, when Shanghai is 8 hours ahead, from 1992 on."""


@given(SESSION_TIMES, st.sampled_from(["1m", "5m", "7m", "15m", "30m", "60m", "2h", "1d", "1w", "1M", "3M"]))
def test_a_bar_covers_its_times_and_its_open_has_the_same_bar(ts_ms: int, level: str) -> None:
    open_ms, close_ms = edges(CnCalendar(), ts_ms, level)
    assert open_ms <= ts_ms < close_ms
    if level.endswith(("m", "h")):
        assert edges(CnCalendar(), open_ms, level) == (open_ms, close_ms)
        lunch_ms = ts_ms - (ts_ms + 8 * 60 * MINUTE_MS) % DAY_MS + 12 * 60 * MINUTE_MS
        assert not open_ms < lunch_ms < close_ms


@pytest.mark.parametrize(
    ("ts_ms", "level", "words"),
    [
        (cn("2024-02-29T12:00"), "1m", "12:00 in Shanghai, outside"),
        (cn("2024-02-29T09:24:59"), "1m", "09:24 in Shanghai, outside"),
        (cn("2024-02-29T15:01"), "1m", "15:01 in Shanghai, outside"),
        (cn("2024-03-02T10:00"), "1d", "2024-03-02, which is no trading day"),
        (cn("2024-02-29T10:00"), "4h", "session has 2h"),
        (cn("2024-02-29T10:00"), "2d", "use 1d or 1w"),
        (cn("2024-02-29T10:00"), "0m", "whole number and one of"),
        (cn("2024-02-29T10:00"), "1y", "whole number and one of"),
        (cn("2024-02-29T10:00") * 1_000, "1m", "give Unix milliseconds"),
        (-1, "1m", "give Unix milliseconds"),
    ],
)
def test_times_and_levels_that_have_no_bar_are_refused(ts_ms: int, level: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CnCalendar().edges([ts_ms], level)


def test_no_rows_have_no_edges() -> None:
    for calendar in (CnCalendar(), CryptoCalendar()):
        for level in ("1m", "1d", "1w", "1M"):
            assert [part.size for part in calendar.edges([], level)] == [0, 0]


def test_a_table_of_trading_days_is_read(tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    file.write_text("date,market\n# spring festival\n2024-02-08,SSE\n\n2024-02-19,SSE\n", "utf-8")
    assert trading_days(file).astype("datetime64[D]").astype(str).tolist() == ["2024-02-08", "2024-02-19"]
    calendar = calendar_named("cn", file)
    assert edges(calendar, cn("2024-02-08T10:00"), "1w")[1] == cn("2024-02-08T15:00")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2024-02-08\n8 Feb 2024\n", ":2: '8 Feb 2024' is no date"),
        ("2024-02-10\n", ":1: 2024-02-10 is a weekend"),
        ("2024-02-08\n2024-02-08\n", ":2: 2024-02-08 is not after"),
        ("# nothing\n", "has no date"),
    ],
)
def test_a_malformed_table_is_refused_by_its_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "days.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(InvalidArgument, match=words):
        trading_days(file)


def test_calendars_are_named(tmp_path: Path) -> None:
    assert isinstance(calendar_named("crypto"), CryptoCalendar)
    assert isinstance(calendar_named("cn"), CnCalendar)
    with pytest.raises(InvalidArgument, match="it can be crypto or cn"):
        calendar_named("us")
    with pytest.raises(InvalidArgument, match="leave the table"):
        calendar_named("crypto", tmp_path / "days.csv")
    with pytest.raises(InvalidArgument, match="cannot be read"):
        calendar_named("cn", tmp_path / "absent.csv")


def made_bars(times: list[int], volume: float = 1.0) -> dict[str, NDArray[Any]]:
    chance = np.random.default_rng(len(times))
    close = 100 + np.cumsum(chance.integers(-4, 5, len(times))) / 4
    first = np.append(100.0, close)[: len(times)]
    return {
        "ts_ms": np.array(times, dtype=np.int64),
        "open": first,
        "high": np.maximum(first, close) + 0.5,
        "low": np.minimum(first, close) - 0.25,
        "close": close,
        "volume": np.full(len(times), volume),
    }


def session_minutes(day: str) -> list[int]:
    return [cn(day + "T09:30") + n * MINUTE_MS for n in range(120)] + [
        cn(day + "T13:00") + n * MINUTE_MS for n in range(120)
    ]


TWO_DAYS = session_minutes("2024-09-30") + session_minutes("2024-10-08")
"""The sessions on both sides of a week of holidays."""


def test_holidays_and_lunch_make_no_bars() -> None:
    found = resample_on(made_bars(TWO_DAYS), CnCalendar(), "1m", "60m")
    assert found["ts_ms"].tolist() == [
        cn(f"{day}T{at}") for day in ("2024-09-30", "2024-10-08") for at in ("09:30", "10:30", "13:00", "14:00")
    ]
    assert found["close_ms"].tolist() == [at + 60 * MINUTE_MS for at in found["ts_ms"].tolist()]
    assert found["volume"].tolist() == [60.0] * 8


def test_the_auction_opens_the_day_and_the_closing_print_ends_it() -> None:
    bars = made_bars([cn("2024-09-30T09:25"), *session_minutes("2024-09-30"), cn("2024-09-30T15:00")])
    for level in ("60m", "1d"):
        found = resample_on(bars, CnCalendar(), "1m", level)
        assert (found["open"][0], found["close"][-1]) == (bars["open"][0], bars["close"][-1])
        assert found["volume"].sum() == 242


def test_a_suspended_day_makes_no_bar_on_the_a_share_calendar_only() -> None:
    days = [cn(f"2024-08-{day}T00:00") for day in (26, 27, 28, 29, 30)]
    bars = made_bars(days)
    bars["volume"][[0, 3]] = 0
    found = resample_on(bars, CnCalendar(), "1d", "1w")
    assert (found["open"].tolist(), found["volume"].tolist()) == ([bars["open"][1]], [3.0])
    assert resample_on(bars, CnCalendar(), "1d", "1d")["ts_ms"].tolist() == [days[1], days[2], days[4]]
    quiet = made_bars([utc("2024-08-26T00:00") + n * DAY_MS for n in range(7)], volume=0.0)
    assert resample_on(quiet, CryptoCalendar(), "1d", "1w")["ts_ms"].tolist() == [utc("2024-08-26T00:00")]


def test_an_open_week_waits_for_its_end() -> None:
    bars = made_bars([cn(f"2024-08-{day}T00:00") for day in (26, 27, 28, 29)])
    assert resample_on(bars, CnCalendar(), "1d", "1w")["ts_ms"].size == 0
    friday_ms = cn("2024-08-30T15:00")
    assert resample_on(bars, CnCalendar(), "1d", "1w", known_to_ms=friday_ms - 1)["ts_ms"].size == 0
    assert resample_on(bars, CnCalendar(), "1d", "1w", known_to_ms=friday_ms)["ts_ms"].size == 1


def test_bars_that_would_be_cut_are_refused() -> None:
    with pytest.raises(ValueError, match="does not lie in one 45m bar"):
        resample_on(made_bars(TWO_DAYS[::30]), CnCalendar(), "30m", "45m")
    with pytest.raises(ValueError, match="does not lie in one 1m bar"):
        resample_on(made_bars([0, DAY_MS]), CryptoCalendar(), "1d", "1m")
    with pytest.raises(ValueError, match="does not lie in one 1M bar"):
        resample_on(made_bars([utc("2024-08-01T00:00")]), CryptoCalendar(), "1w", "1M")
    with pytest.raises(ValueError, match="do not rise"):
        resample_on(made_bars([TWO_DAYS[1], TWO_DAYS[0]]), CnCalendar(), "1m", "5m")


def test_no_bars_make_no_bars_on_a_calendar() -> None:
    found = resample_on(made_bars([]), CnCalendar(), "1m", "5m")
    assert {name: values.size for name, values in found.items()} == dict.fromkeys(
        ("ts_ms", "close_ms", "open", "high", "low", "close", "volume"), 0
    )


@given(st.integers(1, 400), st.sampled_from(["5m", "30m", "1h", "1d"]))
def test_the_crypto_calendar_gives_the_bars_of_fixed_intervals(count: int, level: str) -> None:
    bars = made_bars([utc("2024-08-26T22:17") + n * MINUTE_MS for n in range(count)])
    bars |= {name: np.ones(count) for name in ("amount", "buy_qty")} | {"trades": np.ones(count, dtype=np.int64)}
    width_ms = {"5m": 5, "30m": 30, "1h": 60, "1d": 1_440}[level] * MINUTE_MS
    found, plain = resample_on(bars, CryptoCalendar(), "1m", level), resample(bars, MINUTE_MS, width_ms)
    assert np.array_equal(found.pop("close_ms"), plain["ts_ms"] + width_ms)
    assert found.keys() == plain.keys()
    assert all(np.array_equal(found[name], plain[name]) for name in plain)


@given(st.sets(st.integers(0, 479), min_size=1), st.integers(0, 480), st.sampled_from(["5m", "30m", "60m", "1d", "1w"]))
def test_later_rows_never_change_a_closed_bar(kept: set[int], cut: int, level: str) -> None:
    bars = made_bars([TWO_DAYS[n] for n in sorted(kept)])
    whole = resample_on(bars, CnCalendar(), "1m", level)
    early = resample_on({name: values[:cut] for name, values in bars.items()}, CnCalendar(), "1m", level)
    size = early["ts_ms"].size
    assert all(np.array_equal(early[name], whole[name][:size]) for name in whole)
    if cut < len(kept):
        assert not np.any(whole["close_ms"][size:] <= bars["ts_ms"][max(cut - 1, 0)])


def open_minutes(calendar: Calendar, *times: str) -> list[int]:
    """Return how many minutes the market was open from each time to the next."""
    read = cn if isinstance(calendar, CnCalendar) else utc
    elapsed_ms = calendar.open_ms(np.array([read(time) for time in times]))
    return [int(step) // MINUTE_MS for step in np.diff(elapsed_ms)]


def test_the_crypto_market_is_always_open() -> None:
    assert open_minutes(CryptoCalendar(), "2024-03-02T23:00", "2024-03-03T01:00") == [120]


@pytest.mark.parametrize(
    ("times", "minutes"),
    [
        (("2024-03-01T09:30", "2024-03-01T09:31"), 1),
        (("2024-03-01T09:25", "2024-03-01T09:30"), 0),
        (("2024-03-01T11:29", "2024-03-01T13:00"), 1),
        (("2024-03-01T11:00", "2024-03-01T13:30"), 60),
        (("2024-03-01T14:59", "2024-03-04T09:30"), 1),
        (("2024-03-01T15:00", "2024-03-04T09:30"), 0),
        (("2024-03-01T00:00", "2024-03-04T00:00"), 240),
        (("2024-03-02T12:00", "2024-03-03T12:00"), 0),
        (("2024-03-01T10:00", "2024-03-08T10:00"), 5 * 240),
        (("1988-06-01T09:30", "1988-06-01T10:30"), 60),
    ],
)
def test_the_clock_of_a_shares_stands_still_outside_the_sessions(times: tuple[str, str], minutes: int) -> None:
    assert open_minutes(CnCalendar(), *times) == [minutes]


def test_a_listed_holiday_is_closed_and_an_unlisted_one_counts_as_open() -> None:
    days = [f"2024-{day}" for day in ("09-27", "09-30", "10-08", "10-09")]
    listed = CnCalendar(np.array([(date.fromisoformat(day) - date(1970, 1, 1)).days for day in days]))
    times = ("2024-09-30T14:59", "2024-10-08T09:30")
    assert open_minutes(listed, *times) == [1]
    assert open_minutes(CnCalendar(), *times) == [1 + 5 * 240]
    # Beyond the list every weekday counts, on both sides of it.
    assert open_minutes(listed, "2024-09-25T09:30", "2024-09-26T09:30", "2024-09-27T09:30") == [240, 240]
    assert open_minutes(listed, "2024-10-09T09:30", "2024-10-10T09:30", "2024-10-14T09:30") == [240, 480]
    assert open_minutes(listed, "2024-10-03T10:00", "2024-10-03T14:00") == [0]


@given(st.lists(st.integers(0, utc("2199-12-01T00:00")), min_size=2, max_size=50).map(sorted))
def test_the_clock_of_a_market_never_falls_nor_runs_ahead(times: list[int]) -> None:
    days = CnCalendar(np.array([19_000, 19_001, 19_004, 30_000]))
    for calendar in (CnCalendar(), days, CryptoCalendar()):
        steps = np.diff(calendar.open_ms(np.array(times)))
        assert ((steps >= 0) & (steps <= np.diff(np.array(times)))).all()
