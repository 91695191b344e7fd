"""Candles of every interval."""

from __future__ import annotations

import random

import pytest

from chanflow.adapters.venues.emulator.klines import INTERVALS, Candle, Klines, span_of

MINUTE = 60_000
START = 1_767_571_200_000


def trade(klines: Klines, ms: int, price: int, trade_id: int, qty: int = 2, *, buy: bool = True) -> list[str]:
    closed = [interval for interval, _ in klines.roll(ms)]
    klines.trade(ms, price, qty, price * qty, buy=buy, trade_id=trade_id)
    return closed


def test_a_candle_has_what_was_traded_in_it() -> None:
    klines = Klines()
    trade(klines, START, 100, 1)
    trade(klines, START + 10, 103, 2, buy=False)
    trade(klines, START + 20, 99, 3)
    assert klines.current("1m") == Candle(START, START + MINUTE - 1, 100, 103, 99, 99, 6, 604, 3, 4, 398, 1, 3)


@pytest.mark.parametrize(
    ("interval", "open_text", "next_text"),
    [
        ("1m", 1_767_571_200_000, 1_767_571_260_000),
        ("3d", 1_767_571_200_000 - 1_767_571_200_000 % (3 * 86_400_000), None),
        ("1w", 1_767_571_200_000, 1_767_571_200_000 + 7 * 86_400_000),  # 2026-01-05 is a Monday
        ("1M", 1_767_225_600_000, 1_769_904_000_000),  # January 2026
    ],
)
def test_candles_open_where_the_venue_opens_them(interval: str, open_text: int, next_text: int | None) -> None:
    start, after = span_of(interval, START)
    assert start == open_text
    assert next_text is None or after == next_text


def test_a_longer_candle_is_the_sum_of_its_minutes() -> None:
    rng, klines = random.Random(3), Klines()
    rows = sorted((START + rng.randrange(86_400_000), rng.randrange(90, 110)) for _ in range(3_000))
    for number, (ms, price) in enumerate(rows):
        trade(klines, ms, price, number)
    for interval in INTERVALS:
        for candle in klines.candles(interval, None, None, 1_500)[-20:]:
            inside = [(n, p) for n, (ms, p) in enumerate(rows) if candle.open_ms <= ms <= candle.close_ms]
            prices = [price for _, price in inside]
            if not inside:
                assert candle.qty == candle.count == 0
                continue
            told = (candle.open, candle.high, candle.low, candle.close, candle.count, candle.first_id, candle.last_id)
            assert told == (prices[0], max(prices), min(prices), prices[-1], len(prices), inside[0][0], inside[-1][0])


def test_a_silent_minute_is_flat() -> None:
    klines = Klines()
    trade(klines, START, 100, 1)
    trade(klines, START + 3 * MINUTE, 105, 2)
    shown = [(one.open, one.high, one.low, one.close, one.count) for one in klines.candles("1m", None, None, 10)]
    assert shown == [(100, 100, 100, 100, 1), (100,) * 4 + (0,), (100,) * 4 + (0,), (105, 105, 105, 105, 1)]


def test_a_minute_closes_every_candle_that_ends_with_it() -> None:
    klines = Klines()
    trade(klines, START + 14 * MINUTE, 100, 1)
    assert trade(klines, START + 15 * MINUTE, 100, 2) == ["1m", "3m", "5m", "15m"]


def test_candles_are_chosen_by_time_and_number() -> None:
    klines = Klines()
    for minute in range(10):
        trade(klines, START + minute * MINUTE, 100 + minute, minute)
    opens = [one.open for one in klines.candles("1m", START + 2 * MINUTE, START + 8 * MINUTE, 3)]
    assert opens == [102, 103, 104]
    assert [one.open for one in klines.candles("1m", None, START + 8 * MINUTE, 3)] == [106, 107, 108]
    assert [one.open for one in klines.candles("1m", None, None, 3)] == [107, 108, 109]


def test_candles_are_bounded() -> None:
    klines = Klines()
    trade(klines, START, 100, 1)
    trade(klines, START + 20_000 * MINUTE, 101, 2)
    assert len(klines.candles("1m", None, None, 1 << 30)) == 10_081
