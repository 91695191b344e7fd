"""The harvest put together: venue, sockets, lake and threads, from the settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import InvalidArgument, RecordingInvalid, StorageUnwritable, VenueUnreachable
from chanflow.domain.time import NS_PER_S, Clock, Randomness
from chanflow.market.harvester import Harvester, HarvestPace
from chanflow.market.lane import Lane, head_of
from chanflow.market.row_gate import SymbolGate, grid_of
from chanflow.market.sockets import SocketLimits
from chanflow.market.wire_replay import first_remark, in_order, replay

if TYPE_CHECKING:
    from chanflow.adapters.storage.publish import Publisher
    from chanflow.market.harvest_metrics import HarvestMetrics
    from chanflow.market.ports import MarketVenue, RestClient

VENUES = ("binance-usdm", "binance-spot", "binance-coinm", "hyperliquid", "okx")
LAYERS = ("rows", "raw", "book")
WRITER = "harvest"


@dataclass(frozen=True, slots=True)
class HarvestSpec:
    """One harvest as it was asked for."""

    venue: str
    symbols: tuple[str, ...]
    output_dir: Path
    part_format: Literal["parquet", "jsonl"] = "parquet"
    max_rows: int = 200_000
    max_s: float = 60.0
    max_mb: int = 64
    layers: tuple[str, ...] = ("rows", "raw")
    urls: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises InvalidArgument for a word that is none of ours, or for no or doubled symbols."""
        if self.venue not in VENUES:
            raise InvalidArgument(f"venue {self.venue!r} is none of {', '.join(VENUES)}", field="venue")
        for layer in self.layers:
            if layer not in LAYERS:
                raise InvalidArgument(f"layer {layer!r} is none of {', '.join(LAYERS)}", field="layers")
        if not self.layers:
            raise InvalidArgument(f"no layer is asked for; name some of {', '.join(LAYERS)}", field="layers")
        if not self.symbols or len(set(self.symbols)) < len(self.symbols):
            raise InvalidArgument(
                f"symbols are {', '.join(self.symbols) or 'none'}: name each once, and at least one", field="symbols"
            )

    @property
    def hash(self) -> str:
        """The hex SHA-256 of what decides over the files' content, wherever they lie."""
        return sha256_of(
            {
                "venue": self.venue, "format": self.part_format, "max_rows": self.max_rows, "max_s": str(self.max_s),
                "max_mb": self.max_mb,
            }
        )  # fmt: skip


class PoolThreads:
    """One thread that records and reads, one that stores. What was begun is finished, even when nobody waits for it."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="harvest-worker")
        self._storer = ThreadPoolExecutor(1, thread_name_prefix="harvest-storer")

    async def worker(self, work: Callable[[], None]) -> None:
        """Do it, and return when it is done."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._worker, work))

    async def storer(self, work: Callable[[], int]) -> int:
        """Do it, and return its result."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._storer, work))

    def close(self) -> None:
        """Wait for what was begun."""
        self._worker.shutdown()
        self._storer.shutdown()


def venue_named(name: str, overrides: Mapping[str, str]) -> MarketVenue:
    """Return a venue with its addresses. Raises InvalidArgument for an address of no name or no scheme of ours."""
    from chanflow.adapters.venues import binance_market, hyperliquid_market, okx_market

    known = dict(
        hyperliquid_market.URLS if name == "hyperliquid" else okx_market.URLS if name == "okx"
        else binance_market.URLS[name]
    )  # fmt: skip
    for key, url in overrides.items():
        if key not in known:
            raise InvalidArgument(f"{name} has no address {key!r}; it has {', '.join(sorted(known))}", field="url")
        schemes = ("http://", "https://") if key == "rest" else ("ws://", "wss://")
        if not url.startswith(schemes):
            raise InvalidArgument(f"address {key}={url[:100]} begins with none of {', '.join(schemes)}", field="url")
        known[key] = url.rstrip("/")
    match name:
        case "hyperliquid":
            return hyperliquid_market.HyperliquidMarket(known)
        case "okx":
            return okx_market.OkxMarket(known)
        case _:
            return binance_market.BinanceMarket(name, known)


def publisher_for(spec: HarvestSpec) -> Publisher:
    """Return the way into the lake of one harvest. Raises StorageUnwritable."""
    from chanflow import __version__
    from chanflow.adapters.storage.publish import Publisher

    return Publisher(spec.output_dir, WRITER, facts={"config": spec.hash, "code": __version__})


def lane_for(
    spec: HarvestSpec,
    publisher: Publisher,
    symbol: str,
    decimals: tuple[int, int],
    *,
    raw: bool,
) -> Lane:
    """Return one symbol's lane. Raises InvalidArgument."""
    from chanflow_native import Intake

    from chanflow.adapters.storage.harvest_store import HarvestStore, Rotation
    from chanflow.adapters.storage.raw import RawWriter

    rotation = Rotation(spec.max_rows, spec.max_s, spec.max_mb)
    store = HarvestStore(
        publisher, spec.venue, symbol, part_format=spec.part_format, rotation=rotation, rows="rows" in spec.layers,
        gate=SymbolGate(spec.venue, symbol, grid_of(spec.venue, symbol, decimals)),
    )  # fmt: skip
    writer = None
    if raw:
        writer = RawWriter(
            publisher, symbol, head=head_of(spec.venue, symbol, decimals), rotate_s=spec.max_s,
            rotate_bytes=spec.max_mb << 20,
        )  # fmt: skip
    intake = Intake(spec.venue, {symbol: decimals}, book_layer="book" in spec.layers)
    return Lane(symbol, intake, store, writer)


async def rules_of(
    venue: MarketVenue,
    rest: RestClient,
    symbols: Sequence[str],
    clock: Clock,
    *,
    give_up_s: float,
    tell: Callable[[str], None],
) -> dict[str, tuple[int, int]]:
    """Return the symbols' decimals, asking until the venue answers.

    Raises InvalidArgument for a symbol that is not traded, VenueUnreachable when no answer came in time.
    """
    began_ns, wait_s = clock.now_ns(), 1.0
    while True:
        replies = [await rest.ask(request) for request in venue.rules_request()]
        if all(reply.status == 200 for reply in replies):
            return venue.decimals([reply.body for reply in replies], symbols)
        bad = next(reply for reply in replies if reply.status != 200)
        said = bad.body[:200].decode("utf-8", "replace") if bad.status == 0 else f"status {bad.status}"
        if clock.now_ns() - began_ns >= give_up_s * NS_PER_S:
            raise VenueUnreachable(f"{venue.name} does not tell its trading rules: {said}")
        tell(f"{venue.name} does not tell its trading rules yet: {said}")
        await clock.sleep_until(clock.now_ns() + int(wait_s * NS_PER_S))
        wait_s = min(30.0, wait_s * 2)


async def harvest(
    spec: HarvestSpec,
    *,
    clock: Clock,
    randomness: Randomness,
    stop: asyncio.Event,
    tell: Callable[[str], None],
    limits: SocketLimits | None = None,
    pace: HarvestPace | None = None,
) -> HarvestMetrics:
    """Harvest until `stop` is set, and return what was counted. Raises as `Harvester.run` and `rules_of` do."""
    from chanflow.adapters.transport.rest import HttpxRest
    from chanflow.adapters.transport.websocket import PicowsConnector
    from chanflow.market.harvest_metrics import HarvestMetrics

    venue, rest, threads = venue_named(spec.venue, spec.urls), HttpxRest(), PoolThreads()
    pace = pace or HarvestPace()
    venue.sockets(spec.symbols)
    publisher = publisher_for(spec)
    try:
        asking = asyncio.create_task(
            rules_of(venue, rest, spec.symbols, clock, give_up_s=pace.give_up_s, tell=tell)
        )  # fmt: skip
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({asking, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not asking.done():
            asking.cancel()
            return HarvestMetrics()
        decimals = asking.result()
        tell(f"{spec.venue}: {', '.join(spec.symbols)} into {spec.output_dir}")
        raw = "raw" in spec.layers
        lanes = {name: lane_for(spec, publisher, name, decimals[name], raw=raw) for name in spec.symbols}
        harvester = Harvester(
            venue, lanes, connector=PicowsConnector(clock), rest=rest, threads=threads, clock=clock,
            randomness=randomness, limits=limits, pace=pace, tell=tell,
            publish=lambda text: publisher.replace("_metrics/harvest.prom", text.encode()),
        )  # fmt: skip
        try:
            await harvester.run(stop)
        finally:
            threads.close()
            _report_quality(publisher, lanes)
        return harvester.metrics
    finally:
        threads.close()
        await rest.close()
        publisher.release()


def _report_quality(publisher: Publisher, lanes: Mapping[str, Lane]) -> None:
    """Put each symbol's report beside the rows; a disk that refuses it has been told of before."""
    for symbol, lane in lanes.items():
        text = json.dumps(lane.quality(), indent=1) + "\n"
        with suppress(StorageUnwritable):
            publisher.replace(f"_quality/{symbol}.json", text.encode())


def harvest_recorded(
    spec: HarvestSpec,
    files: Sequence[Path],
    *,
    max_bytes: int,
    tell: Callable[[str], None],
) -> dict[str, int]:
    """Run recorded frames through lanes into the lake; returns frames by symbol.

    A file of ours says whose it is; others must be of one of the spec's symbols, whose decimals are read from it.
    Raises RecordingInvalid, InvalidArgument, StorageUnwritable.
    """
    by_symbol: dict[str, list[Path]] = {}
    decimals: dict[str, tuple[int, int]] = {}
    for file in files:
        symbol, found = _told_by(file, spec, max_bytes)
        by_symbol.setdefault(symbol, []).append(file)
        known = decimals.setdefault(symbol, found)
        decimals[symbol] = (max(known[0], found[0]), max(known[1], found[1]))
    publisher = publisher_for(spec)
    frames = {}
    try:
        for symbol in sorted(by_symbol):
            lane = lane_for(spec, publisher, symbol, decimals[symbol], raw=False)
            frames[symbol] = replay(in_order(by_symbol[symbol]), lane, max_bytes=max_bytes)
            stats = lane.intake.stats()
            _report_quality(publisher, {symbol: lane})
            tell(
                f"{symbol}: {frames[symbol]} frames, {stats['rows']} rows, {stats['gaps']} gaps, {stats['dead']} dead, "
                f"{lane.store.quarantined} quarantined"
            )
    finally:
        publisher.release()
    return frames


def _told_by(file: Path, spec: HarvestSpec, max_bytes: int) -> tuple[str, tuple[int, int]]:
    """Return the symbol of a recording and its decimals."""
    facts = first_remark(file, max_bytes=max_bytes)
    if facts is not None:
        if facts["venue"] != spec.venue:
            raise RecordingInvalid(f"{file} is of {facts['venue']}; say --venue {facts['venue']}")
        return str(facts["symbol"]), (int(str(facts["price_decimals"])), int(str(facts["qty_decimals"])))
    from chanflow_native import Preflight

    from chanflow.market.wire_file import WireFile

    only = spec.symbols[0] if len(spec.symbols) == 1 else None
    if spec.venue in {"hyperliquid", "okx"}:
        raise RecordingInvalid(f"{file} does not begin with the remark of a harvest, which {spec.venue} needs")
    preflight = Preflight(only)
    try:
        for chunk in WireFile(file, max_bytes=max_bytes).chunks():
            preflight.feed(chunk)
        report = preflight.finish()
    except ValueError as fault:
        raise RecordingInvalid(f"{file}: {fault}") from fault
    return report["symbol"], (report["price_decimals"], report["qty_decimals"])
