"""`chanflow scan`: every symbol of a file, and the points (买卖点) that matter now."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

import typer

from chanflow.domain.errors import InvalidArgument

if TYPE_CHECKING:
    from chanflow.features.scan import BarSeries, Scan


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
) -> None:
    """Scan the files and write what was found to `out`; what could not be read goes to standard error.

    `interval` resamples each symbol on its market's calendar first. Raises InvalidArgument and RecordingInvalid.
    """
    from chanflow.features.scan import LEVELS, POINT_TYPES, scan
    from chanflow.interfaces.cli.analyze import read_settings

    _one_of("--type", types, POINT_TYPES)
    _one_of("--side", [side] if side else [], ("buy", "sell"))
    _one_of("--state", [state] if state else [], ("provisional", "confirmed"))
    _one_of("--of", [kind] if kind else [], LEVELS)
    if fresh_bars is not None and fresh_bars < 1:
        raise InvalidArgument(f"--fresh is {fresh_bars}, at least 1 is needed", field="fresh")
    series = _series(data, interval)
    try:
        found = scan(
            series, preset=preset, params=read_settings(settings), level=kind, types=types, side=side,  # type: ignore[arg-type]
            state=state, fresh_bars=fresh_bars, threads=threads,  # type: ignore[arg-type]
        )  # fmt: skip
    except ValueError as fault:
        raise InvalidArgument(str(fault)) from fault
    for symbol, why in found.failed.items():
        typer.echo(f"chanflow: {symbol} is left out: {why}", err=True)
    if output_format == "json":
        out.write(_document(found) + "\n")
    else:
        _table(found, out)


def _one_of(flag: str, values: Sequence[str], allowed: Collection[str]) -> None:
    wrong = next((value for value in values if value not in allowed), None)
    if wrong is not None:
        raise InvalidArgument(f"{flag} is {wrong!r}: it can be {', '.join(allowed)}", field=flag.removeprefix("--"))


def _series(data: Sequence[Path], interval: str | None) -> dict[str, BarSeries]:
    from chanflow.backtest.series import at_intervals, read_series
    from chanflow.features.scan import BarSeries

    found: dict[str, BarSeries] = {}
    for path in data:
        for whole in read_series(path):
            for one in at_intervals(whole, None if interval is None else [interval]):
                name = one.source.symbol
                if name in found:
                    raise InvalidArgument(f"{name} is in the data twice; give each symbol once, or an --interval")
                bars = one.bars
                found[name] = BarSeries(bars.ts_ms, bars.open, bars.high, bars.low, bars.close)
    return found


def _document(found: Scan) -> str:
    rows = [asdict(point) for point in found.points]
    document = {"schema": "chanflow.scan/1", "scanned": found.scanned, "failed": dict(found.failed), "points": rows}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _table(found: Scan, out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    from chanflow.domain.time import NS_PER_MS, rfc3339

    table = Table("symbol", "of", "point", "state", "ago", "time (UTC)", "price", box=None, pad_edge=False)
    for point in found.points:
        moment = rfc3339(point.ts_ms * NS_PER_MS)[:16].replace("T", " ")
        table.add_row(
            point.symbol, point.level, f"{point.side} {point.type}", point.state, str(point.bars_ago), moment,
            f"{point.price:g}",
        )  # fmt: skip
    console = Console(file=out)
    console.print(table)
    console.print(f"{len(found.points)} points on {found.scanned} symbols. Not investment advice (不构成投资建议).")
