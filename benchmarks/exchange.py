"""The emulated exchange under load: `python benchmarks/exchange.py`.

Streams: 100 sockets on one stream of 1,000 messages a second, all in one process, so that the time from `push` to each
client's hands is one clock's. The message is a real one of the synthetic market. Market: how fast a tape becomes what
the public side shows, with every stream of it wanted and with none.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Callable

import picows

from chanflow.adapters.venues.emulator.frames import Frame
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.socket import StreamServer
from chanflow.adapters.venues.emulator.tape.listed import rules_of
from chanflow.adapters.venues.emulator.tape.synthetic import SyntheticTape

SOCKETS = 100
RATE = 1_000
SECONDS = 10
STREAM = "btcusdt@depth@0ms"
WARM_S = 1.0


class Reader(picows.WSListener):
    """Notes how old each message is when it comes."""

    def __init__(self, ages: list[float]) -> None:
        self._ages = ages
        self.count = 0

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:  # noqa: ARG002
        """Take one message; its last number is when it was pushed."""
        if frame.msg_type == picows.WSMsgType.TEXT:
            payload = frame.get_payload_as_bytes()
            self._ages.append(time.perf_counter() - float(payload[-19:-2]))
            self.count += 1


def sample() -> str:
    """Return a diff of the book as the synthetic market tells it."""
    tape = SyntheticTape([rules_of("BTCUSDT")], seed=42)
    desk, found = MarketDesk(tape.symbols), ""
    for tenth in range(50):
        now_ns = tape.start_ns + tenth * 100_000_000
        for frame in desk.play(tape.until(now_ns), now_ns):
            if frame.stream == "btcusdt@depth@100ms":
                found = frame.data.decode()
    return found


def _stamped(text: str) -> Callable[[], str]:
    """Return what writes a message that ends in the time of its writing, a brace and a space."""
    return lambda: f'{text[:-1]},"at":{time.perf_counter():017.9f}}} '


async def streams(sockets: int, rate: int, seconds: int) -> None:
    """Print the ages of messages at their clients, and the messages a second."""
    server, ages, text = StreamServer(), list[float](), sample()
    port = await server.start()
    readers = []
    for _ in range(sockets):
        _, reader = await picows.ws_connect(lambda: Reader(ages), f"ws://127.0.0.1:{port}/public/ws/{STREAM}")
        readers.append(reader)
    start, busy, sent, warm = time.perf_counter(), time.process_time(), 0, 0
    gc.freeze()
    while sent < rate * seconds:
        due = int((time.perf_counter() - start) * rate)
        if due > sent:
            # As the exchange's loop does: what is due goes out together.
            batch = [Frame(STREAM, 0, _stamped(text))
                     for _ in range(min(due, rate * seconds) - sent)]  # fmt: skip
            server.push(batch)
            sent += len(batch)
        if not warm and time.perf_counter() - start > WARM_S:
            warm = len(ages)
        await asyncio.sleep(0.002)
    took = time.perf_counter() - start
    busy = time.process_time() - busy
    await server.drained()
    while sum(reader.count for reader in readers) < sent * sockets:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    await server.stop()
    steady = sorted(ages[warm:])
    at = lambda share: steady[int(len(steady) * share)] * 1e3  # noqa: E731
    print(f"streams: {sockets} sockets x {sent / took:,.0f} messages/s of {len(text)} bytes, every one delivered")
    print(f"  {busy / took:.0%} of one core, with the clients")
    tail = f"p99.9 {at(0.999):.2f} ms, max {steady[-1] * 1e3:.2f} ms"
    print(f"  push to client: p50 {at(0.5):.2f} ms, p99 {at(0.99):.2f} ms, {tail}")


def stalls(seconds: float) -> None:
    """Print for how long a loop that only spins is kept from running: what no server on this machine can do without."""
    start = last = time.perf_counter()
    gaps = []
    while last - start < seconds:
        now = time.perf_counter()
        if now - last > 1e-3:
            gaps.append(now - last)
        last = now
    longest = max(gaps, default=0.0) * 1e3
    print(f"machine: a spinning loop is kept waiting {sum(gaps) / seconds:.0%} of the time, {longest:.1f} ms at most")


def market(minutes: int) -> None:
    """Print how many events a second become the public side."""
    for wanted, words in ((lambda _: True, "every stream wanted"), (lambda _: False, "no stream wanted")):
        tape = SyntheticTape([rules_of("BTCUSDT")], seed=42)
        desk, events, messages = MarketDesk(tape.symbols, wanted=wanted), 0, 0
        start = time.perf_counter()
        for tenth in range(minutes * 600):
            now_ns = tape.start_ns + tenth * 100_000_000
            batches = tape.until(now_ns)
            events += sum(map(len, batches))
            messages += len(desk.play(batches, now_ns))
        took = time.perf_counter() - start
        print(f"market, {words}: {events / took:,.0f} events/s, {messages / took:,.0f} messages/s, "
              f"{minutes * 60 / took:,.0f} times real time")  # fmt: skip


def main() -> None:
    """Measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--sockets", type=int, default=SOCKETS)
    asked.add_argument("--rate", type=int, default=RATE)
    asked.add_argument("--seconds", type=int, default=SECONDS)
    asked.add_argument("--minutes", type=int, default=10)
    given = asked.parse_args()
    stalls(2.0)
    asyncio.run(streams(given.sockets, given.rate, given.seconds))
    market(given.minutes)


if __name__ == "__main__":
    main()
