"""Charges a quota of one account from a process of its own until it is spent, and tells each charge that stood.

Arguments: the database, the limit, how many calls at once, the process's number. It waits for a line before it begins.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from chanflow.access.quota import Charge, Demand, Spent, Taken
from chanflow.adapters.storage.access_writer import AccessWriter
from chanflow.adapters.storage.database.database import Database
from chanflow.domain.errors import StorageBusy


async def _charge_all(path: Path, limit: int, calls: int, number: int) -> None:
    async with await Database.open(path) as database:
        writer, lanes = AccessWriter(database), asyncio.Semaphore(20)

        async def call(at: int) -> None:
            charge_id = str(UUID(int=number << 64 | at))
            charge = Charge(charge_id, "ann", at, (Demand("api_call", 1, limit, "2026-11-20"),))
            taken: Taken | Spent | None = None
            while taken is None:
                with suppress(StorageBusy):  # nothing was written; the same charge may be asked for again
                    async with lanes:
                        taken = await writer.charge(charge)
            if isinstance(taken, Taken):
                sys.stdout.write(f"{charge_id}\n")
                sys.stdout.flush()

        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(call(at) for at in range(calls)))


if __name__ == "__main__":
    path, limit, calls, number = sys.argv[1:]
    asyncio.run(_charge_all(Path(path), int(limit), int(calls), int(number)))
