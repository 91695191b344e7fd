"""`chanflow feed check`: files of market data through the quality gate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from chanflow.domain.errors import InvalidArgument, RecordingInvalid

if TYPE_CHECKING:
    from chanflow.market.quality_report import QualityReport
    from chanflow.market.row_check import Grid

VENUES = ("binance-usdm", "binance-spot", "binance-coinm", "hyperliquid", "okx")
_MAX_BYTES = 64 << 30
"""Most bytes that a recording may unpack to: it is read in chunks."""


def run_feed_check(
    files: Sequence[Path],
    *,
    venue: str | None,
    grids: Sequence[str],
    output_format: Literal["json", "table"],
    out: TextIO,
) -> bool:
    """Write to `out` what the gate finds in each file, and return whether no row had a code.

    A file is a recording of raw frames (.txt, .txt.gz), a table (.parquet) or a recorder's CSV. `grids` are
    SYMBOL=TICK,STEP. Raises InvalidArgument and RecordingInvalid.
    """
    if venue is not None and venue not in VENUES:
        raise InvalidArgument(f"--venue {venue!r} is none of {', '.join(VENUES)}", field="venue")
    rules = dict(map(_grid, grids))
    reports = []
    for file in files:
        report = check_file(file, venue=venue, grids=rules)
        reports.append(report)
        if output_format == "table":
            out.writelines(f"{line}\n" for line in report.lines())
    if output_format == "json":
        out.write(json.dumps({"files": [report.document() for report in reports]}, indent=2) + "\n")
    return all(report.ok for report in reports)


def check_file(path: Path, *, venue: str | None = None, grids: Mapping[str, Grid] | None = None) -> QualityReport:
    """Return what the gate finds in one file. Raises RecordingInvalid."""
    from chanflow.adapters.storage.recorder_csv import read_recorder_csv
    from chanflow.adapters.storage.row_tables import read_row_table
    from chanflow.market.row_check import RowCheck
    from chanflow.market.wire_check import check_wire
    from chanflow.market.wire_file import WireFile

    if path.name.endswith((".txt", ".txt.gz")):
        return check_wire(WireFile(path, max_bytes=_MAX_BYTES), venue=venue, grids=grids)
    if not path.is_file():
        raise RecordingInvalid(f"{path} is no file")
    if path.name.endswith(".parquet"):
        rows = read_row_table(path, venue=venue or _venue_of(path))
    elif path.name.endswith((".csv", ".csv.gz")):
        rows = read_recorder_csv(path)
    else:
        raise RecordingInvalid(f"{path} ends in none of .txt, .txt.gz, .parquet, .csv and .csv.gz")
    try:
        check = RowCheck(rows.venue, {rows.symbol: (grids or {}).get(rows.symbol)})
    except ValueError as fault:
        raise InvalidArgument(f"--grid: {fault}", field="grid") from fault
    check.push(rows.columns, rows.found)
    return check.report(path.name, notes=rows.notes)


def _venue_of(path: Path) -> str:
    for venue in VENUES:
        if path.name.startswith((venue, venue.replace("-", "_"))):
            return venue
    raise RecordingInvalid(f"{path.name} begins with no venue, as binance_usdm_...; name it with --venue")


def _grid(text: str) -> tuple[str, Grid]:
    symbol, equals, rule = text.partition("=")
    tick, comma, step = rule.partition(",")
    if not (symbol and equals and comma):
        raise InvalidArgument(f"--grid {text!r} is not SYMBOL=TICK,STEP, as BTCUSDT=0.1,0.001", field="grid")
    return symbol, (tick, step)
