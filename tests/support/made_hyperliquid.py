"""Hyperliquid's doors over a made market, in a thread of their own, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TypeVar

from chanflow.adapters.venues.emulator.exchange import Exchange, ExchangeSettings, MakeTape
from chanflow.adapters.venues.emulator.hyperliquid.server import HyperliquidServer, serve_hyperliquid
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.tape.synthetic import START_NS, SyntheticTape
from chanflow.runtime.clock import SystemClock

T = TypeVar("T")

RULES = (
    SymbolRules("BTCUSDT", "BTC", price_decimals=1, qty_decimals=5, min_notional=Decimal(1)),
    SymbolRules("ETHUSDT", "ETH", price_decimals=2, qty_decimals=4, min_notional=Decimal(1)),
)
# Throwaway keys, good for nothing.
MASTER_KEY = "0x" + "11" * 32
AGENT_KEY = "0x" + "22" * 32


def _tape(seed: int) -> MakeTape:
    def make(start_ns: int | None) -> SyntheticTape:
        return SyntheticTape(RULES, seed=seed, start_ns=START_NS if start_ns is None else start_ns)

    return make


class Desk:
    """A running exchange with Hyperliquid's doors; `do` runs a function between its slices."""

    def __init__(
        self, url: str, exchange: Exchange, server: HyperliquidServer, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.url = url
        self.exchange = exchange
        self.server = server
        self._loop = loop

    def do(self, what: Callable[[], T]) -> T:
        async def run() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)


@contextmanager
def running(
    *, speed: str = "1", strict: bool = False, agents: dict[str, str] | None = None, seed: int = 7
) -> Iterator[Desk]:
    """Run an exchange until the block ends."""
    ready: list[Desk] = []
    started, ended = threading.Event(), asyncio.Event()
    failed: list[BaseException] = []

    async def serve() -> None:
        settings = ExchangeSettings(speed=speed, warm_ns=5 * 10**9, latency_ns=0)  # type: ignore[arg-type]
        exchange = Exchange(_tape(seed), SystemClock(), settings)
        await exchange.warm_up()
        url, server = await serve_hyperliquid(
            exchange, host="127.0.0.1", strict=strict, agents=agents, weight_a_minute=100_000
        )
        ready.append(Desk(url, exchange, server, asyncio.get_running_loop()))
        started.set()
        run = asyncio.create_task(exchange.run())
        await ended.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        await server.stop()

    def main() -> None:
        try:
            asyncio.run(serve())
        except BaseException as fault:  # noqa: BLE001 - told to the test below
            failed.append(fault)
        finally:
            started.set()

    thread = threading.Thread(target=main)
    thread.start()
    assert started.wait(300)
    if failed:
        raise failed[0]
    try:
        yield ready[0]
    finally:
        ready[0]._loop.call_soon_threadsafe(ended.set)
        thread.join(300)
    if failed:
        raise failed[0]
