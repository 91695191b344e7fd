"""A market that jumps stays where it jumped to."""

from __future__ import annotations

import numpy as np

from chanflow.adapters.venues.emulator.gap import Gaps
from chanflow.adapters.venues.emulator.tape.steps import Kind, Ticks


def ticks(*rows: tuple[int, int, int], symbol: str = "BTCUSDT") -> Ticks:
    kind, price, qty = (np.array(column) for column in zip(*rows, strict=True))
    at_ns = np.arange(len(rows), dtype=np.int64)
    return Ticks(symbol, at_ns, kind.astype(np.uint8), price.astype(np.int64), qty.astype(np.int64))


def rows(told: Ticks) -> list[tuple[int, int, int]]:
    return list(zip(told.kind.tolist(), told.price.tolist(), told.qty.tolist(), strict=True))


def test_a_jump_tells_the_whole_book_a_trade_and_the_mark() -> None:
    told = Gaps().jump("BTCUSDT", -50, bids=[(100, 3), (99, 4)], asks=[(101, 5)], mark=100, now_ns=9)
    assert rows(told) == [
        (Kind.CLEAR, 0, 0), (Kind.BID, 50, 3), (Kind.BID, 49, 4), (Kind.ASK, 51, 5), (Kind.BUY, 51, 1),
        (Kind.MARK, 50, 0),
    ]  # fmt: skip
    assert set(told.event_ns.tolist()) == {9}


def test_what_follows_on_the_tape_is_moved_and_another_symbol_is_not() -> None:
    gaps = Gaps()
    gaps.jump("BTCUSDT", 7, bids=[], asks=[], mark=100, now_ns=0)
    gaps.jump("BTCUSDT", 3, bids=[], asks=[], mark=107, now_ns=0)
    given = ((Kind.CLEAR, 0, 0), (Kind.BID, 100, 3), (Kind.FUNDING, 0, 12_000), (Kind.SELL, 100, 1))
    assert rows(gaps.follow(ticks(*given))) == [
        (Kind.CLEAR, 0, 0),
        (Kind.BID, 110, 3),
        (Kind.FUNDING, 0, 12_000),
        (Kind.SELL, 110, 1),
    ]
    assert rows(gaps.follow(ticks(*given, symbol="ETHUSDT"))) == list(given)


def test_levels_that_would_have_no_price_are_not_there() -> None:
    gaps = Gaps()
    told = gaps.jump("BTCUSDT", -99, bids=[(100, 3), (99, 4)], asks=[(101, 5)], mark=100, now_ns=0)
    assert [row for row in rows(told) if row[0] == Kind.BID] == [(Kind.BID, 1, 3)]
    assert rows(gaps.follow(ticks((Kind.BID, 98, 1), (Kind.ASK, 102, 1)))) == [(Kind.ASK, 3, 1)]


def test_jumps_can_be_taken_back() -> None:
    gaps = Gaps()
    gaps.jump("BTCUSDT", 7, bids=[], asks=[], mark=100, now_ns=0)
    gaps.forget()
    assert rows(gaps.follow(ticks((Kind.BID, 100, 3)))) == [(Kind.BID, 100, 3)]
