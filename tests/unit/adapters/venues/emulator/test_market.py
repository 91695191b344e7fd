"""What a market shows and which messages it brings."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from made_market import RULES, START_NS, opened, played, ticks

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.frames import Frame
from chanflow.adapters.venues.emulator.market import MarketState
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.records import OwnTrade
from chanflow.adapters.venues.emulator.tape.steps import Kind, Ticks
from chanflow.adapters.venues.emulator.tape.synthetic import SyntheticTape


def of(frames: list[Frame], stream: str) -> list[Any]:
    return [json.loads(frame.data) for frame in frames if frame.stream == stream]


def test_a_trade_is_told_alone_and_as_part_of_its_aggregate() -> None:
    state = opened()
    told = state.take(
        ticks(
            (5, Kind.BUY, 6_000_010, 100), (5, Kind.BUY, 6_000_010, 50), (5, Kind.BUY, 6_000_020, 10),
            (5, Kind.ASK, 6_000_010, 250),
        )
    )  # fmt: skip
    assert [one["t"] for one in of(told, "btcusdt@trade")] == [1, 2, 3]
    whole = [(one["p"], one["q"], one["f"], one["l"], one["m"]) for one in of(told, "btcusdt@aggTrade")]
    assert whole == [("60000.10", "0.150", 1, 2, False), ("60000.20", "0.010", 3, 3, False)]


def test_quotes_are_told_when_they_change() -> None:
    state = opened()
    told = state.take(ticks((5, Kind.BID, 5_999_990, 800), (6, Kind.BID, 6_000_000, 1)))
    assert [(one["b"], one["B"]) for one in of(told, "btcusdt@bookTicker")] == [("60000.00", "0.001")]


def test_diffs_come_in_their_cadence_and_agree_with_the_book() -> None:
    state = opened()
    told = state.take(ticks(*((ms, Kind.BID, 5_999_000 + ms % 7, ms + 1) for ms in range(1, 2_001, 3))))
    told += state.advance(START_NS + 2_100 * 1_000_000)
    for name, every in (("btcusdt@depth@100ms", 100), ("btcusdt@depth", 250), ("btcusdt@depth@500ms", 500)):
        diffs = of(told, name)
        assert [one["E"] % every for one in diffs] == [0] * len(diffs)
        assert all(one["pu"] == before["u"] for before, one in pairwise(diffs))
        rebuilt: dict[str, str] = {}
        for one in diffs:
            rebuilt.update(one["b"])
        shown = {RULES.price_text(p): RULES.qty_text(q) for p, q in state.book.top(BID, 50)}
        assert {price: qty for price, qty in rebuilt.items() if qty != "0.000"} == shown


def test_partial_books_show_the_best_levels() -> None:
    state = opened()
    told = state.advance(START_NS + 100 * 1_000_000)
    (one,) = of(told, "btcusdt@depth5@100ms")
    assert one["b"] == [["60000.00", "0.500"], ["59999.90", "0.900"]]
    assert one["a"] == [["60000.10", "0.400"], ["60000.20", "0.800"]]


def test_what_a_client_takes_is_a_public_trade_and_leaves_the_book() -> None:
    state = opened()
    own = OwnTrade("BTCUSDT", START_NS + 1_000_000, 6_000_010, 150, False, 77, takes_from_book=True)
    told = state.own_trades([own])
    assert [(one["p"], one["q"], one["m"]) for one in of(told, "btcusdt@trade")] == [("60000.10", "0.150", False)]
    assert len(of(told, "btcusdt@aggTrade")) == 1
    assert state.book.best(ASK) == (6_000_010, 250)
    state.take(ticks((5, Kind.ASK, 6_000_010, 400)))
    assert state.book.best(ASK) == (6_000_010, 400)


def test_a_fill_that_the_tape_brought_is_not_told_twice() -> None:
    state = opened()
    own = OwnTrade("BTCUSDT", START_NS + 1_000_000, 6_000_010, 150, False, 77, takes_from_book=False)
    assert not of(state.own_trades([own]), "btcusdt@trade")
    assert state.book.best(ASK) == (6_000_010, 400)


def test_a_candle_is_told_while_it_is_open_and_when_it_closes() -> None:
    state = opened()
    state.take(ticks((100, Kind.BUY, 6_000_010, 1)))
    told = state.advance(START_NS + 61_000 * 1_000_000)
    minutes = [(one["k"]["x"], one["k"]["c"]) for one in of(told, "btcusdt@kline_1m")]
    assert minutes == [(False, "60000.10"), (True, "60000.10")]


def test_the_mark_is_the_mid_where_the_tape_tells_none() -> None:
    state = opened()
    told = state.advance(START_NS + 3_000 * 1_000_000)
    assert [one["p"] for one in of(told, "btcusdt@markPrice@1s")] == ["60000.05000000"] * 3
    assert len(of(told, "btcusdt@markPrice")) == 1


def test_the_rate_that_is_shown_is_the_one_that_is_paid() -> None:
    rules = replace(RULES, funding_interval_h=1)
    tape, state = SyntheticTape([rules], seed=5), MarketState(rules, wanted=lambda _: False)
    paid_ns = tape.start_ns + 3_600 * 1_000_000_000
    for batch in tape.until(paid_ns - 1):
        state.take(_marks(batch))
    shown = state.rate_ppb
    assert state.next_funding_ms == paid_ns // 1_000_000
    for batch in tape.until(paid_ns):
        state.take(batch)
    assert [one.ms for one in state.funding] == [paid_ns // 1_000_000]
    assert abs(state.funding[0].rate_ppb - shown) < 1_000, "the marks of one second more"


def _marks(batch: Ticks) -> Ticks:
    kept = batch.kind >= Kind.MARK
    return Ticks(batch.symbol, batch.event_ns[kept], batch.kind[kept], batch.price[kept], batch.qty[kept])


def test_a_forced_order_is_told() -> None:
    told = opened().forced(side="SELL", qty=14, price=5_900_000, average=5_910_000, event_ns=START_NS)
    (one,) = of(told, "btcusdt@forceOrder")
    assert one["o"]["S"] == "SELL"
    assert (one["o"]["q"], one["o"]["p"], one["o"]["ap"], one["o"]["X"]) == ("0.014", "59000.00", "59100.00", "FILLED")
    assert of(told, "!forceOrder@arr") == [one]


@pytest.mark.parametrize("step_ms", [37, 1_000, 5_000])
def test_messages_do_not_depend_on_how_time_is_cut(step_ms: int) -> None:
    def told(step: int) -> list[tuple[str, int, bytes]]:
        tape = SyntheticTape([RULES], seed=9)
        desk, out = MarketDesk(tape.symbols), []
        desk.play((), tape.start_ns)
        for ms in [*range(step, 5_000, step), 5_000]:
            now_ns = tape.start_ns + ms * 1_000_000
            out += desk.play(tape.until(now_ns), now_ns)
        return [(frame.stream, frame.event_ns, frame.data) for frame in out]

    assert told(step_ms) == told(100)


def test_a_message_nobody_wants_is_not_made() -> None:
    state = opened(MarketState(RULES, wanted=lambda name: name == "btcusdt@trade"))
    told = state.take(ticks((5, Kind.BUY, 6_000_010, 100), (500, Kind.BID, 6_000_000, 1)))
    assert {frame.stream for frame in told} == {"btcusdt@trade"}


def test_all_market_streams_tell_every_symbol() -> None:
    other = SyntheticTape([RULES], seed=1).symbols["BTCUSDT"]
    tape = SyntheticTape([other, _eth()], seed=1)
    desk = MarketDesk(tape.symbols)
    out: list[Frame] = []
    for second in range(6):
        now_ns = tape.start_ns + second * 1_000_000_000
        out += desk.play(tape.until(now_ns), now_ns)
    for stream in ("!markPrice@arr@1s", "!ticker@arr", "!miniTicker@arr"):
        assert {one["s"] for one in of(out, stream)[-1]} == {"BTCUSDT", "ETHUSDT"}
    assert {one["s"] for one in of(out, "!bookTicker")} == {"BTCUSDT", "ETHUSDT"}


def _eth() -> Any:
    from chanflow.adapters.venues.emulator.tape.listed import rules_of

    return rules_of("ETHUSDT")


def test_memory_is_bounded() -> None:
    state = MarketState(RULES, wanted=lambda _: False)
    rows = [(ms, Kind.BUY, 6_000_000 + ms % 3, 1) for ms in range(30_000)]
    state.take(ticks(*rows))
    assert len(state.trades) == 20_000
    assert len(state.agg_trades) == 20_000


def test_the_day_is_what_was_traded() -> None:
    desk = played(30)
    state = desk.states["BTCUSDT"]
    day, trades = state.day(), list(state.trades)
    assert day is not None
    assert day.qty == sum(one.qty for one in trades)
    assert day.quote == sum(one.qty * one.price for one in trades)
    assert (day.open, day.last) == (trades[0].price, trades[-1].price)
    assert (day.high, day.low) == (max(one.price for one in trades), min(one.price for one in trades))
    assert (day.count, day.first_id, day.last_id) == (len(trades), 1, trades[-1].trade_id)
