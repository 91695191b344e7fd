"""A loopback socket through the harvester: `python benchmarks/harvest.py [FRAMES]`.

A process of its own sends depth frames of 40 levels and 959 bytes as fast as they are taken. Measured from the first
of them until the intake has applied the last: once with the rows alone, once with the raw layer and the rows on the
disk. Every delta must arrive and none may be a gap. Beside it, in the same run, ccxt.pro's order book on the same
frames, without a socket, where the environment whose interpreter `PEER_CCXT` names has it. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import resource
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

REPEATS = 3
BYTES = 959
FIRST_ID = 5_000_000_000_000

CCXT = """
import json, sys, time
import ccxt.pro
lines = sys.stdin.read().split("\\n")
exchange = ccxt.pro.binanceusdm()
book = exchange.order_book({"bids": [], "asks": []}, 1000)
client = None
start = time.perf_counter()
for line in lines:
    exchange.handle_order_book_message(client, json.loads(line)["data"], book)
    best = book["bids"][0][0]
print(time.perf_counter() - start)
"""


def payload(at: int, now_ms: int) -> bytes:
    """Return one diff of 40 levels."""
    ids = FIRST_ID + at * 10
    bids = ",".join(f'["{61800 - i}.{at % 10}","{1 + (at + i) % 9}.{i + 10}"]' for i in range(20))
    asks = ",".join(f'["{61802 + i}.{at % 10}","{1 + (at + i) % 9}.{i + 10}"]' for i in range(20))
    text = (
        f'{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{now_ms},"T":{now_ms},"s":"BTCUSDT",'
        f'"U":{ids + 1},"u":{ids + 10},"pu":{ids},"b":[{bids}],"a":[{asks}]'
    )
    assert len(text) <= BYTES - 2, len(text)
    return (text + " " * (BYTES - len(text) - 2) + "}}").encode()


def serve(port_file: str, frames: int) -> None:
    """Be the venue, in a process of its own."""
    now_ms = time.time_ns() // 1_000_000
    sent = [b"\x81\x7e" + struct.pack(">H", BYTES) + payload(at, now_ms) for at in range(frames + 1)]
    chunks = [b"".join(sent[at : at + 64]) for at in range(1, frames + 1, 64)]
    asked = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))
    Path(port_file).write_text(str(server.getsockname()[1]))

    def client(peer: socket.socket) -> None:
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = peer.recv(1)
                if not piece:
                    return
                head += piece
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
            if key is None:
                body = json.dumps(
                    {"lastUpdateId": FIRST_ID + 5, "bids": [["60000.00", "1"]], "asks": [["63000.00", "1"]]}
                )
                peer.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
                asked.set()
                continue
            accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            peer.sendall(upgrade + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            if b"/public" in head.split(b"\r\n")[0]:
                peer.sendall(sent[0])
                asked.wait()
                time.sleep(1.0)
                Path(f"{port_file}.began").write_text(str(time.monotonic_ns()))
                for chunk in chunks:
                    peer.sendall(chunk)
            while peer.recv(4096):
                pass
            return

    while True:
        threading.Thread(target=client, args=(server.accept()[0],), daemon=True).start()


def start_venue(folder: str, frames: int) -> tuple[subprocess.Popen[bytes], str]:
    """Return the venue's process and its port."""
    port_file = Path(folder) / "port"
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(port_file), str(frames)])
    while not port_file.exists() or not port_file.read_text():
        time.sleep(0.05)
    return process, port_file.read_text()


async def ours(frames: int, *, raw: bool) -> dict[str, float]:
    """Return frames per second and CPU per frame of one run."""
    from chanflow.adapters.transport.rest import HttpxRest
    from chanflow.adapters.transport.websocket import PicowsConnector
    from chanflow.market.harvester import Harvester
    from chanflow.runtime.clock import SystemClock, SystemRandomness
    from chanflow.runtime.harvest import HarvestSpec, PoolThreads, lane_for, publisher_for, venue_named

    with tempfile.TemporaryDirectory() as folder:
        venue_process, port = start_venue(folder, frames)
        base = f"127.0.0.1:{port}"
        urls = {"public": f"ws://{base}/public", "market": f"ws://{base}/market", "rest": f"http://{base}"}
        layers = ("rows", "raw") if raw else ("rows",)
        spec = HarvestSpec("binance-usdm", ("BTCUSDT",), Path(folder) / "lake", layers=layers, urls=urls)
        clock, threads, rest = SystemClock(), PoolThreads(), HttpxRest()
        publisher = publisher_for(spec)
        lane = lane_for(spec, publisher, "BTCUSDT", (2, 3), raw=raw)
        harvester = Harvester(
            venue_named("binance-usdm", urls), {"BTCUSDT": lane}, connector=PicowsConnector(clock), rest=rest,
            threads=threads, clock=clock, randomness=SystemRandomness(),
        )  # fmt: skip
        stop = asyncio.Event()
        running = asyncio.create_task(harvester.run(stop))
        while lane.frames < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        cpu = time.process_time()
        while lane.frames < frames + 2:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        ended_ns, used = time.monotonic_ns(), time.process_time() - cpu
        took = (ended_ns - int((Path(folder) / "port.began").read_text())) / 1e9  # one clock for both processes
        stop.set()
        await running
        stats = lane.intake.stats()
        lines = [json.loads(line) for file in spec.output_dir.glob("_manifest/*") for line in file.open()]
        # A venue that sends as fast as it can is soon seconds ahead, and the gate puts late rows aside.
        stored = sum(line["rows"] for line in lines if line["layer"] in ("rows", "quarantine"))
        await rest.close()
        threads.close()
        publisher.release()
        venue_process.kill()
        venue_process.wait()
    book = stats["symbols"]["BTCUSDT"]
    assert stats["dead"] == 0, stats
    assert (stats["gaps"], book["applied"]) == (0, frames + 1), stats
    assert stored == harvester.metrics.rows == stats["rows"], (stored, harvester.metrics.rows, stats)
    return {"frames_per_s": frames / took, "cpu_us_a_frame": used / frames * 1e6, "rows": harvester.metrics.rows}


def ccxt_frames_per_s(frames: int) -> float | None:
    """Return what ccxt.pro's own handler does with frames in memory, which spares it the socket; None without it."""
    interpreter = os.environ.get("PEER_CCXT")
    if not interpreter:
        return None
    lines = "\n".join(payload(at, 1_700_000_000_000).decode() for at in range(frames))
    run = subprocess.run([interpreter, "-c", CCXT], input=lines, capture_output=True, text=True, check=False)
    if run.returncode:
        print(run.stderr[-500:], file=sys.stderr)
        return None
    return frames / float(run.stdout)


def main() -> None:
    """Measure and print."""
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    figures: dict[str, object] = {"frames": frames, "bytes": BYTES, "repeats": REPEATS}
    runs: dict[str, list[dict[str, float]]] = {"rows": [], "rows_and_raw": []}
    for _ in range(REPEATS):
        runs["rows"].append(asyncio.run(ours(frames, raw=False)))
        runs["rows_and_raw"].append(asyncio.run(ours(frames, raw=True)))
    for name, found in runs.items():
        figures[name] = {key: round(statistics.median(one[key] for one in found), 2) for key in found[0]}
    figures["ccxt_handler_frames_per_s"] = ccxt_frames_per_s(min(frames, 20_000))
    figures["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        main()
