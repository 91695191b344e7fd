"""A Binance USD-M venue on loopback that replays a recording, and does to its clients what networks do.

Time is the tape's: a frame is sent when the clock reaches its receive time, whoever listens. Snapshots are of the
book at that moment, which the venue keeps itself, in plain Python; `best` has the best quotes after every diff.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import re
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

from chanflow.domain.time import NS_PER_MS, NS_PER_S

DELAY_S = 4.0
MOMENT_NS = 40_000_000

_TIMES = re.compile(rb'"([ETL])":(\d{13})')


class FastClock:
    """Real time, `factor` times as fast, from `start_ns` on.

    A fast one stands still while nobody looks at it for longer than a moment: a busy machine is not late by it.
    """

    def __init__(self, start_ns: int, factor: float = 1.0) -> None:
        self._start_ns, self._factor = start_ns, factor
        self._most_ns = MOMENT_NS if factor > 1 else 1 << 62
        self._seen_ns, self._passed_ns = time.monotonic_ns(), 0
        self._looking = threading.Lock()

    def now_ns(self) -> int:
        return self._start_ns + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        with self._looking:
            now_ns = time.monotonic_ns()
            self._passed_ns += min(now_ns - self._seen_ns, self._most_ns)
            self._seen_ns = now_ns
            return int(self._passed_ns * self._factor)

    async def sleep_until(self, at_ns: int) -> None:
        await asyncio.sleep(0)
        while (left_ns := at_ns - self.now_ns()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left_ns / self._factor, self._most_ns / 2) / NS_PER_S)


@dataclass
class Tape:
    """A recording: (receive time in ns, payload) of the socket, and the snapshot before it."""

    frames: list[tuple[int, bytes]]
    snapshot: dict[str, object]
    symbol: str

    @classmethod
    def read(cls, path: Path, *, span_s: float, shift_ms: int = 0) -> Tape:
        """Read `span_s` of a recording from its snapshot on, with all its times moved by `shift_ms`."""
        frames, snapshot, before = [], None, []
        with gzip.open(path, "rb") as lines:
            for line in lines:
                head, _, payload = line.rstrip(b"\n").partition(b" ")
                recv_ns = int(head) + shift_ms * NS_PER_MS
                if snapshot is None:
                    if not payload.startswith(b'{"stream"'):
                        snapshot = json.loads(payload)
                        snapshot = snapshot.get("data", snapshot)
                        last = snapshot["lastUpdateId"]
                        frames = [one for one in before if _final_id(one[1]) >= last]
                        continue
                    if b"@depth" in payload:
                        before.append((recv_ns, payload))
                    continue
                frames.append((recv_ns, payload))
                if recv_ns - frames[0][0] > span_s * NS_PER_S:
                    break
        assert snapshot is not None
        if shift_ms:
            frames = [
                (at, _TIMES.sub(lambda m: b'"%b":%d' % (m[1], int(m[2]) + shift_ms), text)) for at, text in frames
            ]
        symbol = json.loads(frames[0][1])["data"]["s"]
        frames = [(at, text.replace(b"@depth@0ms", b"@depth@100ms")) for at, text in frames]
        return cls(frames, snapshot, symbol)

    def of(self, symbol: str) -> Tape:
        """Return the same market under another name."""
        old, new = self.symbol, symbol
        swap = [(old.lower().encode(), new.lower().encode()), (old.encode(), new.encode())]
        frames = []
        for at, payload in self.frames:
            renamed = payload
            for a, b in swap:
                renamed = renamed.replace(a, b)
            frames.append((at, renamed))
        return Tape(frames, self.snapshot, symbol)

    @property
    def start_ns(self) -> int:
        return self.frames[0][0]

    @property
    def ahead_ms(self) -> int:
        """How far the venue's clock stands ahead of the one that the recording was made by."""
        at_ns, payload = self.frames[0]
        return int(json.loads(payload)["data"]["E"]) - at_ns // NS_PER_MS

    @property
    def diffs(self) -> list[int]:
        """Positions of depth frames."""
        return [at for at, (_, text) in enumerate(self.frames) if b"@depth" in text[:60]]


def _final_id(payload: bytes) -> int:
    return json.loads(payload)["data"]["u"]


class Book:
    """A book in plain Python."""

    def __init__(self, snapshot: Mapping[str, object]) -> None:
        self.last = int(str(snapshot["lastUpdateId"]))
        self.sides = [{float(p): (p, q) for p, q in snapshot[name]} for name in ("bids", "asks")]  # type: ignore[attr-defined]

    def apply(self, data: Mapping[str, object]) -> None:
        if int(str(data["u"])) < self.last:
            return
        self.last = int(str(data["u"]))
        for side, name in zip(self.sides, ("b", "a"), strict=True):
            for price, qty in data[name]:  # type: ignore[attr-defined]
                if float(qty):
                    side[float(price)] = (price, qty)
                else:
                    side.pop(float(price), None)

    def best(self) -> tuple[float, float, float, float]:
        bid, ask = max(self.sides[0]), min(self.sides[1])
        return bid, float(self.sides[0][bid][1]), ask, float(self.sides[1][ask][1])

    def reply(self) -> bytes:
        bids = [self.sides[0][p] for p in sorted(self.sides[0], reverse=True)[:1000]]
        asks = [self.sides[1][p] for p in sorted(self.sides[1])[:1000]]
        return json.dumps({"lastUpdateId": self.last, "bids": bids, "asks": asks}).encode()


@dataclass
class Faults:
    """What goes wrong with one symbol's public socket, by position on its tape."""

    drop: frozenset[int] = frozenset()
    repeat: frozenset[int] = frozenset()
    swap: frozenset[int] = frozenset()
    """Sent after the frame that follows."""
    garbage: frozenset[int] = frozenset()
    close: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()
    """The connection breaks in the middle of this frame."""
    mute: frozenset[int] = frozenset()
    """From here on this connection stays open and says nothing, not even a pong."""
    delay: frozenset[int] = frozenset()
    """All that follows comes `DELAY_S` late, and then at once."""
    lost_trades: frozenset[int] = frozenset()
    """Which aggregate trades, by their order, the market's socket does not bring; REST has them."""


@dataclass
class _Client:
    writer: asyncio.StreamWriter
    symbols: frozenset[str]
    kind: str
    muted: bool = False


@dataclass
class FaultVenue:
    """The venue. `refusals` are (status, Retry-After) given to the next snapshot requests, in order."""

    tapes: Mapping[str, Tape]
    clock: FastClock
    faults: Mapping[str, Faults] = field(default_factory=dict)
    refusals: list[tuple[int, str | None]] = field(default_factory=list)
    life_s: float = 86_400.0
    page: int = 1_000
    """Aggregate trades in a reply at most."""

    def __post_init__(self) -> None:
        self.books = {name: Book(tape.snapshot) for name, tape in self.tapes.items()}
        self.best: dict[str, dict[int, tuple[float, float, float, float]]] = {name: {} for name in self.tapes}
        self.opened: dict[str, int] = {}
        self.asked: list[tuple[int, str]] = []
        self.trades: dict[str, list[dict[str, object]]] = {name: [] for name in self.tapes}
        self.trades_asked: list[tuple[str, int]] = []
        self.played = asyncio.Event()
        self._clients: list[_Client] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients:
            client.writer.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    @property
    def urls(self) -> dict[str, str]:
        """Address overrides of `binance-usdm`."""
        base = f"127.0.0.1:{self.port}"
        return {"public": f"ws://{base}/public", "market": f"ws://{base}/market", "rest": f"http://{base}"}

    def play(self) -> None:
        """Start all tapes; `played` is set when they have ended."""
        plays = [asyncio.create_task(self._play(name)) for name in self.tapes]

        async def ended() -> None:
            await asyncio.gather(*plays)
            self.played.set()

        self._tasks += [*plays, asyncio.create_task(ended())]

    async def connected(self, count: int) -> None:
        """Return when so many clients listen."""
        while len(self._clients) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    async def _play(self, name: str) -> None:
        faults, held = self.faults.get(name, Faults()), b""
        for at, (recv_ns, payload) in enumerate(self.tapes[name].frames):
            if recv_ns - self.clock.now_ns() > NS_PER_MS:
                await self.clock.sleep_until(recv_ns)
            if at in faults.delay:
                await self.clock.sleep_until(recv_ns + int(DELAY_S * NS_PER_S))
            if b"@depth" in payload[:60]:
                book = self.books[name]
                book.apply(json.loads(payload)["data"])
                self.best[name][book.last] = book.best()
            if b"@trade" in payload[:60]:
                self._aggregate(name, json.loads(payload)["data"], faults)
            if at in faults.drop:
                continue
            if at in faults.swap:
                held = payload
                continue
            for client in [one for one in self._clients if name in one.symbols and one.kind == "public"]:
                self._send(client, payload, at, faults)
                if held:
                    self._send(client, held, -1, faults)
            held = b""

    def _aggregate(self, name: str, trade: Mapping[str, object], faults: Faults) -> None:
        """Bring each trade as an aggregate of one over the market's socket, unless it is to be lost."""
        number = trade["t"]
        one = {
            "a": number,
            "p": trade["p"],
            "q": trade["q"],
            "f": number,
            "l": number,
            "T": trade["T"],
            "m": trade["m"],
        }
        self.trades[name].append(one)
        if len(self.trades[name]) - 1 in faults.lost_trades:
            return
        data = {"e": "aggTrade", "E": trade["E"], "s": name, **one}
        text = json.dumps({"stream": f"{name.lower()}@aggTrade", "data": data}).encode()
        for client in [one for one in self._clients if name in one.symbols and one.kind == "market"]:
            if not client.writer.is_closing():
                client.writer.write(text_frame(text))

    def _send(self, client: _Client, payload: bytes, at: int, faults: Faults) -> None:
        client.muted = client.muted or at in faults.mute
        if client.muted or client.writer.is_closing():
            return
        frame = text_frame(payload)
        if at in faults.cut:
            client.writer.write(frame[: len(frame) // 2])
            client.writer.close()
            self._clients.remove(client)
            return
        client.writer.write(frame)
        if at in faults.repeat:
            client.writer.write(frame)
        if at in faults.garbage:
            client.writer.write(text_frame(b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":NaN'))
        if at in faults.close:
            client.writer.write(b"\x88\x02" + struct.pack(">H", 1001))
            client.writer.close()
            self._clients.remove(client)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                target = urlsplit(head.split(" ")[1])
                key = re.search(r"(?i)sec-websocket-key: *(\S+)", head)
                if key is not None:
                    await self._socket(reader, writer, target.path, parse_qs(target.query), key[1])
                    return
                writer.write(self._rest(target.path, {k: v[0] for k, v in parse_qs(target.query).items()}))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _rest(self, path: str, query: Mapping[str, str]) -> bytes:
        symbol, status, extra = query.get("symbol", ""), 200, ""
        if path.endswith("/exchangeInfo"):
            body = json.dumps({"symbols": [_rules(name) for name in self.tapes]}).encode()
        elif path.endswith("/depth"):
            self.asked.append((self.clock.now_ns(), symbol))
            if self.refusals:
                status, after = self.refusals.pop(0)
                extra, body = ("" if after is None else f"Retry-After: {after}\r\n"), b'{"code":-1003}'
            else:
                body = self.books[symbol].reply()
        elif path.endswith("/aggTrades"):
            from_id = int(query["fromId"])
            self.trades_asked.append((symbol, from_id))
            found = [one for one in self.trades[symbol] if int(str(one["a"])) >= from_id]
            body = json.dumps(found[: min(self.page, int(query["limit"]))]).encode()
        else:
            body = json.dumps({"symbol": symbol, "time": self.clock.now_ns() // NS_PER_MS}).encode()
        return f"HTTP/1.1 {status} X\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def _socket(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        path: str,
        query: Mapping[str, list[str]],
        key: str,
    ) -> None:
        kind = path.split("/")[1]
        symbols = frozenset(one.split("@")[0].upper() for one in query["streams"][0].split("/"))
        accept = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(upgrade + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        client = _Client(writer, symbols, kind)
        self._clients.append(client)
        self.opened[kind] = self.opened.get(kind, 0) + 1
        beat = asyncio.create_task(self._market(client)) if kind == "market" else None
        try:
            await self._listen(reader, client)
        finally:
            if beat is not None:
                beat.cancel()
            if client in self._clients:
                self._clients.remove(client)

    async def _market(self, client: _Client) -> None:
        """Give the market socket a mark price each second of the tape."""
        while True:
            for name in sorted(client.symbols):
                now_ms = self.clock.now_ns() // NS_PER_MS + self.tapes[name].ahead_ms
                mark = {"e": "markPriceUpdate", "E": now_ms, "s": name, "p": "61800.1", "i": "61800.1", "P": "61800.1",
                        "r": "0.0001", "T": now_ms // 28_800_000 * 28_800_000 + 28_800_000}  # fmt: skip
                text = json.dumps({"stream": f"{name.lower()}@markPrice@1s", "data": mark})
                client.writer.write(text_frame(text.encode()))
            await self.clock.sleep_until(self.clock.now_ns() + NS_PER_S)

    async def _listen(self, reader: asyncio.StreamReader, client: _Client) -> None:
        """Answer pings until the client is gone."""
        while True:
            first, second = await reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack(">H", await reader.readexactly(2))[0]
            mask = await reader.readexactly(4)
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(size)))
            if first & 0x0F == 0x9 and not client.muted:
                client.writer.write(bytes([0x8A, len(payload)]) + payload)
            if first & 0x0F == 0x8:
                return


def text_frame(payload: bytes) -> bytes:
    """Return a payload as an unmasked text frame."""
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + struct.pack(">H", size) + payload
    return b"\x81\x7f" + struct.pack(">Q", size) + payload


def _rules(symbol: str) -> dict[str, object]:
    filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}]
    return {"symbol": symbol, "filters": filters}


def frames_of(lines: bytes) -> Iterator[bytes]:
    """Yield the frames of raw text, without remarks."""
    for line in lines.split(b"\n"):
        if line and not line.startswith(b"#"):
            yield line.partition(b" ")[2]
