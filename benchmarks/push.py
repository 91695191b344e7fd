"""What a pushed event costs the desk's process with 1,000 sockets subscribed to it.

    .venv/bin/python benchmarks/push.py [--sockets 1000] [--events 300]

Counted in CPU time, so that other work on the machine does not wait into it: from the event in the log to its message
in the outbox of every socket, with the reading of the log. What the kernel and the client need is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from chanflow.domain.watch_alert import Happening
from chanflow.interfaces.ws.hub import Hub
from chanflow.interfaces.ws.listening import Filter, Listening
from chanflow.interfaces.ws.outbox import Mark, Outbox
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.home import Home

TARGET_MS = 50.0
BODY = {
    "event": "new", "id": "BENCHUSDT:30m:buy:2:2026-01-01T00:00:00.000Z", "symbol": "BENCHUSDT", "level": "30m",
    "type": "buy2", "subtype": "2", "price": 42_000.5, "time": "2026-01-01T00:00:00.000Z", "state": "provisional",
}  # fmt: skip


async def _ignore(text: str) -> None:
    """Take a message and do nothing with it."""
    del text


async def measured(root: Path, *, sockets: int, events: int) -> list[float]:
    """Return the CPU milliseconds of each event, in order of cost."""
    clock, costs = SystemClock(), []
    book = AlertBook(Home(root), clock)
    async with book.keeping() as store:
        hub, wanted = Hub(book, clock), Filter(("BENCHUSDT",), "30m")
        await hub.begin()
        outboxes = [Outbox() for _ in range(sockets)]
        for at, outbox in enumerate(outboxes):
            await hub.join(Listening(f"s{at}", "buy_sell_points", "local", outbox, hub.seq, Mark(""), wanted))
        sending = [asyncio.create_task(outbox.drain(_ignore)) for outbox in outboxes]
        for at in range(events):
            each = Happening(f"k{at}", "buy_sell_points", "BENCHUSDT", "30m", at, {**BODY, "number": at}, "buy2")
            await store.log([(each, ())], mark=None, before_ms=None, now_ns=clock.now_ns())
            began = time.process_time_ns()
            await hub.carry()
            costs.append((time.process_time_ns() - began) / 1e6)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
    return sorted(costs)


def main() -> int:
    """Print p50 and p99; returns 1 where p99 is over the target."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        costs = asyncio.run(measured(Path(scratch), sockets=asked.sockets, events=asked.events))
    p50, p99 = (costs[min(len(costs) - 1, int(len(costs) * share))] for share in (0.5, 0.99))
    print(f"{asked.sockets} sockets, {asked.events} events: p50 {p50:.1f} ms, p99 {p99:.1f} ms of CPU an event")
    return 0 if p99 < TARGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())
