"""The venues under test; one that joins adds its name to a list and its bench to `opened`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from commands import CHANFLOW, environment
from eth_account import Account
from hyperliquid.exchange import Exchange
from made_venues import DEPOSIT, Bench, BinanceBench, HyperliquidBench, SimulatedBench

from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.websocket import PicowsConnector
from chanflow.adapters.venues.binance.addresses import Addresses
from chanflow.adapters.venues.binance.venue import BinanceVenue
from chanflow.adapters.venues.hyperliquid.client import Client, Keys
from chanflow.adapters.venues.hyperliquid.nonces import Nonces
from chanflow.adapters.venues.hyperliquid.venue import HyperliquidVenue
from chanflow.runtime.clock import SystemClock

BINANCE = pytest.param("binance", marks=[pytest.mark.slow, pytest.mark.server])
HYPERLIQUID = pytest.param("hyperliquid", marks=[pytest.mark.slow, pytest.mark.server])
EVERY = ["simulated", BINANCE, HYPERLIQUID]
STANDING = [BINANCE, HYPERLIQUID]
"""Venues that take orders which stay: the simulated one lets nothing rest but the exits it places itself."""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of an emulated exchange that runs beside the tests."""
    home: Path = tmp_path_factory.mktemp("exchange")
    words = ["exchange", "--source", "synthetic", "--symbols", "BTCUSDT", "--balance", str(DEPOSIT)]
    words += ["--weight-limit", "100000"]  # many accounts at one address
    process = subprocess.Popen(
        [*CHANFLOW, *words], env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=home
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(300)
        process.stdout.close()


@asynccontextmanager
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    test = request.node.originalname
    if request.param == "simulated":
        yield SimulatedBench(test)
        return
    told = request.getfixturevalue("exchange")
    if request.param == "hyperliquid":
        async with hyperliquid(test, told, request.getfixturevalue("tmp_path")) as bench:
            yield bench
        return
    clock = SystemClock()
    venue = BinanceVenue(
        symbols=["BTCUSDT"], keys=VenueKeys(f"account-{test}", "test"), addresses=Addresses(told["rest"], told["ws"]),
        sandbox=True, clock=clock, connector=PicowsConnector(clock), random=Random(1), margin_type="cross",
    )  # fmt: skip
    await venue.open()
    made = BinanceBench(test, venue, told["rest"], told["rest"])
    listening = asyncio.create_task(made.listen())
    yield made
    await venue.close()
    await listening


@asynccontextmanager
async def hyperliquid(test: str, told: dict[str, str], home: Path) -> AsyncIterator[Bench]:
    """A master of the test's own, and an agent that it has approved."""
    url = told["hyperliquid"]
    master = Account.from_key(hashlib.sha256(test.encode()).digest())
    _, agent_key = await asyncio.to_thread(lambda: Exchange(master, url).approve_agent("desk"))
    clock = SystemClock()
    with Nonces(home / "nonce", clock) as nonces:
        client = Client(url, Keys(master.address, agent_key), nonces, clock)
        venue = HyperliquidVenue(client, PicowsConnector(clock), clock, Random(1))
        await venue.open()
        made = HyperliquidBench(test, venue, url, told["rest"])
        listening = asyncio.create_task(made.listen())
        yield made
        await venue.close()
        await listening


@pytest.fixture(params=EVERY)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with opened(request) as made:
        yield made


@pytest.fixture(params=STANDING)
async def standing(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with opened(request) as made:
        yield made
