"""What a call over MCP costs: `tools/call` of the 2026 protocol over HTTP, one worker, with and without the policy.

The desk runs in a process of its own, the generator in another, with raw keep-alive connections. Rounds of both sides
are interleaved, and the median of each is told. CPU is the server's, so it holds on a loaded machine too.
Run: python benchmarks/mcp_calls.py
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration" / "doors"))
CALLS, ROUNDS, LANES = 1_000, 3, (1, 8)
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def serve(folder: str, policy: str, listening: int) -> None:
    """Serve a desk on a socket until the process is ended; prints the key that its caller shows."""
    import keyed_desk
    import memory_desk
    import uvicorn

    from chanflow.access.plans import Plan
    from chanflow.interfaces.rest.app import build_app

    keys = {"ann": ""}
    services = memory_desk.memory_services()
    if policy == "real":
        services, keys = keyed_desk.keyed_services(Path(folder))
        assert services.access is not None
        free = {"bsp_query": -1, "alert_subscription": -1, "api_call": -1, "backtest": -1}
        books = replace(services.access, plans={"enterprise": Plan("enterprise", free, 10**6, 10**6)})
        services = replace(services, access=books)
    print(keys["ann"], flush=True)
    server = uvicorn.Server(uvicorn.Config(build_app(services), log_level="error"))
    server.run(sockets=[socket.socket(fileno=listening)])


@dataclass(frozen=True, slots=True)
class Side:
    """A desk that is served."""

    port: int
    key: str
    process: subprocess.Popen[str]

    def cpu_s(self) -> float:
        """Return the CPU seconds that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def start(folder: Path, policy: str) -> Side:
    """Start a desk."""
    folder.mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        command = [sys.executable, __file__, "serve", str(folder), policy, str(listening.fileno())]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[listening.fileno()])
        assert process.stdout is not None
        return Side(listening.getsockname()[1], process.stdout.readline().strip(), process)


def request(side: Side, number: int) -> bytes:
    """Return a call as it goes over the wire."""
    params = {"name": "get_klines", "arguments": {"symbol": "BTCUSDT", "level": "1m", "limit": 5}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()
    key = f"Authorization: Bearer {side.key}\r\n" if side.key else ""
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{key}"
        "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
        f"Mcp-Method: tools/call\r\nMcp-Name: get_klines\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def lane(side: Side, numbers: Any, latencies: list[float]) -> None:
    """Call again and again over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
    for number in numbers:
        began = time.perf_counter()
        writer.write(request(side, number))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-l"))
        body = json.loads(await reader.readexactly(length))
        latencies.append((time.perf_counter() - began) * 1e3)
        assert not body["result"].get("isError"), body
    writer.close()
    await writer.wait_closed()


async def one_round(side: Side, lanes: int) -> tuple[float, float, float]:
    """Return calls a second, the p95 in ms, and the server's CPU in ms a call."""
    numbers, latencies = iter(range(CALLS)), list[float]()
    cpu, began = side.cpu_s(), time.perf_counter()
    await asyncio.gather(*(lane(side, numbers, latencies) for _ in range(lanes)))
    lasted = time.perf_counter() - began
    return CALLS / lasted, statistics.quantiles(latencies, n=20)[-1], (side.cpu_s() - cpu) / CALLS * 1e3


async def measure(sides: dict[str, Side]) -> None:
    """Print the medians of both sides."""
    for side in sides.values():
        await one_round(side, 1)
    print("| policy | connections | calls/s | p95 ms | server CPU ms/call |\n|---|---:|---:|---:|---:|")
    for lanes in LANES:
        rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, side in sides.items():
                rounds[name].append(await one_round(side, lanes))
        for name, found in rounds.items():
            rate, p95, cpu = (statistics.median(column) for column in zip(*found, strict=True))
            print(f"| {name} | {lanes} | {rate:,.0f} | {p95:.1f} | {cpu:.2f} |", flush=True)


def main() -> None:
    """Start a desk with the policy and one without, and measure them."""
    with tempfile.TemporaryDirectory() as folder:
        sides = {policy: start(Path(folder) / policy, policy) for policy in ("null", "real")}
        try:
            asyncio.run(measure(sides))
        finally:
            for side in sides.values():
                side.process.terminate()
                side.process.wait(30)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
