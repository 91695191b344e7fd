"""`chanflow feed`: its verbs and their options. What they do stands in `feed.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

feed_app = typer.Typer(
    help="The data feed: serve, pull, import, check, compact, sql. Alone it serves.", add_completion=False,
    pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip

Root = Annotated[Path | None, typer.Option(help="A lake, or a folder of lakes; else that of the data directory.")]
Venue = Annotated[str, typer.Option(help="binance-usdm binance-coinm binance-spot akshare baostock tushare.")]


@feed_app.callback(invoke_without_command=True)
def alone(
    context: typer.Context,
    *,
    root: Root = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8001,
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
) -> None:
    """The data feed: serve, pull, import, check, compact, sql. Alone it serves."""
    if context.invoked_subcommand is None:
        serve(root=root, port=port, host=host)


@feed_app.command()
def serve(
    *,
    root: Root = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8001,
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    trading_days: Annotated[Path | None, typer.Option("--calendar", help="A table of A-share trading days.")] = None,
) -> None:
    """Serve snapshots and slices over HTTP, as JSON or Arrow IPC."""
    from chanflow.interfaces.cli.feed import run_serve

    run_serve(root=root, port=port, host=host, trading_days=trading_days)


@feed_app.command()
def pull(
    *,
    symbols: Annotated[list[str] | None, typer.Option(help="BTCUSDT or 600000.SH; may repeat, or be A,B.")] = None,
    kind: Annotated[str, typer.Option(help="klines aggTrades funding openInterest factors.")] = "klines",
    venue: Venue = "binance-usdm",
    interval: Annotated[str | None, typer.Option(help="Of klines and open interest, as 1m.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First date, YYYY-MM-DD.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The date after the last; today if left out.")] = None,
    archive: Annotated[list[Path] | None, typer.Option(help="Instead a published daily zip; may repeat.")] = None,
    root: Root = None,
    url: Annotated[str | None, typer.Option("--url-override", help="Another base address of the venue.")] = None,
    weight: Annotated[int, typer.Option(help="Request weight a minute to stay below.")] = 1_200,
    token_file: Annotated[Path | None, typer.Option(help="A file with the token that Tushare wants.")] = None,
) -> None:
    """Download history into the lake; the same command goes on where it stopped, and repeats nothing."""
    from chanflow.interfaces.cli.feed import run_archives, run_pull

    if archive:
        run_archives(archive, venue=venue, root=root)
        return
    run_pull(
        symbols=symbols or [], kind=kind, venue=venue, interval=interval, start=start, end=end, root=root, url=url,
        weight=weight, token_file=token_file,
    )  # fmt: skip


@feed_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Bars: CSV or Parquet.")],
    *,
    map_: Annotated[str | None, typer.Option("--map", help="Ours=theirs, as ts_ms=time,volume=vol.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Of a file of one symbol, or the only one to take.")] = None,
    interval: Annotated[str | None, typer.Option(help="As 1m; else the commonest step.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Of times that name none, as Asia/Shanghai.")] = None,
    venue: Annotated[str, typer.Option(help="The lake's venue.")] = "imported",
    root: Root = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be stored, and store nothing.")] = False,
) -> None:
    """Import bars of a file; each passes the gate first."""
    from chanflow.interfaces.cli.feed import run_import

    run_import(
        file, mapping=map_, symbol=symbol, interval=interval, zone=timezone, venue=venue, root=root, dry_run=dry_run
    )


@feed_app.command()
def compact(
    *,
    root: Root = None,
    before: Annotated[str | None, typer.Option(help="Only days before this, YYYY-MM-DD; today if left out.")] = None,
    retention: Annotated[
        list[str] | None, typer.Option(help="Days to keep of a layer, as raw=14 or rows=365; may repeat.")
    ] = None,
) -> None:
    """Make one file of the parts of each closed day, and remove days that are older than a layer is kept."""
    from chanflow.interfaces.cli.feed import run_compact

    run_compact(root=root, before=before, retention=retention or [])


@feed_app.command()
def sql(
    query: Annotated[str, typer.Argument(help="Over the views rows, trades, bars, features and gaps.")],
    *,
    root: Root = None,
) -> None:
    """Ask the lake in SQL; prints CSV."""
    from chanflow.interfaces.cli.feed import run_sql

    run_sql(query, root=root)
