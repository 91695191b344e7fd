"""Binance's history over REST, and its published daily archives.

Every answer tells how much of the minute's request weight is used; when the next request would pass the budget the
source waits for the next minute. 429 and 418 are obeyed: it waits as long as it is told, and gives up after a few.
"""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread

from chanflow.domain.errors import InvalidArgument, RecordingInvalid, VenueBusy, VenueRejected
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.market.calendar import CryptoCalendar

KLINE_LIMIT = 1_500
TRADE_LIMIT = 1_000
FUNDING_LIMIT = 1_000
INTEREST_LIMIT = 500
_INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
_MOST_WAIT_S = 120
_MOST_TRIES = 5
_MINUTE_NS = 60 * NS_PER_S
_ARCHIVE = re.compile(r"([A-Z0-9_]{1,32})-(aggTrades|[0-9]{1,2}[mhdws]|1mo)-[0-9]{4}-[0-9]{2}(-[0-9]{2})?\.zip")
_MOST_ARCHIVE_BYTES = 4 << 30

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Transport = Callable[[str], Reply]
"""Fetches an address, blocking. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Market:
    """Where one of Binance's markets tells its history, and what a request weighs."""

    venue: str
    base_url: str
    prefix: str
    kline_limit: int
    kline_weight: int
    kinds: frozenset[str]


MARKETS = {
    "binance-usdm": Market(
        "binance-usdm", "https://fapi.binance.com", "/fapi/v1", KLINE_LIMIT, 10,
        frozenset({"klines", "aggTrades", "funding", "openInterest"}),
    ),
    "binance-coinm": Market(
        "binance-coinm", "https://dapi.binance.com", "/dapi/v1", KLINE_LIMIT, 10,
        frozenset({"klines", "aggTrades", "funding"}),
    ),
    "binance-spot": Market(
        "binance-spot", "https://api.binance.com", "/api/v3", 1_000, 2, frozenset({"klines", "aggTrades"})
    ),
}  # fmt: skip


class BinanceHistory:
    """One of Binance's markets as a `HistorySource`."""

    def __init__(
        self,
        market: Market,
        clock: Clock,
        *,
        base_url: str | None = None,
        weight_a_minute: int = 1_200,
        transport: Transport | None = None,
    ) -> None:
        """Raise InvalidArgument for an address that is neither http nor https."""
        self._market = market
        self._clock = clock
        self._base = (base_url or market.base_url).rstrip("/")
        if urllib.parse.urlsplit(self._base).scheme not in ("http", "https"):
            raise InvalidArgument(f"address {self._base!r} is neither http nor https", field="url")
        self._budget = weight_a_minute
        self._minute = -1
        self._used = 0
        self._ask = transport or http_get

    @property
    def venue(self) -> str:
        """The venue's name, as rows and files carry it."""
        return self._market.venue

    @property
    def kinds(self) -> frozenset[str]:
        """What this market tells."""
        return self._market.kinds

    async def fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Sequence[Any]]:
        """Return what lies in [start_ms, end_ms). Raises VenueBusy, VenueRejected, InvalidArgument."""
        match kind:
            case "klines":
                return await self._klines(symbol, _checked(interval), start_ms, end_ms)
            case "aggTrades":
                return await self._agg_trades(symbol, start_ms, end_ms)
            case "funding":
                return await self._funding(symbol, start_ms, end_ms)
            case "openInterest":
                return await self._open_interest(symbol, interval or "5m", start_ms, end_ms)
        raise InvalidArgument(f"{self.venue} has no {kind}", field="kind")

    async def _klines(self, symbol: str, interval: str, start_ms: int, end_ms: int) -> Columns:
        rows: list[list[Any]] = []
        at_ms = start_ms
        while at_ms < end_ms:
            page = await self._get(
                f"{self._market.prefix}/klines", self._market.kline_weight, symbol=symbol, interval=interval,
                startTime=at_ms, endTime=end_ms - 1, limit=self._market.kline_limit,
            )  # fmt: skip
            rows += page
            if len(page) < self._market.kline_limit:
                break
            at_ms = int(page[-1][0]) + 1
        return kline_columns(rows, interval, known_ms=self._clock.now_ns() // NS_PER_MS)

    async def _agg_trades(self, symbol: str, start_ms: int, end_ms: int) -> Columns:
        """Page by id: the first page finds the id at `start_ms`, an hour at a time, as the venue's span is bounded."""
        rows: list[dict[str, Any]] = []
        path, hour_ms, at_ms = f"{self._market.prefix}/aggTrades", 3_600_000, start_ms
        while at_ms < end_ms and not rows:
            stop_ms = min(at_ms + hour_ms, end_ms)
            rows = await self._get(path, 20, symbol=symbol, startTime=at_ms, endTime=stop_ms - 1, limit=TRADE_LIMIT)
            at_ms = stop_ms
        while rows and int(rows[-1]["T"]) < end_ms:
            page = await self._get(path, 20, symbol=symbol, fromId=int(rows[-1]["a"]) + 1, limit=TRADE_LIMIT)
            rows += page
            if len(page) < TRADE_LIMIT:
                break
        inside = [row for row in rows if start_ms <= int(row["T"]) < end_ms]
        return {
            "ts_ms": [int(row["T"]) for row in inside],
            "price": [float(row["p"]) for row in inside],
            "qty": [float(row["q"]) for row in inside],
            "is_maker": [bool(row["m"]) for row in inside],
            "agg_id": [int(row["a"]) for row in inside],
            "first_id": [int(row["f"]) for row in inside],
        }

    async def _funding(self, symbol: str, start_ms: int, end_ms: int) -> Columns:
        rows: list[dict[str, Any]] = []
        at_ms = start_ms
        while at_ms < end_ms:
            page = await self._get(
                f"{self._market.prefix}/fundingRate", 1, symbol=symbol, startTime=at_ms, endTime=end_ms - 1,
                limit=FUNDING_LIMIT,
            )  # fmt: skip
            rows += page
            if len(page) < FUNDING_LIMIT:
                break
            at_ms = int(page[-1]["fundingTime"]) + 1
        return {
            "ts_ms": [int(row["fundingTime"]) for row in rows],
            "rate": [float(row["fundingRate"]) for row in rows],
            "mark_price": [float(row.get("markPrice") or "nan") for row in rows],
        }

    async def _open_interest(self, symbol: str, interval: str, start_ms: int, end_ms: int) -> Columns:
        rows: list[dict[str, Any]] = []
        at_ms = start_ms
        while at_ms < end_ms:
            page = await self._get(
                "/futures/data/openInterestHist", 1, symbol=symbol, period=interval, startTime=at_ms,
                endTime=end_ms - 1, limit=INTEREST_LIMIT,
            )  # fmt: skip
            rows += page
            if len(page) < INTEREST_LIMIT:
                break
            at_ms = int(page[-1]["timestamp"]) + 1
        return {
            "ts_ms": [int(row["timestamp"]) for row in rows],
            "open_interest": [float(row["sumOpenInterest"]) for row in rows],
            "value_quote": [float(row["sumOpenInterestValue"]) for row in rows],
        }

    async def _get(self, path: str, weight: int, **query: object) -> Any:
        url = f"{self._base}{path}?{urllib.parse.urlencode(query)}"
        for _ in range(_MOST_TRIES):
            await self._room_for(weight)
            try:
                reply = await anyio.to_thread.run_sync(self._ask, url)
            except OSError as fault:
                raise VenueBusy(f"{self.venue} at {self._base} cannot be reached: {fault}; try again") from fault
            headers = {name.lower(): value for name, value in reply.headers.items()}
            told = headers.get("x-mbx-used-weight-1m", "")
            self._used = int(told) if told.isdigit() else self._used + weight
            if reply.status in (418, 429):
                wait = headers.get("retry-after", "")
                wait_s = int(wait) if wait.isdigit() else _MOST_WAIT_S
                if wait_s > _MOST_WAIT_S:
                    raise VenueBusy(f"{self.venue} asks us to wait {wait_s} s; give the command again then")
                await self._clock.sleep_until(self._clock.now_ns() + wait_s * NS_PER_S)
                continue
            if reply.status >= 500:
                await self._clock.sleep_until(self._clock.now_ns() + NS_PER_S)
                continue
            return self._parsed(path, reply)
        raise VenueBusy(f"{self.venue} did not answer {path} in {_MOST_TRIES} tries; give the command again")

    def _parsed(self, path: str, reply: Reply) -> Any:
        try:
            found = json.loads(reply.body)
        except ValueError as fault:
            raise VenueRejected(f"{self.venue} answered {path} with {reply.status} and no JSON") from fault
        if reply.status != 200 or not isinstance(found, list):
            said = found.get("msg", "") if isinstance(found, dict) else ""
            raise VenueRejected(f"{self.venue} refused {path} with {reply.status}: {str(said)[:200]}")
        return found

    async def _room_for(self, weight: int) -> None:
        minute = self._clock.now_ns() // _MINUTE_NS
        if minute != self._minute:
            self._minute, self._used = minute, 0
        if self._used + weight > self._budget:
            await self._clock.sleep_until((minute + 1) * _MINUTE_NS)
            self._minute, self._used = minute + 1, 0


def http_get(url: str) -> Reply:
    """Return the answer of an http or https address. Raises OSError."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # the scheme was checked
            return Reply(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as fault:
        return Reply(fault.code, dict(fault.headers), fault.read())


def kline_columns(rows: Sequence[Sequence[Any]], interval: str, *, known_ms: int) -> Columns:
    """Return Binance's kline arrays as columns, those closed by `known_ms`."""
    open_ms = [int(row[0]) for row in rows]
    close_ms = CryptoCalendar().edges(open_ms, interval)[1].tolist() if rows else []
    kept = [(row, end) for row, end in zip(rows, close_ms, strict=True) if end <= known_ms]
    columns: Columns = {"open_ms": [int(row[0]) for row, _ in kept], "close_ms": [end for _, end in kept]}
    for at, name in ((1, "open"), (2, "high"), (3, "low"), (4, "close"), (5, "volume"), (7, "amount")):
        columns[name] = [float(row[at]) for row, _ in kept]
    columns["trades"] = [int(row[8]) for row, _ in kept]
    columns["buy_qty"] = [float(row[9]) for row, _ in kept]
    return columns


def _checked(interval: str | None) -> str:
    if interval not in _INTERVALS:
        raise InvalidArgument(f"interval is {interval}, known are {', '.join(_INTERVALS)}", field="interval")
    return interval


@dataclass(frozen=True, slots=True)
class Archive:
    """A published archive, read: `kind` is klines or aggTrades, `interval` that of klines."""

    symbol: str
    kind: str
    interval: str | None
    columns: Columns


def read_archive(path: Path) -> Archive:
    """Return what a published zip holds, named `SYMBOL-1m-2024-10-18.zip` or `SYMBOL-aggTrades-2024-10-18.zip`.

    Raises RecordingInvalid for another name, a damaged file, or rows that are none of the kind's.
    """
    match = _ARCHIVE.fullmatch(path.name)
    if match is None:
        raise RecordingInvalid(f"{path.name} is named like no archive, such as BTCUSDT-1m-2024-10-18.zip")
    symbol, what = match[1], match[2]
    try:
        with zipfile.ZipFile(path) as archive:
            inner = [info for info in archive.infolist() if info.filename.endswith(".csv")]
            if len(inner) != 1 or inner[0].file_size > _MOST_ARCHIVE_BYTES:
                raise RecordingInvalid(f"{path} should hold one CSV of at most {_MOST_ARCHIVE_BYTES} bytes")
            text = archive.read(inner[0]).decode("utf-8")
        rows = [row for row in csv.reader(io.StringIO(text)) if row and row[0].isdigit()]
        if what == "aggTrades":
            return Archive(symbol, "aggTrades", None, _archived_trades(rows))
        interval = "1M" if what == "1mo" else what
        plain = [[_ms(row[0]), *row[1:]] for row in rows]
        return Archive(symbol, "klines", interval, kline_columns(plain, interval, known_ms=1 << 62))
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError, ValueError, IndexError) as fault:
        raise RecordingInvalid(f"{path} is damaged or no archive of {what}: {fault}") from fault


def _archived_trades(rows: Sequence[Sequence[str]]) -> Columns:
    return {
        "ts_ms": [_ms(row[5]) for row in rows],
        "price": [float(row[1]) for row in rows],
        "qty": [float(row[2]) for row in rows],
        "is_maker": [row[6].strip().lower() == "true" for row in rows],
        "agg_id": [int(row[0]) for row in rows],
        "first_id": [int(row[3]) for row in rows],
    }


def _ms(text: str) -> int:
    """Return ms of a time in ms or, as spot archives have since 2025, in microseconds."""
    found = int(text)
    return found // 1_000 if found >= 10**15 else found
