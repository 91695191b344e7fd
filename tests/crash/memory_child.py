"""A process for the crash tests to kill: remembers, closes and stores decisions without end, telling each when kept."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from made_cases import DAY, T0, made_decision, made_state, made_trade

from chanflow.review.flows import STORE_AFTER_NS, MemoryFlows
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import Home
from chanflow.runtime.memory_desk import open_memory


async def main(home: Home, first: int) -> None:
    clock = SimulatedClock(T0 + 100 * DAY)
    async with open_memory(home, clock, deadline_s=None) as memory:
        flows = MemoryFlows(memory)
        await flows.mend()
        number = first
        while True:
            name = f"d{number:06}"
            await memory.remember(made_decision(name, at_ns=clock.now_ns()), made_state(number))
            print(f"remembered {name}", flush=True)
            clock.advance_to(clock.now_ns() + STORE_AFTER_NS)
            await flows.store_vectors()
            print(f"stored {name}", flush=True)
            await memory.closed(made_trade(name, closed_ns=clock.now_ns()))
            print(f"closed {name}", flush=True)
            number += 1


with Home(Path(sys.argv[1])).lock():
    asyncio.run(main(Home(Path(sys.argv[1])), int(sys.argv[2])))
