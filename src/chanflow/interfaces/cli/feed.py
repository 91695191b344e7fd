"""What the verbs of `chanflow feed` do."""

from __future__ import annotations

import asyncio
import csv
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chanflow.adapters.storage.day_store import DayStore
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS, utc_date
from chanflow.market.kline_gate import PlainKlineGate
from chanflow.market.pull import Pulled, pull
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home

if TYPE_CHECKING:
    from chanflow.market.ports import HistorySource

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RETENTION = re.compile(r"([a-z]{2,20})=([1-9]\d{0,4})")


def _base(root: Path | None) -> Path:
    if root is not None:
        return root
    from chanflow.runtime.settings import home_directory

    return Home(home_directory()).lake_dir


def _lake_of(root: Path | None, venue: str) -> Path:
    """Return the lake to write: the folder given, or the venue's of the data directory."""
    return root if root is not None else _base(None) / venue


def run_serve(*, root: Path | None, port: int, host: str, trading_days: Path | None) -> None:
    """Serve until interrupted. Raises SettingsInvalid for a host beyond loopback, NotFound without a folder."""
    from chanflow.adapters.storage.lake_source import LakeSource, lakes_below
    from chanflow.interfaces.cli.serve import listen
    from chanflow.interfaces.rest.feed_app import build_feed_app
    from chanflow.interfaces.rest.frontage import LOOPBACK_NAMES, loopback_host
    from chanflow.market.feed import Feed

    host = loopback_host(host)
    base = _base(root)
    if not base.is_dir():
        raise NotFound(f"{base} is no folder: give a lake with --root, or pull and import first")
    clock = SystemClock()
    feed = Feed([LakeSource(lake, trading_days=trading_days) for lake in lakes_below(base)], clock)
    shown = f"[{host}]" if ":" in host else host
    app = build_feed_app(
        feed, clock, Uuid7Ids(clock, SystemRandomness()), allowed_hosts=LOOPBACK_NAMES | {shown}
    )  # fmt: skip
    listen(app, host=host, port=port, out=sys.stdout, paths="/get_live_snapshot, /get_historical_slice")


def run_pull(
    *,
    symbols: Sequence[str],
    kind: str,
    venue: str,
    interval: str | None,
    start: str | None,
    end: str | None,
    root: Path | None,
    url: str | None,
    weight: int,
    token_file: Path | None,
) -> None:
    """Pull, and say what came."""
    clock = SystemClock()
    now_ms = clock.now_ns() // NS_PER_MS
    names = [name for text in symbols for name in text.split(",") if name]
    if not names:
        raise InvalidArgument("name what to pull: --symbols BTCUSDT", field="symbols")
    if kind == "klines" and interval is None:
        raise InvalidArgument("klines have an interval: --interval 1m", field="interval")
    if start is None:
        raise InvalidArgument("say from when: --from 2026-01-05", field="from")
    start_ms, end_ms = _date_ms(start, "from"), now_ms if end is None else _date_ms(end, "to")
    source = _source(venue, clock, url=url, weight=weight, token_file=token_file)
    store = _store(_lake_of(root, source.venue), source.venue)
    try:
        done = asyncio.run(
            pull(
                source, store, kind=kind, symbols=names, interval=interval, start_ms=start_ms, end_ms=end_ms,
                now_ms=now_ms, on_span=_told,
            )
        )  # fmt: skip
    except KeyboardInterrupt as stop:
        typer.echo("chanflow: interrupted; what was stored stands, the same command goes on from there", err=True)
        raise typer.Exit(7) from stop
    finally:
        store.close()
    typer.echo(
        f"{done.rows} rows of {done.days} days stored, {done.quarantined} quarantined, "
        f"{done.known_days} days were there, {done.empty_days} had nothing"
    )


def run_archives(files: Sequence[Path], *, venue: str, root: Path | None) -> None:
    """Store published archives as if they had been pulled."""
    from chanflow.adapters.venues.binance_history import MARKETS, read_archive

    if venue not in MARKETS:
        raise InvalidArgument(f"archives are of {', '.join(MARKETS)}, not {venue}", field="venue")
    store = _store(_lake_of(root, venue), venue)
    rows = refused = 0
    try:
        for file in files:
            found = read_archive(file)
            if found.interval is None:
                rows += store.put_agg_trades(found.symbol, found.columns, complete=True, source=venue)
            else:
                good, bad = store.put_klines(found.symbol, found.interval, found.columns, complete=True, source=venue)
                rows, refused = rows + good, refused + bad
    finally:
        store.close()
    typer.echo(f"{rows} rows of {len(files)} files stored, {refused} quarantined")


def run_import(
    file: Path,
    *,
    mapping: str | None,
    symbol: str | None,
    interval: str | None,
    zone: str | None,
    venue: str,
    root: Path | None,
    dry_run: bool,
) -> None:
    """Say what a file holds, and store it unless it is a dry run."""
    from chanflow.adapters.storage.import_file import read_file

    found = read_file(file, mapping=_pairs(mapping), symbol=symbol, interval=interval, zone=zone)
    typer.echo("columns: " + ", ".join(f"{ours}={theirs}" for ours, theirs in found.mapping.items()))
    if found.unused:
        typer.echo("passed over: " + ", ".join(found.unused[:20]))
    typer.echo(f"timezone of times that name none: {found.zone}")
    gate = PlainKlineGate()
    for each in found.symbols[:20]:
        opens = each.columns["open_ms"]
        bad = sum(bool(codes) for codes in gate.codes(each.columns))
        typer.echo(
            f"{each.symbol} {each.interval}: {len(opens)} bars, {_when(int(opens[0]))} to {_when(int(opens[-1]))}, "
            f"{bad} fail the gate, {len(each.holes)} gaps shown"
        )
        for before, after in each.holes[:5]:
            typer.echo(f"  gap after {_when(before)} until {_when(after)}")
    if len(found.symbols) > 20:
        typer.echo(f"and {len(found.symbols) - 20} more symbols")
    if dry_run:
        typer.echo("dry run: nothing was stored")
        return
    store = _store(_lake_of(root, venue), venue)
    rows = refused = 0
    try:
        for each in found.symbols:
            good, bad = store.put_klines(each.symbol, each.interval, each.columns, complete=False, source=file.name)
            rows, refused = rows + good, refused + bad
            if "factor" in each.columns:
                store.put_series(
                    "factors", each.symbol, _factors(each.columns), interval=None, complete=False, source=file.name
                )  # fmt: skip
    finally:
        store.close()
    typer.echo(f"{rows} bars stored, {refused} quarantined")


def run_compact(*, root: Path | None, before: str | None, retention: Sequence[str]) -> None:
    """Compact every lake below the root."""
    from chanflow.adapters.storage.compact import Compactor
    from chanflow.adapters.storage.lake_source import lakes_below

    base = _base(root)
    if not base.is_dir():
        raise NotFound(f"{base} is no folder: give a lake with --root")
    today_ms = SystemClock().now_ns() // NS_PER_MS
    date = utc_date(today_ms * NS_PER_MS) if before is None else utc_date(_date_ms(before, "before") * NS_PER_MS)
    keep_from = {}
    for text in retention:
        match = _RETENTION.fullmatch(text)
        if match is None:
            raise InvalidArgument(f"retention {text!r} is not like raw=14: a layer and days to keep", field="retention")
        keep_from[match[1]] = utc_date((today_ms - int(match[2]) * MS_PER_DAY) * NS_PER_MS)
    for lake in lakes_below(base):
        compactor = Compactor(lake)
        try:
            done = compactor.compact(before_date=date)
            removed = compactor.retain(keep_from)
        finally:
            compactor.close()
        typer.echo(
            f"{lake.name}: {done.days} days compacted, {done.parts_before} parts became {done.parts_after}, "
            f"{removed} days removed"
        )


def run_sql(query: str, *, root: Path | None) -> None:
    """Print the answer of a query as CSV."""
    from chanflow.adapters.storage.lake_source import lakes_below
    from chanflow.adapters.storage.lake_sql import ask_lakes

    names, rows = ask_lakes(lakes_below(_base(root)), query)
    writer = csv.writer(sys.stdout)
    writer.writerow(names)
    writer.writerows(rows)


def _source(venue: str, clock: SystemClock, *, url: str | None, weight: int, token_file: Path | None) -> HistorySource:
    match venue:
        case "akshare":
            from chanflow.adapters.venues.akshare_history import AkshareHistory

            return AkshareHistory()
        case "baostock":
            from chanflow.adapters.venues.baostock_history import BaostockHistory

            return BaostockHistory()
        case "tushare":
            from chanflow.adapters.venues.tushare_history import TushareHistory

            return TushareHistory(_token(token_file))
    from chanflow.adapters.venues.binance_history import MARKETS, BinanceHistory

    if venue not in MARKETS:
        known = ", ".join([*MARKETS, "akshare", "baostock", "tushare"])
        raise InvalidArgument(f"venue is {venue!r}, known are {known}", field="venue")
    return BinanceHistory(MARKETS[venue], clock, base_url=url, weight_a_minute=weight)


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidArgument(f"{file} cannot be read as a token", field="token") from fault


def _store(lake: Path, venue: str) -> DayStore:
    return DayStore(lake, venue, writer_id="pull", gate=PlainKlineGate())


def _told(symbol: str, date: str, done: Pulled) -> None:
    typer.echo(f"{symbol} up to {date}: {done.rows} rows")


def _date_ms(text: str, field: str) -> int:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000
    except ValueError:
        raise InvalidArgument(f"--{field} is {text!r}: give a date like 2026-01-05", field=field) from None


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pairs(text: str | None) -> dict[str, str]:
    pairs = {}
    for each in (text or "").split(","):
        ours, equals, theirs = each.strip().partition("=")
        if each.strip() and not (ours and equals and theirs):
            raise InvalidArgument(f"--map has {each!r}: give ours=theirs, as ts_ms=time", field="map")
        if each.strip():
            pairs[ours.strip()] = theirs.strip()
    return pairs


def _factors(columns: Mapping[str, object]) -> dict[str, object]:
    """Return the factors of imported bars, where they change."""
    import numpy as np

    open_ms, factor = np.asarray(columns["open_ms"]), np.asarray(columns["factor"], dtype=np.float64)
    changed = np.flatnonzero(np.concatenate([[True], factor[1:] != factor[:-1]]) & np.isfinite(factor))
    return {"ts_ms": open_ms[changed], "factor": factor[changed]}
