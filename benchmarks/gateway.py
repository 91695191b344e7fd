"""The gateway under load: MCP tool calls, what the policy costs them, and a mix of REST reads.

    .venv/bin/python benchmarks/gateway.py [--seconds 4] [--rounds 3]

A desk as users have one, with the demo's day in it, served by `chanflow serve`: one process, keys asked for or not. The
load comes from this process over keep-alive HTTP. Rounds of the two desks are interleaved, and medians are told. The
mix is an open loop: requests leave when they are due, and each latency counts from that moment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHANFLOW = [sys.executable, "-m", "chanflow"]
CONNECTIONS = 8
MIX_PER_S = 500
PLANS = "enterprise: {rate_per_s: 1000000, burst: 1000000}\n"


@dataclass(frozen=True)
class Desk:
    """A desk that is served: its port, what callers send to be let in, and its process."""

    port: int
    header: str
    process: subprocess.Popen[str]

    def cpu_s(self) -> float:
        """Return the processor seconds its process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def made_home(root: Path) -> dict[str, str]:
    """Return the environment of a desk with a day in it, whose plans allow any rate."""
    environ = {**os.environ, "CHANFLOW_HOME": str(root)}
    subprocess.run([*CHANFLOW, "demo"], env=environ, check=True, capture_output=True, cwd=root)
    subprocess.run([*CHANFLOW, "init"], env=environ, check=True, capture_output=True, cwd=root)
    (root / "plans.yaml").write_text(PLANS)
    return environ


def made_key(environ: dict[str, str]) -> str:
    """Return a key of a new user without limits."""
    add = [*CHANFLOW, "user", "add", "bench", "--role", "trader", "--plan", "enterprise"]
    subprocess.run(add, env=environ, check=True, capture_output=True)
    create = [*CHANFLOW, "key", "create", "bench", "--user", "bench"]
    return subprocess.run(create, env=environ, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def served(environ: dict[str, str], key: str | None) -> Iterator[Desk]:
    """Serve a desk on a free port while the block lasts."""
    command = [*CHANFLOW, "serve", "--port", "0", "--set", f"access.required={str(key is not None).lower()}"]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, text=True, cwd=environ["CHANFLOW_HOME"]
    ) as process:
        assert process.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found is not None
        try:
            yield Desk(int(found[1]), "" if key is None else f"Authorization: Bearer {key}\r\n", process)
        finally:
            process.terminate()


def request(desk: Desk, path: str, body: object | None = None, headers: str = "") -> bytes:
    """Return a request as it goes over the wire."""
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\n{desk.header}{headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def tool_call(desk: Desk, name: str, arguments: object) -> bytes:
    """Return a tool call of the protocol revision 2026-07-28, which needs no handshake."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": name, "arguments": arguments, "_meta": meta}
    headers = (
        "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
        f"Mcp-Method: tools/call\r\nMcp-Name: {name}\r\n"
    )
    return request(desk, "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, headers)


class Line:
    """A keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, desk: Desk) -> Line:
        """Return a connection to a desk."""
        return cls(*await asyncio.open_connection("127.0.0.1", desk.port))

    async def ask(self, sent: bytes) -> bytes:
        """Return the body of the answer. Raises AssertionError unless it is a success."""
        self._writer.write(sent)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if length is not None:
            body = await self._reader.readexactly(int(length[1]))
        else:
            parts = []
            while size := int((await self._reader.readline()).strip(), 16):
                parts.append((await self._reader.readexactly(size + 2))[:-2])
            await self._reader.readline()
            body = b"".join(parts)
        assert head.startswith(b"HTTP/1.1 200"), head + body
        assert b'"isError":true' not in body, body
        return body

    def close(self) -> None:
        """Close it."""
        self._writer.close()


@dataclass(frozen=True)
class Load:
    """What a round came to: calls a second, latencies in ms, and the desk's processor time a call in ms."""

    per_s: float
    p50: float
    p95: float
    cpu_ms: float


async def closed_loop(desk: Desk, sent: bytes, seconds: float) -> Load:
    """Ask again and again over eight connections."""
    latencies: list[float] = []
    ends = time.perf_counter() + seconds

    async def lane() -> None:
        line = await Line.to(desk)
        while (began := time.perf_counter()) < ends:
            await line.ask(sent)
            latencies.append((time.perf_counter() - began) * 1e3)
        line.close()

    used = desk.cpu_s()
    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    return _load(latencies, time.perf_counter() - began, desk.cpu_s() - used)


async def open_loop(desk: Desk, mix: list[bytes], seconds: float, per_s: int) -> Load:
    """Send when each request is due, whatever the others wait for."""
    lines: list[Line] = []
    latencies: list[float] = []

    async def one(sent: bytes, due: float) -> None:
        line = lines.pop() if lines else await Line.to(desk)
        await line.ask(sent)
        latencies.append((time.perf_counter() - due) * 1e3)
        lines.append(line)

    used, began, tasks = desk.cpu_s(), time.perf_counter(), set[asyncio.Task[None]]()
    for at in range(int(seconds * per_s)):
        due = began + at / per_s
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.add(asyncio.create_task(one(mix[at % len(mix)], due)))
    await asyncio.gather(*tasks)
    for line in lines:
        line.close()
    return _load(latencies, time.perf_counter() - began, desk.cpu_s() - used)


def _load(latencies: list[float], wall_s: float, cpu_s: float) -> Load:
    quantiles = statistics.quantiles(latencies, n=20)
    return Load(len(latencies) / wall_s, quantiles[9], quantiles[18], cpu_s * 1e3 / len(latencies))


def _median(loads: list[Load]) -> Load:
    return Load(
        *(statistics.median(getattr(load, name) for load in loads) for name in ("per_s", "p50", "p95", "cpu_ms"))
    )


def rest_mix(desk: Desk) -> list[bytes]:
    """Return the reads a dashboard makes, in turn."""
    base = "/api/v2"
    paths = (
        f"{base}/market/klines?symbol=SIMUSDT&level=1m&limit=100", f"{base}/analysis/points?symbol=SIMUSDT&level=1m",
        f"{base}/user/quota", f"{base}/positions", f"{base}/market/status",
        f"{base}/market/klines?symbol=SIMUSDT&level=1m&limit=20", f"{base}/status",
        f"{base}/analysis/structure?symbol=SIMUSDT&level=1m",
    )  # fmt: skip
    return [request(desk, path) for path in paths]


CALLS = {
    "get_klines": {"symbol": "SIMUSDT", "level": "1m", "limit": 20},
    "query_buy_sell_points": {"symbol": "SIMUSDT", "level": "1m"},
    "get_user_quota": {},
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environ = made_home(Path(folder))
        key = made_key(environ)
        with served(environ, None) as free, served(environ, key) as judged:
            print(f"MCP 2026-07-28, {CONNECTIONS} connections, one process, medians of {asked.rounds} rounds")
            for name, arguments in CALLS.items():
                found: dict[str, list[Load]] = {"no policy": [], "policy": []}
                for _ in range(asked.rounds):
                    for label, desk in (("no policy", free), ("policy", judged)):
                        found[label].append(
                            asyncio.run(closed_loop(desk, tool_call(desk, name, arguments), asked.seconds))
                        )
                sides = {label: _median(loads) for label, loads in found.items()}
                for label, load in sides.items():
                    print(f"  {name:22} {label:10} {load.per_s:7.0f}/s  p50 {load.p50:6.1f}  p95 {load.p95:6.1f} ms"
                          f"  {load.cpu_ms:.2f} ms CPU a call")  # fmt: skip
                more = sides["policy"].cpu_ms / sides["no policy"].cpu_ms - 1
                print(f"  {name:22} the policy adds {more:+.0%} of processor time")
            mix = asyncio.run(open_loop(judged, rest_mix(judged), asked.seconds * 2, MIX_PER_S))
            print(f"REST reads at {MIX_PER_S}/s with keys: {mix.per_s:.0f}/s served, p50 {mix.p50:.1f} ms, "
                  f"p95 {mix.p95:.1f} ms, {mix.cpu_ms:.2f} ms CPU each")  # fmt: skip
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"this process, the load: {used.ru_utime + used.ru_stime:.1f} s CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
