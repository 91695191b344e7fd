"""The venues under test; one that joins adds its name to a list and its bench to `opened`."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from commands import CHANFLOW, environment
from made_venues import DEPOSIT, Bench, BinanceBench, SimulatedBench

from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.websocket import PicowsConnector
from chanflow.adapters.venues.binance.addresses import Addresses
from chanflow.adapters.venues.binance.venue import BinanceVenue
from chanflow.runtime.clock import SystemClock

BINANCE = pytest.param("binance", marks=[pytest.mark.slow, pytest.mark.server])
EVERY = ["simulated", BINANCE]
STANDING = [BINANCE]
"""Venues that take orders which stay: the simulated one lets nothing rest but the exits it places itself."""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of an emulated exchange that runs beside the tests."""
    home: Path = tmp_path_factory.mktemp("exchange")
    words = ["exchange", "--source", "synthetic", "--symbols", "BTCUSDT", "--balance", str(DEPOSIT)]
    process = subprocess.Popen(
        [*CHANFLOW, *words], env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=home
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@asynccontextmanager
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    test = request.node.originalname
    if request.param == "simulated":
        yield SimulatedBench(test)
        return
    told = request.getfixturevalue("exchange")
    clock = SystemClock()
    venue = BinanceVenue(
        symbols=["BTCUSDT"], keys=VenueKeys(f"account-{test}", "test"), addresses=Addresses(told["rest"], told["ws"]),
        sandbox=True, clock=clock, connector=PicowsConnector(clock), random=Random(1), margin_type="cross",
    )  # fmt: skip
    await venue.open()
    made = BinanceBench(test, venue, told["rest"])
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
