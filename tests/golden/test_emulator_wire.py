"""Recorded frames as a tape: the book agrees with the quotes, and orders fill as they do in the tick backtest."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from chanflow_native import SimulatedExchange

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.tape.opening import open_tape
from chanflow.market.recorded import RecordedSource

pytestmark = [pytest.mark.golden, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data"
SPAN_NS = 120 * 1_000_000_000
STEP_NS = 50_000_000


def recording() -> Path:
    path = DATA / "wire/binance_usdm_BTCUSDT_20240808.txt.gz"
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    return path


def test_the_book_on_show_is_the_recorded_one() -> None:
    tape = open_tape(f"wire:{recording()}")
    desk = MarketDesk(tape.symbols, wanted=lambda _: False)
    core = SimulatedExchange(tick=10, price_decimals=2, qty_decimals=3, order_latency=0, response_latency=0)
    source = RecordedSource.open(recording())
    for now_ns in range(tape.start_ns, tape.start_ns + SPAN_NS, 1_000_000_000):
        desk.play(tape.until(now_ns), now_ns)
        core.push(source.next(now_ns + 1))
        bids, asks = core.book(200)
        book = desk.states["BTCUSDT"].book
        assert list(book.top(BID, 200)) == bids
        assert list(book.top(ASK, 200)) == asks


def fills(feed: Callable[[SimulatedExchange, int], list[Any]], start_ns: int) -> list[Any]:
    """Return every fill of a script of resting and taking orders drawn from a seed."""
    core = SimulatedExchange(tick=10, price_decimals=2, qty_decimals=3, min_notional=0)
    rng, found = Random(5), []
    for step, now_ns in enumerate(range(start_ns, start_ns + SPAN_NS, STEP_NS)):
        found += feed(core, now_ns)
        bids, asks = core.book(1)
        if step % 8 or not bids or not asks:
            continue
        side, away = rng.choice(["buy", "sell"]), rng.randrange(0, 4) * 10
        best = bids[0][0] - away if side == "buy" else asks[0][0] + away
        kind = rng.choice(["limit", "limit", "market"])
        terms = {"price": best} if kind == "limit" else {}
        core.submit(now_ns, 0, f"o{step}", side, kind, rng.randrange(1, 3_000), **terms)
    return [(event[0], event[3], event[6][1:4]) for event in found if event[4] == "fill"]


def test_orders_fill_as_in_the_tick_backtest() -> None:
    tape, source = open_tape(f"wire:{recording()}"), RecordedSource.open(recording())

    def by_ticks(core: SimulatedExchange, now_ns: int) -> list[Any]:
        said = []
        for batch in tape.until(now_ns):
            said += core.push_ticks(batch.event_ns, batch.kind, batch.price, batch.qty)
        return said

    ticked = fills(by_ticks, tape.start_ns)
    backtest = fills(lambda core, now_ns: core.push(source.next(now_ns + 1)), tape.start_ns)
    assert len(backtest) > 200
    assert ticked == backtest
