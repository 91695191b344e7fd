"""The desk's own intake reads the emulated market as it reads the venue's."""

from __future__ import annotations

import json

import pytest
from chanflow_native import Intake
from made_market import RULES

from chanflow.adapters.venues.emulator.book import ASK, BID
from chanflow.adapters.venues.emulator.market_rest import ROUTES
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.tape.synthetic import SyntheticTape

STREAMS = {f"btcusdt@{kind}" for kind in ("bookTicker", "trade", "aggTrade", "markPrice@1s", "kline_1m")}


@pytest.mark.parametrize("depth", ["depth@100ms", "depth@0ms", "depth"])
@pytest.mark.parametrize("snapshot_ms", [5_000, 5_050, 61_230])
def test_the_book_is_synced_and_nothing_is_missed(depth: str, snapshot_ms: int) -> None:
    wanted = STREAMS | {f"btcusdt@{depth}"}
    tape = SyntheticTape([RULES], seed=42)
    desk = MarketDesk(tape.symbols, wanted=wanted.__contains__)
    intake = Intake("binance-usdm", {"BTCUSDT": (RULES.price_decimals, RULES.qty_decimals)})
    for ms in range(0, 90_000, 50):
        now_ns = tape.start_ns + ms * 1_000_000
        lines = [b"%d %b\n" % (now_ns, one.combined) for one in desk.play(tape.until(now_ns), now_ns)]
        if ms == snapshot_ms - snapshot_ms % 50:
            asked = {"symbol": "BTCUSDT", "limit": "1000"}
            body = json.dumps(ROUTES["GET", "/fapi/v1/depth"](desk, asked)).encode()
            lines.append(b'%d {"stream":"btcusdt@depthSnapshot","data":%b}\n' % (now_ns, body))
        intake.feed(b"".join(lines))
    # The last diff of the slowest stream is due; then both books are of one moment.
    now_ns = tape.start_ns + 90_000 * 1_000_000
    last = desk.play((), now_ns)
    intake.feed(b"".join(b"%d %b\n" % (now_ns, one.combined) for one in last))
    stats, live = intake.stats(), intake.live("BTCUSDT", 5)
    assert (stats["dead"], stats["gaps"], stats["repeats"]) == (0, 0, 0)
    assert (live["book"]["state"], stats["syncs"]) == ("synced", 1)
    book = desk.states["BTCUSDT"].book
    for side, name in ((BID, "bids"), (ASK, "asks")):
        shown = [(price / 100, qty / 1_000) for price, qty in book.top(side, 5)]
        assert [(pytest.approx(price), pytest.approx(qty)) for price, qty in live["book"][name]] == shown
    kinds = set(intake.take()["rows"]["kind"].tolist())
    assert kinds >= {0, 1, 2, 3, 4, 6}, "trades, quotes, aggregates, books, marks and candles all become rows"
