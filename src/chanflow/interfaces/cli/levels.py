"""`chanflow analyze FILE --levels 5m,30m,1d`: several levels of one file, linked, with what was known at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import typer

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_MS, parse_rfc3339
from chanflow.interfaces.cli.structure_plot import check_suffix, drawing_of, plain, rendered
from chanflow.market.markets import MARKETS, Market
from chanflow.review.chart import utc
from chanflow.runtime.clock import SystemClock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chanflow.backtest.series import Series
    from chanflow.features.levels import LevelPoint, Levels, Links, NestedInterval

SCHEMA = "chanflow.levels/1"
SHOWN = 12
"""How many nested intervals the table shows: the last ones."""

_UNIX_MS = re.compile(r"[0-9]{1,15}")


def run_levels(
    file: Path,
    *,
    levels: str,
    market: str | None,
    at: str | None,
    nested: bool,
    preset: str,
    params: Mapping[str, str],
    symbol: str | None,
    interval: str | None,
    output_format: Literal["json", "table"],
    plot: Path | None,
    repair: bool,
    out: TextIO,
) -> None:
    """Write the levels of the bars in `file` to `out`, as one object of `chanflow.levels/1` or as a table.

    `levels` are timeframes parted by commas, resampled on the calendar of `market`, or of the market that the symbol
    names. With `at`, RFC 3339 or Unix ms, only bars closed by then count. `plot` draws the finest level with the points
    of all. Raises RecordingInvalid for the file, and InvalidArgument for what was asked of it.
    """
    if plot is not None:
        check_suffix(plot)
    names, until_ms = _level_names(levels), None if at is None else _time_ms(at)
    if market is not None and market not in MARKETS:
        raise InvalidArgument(f"--market is {market!r}: it can be {' or '.join(MARKETS)}", field="market")
    series = _series(file, "cn" if market == "cn" else "crypto" if market else None, symbol, interval, repair=repair)
    found, elapsed_ms = _analysed(series, names, preset=preset, params=params, until_ms=until_ms)
    document: dict[str, Any] = {
        "schema": SCHEMA, "symbol": series.source.symbol, "market": series.market, "base": series.interval,
        "preset": preset, "set": dict(params), "at_ms": until_ms, **levels_document(found, until_ms, nested=nested),
        "elapsed_ms": elapsed_ms,
    }  # fmt: skip
    if plot is not None:
        _draw(plot, found, series.source.symbol, preset)
    if output_format == "json":
        out.write(json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n")
    else:
        _write_table(document, out)


def _level_names(levels: str) -> list[str]:
    """Return the levels asked for, finest first."""
    from chanflow.backtest.series import interval_ms

    names = [name.strip() for name in levels.split(",")]
    try:
        widths_ms = {name: interval_ms(name) for name in names}
    except ValueError as fault:
        raise InvalidArgument(f"--levels {levels}: {fault}", field="levels") from fault
    if len(set(widths_ms.values())) < len(names):
        raise InvalidArgument(f"--levels {levels} names one length twice; give each level once", field="levels")
    return sorted(names, key=lambda name: widths_ms[name])


def _time_ms(text: str) -> int:
    if _UNIX_MS.fullmatch(text):
        return int(text)
    try:
        return parse_rfc3339(text) // NS_PER_MS
    except (ValueError, OverflowError):
        raise InvalidArgument(
            f"--at is {text!r}: give an RFC 3339 time like 2026-01-05T01:30:00Z, or Unix ms", field="at"
        ) from None


def _series(file: Path, market: Market | None, symbol: str | None, interval: str | None, *, repair: bool) -> Series:
    """Return the one series of the file, of several the one of `symbol` and, if there are several, `interval`."""
    from chanflow.backtest.series import read_series

    whole = list(read_series(file, market=market))
    if len(whole) > 1:
        fits = [one for one in whole if one.source.symbol == symbol and interval in (None, one.interval)]
        if len(fits) != 1:
            have = ", ".join(f"{one.source.symbol} {one.interval}" for one in whole[:20])
            raise InvalidArgument(f"{file} has {len(whole)} series; choose one by --symbol and --interval: {have}")
        whole = fits
    elif not whole:
        raise InvalidArgument(f"{file} has no bars, and so no levels", field="levels")
    (series,) = whole
    if series.source.widened and not repair:
        raise InvalidArgument(
            f"{file}: {series.source.widened} bars have a high or low that does not bound the others; give --repair"
        )
    source = series.source if symbol is None else replace(series.source, symbol=symbol)
    return replace(series, source=source, interval=interval or series.interval)


def _analysed(
    series: Series, names: Sequence[str], *, preset: str, params: Mapping[str, str], until_ms: int | None
) -> tuple[Levels, float]:
    """Return the levels as they were known at a time, and how long it took to find them in ms."""
    from chanflow.market.calendar import calendar_named
    from chanflow.runtime.level_feed import levels_of

    bars, clock = series.bars, SystemClock()
    columns = {name: getattr(bars, name) for name in ("ts_ms", "open", "high", "low", "close")}
    if bars.volume is not None:
        columns["volume"] = bars.volume
    started_ns = clock.monotonic_ns()
    try:
        found = levels_of(columns, calendar_named(series.market), series.interval, names, preset=preset, params=params)
        found = found if until_ms is None else found.at(until_ms)
    except ValueError as fault:
        raise InvalidArgument(str(fault), field="levels") from fault
    return found, round((clock.monotonic_ns() - started_ns) / 1e6, 3)


def levels_document(found: Levels, until_ms: int | None, *, nested: bool) -> dict[str, Any]:
    """Return levels in words. Rows are numbered as they are listed; what was withdrawn is left out.

    `parent` has a row of the next coarser level, or -1, for each row of a list, and `children` the rows of this level
    for each row there. `resonance` names the newest point of each level that was known at its time.
    """
    points = {name: found.points(name) for name in found.names}
    place = {(name, point.index): at for name in found.names for at, point in enumerate(points[name])}
    ends_ms = [int(bars.close_ms[-1]) for bars in found.bars.values() if len(bars)]
    newest = {
        name: max(range(len(known)), key=lambda at, known=known: known[at].ts_ms, default=None)  # type: ignore[misc]
        for name, known in points.items()
    }
    sides = {points[name][at].side if at is not None else None for name, at in newest.items()}
    document: dict[str, Any] = {
        "levels": [_level(found, name, points[name]) for name in found.names],
        "resonance": {
            "ts_ms": until_ms if until_ms is not None else max(ends_ms, default=None),
            "newest": newest,
            "side": sides.pop() if len(sides) == 1 else None,
        },
    }
    if nested:
        chains = [found.nested(point, found.names[0]) for name in found.names[:0:-1] for point in points[name]]
        document["nested"] = [_chain(chain, place) for chain in chains]
    return document


def _level(found: Levels, name: str, points: Sequence[LevelPoint]) -> dict[str, Any]:
    bars, structure = found.bars[name], found.structures[name]
    lists = ("strokes", "segments", "super_segments", "centers", "points")
    counts = {of: _states(getattr(structure, of)) for of in lists}
    return {
        "level": name,
        "bars": len(bars),
        "merged": structure.merged,
        "first_open_ms": int(bars.open_ms[0]) if len(bars) else None,
        "last_close_ms": int(bars.close_ms[-1]) if len(bars) else None,
        "counts": counts,
        "points": [_point(point) for point in points],
        "links": _links(found, name),
    }


def _states(rows: Any) -> dict[str, int]:
    return {word: int((rows.state == code).sum()) for code, word in enumerate(("provisional", "confirmed"))}


def _links(found: Levels, name: str) -> dict[str, Any] | None:
    """Return the links of a level to the next coarser one, None for the coarsest; of bars only how many have one."""
    from chanflow.features.levels import LINKED

    if name == found.names[-1]:
        return None
    coarse = found.names[found.names.index(name) + 1]
    told: dict[str, Any] = {"to": coarse, "bars": int((found.links(name, "bars").parent >= 0).sum())}
    for of in LINKED:
        children, parents = (getattr(found.structures[level], of) for level in (name, coarse))
        told[of] = _both_ways(found.links(name, of), children.state, parents.state)
    return told


def _both_ways(links: Links, child_state: NDArray[np.uint8], parent_state: NDArray[np.uint8]) -> dict[str, Any]:
    """Return links between rows as they are numbered without the void ones."""
    from chanflow.features.levels import NONE, VOID

    number = (parent_state != VOID).cumsum() - 1
    parent = [int(number[row]) if row != NONE else NONE for row in links.parent[child_state != VOID].tolist()]
    children: list[list[int]] = [[] for _ in range(int((parent_state != VOID).sum()))]
    for child, row in enumerate(parent):
        if row != NONE:
            children[row].append(child)
    return {"parent": parent, "children": children}


def _point(point: LevelPoint) -> dict[str, Any]:
    return {
        "bar": point.bar, "ts_ms": point.ts_ms, "price": point.price, "side": point.side, "types": point.types,
        "level": point.ends, "element": point.element, "state": point.state, "divergence": point.divergence,
        "known_bar": point.known_bar, "known_ms": point.known_ms,
    }  # fmt: skip


def _chain(chain: NestedInterval, place: Mapping[tuple[str, int], int]) -> dict[str, Any]:
    known = chain.known
    return {
        "points": [{"level": point.level, "point": place[point.level, point.index]} for point in chain.points],
        "missing": chain.missing,
        "state": chain.state,
        "price": chain.price,
        "known": None if known is None else {"level": known.level, "bar": known.bar, "ts_ms": known.ms},
    }


def _draw(plot: Path, found: Levels, symbol: str, preset: str) -> None:
    """Draw the finest level with the points of all; a coarser point stands at the bar whose price it has."""
    import numpy as np

    from chanflow.adapters.storage.bars_file import BarColumns
    from chanflow.runtime.home import publish

    finest, *coarser = found.names
    document = json.loads(found.structures[finest].to_json())
    for name in ("strokes", "segments", "super_segments", "centers", "points"):
        document[name] = [each for each in document[name] if each["state"] != "void"]
    bars = found.bars[finest]
    for name in coarser:
        for point in found.points(name):
            end_ms = int(found.bars[name].close_ms[point.bar])
            first, last = np.searchsorted(bars.open_ms, (point.ts_ms, end_ms)).tolist()
            prices = (bars.low if point.side == "buy" else bars.high)[first:last]
            bar = first + int(np.argmin(np.abs(prices - point.price)))
            types = [f"{name} {kind}" for kind in point.types]
            document["points"].append(_point(point) | {"bar": bar, "types": types})
    drawn = BarColumns(bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    title = f"{symbol} · {finest}, with points of {', '.join(coarser)}" if coarser else f"{symbol} · {finest}"
    publish(plot, rendered(plot, drawing_of(document, drawn, title=title, preset=preset)))
    typer.echo(f"chanflow: drew {plot}", err=True)


def _write_table(document: Mapping[str, Any], out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=out, width=80 if not out.isatty() else None, highlight=False, markup=False, emoji=False)
    at_ms = document["resonance"]["ts_ms"]
    when = "no bars" if at_ms is None else f"known at {_clock(at_ms)} UTC"
    console.print(Text.assemble((document["symbol"], "bold"), f"  from {document['base']}  {when}\n"))
    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="dim")
    for head in ("level", "bars", "strokes", "segments", "centers", "points", "linked"):
        table.add_column(head, justify="left" if head == "level" else "right")
    table.add_column("newest point (UTC)", no_wrap=True)
    for level in document["levels"]:
        counts = [f"{sum(level['counts'][of].values()):,}" for of in ("strokes", "segments", "centers", "points")]
        parents = level["links"]["strokes"]["parent"] if level["links"] else []
        linked = f"{sum(row >= 0 for row in parents):,}" if level["links"] else "-"
        newest = document["resonance"]["newest"][level["level"]]
        told = "-" if newest is None else _told(level["points"][newest])
        table.add_row(level["level"], f"{level['bars']:,}", *counts, linked, told)
    console.print(table)
    side = document["resonance"]["side"]
    console.print(Text(f"\nresonance (共振): {f'the newest points of all levels {side}' if side else 'none'}"))
    _write_chains(document, console)
    console.print(
        Text("\nlinked: strokes inside one of the next level. Not investment advice (不构成投资建议).", "dim")
    )


def _write_chains(document: Mapping[str, Any], console: Any) -> None:
    """Write the newest nested intervals, each with the point it begins with and the finest one inside it."""
    if "nested" not in document:
        return
    points = {level["level"]: level["points"] for level in document["levels"]}
    deep = [chain for chain in document["nested"] if len(chain["points"]) > 1]
    console.print(f"\nnested intervals (区间套): {len(deep)} of {len(document['nested'])} points have one")
    deep.sort(key=lambda chain: chain["known"]["ts_ms"] if chain["known"] else 0)
    for chain in deep[-SHOWN:]:
        path = " > ".join(
            f"{at['level']} {'·'.join(points[at['level']][at['point']]['types'])}" for at in chain["points"]
        )
        first = chain["points"][0]
        since = _clock(chain["known"]["ts_ms"]) if chain["known"] else "?"
        side = points[first["level"]][first["point"]]["side"]
        console.print(f"  {side} {path}  {plain(chain['price'])}  known {since}  {chain['state']}")


def _told(point: Mapping[str, Any]) -> str:
    return f"{point['side']} {'·'.join(point['types'])} {_clock(point['ts_ms'])}"


def _clock(at_ms: int) -> str:
    return utc(at_ms, "%Y-%m-%d %H:%M")
