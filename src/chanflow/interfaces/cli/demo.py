"""`chanflow demo`: one day from the first event to the report."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chanflow.domain.canonical import canonical_json
from chanflow.interfaces.cli.day_view import LiveView, summary
from chanflow.interfaces.cli.models import models_of
from chanflow.review.daily import Day, fold
from chanflow.review.journal import read_records
from chanflow.review.report import render
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.home import Home, publish
from chanflow.runtime.open_mind import tape_sha256
from chanflow.runtime.run import Finished, Progress, level_for, name_run, run
from chanflow.runtime.settings import Loaded, Settings, load_settings
from chanflow.runtime.wiring import RunSpec

if TYPE_CHECKING:
    from chanflow.market.ports import MarketSource
    from chanflow.market.sink import RowSink
    from chanflow.runtime.home import RunFolder


def run_demo(
    *,
    seed: int,
    recording: Path | None,
    symbol: str | None,
    level: str | None,
    accept_gaps: bool,
    config: Path | None,
    overrides: Sequence[str],
) -> None:
    """Run the day, showing it as it goes; ends with the summary, the report's path and the journal's hash."""
    loaded = load_settings(config=config, overrides=overrides)
    settings, home = loaded.settings, Home(loaded.home)
    stop_on_term()
    source: MarketSource
    if recording is None:
        from chanflow.market.synthetic import SyntheticSource

        source, kind = SyntheticSource(seed), "demo"
    else:
        from chanflow.market.recorded import RecordedSource

        source, kind = (
            RecordedSource.open(
                recording, symbol=symbol, max_bytes=settings.market.max_recording_mb << 20, accept_gaps=accept_gaps
            ),
            "wire",
        )
    chosen = level_for(source, level or settings.signals.level, exact=level is not None)
    spec = RunSpec(name_run(kind, seed, chosen, source, settings), seed, chosen, settings)
    with home.lock():
        with LiveView(monotonic_ns=SystemClock().monotonic_ns) as view:
            finished = asyncio.run(_played(loaded, spec, source, home, recording, view))
        day = publish_report(
            finished, title=f"{source.instrument.symbol} · {chosen} · seed {seed}",
            cassette_sha256=tape_sha256(settings, home),
        )  # fmt: skip
    _tell(day, finished)


async def _played(
    loaded: Loaded, spec: RunSpec, source: MarketSource, home: Home, recording: Path | None, view: LiveView
) -> Finished:
    async with models_of(loaded, played=True) as make_model:
        return await run(
            spec, source, home, lake_for=lake_for(source, loaded.settings), file=recording,
            on_progress=_shown(view), on_note=typer.echo, make_model=make_model,
        )  # fmt: skip


def lake_for(source: MarketSource, settings: Settings) -> Callable[[RunFolder], RowSink]:
    """Return what opens the Parquet lake of a run's folder."""
    from chanflow.adapters.storage.lake import LakeWriter
    from chanflow.adapters.storage.sink import LakeSink

    def opened(folder: RunFolder) -> RowSink:
        writer = LakeWriter(
            folder.lake_dir / source.venue, source.venue, source.instrument.symbol, writer_id="desk",
            rotate_rows=settings.lake.rotate_max_rows, rotate_s=settings.lake.rotate_max_s,
        )  # fmt: skip
        return LakeSink(
            writer, rotate_s=settings.lake.rotate_max_s, price_decimals=source.price_decimals,
            qty_decimals=source.qty_decimals,
        )  # fmt: skip

    return opened


def publish_report(finished: Finished, *, title: str, cassette_sha256: str | None) -> Day:
    """Fold the journal into the day, and put page and figures beside it, with the hash of its tape if it has one."""
    folder = finished.folder
    day = fold(read_records(folder.journal_path))
    publish(folder.report_path, render(day, finished.bars, title=title).encode())
    figures = {
        "journal_sha256": finished.journal_sha256, "signals": dict(sorted(day.signal_codes.items())),
        "proposals": dict(sorted(day.proposals.items())), "refusals": dict(sorted(day.refusal_codes.items())),
        "approvals": day.approvals, "orders": day.orders_sent, "fills": len(day.fills), "trades": len(day.trades),
        "gross_quote": day.gross_quote, "fees_quote": day.fees_quote, "slippage_quote": day.slippage_quote,
        "net_quote": day.net_quote, "max_drawdown_frac": day.max_drawdown_frac, "market": day.market,
    }  # fmt: skip
    if cassette_sha256 is not None:
        figures["cassette_sha256"] = cassette_sha256
    publish(folder.summary_path, (canonical_json(figures) + "\n").encode())
    return day


def _shown(view: LiveView) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        counts = progress.pipeline.counts
        view.update(
            simulated_ms=progress.now_ms, start_ms=progress.start_ms, end_ms=progress.end_ms, price=progress.price,
            equity=progress.equity_quote, signals=counts.signals, orders=counts.orders, fills=counts.fills,
            note=f"repeating {progress.repeating} records" if progress.repeating else "",
        )  # fmt: skip

    return show


def _tell(day: Day, finished: Finished) -> None:
    from rich.console import Console

    Console().print(summary(day))
    typer.echo(f"report: {finished.folder.report_path}")
    typer.echo(f"journal: {finished.folder.journal_path}")
    typer.echo(f"journal sha256: {finished.journal_sha256}")


def stop_on_term() -> None:
    """Let SIGTERM end the run as Ctrl-C does: in order, with what was recorded whole."""

    def stop(_signum: int, _frame: object) -> None:
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, stop)
