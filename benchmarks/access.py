"""What access costs a call: `Catalogue.execute` with the policy in force against the same calls without one.

One process, a database on disk (WAL, FULL), eight callers at once, a cheap free and a cheap charged operation. Rounds
are interleaved, and the median of each side is told. Run: python benchmarks/access.py
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from chanflow.access.plans import Plan
from chanflow.access.principals import Principal
from chanflow.access.scopes import scopes_of
from chanflow.operations.catalogue import Catalogue, Policy
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Done
from chanflow.operations.services import NoDesk, Services
from chanflow.runtime.access_desk import make_pepper, open_books
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home

CALLS, LANES, ROUNDS = 400, 8, 5
FAST = Plan("enterprise", {"bsp_query": -1, "alert_subscription": -1, "api_call": -1, "backtest": -1}, 10**6, 10**6)
ANN = Principal("key", "key:bench", "bench", "enterprise", ("trader",), scopes_of(["trader"]), ip="127.0.0.1")


async def _round(catalogue: Catalogue, name: str, args: dict[str, Any]) -> list[float]:
    """Return the latency of each call in ms."""
    left, latencies = iter(range(CALLS)), list[float]()

    async def lane() -> None:
        for at in left:
            began = time.perf_counter()
            outcome = await catalogue.execute(ANN, name, args, door="cli", request_id=f"r-{at}")
            latencies.append((time.perf_counter() - began) * 1e3)
            assert isinstance(outcome, Done), outcome

    await asyncio.gather(*(lane() for _ in range(LANES)))
    return latencies


async def _measure(root: Path) -> None:
    home, clock = Home(root), SystemClock()
    make_pepper(home, SystemRandomness())
    books = replace(open_books(home, clock, SystemRandomness()), plans={"enterprise": FAST})
    nothing: Any = NoDesk()
    services = Services(nothing, nothing, clock, Uuid7Ids(clock, SystemRandomness()), access=books)
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "free": ("list_tools", {}),
        "charged": ("compute_features", {"rows": [], "price_decimals": 1, "qty_decimals": 3}),
    }
    async with books.serving():
        for label, (name, args) in calls.items():
            sides = {"null": build_catalogue(services, Policy()), "real": build_catalogue(services)}
            found: dict[str, list[list[float]]] = {side: [] for side in sides}
            for _ in range(ROUNDS):
                for side, catalogue in sides.items():
                    found[side].append(await _round(catalogue, name, args))
            for side, rounds in found.items():
                mean = statistics.median(statistics.fmean(one) for one in rounds)
                p95 = statistics.median(statistics.quantiles(one, n=20)[-1] for one in rounds)
                print(f"{label:8} {side}: mean {mean:.2f} ms, p95 {p95:.2f} ms at {LANES} callers")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder)))
