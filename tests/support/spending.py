"""A process that spends from the ledger it is given: `python -m spending DATABASE CENTS LIMIT_CENTS`.

It reserves, tells the reservation's id on a line of its own, and settles every second one in full, until it is refused.
"""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.llm_ledger import LlmLedger
from chanflow.analyst.budget import Budget, Limit
from chanflow.domain.alert import Alert
from chanflow.domain.errors import BudgetSpent
from chanflow.domain.question import Claim
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.clock import SimulatedClock, SystemRandomness, Uuid7Ids

NOW_NS = 1_795_262_400 * NS_PER_S


async def _silent(_: Alert) -> None:
    return None


async def spend(path: Path, usd: Decimal, most: Decimal) -> None:
    """Spend until there is no more."""
    clock = SimulatedClock(NOW_NS)
    async with await Database.open(path) as database:
        budget = Budget(
            limits=[Limit("usd", "day", most, "budget.max_usd_per_day")], ledger=LlmLedger(database), clock=clock,
            ids=Uuid7Ids(clock, SystemRandomness()), on_alert=_silent,
        )  # fmt: skip
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(1_000_000):
            try:
                reservation = await budget.reserve(Claim(f"q{number}", "analyst", "paper", "d/m", 10, usd))
            except BudgetSpent:
                return
            print(reservation, flush=True)
            if number % 2:
                await budget.settle(reservation, tokens_in=5, tokens_out=5, cost_usd=usd)


if __name__ == "__main__":
    asyncio.run(spend(Path(sys.argv[1]), Decimal(sys.argv[2]) / 100, Decimal(sys.argv[3]) / 100))
