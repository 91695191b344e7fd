"""A desk with bars of 000001.SZ, as the platform's first document asks for. Run as a program it is served.

It asks for keys if it is told to, and prints one line, `{"url", "trader", "viewer"}`, once it listens. A line on
standard input is answered by a new buying point in the log of events.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from made_access import AccessDesk
from made_client import ServedDesk

from chanflow.domain.market_data import Bar
from chanflow.domain.watch_alert import Happening
from chanflow.operations.services import Services
from chanflow.runtime.access_desk import make_pepper, open_books
from chanflow.runtime.clock import SystemClock, SystemRandomness
from chanflow.runtime.home import Home

sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "doors"))
import memory_desk as memory

SYMBOL = "000001.SZ"
HALF_HOUR_MS = 1_800_000


class ShenzhenKlines(memory.MemoryKlines):
    """Half-hour bars of one Shenzhen stock beside the rest."""

    def klines(self, symbol: str, level: str, **asked: Any) -> list[Bar]:
        if symbol != SYMBOL:
            return super().klines(symbol, level, **asked)
        bars = [
            replace(bar, ts_ms=memory.FIRST_MS + at * HALF_HOUR_MS, interval_ms=HALF_HOUR_MS)
            for at, bar in enumerate(memory.wandering_bars())
        ]
        start_ms, end_ms, limit = asked["start_ms"], asked["end_ms"], asked["limit"]
        bars = [b for b in bars if (start_ms is None or b.ts_ms >= start_ms) and (end_ms is None or b.ts_ms < end_ms)]
        return bars[-limit:] if start_ms is None else bars[:limit]


def first_document_services() -> Services:
    """Return a desk that knows the document's symbol."""
    return replace(memory.memory_services(), klines=ShenzhenKlines(), clock=SystemClock())


def keyed_desk(root: Path) -> AccessDesk:
    """Return the desk with books, by the time of the machine."""
    home, clock = Home(root), SystemClock()
    make_pepper(home, SystemRandomness())
    books = open_books(home, clock, SystemRandomness())
    return AccessDesk(home, clock, books, replace(first_document_services(), access=books))  # type: ignore[arg-type]


def document_point(number: int) -> Happening:
    """Return a second buying point as the document shows it."""
    body = {
        "event": "new", "symbol": SYMBOL, "level": "30m", "type": "buy2", "price": 16.23, "number": number,
        "time": "2026-02-22T14:30:00Z", "confirmed": True,
    }  # fmt: skip
    return Happening(f"d{number}", "buy_sell_points", SYMBOL, "30m", number, body, "buy2")


async def _serve(root: Path, *, keys: bool) -> None:
    desk, told = keyed_desk(root), {}
    if keys:
        async with desk.books.serving():
            told["trader"] = (await desk.key(await desk.user("ann"))).text
            told["viewer"] = (await desk.key(await desk.user("vic", roles=["viewer"]))).text
    running = ServedDesk(desk.home, desk.services if keys else replace(desk.services, access=None))
    await running.start()
    print(json.dumps({"url": running.url, **told}), flush=True)
    number = 0
    while await asyncio.to_thread(sys.stdin.readline):
        number += 1
        await running.log(document_point(number))
    await running.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--keys", action="store_true")
    given = parser.parse_args()
    asyncio.run(_serve(given.home, keys=given.keys))
