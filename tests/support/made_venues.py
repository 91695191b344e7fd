"""Venues in a market that moves, for tests that hold for each of them."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import pytest
from chanflow_native import SyntheticMarket
from made_desk import NOW, SIM

from chanflow.adapters.venues.simulated import SimulatedVenue
from chanflow.execution.client_ids import client_order_id
from chanflow.execution.ports import Venue, VenueEvent
from chanflow.runtime.clock import SimulatedClock

DEPOSIT = Decimal(10_000)
PATIENCE_S = 120.0


class Bench(Protocol):
    """A venue in a market that moves, with what was heard of it so far."""

    venue: Venue
    symbol: str
    quote: str
    qty: Decimal
    heard: list[VenueEvent]

    async def quotes(self) -> tuple[Decimal, Decimal]: ...
    async def until(self, true: Callable[[], bool]) -> None: ...
    def name(self, leg: str) -> str: ...


@dataclass
class Named:
    """Client ids that no other test uses."""

    test: str

    def name(self, leg: str) -> str:
        return client_order_id("contract", "suite", self.test, leg, 1)


@dataclass
class SimulatedBench(Named):
    """The simulated venue: its owner tells it of time."""

    symbol: str = SIM.symbol
    quote: str = SIM.quote
    qty: Decimal = Decimal(2)
    heard: list[VenueEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock, self.market = SimulatedClock(NOW), SyntheticMarket(1, NOW)
        self.venue = SimulatedVenue(
            SIM, self.clock, price_decimals=2, qty_decimals=3, order_latency_ns=2_000_000,
            response_latency_ns=2_000_000, deposit_quote=DEPOSIT,
        )  # fmt: skip
        self.bid = self.ask = Decimal(0)
        self._move(60_000)

    def _move(self, ms: int) -> None:
        self.clock.advance_to(self.clock.now_ns() + ms * 1_000_000)
        batch = self.market.advance(self.clock.now_ns())
        if batch.bid is not None and batch.ask is not None:
            self.bid, self.ask = Decimal(repr(batch.bid)), Decimal(repr(batch.ask))
        self.heard += list(self.venue.push(batch))

    async def quotes(self) -> tuple[Decimal, Decimal]:
        return self.bid, self.ask

    async def until(self, true: Callable[[], bool]) -> None:
        for _ in range(600):
            if true():
                return
            self._move(100)
        pytest.fail(f"a minute of market brought only {[(e.kind, e.client_order_id) for e in self.heard]}")


@dataclass
class LiveBench(Named):
    """A venue that tells unasked, in real time."""

    venue: Venue
    url: str
    control: str
    symbol: str
    quote: str
    qty: Decimal
    heard: list[VenueEvent] = field(default_factory=list)

    async def fall(self) -> None:
        """Let the market jump a little down, and stay there."""
        jump = {"symbol": "BTCUSDT", "bps": -20}
        await asyncio.to_thread(_json, f"{self.control}/_control/price", jump)

    async def listen(self) -> None:
        async for event in self.venue.events():
            self.heard.append(event)

    async def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > end:
                pytest.fail(f"{PATIENCE_S} s brought only {[(e.kind, e.client_order_id) for e in self.heard]}")
            await asyncio.sleep(0.02)


@dataclass
class BinanceBench(LiveBench):
    """The Binance venue against the emulated exchange, with an account of its own."""

    symbol: str = "BTCUSDT"
    quote: str = "USDT"
    qty: Decimal = Decimal("0.002")

    async def quotes(self) -> tuple[Decimal, Decimal]:
        told = await asyncio.to_thread(_json, f"{self.url}/fapi/v1/ticker/bookTicker?symbol={self.symbol}")
        return Decimal(told["bidPrice"]), Decimal(told["askPrice"])


@dataclass
class HyperliquidBench(LiveBench):
    """The Hyperliquid venue against the emulated exchange, with a master and an agent of its own."""

    symbol: str = "BTC"
    quote: str = "USDC"
    qty: Decimal = Decimal("0.002")

    def name(self, leg: str) -> str:
        return client_order_id("contract", "suite", self.test, leg, 1, alphabet="hex")

    async def quotes(self) -> tuple[Decimal, Decimal]:
        told = await asyncio.to_thread(_json, f"{self.url}/info", {"type": "l2Book", "coin": self.symbol})
        bids, asks = told["levels"]
        return Decimal(bids[0]["px"]), Decimal(asks[0]["px"])


def _json(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": "application/json"})) as answer:
        return json.loads(answer.read())
