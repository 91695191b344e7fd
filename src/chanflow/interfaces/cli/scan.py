"""`chanflow scan`: every symbol of a file, and the points (买卖点) that matter now."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
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
    from chanflow.features.scan import BarSeries, Scan, ScanPoint


def run_scan(
    data: Sequence[Path],
    *,
    preset: str,
    settings: Sequence[str],
    interval: str | None,
    types: Sequence[str],
    side: str | None,
    state: str | None,
    kind: str | None,
    fresh_bars: int | None,
    threads: int,
    output_format: Literal["json", "table"],
    out: TextIO,
    home: Callable[[], Path] | None = None,
) -> None:
    """Scan the files and write what was found to `out`; what could not be read goes to standard error.

    `interval` resamples each symbol on its market's calendar first. Beside the points stands what certificates in the
    data directory that `home` names have measured of their types. Raises InvalidArgument and RecordingInvalid.
    """
    from chanflow.features.scan import LEVELS, POINT_TYPES, scan
    from chanflow.interfaces.cli.analyze import read_settings

    _one_of("--type", types, POINT_TYPES)
    _one_of("--side", [side] if side else [], ("buy", "sell"))
    _one_of("--state", [state] if state else [], ("provisional", "confirmed"))
    _one_of("--of", [kind] if kind else [], LEVELS)
    if fresh_bars is not None and fresh_bars < 1:
        raise InvalidArgument(f"--fresh is {fresh_bars}, at least 1 is needed", field="fresh")
    params = read_settings(settings)
    series, places = _series(data, interval)
    figures = Figures(home, preset=preset, params=params)
    try:
        found = scan(
            series, preset=preset, params=params, level=kind, types=types, side=side,  # type: ignore[arg-type]
            state=state, fresh_bars=fresh_bars, threads=threads,  # type: ignore[arg-type]
        )  # fmt: skip
    except ValueError as fault:
        raise InvalidArgument(str(fault)) from fault
    for symbol, why in found.failed.items():
        typer.echo(f"chanflow: {symbol} is left out: {why}", err=True)
    measured = [_measured(point, figures.at(*places[point.symbol])) for point in found.points]
    if output_format == "json":
        out.write(_document(found, measured) + "\n")
    else:
        _table(found, measured, out)


def _measured(point: ScanPoint, lookup: Lookup) -> Row:
    kind = PointKind(point.level, point.side, point.type, point.state)
    return kind, lookup(kind)


def _one_of(flag: str, values: Sequence[str], allowed: Collection[str]) -> None:
    wrong = next((value for value in values if value not in allowed), None)
    if wrong is not None:
        raise InvalidArgument(f"{flag} is {wrong!r}: it can be {', '.join(allowed)}", field=flag.removeprefix("--"))


def _series(data: Sequence[Path], interval: str | None) -> tuple[dict[str, BarSeries], dict[str, tuple[str, str]]]:
    """Return the bars of each symbol, and its market and interval."""
    from chanflow.backtest.series import at_intervals, read_series
    from chanflow.features.scan import BarSeries

    found: dict[str, BarSeries] = {}
    places: dict[str, tuple[str, str]] = {}
    for path in data:
        for whole in read_series(path):
            for one in at_intervals(whole, None if interval is None else [interval]):
                name = one.source.symbol
                if name in found:
                    raise InvalidArgument(f"{name} is in the data twice; give each symbol once, or an --interval")
                bars = one.bars
                found[name] = BarSeries(bars.ts_ms, bars.open, bars.high, bars.low, bars.close)
                places[name] = (one.market, one.interval)
    return found, places


def _document(found: Scan, measured: Sequence[Row]) -> str:
    """Return `chanflow.scan/1`: a point carries `stats` where a certificate speaks of it."""
    rows = [
        asdict(point) | ({} if stats is None else {"stats": asdict(stats)})
        for point, (_, stats) in zip(found.points, measured, strict=True)
    ]
    document = {"schema": "chanflow.scan/1", "scanned": found.scanned, "failed": dict(found.failed), "points": rows}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _table(found: Scan, measured: Sequence[Row], out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    from chanflow.domain.time import NS_PER_MS, rfc3339

    names = sources(measured)
    heads = ("symbol", "of", "point", "state", "ago", "time (UTC)", "price", *(HEADS if names else ()))
    table = Table(*heads, box=None, pad_edge=False)
    for point, (_, figures) in zip(found.points, measured, strict=True):
        moment = rfc3339(point.ts_ms * NS_PER_MS)[:16].replace("T", " ")
        table.add_row(
            point.symbol, point.level, f"{point.side} {point.type}", point.state, str(point.bars_ago), moment,
            f"{point.price:g}", *(figure_cells(figures) if names else ()),
        )  # fmt: skip
    console = Console(file=out, width=None if out.isatty() or not names else _WIDE)
    console.print(table)
    console.print(f"From {names}. {EXPLAINED}" if names else UNMEASURED, highlight=False)
    console.print(f"{len(found.points)} points on {found.scanned} symbols. Not investment advice (不构成投资建议).")


_WIDE = 160
"""Columns of the table with figures where it goes to a file or another program."""
