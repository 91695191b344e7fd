"""`chanflow features`: what the market showed in, one row of order flow for every bin of its time out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import typer

from chanflow.domain.errors import InvalidArgument, RecordingInvalid, StorageUnwritable
from chanflow.interfaces.cli.duration import duration_ms

if TYPE_CHECKING:
    from chanflow.features.flow_columns import Columns, Kind
    from chanflow.features.flow_fit import FlowFit
    from chanflow.features.flow_run import FlowChoice
    from chanflow.market.flow_events import FlowEvents
    from chanflow.runtime.settings import Settings

CONTEMPORANEOUS = "contemporaneous: explains this moment, does not predict the next"
"""Stands beside every R² of order flow."""

_TOLD = ("ts_ms", "mid", "ofi", "tfi", "z_ofi", "book_ok")
"""Columns that are kept to the end where rows are written as they come: a pipe may run for days."""

_FEW = 1_000
"""Parts that are joined into one, since each takes memory of its own."""

Watch = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command line of `chanflow features`, as it was given."""

    wire: Sequence[Path]
    rows: Path | None
    input_: str | None
    symbols: Sequence[str]
    venue: str
    bin_: str | None
    out: str | None
    plot: Path | None
    z: Literal["robust", "ew"]
    window: str | None
    warmup: str | None
    levels: int | None
    all_columns: bool
    decimals: str | None
    engine: Literal["native", "reference"]
    config: Path | None


def run_features(asked: Asked, stdout: BinaryIO) -> None:
    """Compute and write. What there is to say goes to standard error.

    Raises InvalidArgument for what was asked, RecordingInvalid and NotFound for what was given, StorageUnwritable,
    MissingExtra for a PNG without Pillow.
    """
    from chanflow.runtime.settings import load_settings

    settings = load_settings(config=asked.config, overrides=()).settings
    choice = _choice(asked, settings)
    out = _checked(asked)
    unit = (1_000_000, "MB of frames") if asked.wire else (1_000, "thousand rows")
    with _progress(*unit) as watch:
        writer = _Writer(out, stdout, _kinds(asked, choice))
        drawn = []
        wanted: Sequence[str | None] = asked.symbols or [None]
        for symbol in wanted:
            events = _events(asked, symbol, settings.market.max_recording_mb << 20, watch)
            told_only = out == "-" and asked.plot is None
            drawn.append((events.symbol, _computed(events, choice, asked.engine, writer, told_only=told_only)))
        writer.close()
    for symbol, columns in drawn:
        _tell(symbol, columns, choice.bin_ms)
    if asked.plot is not None:
        from chanflow.interfaces.cli.flow_plot import rendered, view_of
        from chanflow.runtime.home import publish

        symbol, columns = drawn[0]
        publish(asked.plot, rendered(asked.plot, view_of(symbol, columns, bin_ms=choice.bin_ms)))
        typer.echo(f"chanflow: drew {asked.plot}", err=True)


def _choice(asked: Asked, settings: Settings) -> FlowChoice:
    from chanflow.features.flow_run import FlowChoice

    market = settings.market
    bin_ms = market.bin_ms if asked.bin_ is None else duration_ms(asked.bin_, field="bin", most_ms=3_600_000)
    window_ms = market.z_window_s * 1_000 if asked.window is None else duration_ms(asked.window, field="window")
    warmup_ms = market.z_warmup_s * 1_000
    if asked.warmup is not None:
        warmup_ms = duration_ms(asked.warmup, field="warmup", least_ms=0)
    if warmup_ms > window_ms:
        raise InvalidArgument(f"--warmup is {warmup_ms} ms, it can be up to --window, {window_ms} ms", field="warmup")
    return FlowChoice(
        bin_ms=bin_ms, window_ms=window_ms, warmup_ms=warmup_ms, z=asked.z,
        levels=5 if asked.levels is None else asked.levels,
    )  # fmt: skip


def _checked(asked: Asked) -> str | None:
    """Return where rows go, None for nowhere. Raises InvalidArgument for flags that do not fit one another."""
    given = [
        name for name, value in (("--wire", asked.wire), ("--rows", asked.rows), ("--input", asked.input_)) if value
    ]
    if len(given) != 1:
        told = " and ".join(given) or "none of them"
        raise InvalidArgument(f"one of --wire, --rows and --input says what to read, given is {told}", field="wire")
    if len(asked.symbols) != len(set(asked.symbols)):
        raise InvalidArgument("a symbol is named twice", field="symbols")
    if asked.rows is not None and not asked.symbols:
        raise InvalidArgument("--rows needs --symbol", field="symbol")
    if asked.input_ and len(asked.symbols) > 1:
        raise InvalidArgument("--input is read once, so it takes one --symbol", field="symbols")
    if asked.decimals and asked.wire:
        raise InvalidArgument("--decimals is for rows: raw frames spell their own", field="decimals")
    if asked.plot is not None:
        from chanflow.interfaces.cli.structure_plot import check_suffix

        check_suffix(asked.plot)
        if len(asked.symbols) > 1:
            raise InvalidArgument("--plot draws one symbol", field="plot")
        if not asked.plot.parent.is_dir():
            raise InvalidArgument(f"--plot is {asked.plot}: there is no folder {asked.plot.parent}", field="plot")
    out = asked.out if asked.out is not None else (None if asked.plot else "-")
    if out is None or out == "-" or _is_folder(out):
        several_need = out == "-"
    else:
        several_need = True
        if not Path(out).absolute().parent.is_dir():
            raise InvalidArgument(f"--out is {out}: there is no folder {Path(out).parent}", field="out")
    if several_need and len(asked.symbols) > 1 and not asked.all_columns:
        raise InvalidArgument(
            "rows of several symbols in one place need --all-columns, which names them, or --out DIR", field="out"
        )
    return out


def _is_folder(out: str) -> bool:
    return not out.endswith((".parquet", ".jsonl"))


def _kinds(asked: Asked, choice: FlowChoice) -> dict[str, Kind]:
    from chanflow.features.flow_columns import kinds_of

    return kinds_of(choice.levels, all_columns=asked.all_columns)


def _events(asked: Asked, symbol: str | None, max_bytes: int, watch: Watch) -> FlowEvents:
    if asked.wire:
        from chanflow.market.wire_events import WireEvents

        venue = None if asked.venue == "auto" else asked.venue
        return WireEvents(asked.wire, symbol, venue, max_bytes=max_bytes, watch=watch)
    from chanflow.adapters.storage.row_events import LakeEvents, LineEvents

    decimals = _decimals(asked.decimals)
    if asked.rows is not None:
        root = asked.rows / asked.venue
        assert symbol is not None
        return LakeEvents(root if root.is_dir() else asked.rows, symbol, decimals=decimals, watch=watch)
    from chanflow.features.compute import columns_of

    assert asked.input_ is not None
    if asked.input_ == "-":
        return LineEvents(sys.stdin.buffer, "standard input", columns_of, symbol, decimals=decimals)
    try:
        source = Path(asked.input_).open("rb")  # noqa: SIM115  # read as long as the process runs
    except OSError as fault:
        raise RecordingInvalid(f"{asked.input_} cannot be read: {(fault.strerror or str(fault)).lower()}") from fault
    return LineEvents(source, asked.input_, columns_of, symbol, decimals=decimals)


def _decimals(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    price, comma, qty = text.partition(",")
    if not comma or not all(part.isascii() and part.isdecimal() and int(part) <= 12 for part in (price, qty)):
        raise InvalidArgument(
            f"--decimals is {text[:40]!r}: write those of prices and of quantities, 0 to 12, such as 2,3",
            field="decimals",
        )
    return int(price), int(qty)


def _computed(
    events: FlowEvents, choice: FlowChoice, engine: Literal["native", "reference"], writer: _Writer, *, told_only: bool
) -> Columns:
    """Return the columns of all bins, or only those that the last words need. Raises RecordingInvalid for no bin."""
    from chanflow.features.flow_columns import joined
    from chanflow.features.flow_run import FlowRun

    run = FlowRun(
        choice, price_decimals=events.price_decimals, qty_decimals=events.qty_decimals, ofi_source=events.ofi_source,
        engine=engine,
    )  # fmt: skip
    parts: list[Columns] = []

    def take(closed: Columns) -> None:
        if len(closed["ts_ms"]):
            writer.stream(events.symbol, closed)
            parts.append({name: closed[name] for name in _TOLD} if told_only else closed)
        if len(parts) >= _FEW:
            parts[:] = [joined(parts)]

    for piece in events.pieces():
        take(run.push(piece.batch))
        if piece.spoilt_ms is not None:
            run.spoil(piece.spoilt_ms)
    take(run.finish())
    if not parts:
        raise RecordingInvalid(f"{events.symbol} has neither quotes nor trades there, so there are no bins")
    columns = joined(parts)
    writer.whole(events.symbol, columns)
    return columns


class _Writer:
    """Puts rows where they were asked for: as they come on standard output, whole files elsewhere."""

    def __init__(self, out: str | None, stdout: BinaryIO, kinds: dict[str, Kind]) -> None:
        self._out, self._stdout, self._kinds = out, stdout, kinds
        self._frames: list[Any] = []
        self._parts: list[tuple[Path, bytes]] = []

    def stream(self, symbol: str, columns: Columns) -> None:
        """Write closed bins at once where somebody waits for them."""
        if self._out == "-" and len(columns["ts_ms"]):
            from chanflow.adapters.storage.feature_table import feature_frame, lines_of

            self._stdout.write(lines_of(feature_frame(columns, self._kinds, symbol=symbol)))
            self._stdout.flush()

    def whole(self, symbol: str, columns: Columns) -> None:
        """Take all bins of a symbol."""
        if self._out is None or self._out == "-":
            return
        from chanflow.adapters.storage.feature_table import by_date, feature_frame, parquet_of
        from chanflow.adapters.storage.layout import checked_name

        frame = feature_frame(columns, self._kinds, symbol=symbol)
        if not _is_folder(self._out):
            self._frames.append(frame)
            return
        folder = Path(self._out) / checked_name(symbol, field="symbol")
        for date, name, part in by_date(frame):
            self._parts.append((folder / f"date={date}" / name, parquet_of(part)))

    def close(self) -> None:
        """Publish what was computed: nothing appears before everything could be computed."""
        from chanflow.runtime.home import publish

        if self._frames:
            import polars as pl

            from chanflow.adapters.storage.feature_table import lines_of, parquet_of

            assert self._out is not None
            frame = pl.concat(self._frames)
            data = parquet_of(frame) if self._out.endswith(".parquet") else lines_of(frame)
            publish(Path(self._out), data)
            self._parts.append((Path(self._out), b""))
        else:
            for path, data in self._parts:
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                except OSError as fault:
                    reason = (fault.strerror or str(fault)).lower()
                    raise StorageUnwritable(f"{path.parent} cannot be made: {reason}") from fault
                publish(path, data)
        for path, _ in self._parts:
            typer.echo(f"chanflow: wrote {path}", err=True)


def _tell(symbol: str, columns: Any, bin_ms: int) -> None:
    """Say what was computed, and what it explains of its own moment."""
    import numpy as np

    ok, with_z = int((columns["book_ok"] == 1).sum()), int((~np.isnan(columns["z_ofi"])).sum())
    book = "no depth" if (columns["book_ok"] < 0).all() else f"book ok in {ok:,}"
    typer.echo(f"chanflow: {symbol}: {len(columns['ts_ms']):,} bins of {bin_ms} ms, {book}, z in {with_z:,}", err=True)
    fit = fit_of(columns)
    if fit is not None:
        typer.echo(f"chanflow: {symbol}: {fit_words(fit)}", err=True)


def fit_of(columns: Any) -> FlowFit | None:
    """Return what flow explains of the mid's move in the same bin."""
    from chanflow.features.flow_fit import contemporaneous

    return contemporaneous(columns["mid"], columns["ofi"], columns["tfi"])


def fit_words(fit: FlowFit) -> str:
    """Return the shares in a sentence that says what they are not."""
    return (
        f"R² of the mid's move on OFI {fit.ofi:z.3f}, on OFI and TFI {fit.ofi_and_tfi:z.3f}, over {fit.bins:,} bins "
        f"({CONTEMPORANEOUS})"
    )


@contextmanager
def _progress(unit: int, what: str) -> Iterator[Watch]:
    """Show on a terminal how many units were read, and wipe the line at the end."""
    watched = sys.stderr.isatty()
    shown = 0

    def show(amount: int) -> None:
        nonlocal shown
        if watched and not shown <= amount < shown + 4 * unit:
            shown = amount
            sys.stderr.write(f"\r\x1b[K{amount // unit:,} {what} read")
            sys.stderr.flush()

    try:
        yield show
    finally:
        if watched:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def close_quietly() -> None:
    """Let a reader who has gone, such as `head`, be no fault: what is still buffered goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
