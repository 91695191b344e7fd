"""A process for the crash tests to kill: `desk_child.py CARRIER PATH ROLE FROM`.

publish   publishes messages FROM, FROM + 1, ... and prints each number once it is durable
consume   handles them: writes the number to `effect` with the acknowledgement, publishes a message on, and appends a
          line to `PATH.seen`, an effect outside the database
poison    handles them, but kills itself at message 0
fill      publishes large messages with the file size limited to FROM bytes, until the bus says that it cannot
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from random import Random
from uuid import UUID

from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.message import Envelope, Topic
from chanflow.runtime.bus import Carrier, Delivery, SqliteBus, Transaction


class WallClock:
    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    async def sleep_until(self, at_ns: int) -> None:
        await asyncio.sleep(max(0, at_ns - time.time_ns()) / 1e9)


def message(number: int, topic: Topic = "signal", pad: str = "") -> Envelope:
    return Envelope(
        id=UUID(int=number),
        topic=topic,
        schema_version=1,
        ts_ns=1,
        known_ns=1,
        correlation_id="crash",
        causation_id=None,
        producer="child",
        key=f"k{number % 5}",
        payload={"n": number, "pad": pad},
    )


async def publish(bus: Carrier, first: int) -> None:
    number = first
    while True:
        batch = range(number, number + 5)
        await asyncio.gather(*(bus.publish(message(each)) for each in batch))
        print(batch[-1], flush=True)
        number = batch[-1] + 1


async def consume(bus: Carrier, path: Path, poison: int | None) -> None:
    seen = path.with_suffix(".seen").open("a")

    async def handle(got: Envelope, delivery: Delivery) -> None:
        number = got.id.int

        def effect(tx: Transaction) -> None:
            tx.execute("CREATE TABLE IF NOT EXISTS effect(n INTEGER)")
            tx.execute("INSERT INTO effect VALUES (?)", (number,))

        seen.write(f"{number}\n")
        seen.flush()
        if number == poison:
            os.kill(os.getpid(), signal.SIGKILL)
        delivery.also(effect)
        delivery.publish(message(number + 10**9, "refusal"))

    # A killed process has used an attempt of all that was in flight: many attempts, or one message at a time.
    attempts, concurrency = (1_000, 4) if poison is None else (3, 1)
    bus.subscribe("signal", group="g", handler=handle, concurrency=concurrency, lease_s=0.3, max_attempts=attempts)
    await bus.open()
    print("ready", flush=True)
    async with bus.serving():
        await asyncio.Event().wait()


async def fill(bus: Carrier, limit_bytes: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    number = 0
    try:
        while True:
            await bus.publish(message(number, pad="x" * 20_000))
            number += 1
            print(number, flush=True)
    except StorageUnwritable as fault:
        print(f"stopped: {fault}", flush=True)


async def main(carrier: str, path: Path, role: str, first: int) -> None:
    assert carrier == "sqlite"
    bus = SqliteBus(path, clock=WallClock(), jitter=Random(1), backoff_s=0.01, poll_s=0.02)
    if role in ("consume", "poison"):
        await consume(bus, path, 0 if role == "poison" else None)
    else:
        await bus.open()
        await (publish(bus, first) if role == "publish" else fill(bus, first))
        await bus.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
