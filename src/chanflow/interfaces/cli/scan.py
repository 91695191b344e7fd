"""`chanflow scan`: every symbol of a file, and the points (买卖点) that matter now."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

import typer

from chanflow.domain.errors import InvalidArgument
from chanflow.interfaces.cli.measured import (
    EXPLAINED,
    HEADS,
    UNMEASURED,
    Figures,
    Lookup,
    PointKind,
    Row,
    figure_cells,
    sources,
)

if TYPE_CHECKING:
    from chanflow.features.ports import Pool
    from chanflow.features.scan import BarSeries, Scan, ScanPoint


def run_scan(
    data: Sequence[Path],
    *,
    preset: str,
    settings: Sequence[str],
    intervals: Sequence[str],
    types: Sequence[str],
    side: str | None,
    state: str | None,
    kind: str | None,
    fresh_bars: int | None,
    threads: int,
    cluster: str | None,
    output_format: Literal["json", "table"],
    out: TextIO,
    home: Callable[[], Path] | None = None,
) -> None:
    """Scan the files and write what was found to `out`; what could not be read goes to standard error.

    Each symbol is first resampled to each of `intervals` on its market's calendar; several, or `5m,30m`, are scanned
    together. `cluster` is the address of a Dask scheduler. Beside the points stands what certificates in the data
    directory that `home` names have measured of their types. Raises InvalidArgument, RecordingInvalid, MissingExtra,
    ClusterUnreachable and WorkLost.
    """
    from chanflow.features.chan_columns import LEVELS, POINT_TYPES
    from chanflow.features.scan import SIDES, scan
    from chanflow.interfaces.cli.analyze import read_settings

    _one_of("--type", types, POINT_TYPES)
    _one_of("--side", [side] if side else [], SIDES)
    _one_of("--state", [state] if state else [], ("provisional", "confirmed"))
    _one_of("--of", [kind] if kind else [], LEVELS)
    if fresh_bars is not None and fresh_bars < 1:
        raise InvalidArgument(f"--fresh is {fresh_bars}, at least 1 is needed", field="fresh")
    levels = [level.strip() for listed in intervals for level in listed.split(",")]
    params = read_settings(settings)
    # The cluster first: nobody should wait for a market to be read to hear of a wrong address.
    with _pool(cluster) as pool, _progress() as progress:
        failed: dict[str, str] = {}
        series, markets = _series(data, levels or None, failed, progress)
        try:
            found = scan(
                {_name(key): bars for key, bars in series.items()}, preset=preset, params=params, level=kind,  # type: ignore[arg-type]
                types=types, side=side, state=state, fresh_bars=fresh_bars, threads=threads, pool=pool,  # type: ignore[arg-type]
                progress=lambda done, of: progress(f"{done:,} of {of:,} series scanned"),
            )  # fmt: skip
        except ValueError as fault:
            raise InvalidArgument(str(fault)) from fault
    keys = {_name(key): key for key in series}
    one_level = len({interval for _, interval in series}) == 1
    failed |= {keys[name][0] if one_level else name: why for name, why in found.failed.items()}
    for name, why in failed.items():
        typer.echo(f"chanflow: {name} is left out: {why}", err=True)
    figures = Figures(home, preset=preset, params=params)
    lookups = {name: figures.at(markets[key], key[1]) for name, key in keys.items()}
    measured = [_measured(point, lookups[point.symbol]) for point in found.points]
    if output_format == "json":
        out.write(_document(found, measured, keys, failed) + "\n")
    else:
        _table(found, measured, keys, out)


def _measured(point: ScanPoint, lookup: Lookup) -> Row:
    kind = PointKind(point.level, point.side, point.type, point.state)
    return kind, lookup(kind)


Key = tuple[str, str]
"""Symbol and interval."""


def _name(key: Key) -> str:
    return " ".join(key)


def _pool(cluster: str | None) -> AbstractContextManager[Pool | None]:
    if cluster is None:
        return nullcontext()
    from chanflow.adapters.compute.dask import DaskPool

    return DaskPool.connect(cluster)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show one line that changes, on standard error, where a person watches; wipe it at the end."""
    watched = sys.stderr.isatty()

    def show(line: str) -> None:
        if watched:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        show("")


def _one_of(flag: str, values: Sequence[str], allowed: Collection[str]) -> None:
    wrong = next((value for value in values if value not in allowed), None)
    if wrong is not None:
        raise InvalidArgument(f"{flag} is {wrong!r}: it can be {', '.join(allowed)}", field=flag.removeprefix("--"))


def _series(
    data: Sequence[Path], levels: Sequence[str] | None, failed: dict[str, str], progress: Callable[[str], None]
) -> tuple[dict[Key, BarSeries], dict[Key, str]]:
    """Return the bars of every symbol and interval, and its market; `failed` gets the symbols that cannot be used."""
    from chanflow.backtest.series import at_intervals, read_series
    from chanflow.features.scan import BarSeries

    found: dict[Key, BarSeries] = {}
    markets: dict[Key, str] = {}
    for path in data:
        for whole in read_series(path, left_out=failed):
            for one in at_intervals(whole, levels):
                key = (one.source.symbol, one.interval)
                if key in found:
                    raise InvalidArgument(f"{key[0]} is in the data twice at {key[1]}; give each symbol once")
                bars = one.bars
                found[key] = BarSeries(bars.ts_ms, bars.open, bars.high, bars.low, bars.close)
                markets[key] = one.market
            if len(found) % _SHOW_EVERY == 0:
                progress(f"{len(found):,} series read")
    return found, markets


_SHOW_EVERY = 64


def _document(found: Scan, measured: Sequence[Row], keys: Mapping[str, Key], failed: Mapping[str, str]) -> str:
    """Return `chanflow.scan/1`: a point carries `stats` where a certificate speaks of it."""
    rows = []
    for point, (_, stats) in zip(found.points, measured, strict=True):
        symbol, interval = keys[point.symbol]
        row = {**asdict(point), "symbol": symbol, "interval": interval}
        rows.append(row if stats is None else row | {"stats": asdict(stats)})
    scanned = len({symbol for symbol, _ in keys.values()})
    document = {"schema": "chanflow.scan/1", "scanned": scanned, "failed": dict(failed), "points": rows}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _table(found: Scan, measured: Sequence[Row], keys: Mapping[str, Key], out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    from chanflow.domain.time import NS_PER_MS, rfc3339

    names = sources(measured)
    heads = ("symbol", "level", "of", "point", "state", "ago", "time (UTC)", "price", *(HEADS if names else ()))
    table = Table(*heads, box=None, pad_edge=False)
    for point, (_, figures) in zip(found.points, measured, strict=True):
        moment = rfc3339(point.ts_ms * NS_PER_MS)[:16].replace("T", " ")
        table.add_row(
            *keys[point.symbol], point.level, f"{point.side} {point.type}", point.state, str(point.bars_ago), moment,
            f"{point.price:g}", *(figure_cells(figures) if names else ()),
        )  # fmt: skip
    console = Console(file=out, width=None if out.isatty() or not names else _WIDE)
    console.print(table)
    console.print(f"From {names}. {EXPLAINED}" if names else UNMEASURED, highlight=False)
    symbols = len({symbol for symbol, _ in keys.values()})
    console.print(f"{len(found.points)} points on {symbols} symbols. Not investment advice (不构成投资建议).")


_WIDE = 160
"""Columns of the table with figures where it goes to a file or another program."""
