"""`chanflow analyze FILE`: the Chan structure of the bars in a file, as JSON, as a table, as CSV, or as a picture."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import typer

from chanflow.domain.errors import InvalidArgument
from chanflow.interfaces.cli.measured import (
    Figures,
    Lookup,
    figure_rows,
    kinds_of,
    nothing_measured,
    stats_of,
    write_figures,
)
from chanflow.interfaces.cli.structure_plot import LISTS, check_suffix, drawing_of, plain, rendered
from chanflow.review.chart import utc
from chanflow.runtime.clock import SystemClock

if TYPE_CHECKING:
    from chanflow.adapters.storage.bars_file import BarColumns
    from chanflow.market.calendar import Calendar

OutputFormat = Literal["json", "table", "csv"]

_LINE = ("start_bar", "end_bar", "start_ts_ms", "end_ts_ms", "start_price", "end_price", "direction", "state")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "strokes": _LINE,
    "segments": (*_LINE, "start_stroke", "end_stroke"),
    "super_segments": (*_LINE, "start_segment", "end_segment"),
    "centers": ("level", "start_stroke", "end_stroke", "entry_stroke", "exit_stroke", "low", "high", "peak_low",
                "peak_high", "start_ts_ms", "end_ts_ms"),
    "points": ("bar", "ts_ms", "price", "side", "types", "level", "element", "state"),
}  # fmt: skip
"""The columns every CSV of a list begins with; what else the elements carry follows."""

SHOWN = 8
"""How many elements of a list the table shows: the last ones."""


def run_analyze(
    file: Path,
    *,
    preset: str,
    settings: Sequence[str],
    symbol: str | None,
    interval: str | None,
    output_format: OutputFormat,
    list_name: str | None,
    plot: Path | None,
    repair: bool,
    history: bool,
    out: TextIO,
    home: Callable[[], Path] | None = None,
    market: str | None = None,
    trading_days: Path | None = None,
) -> None:
    """Write the structure of the bars in `file` to `out`, and a picture of it to `plot`.

    `settings` are `key=value` on top of the preset. `json` is one object of `chanflow.structure/1`, with the time that
    the analysis took, reading excluded; `csv` is the list `list_name`; `table` is for people, 80 columns wide. Points
    carry what certificates in the data directory that `home` names have measured of their market, interval, type and
    preset; the market is told by `symbol` alone. `market` is the one whose closed hours `reset_gap_ms` does not count,
    with its `trading_days`. Messages go to standard error. Raises RecordingInvalid for the file,
    InvalidArgument for what was asked of it, MissingExtra for a PNG without Pillow and StorageUnwritable for the
    picture's place.
    """
    if plot is not None:
        check_suffix(plot)
    if output_format == "csv" and list_name not in LISTS:
        raise InvalidArgument(f"--list is {list_name or 'missing'}; csv needs one of {', '.join(LISTS)}", field="list")
    params = read_settings(settings)
    calendar = _calendar(market, trading_days)

    from chanflow.adapters.storage.bars_file import read_bars

    bars = read_bars(file, repair=repair)
    if bars.widened:
        typer.echo(f"chanflow: widened {bars.widened:,} of {len(bars):,} bars to hold their open and close", err=True)
    text, elapsed_ms = _analyzed(bars, preset=preset, params=params, history=history, calendar=calendar)
    about = {"symbol": symbol, "interval": interval, "preset": preset, "set": params, "market": market,
             "widened": bars.widened, "elapsed_ms": elapsed_ms}  # fmt: skip
    lookup = _lookup(Figures(home, preset=preset, params=params), symbol, interval, bars)
    plain_json = output_format == "json" and plot is None and lookup is nothing_measured
    document = None if plain_json else json.loads(text) | about
    if document is not None and output_format == "json":
        text = _with_stats(text, document, lookup)
    if plot is not None and document is not None:
        from chanflow.runtime.home import publish

        title = " · ".join(part for part in (symbol or file.name, interval) if part)
        publish(
            plot,
            rendered(plot, drawing_of(document, bars, title=title, preset=preset, settings=settings, lookup=lookup)),
        )
        typer.echo(f"chanflow: drew {plot}", err=True)
    if output_format == "json":
        out.write(f"{text[:-1]},{json.dumps(about, separators=(',', ':'))[1:]}\n")
    elif document is not None and output_format == "csv" and list_name is not None:
        _write_csv(document, list_name, out)
    elif document is not None:
        _write_table(document, bars, file, out, lookup)


def _lookup(figures: Figures, symbol: str | None, interval: str | None, bars: BarColumns) -> Lookup:
    """Return what tells the figures of the bars' points: nothing without a symbol, which alone names the market.

    A file's name names none: `index.csv` may hold anything.
    """
    if symbol is None:
        return nothing_measured
    from chanflow.backtest.series import interval_of
    from chanflow.market.markets import market_of

    try:
        return figures.at(market_of(symbol), interval or interval_of(bars.ts_ms))
    except ValueError:  # too few bars to have an interval, so no points either
        return nothing_measured


def _with_stats(text: str, document: Mapping[str, Any], lookup: Lookup) -> str:
    """Return the structure's JSON with `stats` in each point that a certificate speaks of; as it was without one."""
    stats = [stats_of(point, lookup) for point in document.get("points", ())]
    if not any(stats):
        return text
    found = json.loads(text)
    for point, measured in zip(found["points"], stats, strict=True):
        if measured is not None:
            point["stats"] = measured
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def read_settings(settings: Sequence[str]) -> dict[str, str]:
    """Return `key=value` texts as a mapping; the engine reads the values. Raises InvalidArgument for anything else."""
    params = {}
    for setting in settings:
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not key or not equals or not value:
            raise InvalidArgument(f"--set {setting} is not key=value, like --set bi_strict=false", field="set")
        params[key] = value
    return params


def _calendar(market: str | None, trading_days: Path | None) -> Calendar | None:
    if market is None:
        if trading_days is not None:
            raise InvalidArgument("--trading-days needs --market cn", field="trading_days")
        return None
    from chanflow.market.calendar import calendar_named

    return calendar_named(market, trading_days)


def _analyzed(
    bars: BarColumns, *, preset: str, params: Mapping[str, str], history: bool, calendar: Calendar | None
) -> tuple[str, float]:
    """Return the structure as JSON, and how long it took to find in ms."""
    from chanflow.features import chan

    # Other settings read no time: without a gap to watch, a time that the calendar does not know is no fault.
    watches = params.get("reset_gap_ms", "none") != "none"
    try:
        market_ms = calendar.open_ms(bars.ts_ms) if calendar is not None and watches else None
    except ValueError as fault:
        raise InvalidArgument(str(fault), field="market") from fault
    clock = SystemClock()
    started_ns = clock.monotonic_ns()
    try:
        structure = chan.analyze(
            bars.open, bars.high, bars.low, bars.close, bars.ts_ms, preset=preset, volume=bars.volume,
            amount=bars.amount, params=params, history=history, market_ms=market_ms,
        )  # fmt: skip
    except ValueError as fault:
        raise InvalidArgument(str(fault)) from fault
    elapsed_ms = round((clock.monotonic_ns() - started_ns) / 1e6, 3)
    return structure.to_json(), elapsed_ms


def _listed(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    if name not in document:
        raise InvalidArgument(f"this analysis has no {name}", field="list")
    listed: list[dict[str, Any]] = document[name]
    return listed


def _write_csv(document: Mapping[str, Any], name: str, out: TextIO) -> None:
    """Write one list: an empty field is none, the parts of a list are joined by blanks."""
    listed = _listed(document, name)
    heads = list(dict.fromkeys((*COLUMNS[name], *(key for element in listed[:1] for key in element))))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    for element in listed:
        writer.writerow([_field(element.get(head)) for head in heads])


def _field(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key}:{part}" for key, part in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _write_table(document: Mapping[str, Any], bars: BarColumns, file: Path, out: TextIO, lookup: Lookup) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = 80 if not out.isatty() else None
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    name = document["symbol"] or file.name
    console.print(Text.assemble((str(name), "bold"), f"  {document['interval'] or ''}  preset {document['preset']}"))
    span = "no bars"
    if len(bars):
        first, last = (utc(int(bars.ts_ms[at]), "%Y-%m-%d %H:%M") for at in (0, -1))
        span = f"{document['bars']:,} bars, {document['merged']:,} merged, {first} to {last} UTC"
    console.print(Text(f"{span}, in {document['elapsed_ms']:.1f} ms\n", "dim"))
    states = ("confirmed", "provisional", "void")
    counts = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("", "all", *states):
        counts.add_column(head, justify="left" if not head else "right", min_width=14 if not head else 8)
    for each in (each for each in LISTS if each in document):
        found = Counter(element.get("state") for element in document[each])
        row = [f"{found[state]:,}" if found[state] else "-" for state in states]
        counts.add_row(each.replace("_", "-"), f"{len(document[each]):,}", *row)
    console.print(counts)
    if resets := document.get("resets"):
        told = Counter(reset["reason"] for reset in resets)
        console.print(Text(f"\nresets: {', '.join(f'{count:,} {reason}' for reason, count in told.items())}", "dim"))
    for each in ("segments", "centers", "points"):
        if document.get(each):
            console.print(Text(f"\nthe last {each}" if len(document[each]) > 1 else f"\n{each}", "dim"))
            console.print(_last(document, each, Table(box=None, pad_edge=False, header_style="dim")))
    if document.get("points"):
        kinds = (kind for point in _newest(document, "points") for kind in kinds_of(point))
        write_figures(console, figure_rows(kinds, lookup))
    console.print(Text("\nprovisional: may still move or be withdrawn. Not investment advice (不构成投资建议).", "dim"))


def _last(document: Mapping[str, Any], name: str, table: Any) -> Any:
    """Fill a table with the last elements of a list, the newest last."""
    heads, row = {
        "segments": (("end (UTC)", "way", "from", "to", "strokes", "state"), _segment_row),
        "centers": (("end (UTC)", "level", "low", "high", "elements", "state"), _center_row),
        "points": (("time (UTC)", "level", "side", "types", "price", "state"), _point_row),
    }[name]
    for head in heads:
        table.add_column(head, justify="right" if head in {"from", "to", "low", "high", "price"} else "left")
    for element in _newest(document, name):
        table.add_row(utc(element[_WHEN.get(name, "end_ts_ms")], "%Y-%m-%d %H:%M"), *row(element))
    return table


_WHEN = {"points": "ts_ms"}


def _newest(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return sorted(document[name], key=lambda each: int(each[_WHEN.get(name, "end_ts_ms")]))[-SHOWN:]


def _segment_row(element: Mapping[str, Any]) -> tuple[str, ...]:
    strokes = f"{element['start_stroke']}-{element['end_stroke']}"
    prices = plain(element["start_price"]), plain(element["end_price"])
    return element["direction"], *prices, strokes, element["state"]


def _center_row(element: Mapping[str, Any]) -> tuple[str, ...]:
    elements = f"{element['start_stroke']}-{element['end_stroke']}"
    return element["level"], plain(element["low"]), plain(element["high"]), elements, element.get("state", "")


def _point_row(element: Mapping[str, Any]) -> tuple[str, ...]:
    state = element.get("state", "")
    return element["level"], element["side"], " ".join(element["types"]), plain(element["price"]), state
