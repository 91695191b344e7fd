from __future__ import annotations

import time
from collections.abc import AsyncIterator
from random import Random

import pytest
from made_loopback import KEY, SECRET, Loopback

from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.websocket import PicowsConnector
from chanflow.adapters.venues.binance.addresses import Addresses
from chanflow.adapters.venues.binance.venue import BinanceVenue
from chanflow.runtime.clock import SystemClock

SKEW_MS = 1_700
"""How far the venue's clock stands ahead of ours."""


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with Loopback(lambda: time.time_ns() // 1_000_000 + SKEW_MS) as server:
        yield server


@pytest.fixture
async def venue(loopback: Loopback) -> AsyncIterator[BinanceVenue]:
    clock = SystemClock()
    made = BinanceVenue(
        symbols=["BTCUSDT"], keys=VenueKeys(KEY, SECRET), addresses=Addresses(loopback.rest, loopback.stream),
        sandbox=True, clock=clock, connector=PicowsConnector(clock), random=Random(1),
    )  # fmt: skip
    await made.open()
    yield made
    await made.close()
