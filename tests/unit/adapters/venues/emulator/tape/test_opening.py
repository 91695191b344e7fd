"""Which tape a word means, and recordings played at another time and again."""

from __future__ import annotations

from pathlib import Path

import made_recording
import numpy as np
import pytest

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.tape.opening import open_tape
from chanflow.adapters.venues.emulator.tape.steps import Kind, Tape, Ticks
from chanflow.domain.errors import InvalidArgument, NotFound, RecordingInvalid

NS_PER_S = 1_000_000_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "btc.txt"
    path.write_bytes(made_recording.text_of(made_recording.frames()))
    return path


def whole(tape: Tape, until_ns: int, step_ns: int) -> Ticks:
    found = []
    for now_ns in range(tape.start_ns, until_ns + step_ns, step_ns):
        found += tape.until(min(now_ns, until_ns))
    names = ("event_ns", "kind", "price", "qty")
    return Ticks(found[0].symbol, *(np.concatenate([getattr(one, name) for one in found]) for name in names))


def same(one: Ticks, other: Ticks) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("event_ns", "kind", "price", "qty")
    )


def test_a_recording_keeps_its_spacing(recording: Path) -> None:
    tape = open_tape(f"wire:{recording}")
    assert tape.start_ns == made_recording.START_MS * 1_000_000
    assert tape.end_ns is not None
    ticks = whole(tape, tape.end_ns, NS_PER_S)
    trades = ticks.event_ns[(ticks.kind == Kind.BUY) | (ticks.kind == Kind.SELL)]
    assert trades.tolist() == [tape.start_ns + step * 100_000_000 for step in range(made_recording.SECONDS * 10)]


@pytest.mark.parametrize("step_ns", [NS_PER_S // 20, 7 * NS_PER_S, 100 * NS_PER_S])
def test_a_recording_is_the_same_however_time_is_cut(recording: Path, step_ns: int) -> None:
    tape, again = (open_tape(f"wire:{recording}") for _ in range(2))
    assert tape.end_ns is not None
    assert same(whole(tape, tape.end_ns, NS_PER_S), whole(again, tape.end_ns, step_ns))


def test_the_book_of_a_recording_agrees_with_its_quotes(recording: Path) -> None:
    tape = open_tape(f"wire:{recording}")
    desk = MarketDesk(tape.symbols)
    desk.play(tape.until(tape.start_ns + 80 * NS_PER_S), tape.start_ns + 80 * NS_PER_S)
    book = desk.states["BTCUSDT"].book
    bid, ask = book.best(BID), book.best(ASK)
    assert bid is not None
    assert ask is not None
    assert bid[0] < ask[0]
    assert len(book.top(BID, 100)) + len(book.top(ASK, 100)) > 50


def test_a_recording_may_be_played_at_another_time(recording: Path) -> None:
    start_ns = 1_800_000_000 * NS_PER_S
    now, then = open_tape(f"wire:{recording}", start_ns=start_ns), open_tape(f"wire:{recording}")
    assert now.end_ns is not None
    assert then.end_ns is not None
    assert now.end_ns - now.start_ns == then.end_ns - then.start_ns
    moved = whole(now, now.end_ns, NS_PER_S)
    assert same(moved.later(then.start_ns - start_ns), whole(then, then.end_ns, NS_PER_S))


def test_a_recording_may_begin_anew(recording: Path) -> None:
    once, looped = open_tape(f"wire:{recording}"), open_tape(f"wire:{recording}", loop=True)
    assert once.end_ns is not None
    assert looped.end_ns is None
    lap = once.end_ns - once.start_ns
    first = whole(once, once.end_ns, NS_PER_S)
    three = whole(looped, once.start_ns + 3 * lap - 1, NS_PER_S)
    assert len(three) == 3 * len(first)
    assert same(three[: len(first)], first)
    assert same(three[2 * len(first) :].later(-2 * lap), first)


def test_a_synthetic_tape_lists_what_it_is_told() -> None:
    assert list(open_tape("synthetic").symbols) == ["BTCUSDT", "ETHUSDT"]
    assert list(open_tape("synthetic", symbols=["SOLUSDT"], start_ns=5).symbols) == ["SOLUSDT"]


@pytest.mark.parametrize(
    ("source", "words"),
    [("nonsense", "source is 'nonsense'"), ("wire:", "source is 'wire:'"), ("synthetic:3", "source is 'synthetic:3'")],
)
def test_another_word_is_refused(source: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        open_tape(source)


@pytest.mark.parametrize("symbol", ["btcusdt", "NOPE", "USDT", "A" * 30 + "USDT", "ÄUSDT"])
def test_a_name_that_is_no_symbol_is_refused(symbol: str) -> None:
    with pytest.raises(InvalidArgument, match="symbol"):
        open_tape("synthetic", symbols=[symbol])


def test_what_is_not_there_is_said(tmp_path: Path, recording: Path) -> None:
    with pytest.raises(RecordingInvalid, match="does not exist"):
        open_tape(f"wire:{tmp_path / 'none.txt'}")
    with pytest.raises(InvalidArgument, match="has no ETHUSDT; it has BTCUSDT"):
        open_tape(f"wire:{recording}", symbols=["ETHUSDT"])
    with pytest.raises(InvalidArgument, match="both hold BTCUSDT"):
        open_tape(f"wire:{recording},{recording}")
    with pytest.raises(NotFound, match="no lake"):
        open_tape(f"lake:{tmp_path}")
