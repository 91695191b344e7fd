"""One market asked for through two venues' doors: the same prices, and ages of now."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from chanflow.adapters.venues.binance.quotes import BinanceQuotes
from chanflow.adapters.venues.hyperliquid.quotes import HyperliquidQuotes
from chanflow.market.quotes import Quotes

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def doors() -> Iterator[dict[str, str]]:
    program = [sys.executable, "-m", "chanflow", "exchange", "--symbols", "BTCUSDT", "--seed", "7"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()


@pytest.mark.parametrize(("door", "kind", "symbol"), [
    ("rest", BinanceQuotes, "BTCUSDT"), ("hyperliquid", HyperliquidQuotes, "BTC"),
])  # fmt: skip
async def test_a_quote_is_of_now_and_a_minute_has_closed(
    doors: dict[str, str], door: str, kind: type, symbol: str
) -> None:
    quotes: Quotes = kind(doors[door])
    found = await quotes.quote(symbol)
    now_ms = time.time_ns() // 1_000_000
    minutes = await quotes.minutes(symbol, now_ms - 3_600_000, now_ms // 60_000 * 60_000)
    await quotes.close()
    assert abs(found.mark_ns // 1_000_000 - now_ms) < 2_000
    assert found.bids[0][0] < found.asks[0][0]
    assert abs(found.mark / found.bids[0][0] - 1) < 0.01
    assert found.next_funding_ns // 1_000_000 > now_ms
    assert minutes[-1].open_ms < now_ms // 60_000 * 60_000
    assert minutes[-1].volume_quote > 0
