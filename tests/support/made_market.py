"""Ticks made by hand, and a market that took them."""

from __future__ import annotations

import numpy as np

from chanflow.adapters.venues.emulator.market import MarketState
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.tape.steps import Kind, Ticks
from chanflow.adapters.venues.emulator.tape.synthetic import SyntheticTape

RULES = SymbolRules("BTCUSDT", "BTC", price_decimals=2, qty_decimals=3, tick=10)
START_MS = 1_767_571_200_000
START_NS = START_MS * 1_000_000


def ticks(*rows: tuple[int, Kind, int, int], symbol: str = "BTCUSDT") -> Ticks:
    """Return ticks of (ms after the start, kind, price, qty)."""
    times = np.array([START_NS + row[0] * 1_000_000 for row in rows], dtype=np.int64)
    columns = [np.array([row[at] for row in rows], dtype=np.int64) for at in (1, 2, 3)]
    return Ticks(symbol, times, columns[0].astype(np.uint8), columns[1], columns[2])


def opened(state: MarketState | None = None) -> MarketState:
    """Return a market at the start with two levels a side: 60,000.00 and 59,999.90, 60,000.10 and 60,000.20."""
    state = MarketState(RULES) if state is None else state
    state.take(
        ticks(
            (0, Kind.CLEAR, 0, 0), (0, Kind.BID, 6_000_000, 500), (0, Kind.BID, 5_999_990, 900),
            (0, Kind.ASK, 6_000_010, 400), (0, Kind.ASK, 6_000_020, 800),
        )
    )  # fmt: skip
    return state


def played(seconds: int, *, seed: int = 42, step_ms: int = 100) -> MarketDesk:
    """Return a synthetic market after some seconds."""
    tape = SyntheticTape([RULES], seed=seed)
    desk = MarketDesk(tape.symbols)
    for now_ms in range(0, seconds * 1000 + 1, step_ms):
        now_ns = tape.start_ns + now_ms * 1_000_000
        desk.play(tape.until(now_ns), now_ns)
    return desk
