"""The emulated exchange under load: `python benchmarks/exchange.py`.

REST: signed orders, placed and cancelled over HTTP keep-alive connections against the command as a process of its own,
from a client that only writes prepared bytes. Streams: 100 sockets on one stream of 1,000 messages a second, all in one
process, so that the time from `push` to each client's hands is one clock's; the message is a real one of the synthetic
market. Market: how fast a tape becomes what the public side shows, with every stream of it wanted and with none.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

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
CONNECTIONS = 16
ORDERS = 8_000
UNLIMITED = str(10**9)
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


class Orderer(asyncio.Protocol):
    """Sends prepared requests over one connection, each when the one before it has been answered."""

    def __init__(self, requests: list[bytes], took_s: list[float]) -> None:
        self._requests = iter(requests)
        self._took_s = took_s
        self._buffer = b""
        self._sent_s = 0.0
        self._transport: asyncio.Transport | None = None
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Read an answer, which has to be a good one, and send the next request."""
        self._buffer += data
        head, ended, body = self._buffer.partition(b"\r\n\r\n")
        if not ended or len(body) < int(head.lower().partition(b"content-length:")[2].split(maxsplit=1)[0]):
            return
        self._took_s.append(time.perf_counter() - self._sent_s)
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(body.decode()))
            return
        self._buffer = b""
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        assert self._transport is not None
        if request is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._sent_s = time.perf_counter()
        self._transport.write(request)


def _order(method: str, asked: str) -> bytes:
    """Return a signed request about an order as it goes over the wire."""
    text = f"{asked}&recvWindow=60000&timestamp={time.time_ns() // 1_000_000}"
    proof = hmac.new(b"test", text.encode(), hashlib.sha256).hexdigest()
    target = f"/fapi/v1/order?{text}&signature={proof}"
    return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-MBX-APIKEY: bench\r\n\r\n".encode()


def _life(name: str, price: str) -> list[bytes]:
    """Return the requests of an order far below the market: placed, and cancelled."""
    which = f"symbol=BTCUSDT&newClientOrderId={name}&side=BUY&type=LIMIT&timeInForce=GTC"
    return [
        _order("POST", f"{which}&quantity=0.010&price={price}"),
        _order("DELETE", f"symbol=BTCUSDT&origClientOrderId={name}"),
    ]


def _cpu_s(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rest(connections: int, orders: int) -> None:
    """Print signed requests a second, and what each costs the server."""
    limits = ["--weight-limit", UNLIMITED, "--orders-10s", UNLIMITED, "--orders-1m", UNLIMITED]
    words = [sys.executable, "-m", "chanflow", "exchange", "--symbols", "BTCUSDT", "--seed", "7", *limits]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["rest"]
        try:
            with urllib.request.urlopen(f"{url}/fapi/v1/ticker/price?symbol=BTCUSDT") as got:
                price = f"{float(json.load(got)['price']) * 0.9:.1f}"
            asyncio.run(_rest(url, server.pid, price, connections, orders))
        finally:
            server.send_signal(signal.SIGTERM)


async def _rest(url: str, pid: int, price: str, connections: int, orders: int) -> None:
    loop, took_s = asyncio.get_running_loop(), list[float]()
    each = [[one for n in range(orders // 2 // connections) for one in _life(f"c{c}-{n}", price)]
            for c in range(connections)]  # fmt: skip
    host, port = url.removeprefix("http://").split(":")
    idle, rested = _cpu_s(pid), time.perf_counter()
    await asyncio.sleep(2)
    idle = (_cpu_s(pid) - idle) / (time.perf_counter() - rested)
    start, busy, own = time.perf_counter(), _cpu_s(pid), time.process_time()
    made = [(await loop.create_connection(lambda one=one: Orderer(one, took_s), host, int(port)))[1] for one in each]
    await asyncio.gather(*(one.done for one in made))
    took, busy, own = time.perf_counter() - start, _cpu_s(pid) - busy, time.process_time() - own
    count = len(took_s)
    took_s.sort()
    print(f"REST: {count:,} signed orders and cancels over {connections} connections: {count / took:,.0f} a second")
    print(f"  server {busy / count * 1e6:,.0f} us of processor each, {count / busy:,.0f} a second of it; "
          f"{idle:.0%} of a core when idle; client {own / count * 1e6:,.0f} us")  # fmt: skip
    at = lambda share: took_s[int(count * share)] * 1e3  # noqa: E731
    print(f"  p50 {at(0.5):.2f} ms, p99 {at(0.99):.2f} ms, of them 2 ms the exchange's latency")


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
    asked.add_argument("--connections", type=int, default=CONNECTIONS)
    asked.add_argument("--orders", type=int, default=ORDERS)
    asked.add_argument("--only", choices=["rest", "streams", "market"])
    given = asked.parse_args()
    stalls(2.0)
    if given.only in (None, "rest"):
        rest(given.connections, given.orders)
    if given.only in (None, "streams"):
        asyncio.run(streams(given.sockets, given.rate, given.seconds))
    if given.only in (None, "market"):
        market(given.minutes)


if __name__ == "__main__":
    main()
