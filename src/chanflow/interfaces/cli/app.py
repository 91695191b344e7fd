"""The `chanflow` command: its verbs, and how a fault ends it.

Exit codes: 0 done · 1 fault · 2 usage or bad input · 4 a sink cannot be written · 5 books disagree · 6 a check failed ·
7 interrupted, resumable.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from chanflow.interfaces.cli.access_commands import init, key_app, plan_app, user_app
from chanflow.interfaces.cli.alerts_commands import alerts_app
from chanflow.interfaces.cli.call import CALL_CONTEXT
from chanflow.interfaces.cli.db_commands import db_app
from chanflow.interfaces.cli.feed_commands import feed_app
from chanflow.interfaces.cli.greedy import GreedyCommand
from chanflow.interfaces.cli.memory_commands import lessons_app, memory_app, review
from chanflow.interfaces.cli.risk_commands import approve, halt, resume, risk_app
from chanflow.interfaces.cli.venue_key_commands import venue_key_app

app = typer.Typer(
    name="chanflow",
    help="An AI-native trading desk that you run yourself. Not investment advice (不构成投资建议).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(alerts_app, name="alerts")
app.add_typer(db_app, name="db")
app.add_typer(feed_app, name="feed")
app.add_typer(venue_key_app, name="venue-key")
app.add_typer(user_app, name="user")
app.add_typer(key_app, name="key")
app.add_typer(plan_app, name="plan")
app.command()(init)
app.add_typer(risk_app, name="risk")
app.add_typer(memory_app, name="memory")
app.add_typer(lessons_app, name="lessons")
app.command()(review)
app.command()(halt)
app.command()(resume)
app.command()(approve)


Config = Annotated[Path | None, typer.Option("--config", help="A settings file (YAML).")]
Set = Annotated[list[str] | None, typer.Option("--set", help="One setting, as risk.max_leverage=3; may repeat.")]


@contextmanager
def _interruptible() -> Iterator[None]:
    """Say that what was recorded stands, where Ctrl-C or SIGTERM ends the block."""
    try:
        yield
    except KeyboardInterrupt as stop:
        typer.echo("chanflow: interrupted; what was recorded stands, the same command goes on from there", err=True)
        raise typer.Exit(7) from stop


def _home() -> Path:
    """Return the data directory; asked for only where something there is needed, since settings take time to load."""
    from chanflow.runtime.settings import home_directory

    return home_directory()


@app.command()
def demo(
    *,
    seed: Annotated[int, typer.Option(help="Which day: the same seed is the same day, byte for byte.")] = 42,
    replay: Annotated[Path | None, typer.Option(help="Run the desk on a recorded wire file instead.")] = None,
    symbol: Annotated[str | None, typer.Option(help="The recording must be of this symbol.")] = None,
    level: Annotated[str | None, typer.Option(help="Bar level of decisions: 1s 5s 15s 1m 5m 30m 1h 1d.")] = None,
    accept_gaps: Annotated[bool, typer.Option(help="Run a recording whose book is lost on the way.")] = False,
    config: Config = None,
    set_: Set = None,
) -> None:
    """One simulated trading day: market, features, signals, analyst, risk, execution, monitor, report."""
    from chanflow.interfaces.cli.demo import run_demo

    with _interruptible():
        run_demo(
            seed=seed, recording=replay, symbol=symbol, level=level, accept_gaps=accept_gaps, config=config,
            overrides=set_ or [],
        )  # fmt: skip


@app.command()
def up(
    *,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market.")] = 42,
    speed: Annotated[float, typer.Option(help="How many market seconds in one second.")] = 1.0,
    hours: Annotated[float, typer.Option(help="How long the market lasts.")] = 24.0,
    port: Annotated[int | None, typer.Option(help="Port of REST and MCP; 0 takes a free one.")] = None,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Run the desk on the synthetic market in real time, and serve REST and MCP, in one process."""
    from chanflow.interfaces.cli.up import run_up

    with _interruptible():
        run_up(seed=seed, speed=speed, hours=hours, port=port, config=config, overrides=set_ or [])


@app.command()
def replay(
    journal: Annotated[Path, typer.Argument(help="A journal file, or the folder of a run.")],
    data: Annotated[Path | None, typer.Option(help="Where the recording lies that the run was made from.")] = None,
) -> None:
    """Run a journal's run again; exits 0 only if every record comes out byte for byte the same."""
    from chanflow.interfaces.cli.replay import run_replay

    with _interruptible():
        run_replay(journal, data)


@app.command("what-if")
def what_if(
    name: Annotated[str, typer.Argument(help="A run (path, number or id), a day as 2026-01-05, or any id in a run.")],
    *,
    policy: Annotated[Path | None, typer.Option(help="Settings (YAML) whose section risk holds instead.")] = None,
    fees: Annotated[Path | None, typer.Option(help="A schedule (YAML) with maker and taker, as shares.")] = None,
    ladder: Annotated[str | None, typer.Option(help="The level of the ladder instead: L0 to L5.")] = None,
    data: Annotated[Path | None, typer.Option(help="Where the recording lies that the run was made from.")] = None,
    gate_only: Annotated[bool, typer.Option("--gate-only", help="Judge again, and do not run again.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Judge a recorded decision, day or run again under another policy, other fees or another level."""
    from chanflow.interfaces.cli.what_if import run_what_if
    from chanflow.runtime.home import Home

    try:
        run_what_if(
            name, policy=policy, fees=fees, ladder=ladder, home=Home(_home()), data=data, gate_only=gate_only,
            as_json=json_, out=sys.stdout,
        )  # fmt: skip
    except KeyboardInterrupt as stop:
        typer.echo("chanflow: interrupted; nothing was kept, give the command again", err=True)
        raise typer.Exit(7) from stop


@app.command()
def ask(
    symbol: Annotated[str, typer.Argument(help="Which symbol the running desk is to decide on.")],
    *,
    level: Annotated[str | None, typer.Option(help="At which level; the desk's own by default.")] = None,
    position: Annotated[str | None, typer.Option(help="A position of it that is to be looked at.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended, and print its card.")] = False,
) -> None:
    """Ask the running desk's analyst for a decision; the gate judges what it proposes."""
    from chanflow.interfaces.cli.ask import run_ask

    with _interruptible():
        run_ask(symbol, level=level, position=position, wait=wait, root=_home(), out=sys.stdout)


@app.command()
def scorecard(
    run: Annotated[
        list[str] | None, typer.Argument(help="A run: path, number or id. More of them count for leakage alone.")
    ] = None,
    *,
    cutoff: Annotated[
        list[str] | None, typer.Option(help="The end of a model's training, as MODEL=2025-07-31; may repeat.")
    ] = None,
    cost_bps: Annotated[float, typer.Option(min=0.1, max=1000.0, help="Costs of trades not made, both ways.")] = 12.0,
    seed: Annotated[int, typer.Option(min=0, help="Of resamples, random entries and samples.")] = 42,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Run the market again by the rules, beside it.")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="Where the recording lies that the run was made from.")] = None,
    flip: Annotated[int | None, typer.Option(help="Ask the model so many times again; this costs money.")] = None,
    sample: Annotated[int, typer.Option(help="So many decisions, drawn by the seed.")] = 20,
    probe: Annotated[str | None, typer.Option(help="Instead: ask this model for prices by heart; this costs.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Whose prices a probe asks for.")] = None,
    dates: Annotated[list[str] | None, typer.Option(help="On which days: 2024-03-01,2024-04-01; may repeat.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Pay for questions without being asked first.")] = False,
    config: Config = None,
    set_: Set = None,
    json_: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """What an analyst's decisions were worth in a run: hit rates, calibration, what was passed over, baselines."""
    from chanflow.domain.errors import InvalidArgument
    from chanflow.interfaces.cli.scorecard import run_scorecard
    from chanflow.interfaces.cli.scorecard_more import flips_of, rules_beside, run_probe
    from chanflow.runtime.home import Home
    from chanflow.runtime.recorded_runs import find_run
    from chanflow.runtime.settings import load_settings

    def confirm(words: str) -> bool:
        return yes or (sys.stdin.isatty() and typer.confirm(f"{words}: go on?", err=True))

    loaded = load_settings(config=config, overrides=set_ or ())
    if probe is not None:
        run_probe(
            probe, loaded, symbol=symbol, dates=dates or [], confirm=confirm, as_json=json_, out=sys.stdout
        )  # fmt: skip
        return
    if not run:
        raise InvalidArgument("name a run, as in chanflow scorecard 1, or a model with --probe", field="run")
    runs = [find_run(Home(loaded.home), each) for each in run]
    rules = rules_beside(runs[0], data=data, seed=seed) if baselines else None
    flips = None
    if flip is not None:
        flips = flips_of(runs[0], loaded, again=flip, sample=sample, seed=seed, confirm=confirm)
    run_scorecard(
        runs, cutoffs=cutoff or [], cost_bps=cost_bps, seed=seed, as_json=json_, out=sys.stdout, rules=rules,
        flips=flips,
    )  # fmt: skip


@app.command()
def chat(
    text: Annotated[str, typer.Argument(help="A question, in Chinese or English.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do what changes something without asking first.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Each event as a line of JSON.")] = False,
) -> None:
    """Ask the desk in words: points, structure, scans with backtests, positions, refusals, a halt."""
    from chanflow.interfaces.cli.chat import run_chat
    from chanflow.interfaces.cli.services import open_services
    from chanflow.runtime.settings import load_settings

    asked = sys.stdin.isatty() and not json_
    code = run_chat(
        text, home=_home(), loaded=load_settings(config=None, overrides=()), open_services=open_services, yes=yes,
        as_json=json_, out=sys.stdout, err=sys.stderr,
        ask=lambda words: asked and typer.confirm(words, err=True),
    )  # fmt: skip
    raise typer.Exit(code)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="An id: of a signal, decision, order, position; or a record's number.")],
    *,
    run: Annotated[
        str | None, typer.Option(help="In which run: path, number or id; else the newest that has it.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Show the chain of a decision, order, trade or refusal, from the data to the fill."""
    from chanflow.interfaces.cli.explain import run_explain
    from chanflow.runtime.home import Home

    run_explain(name, run=run, home=Home(_home()), as_json=json_, out=sys.stdout)


@app.command()
def analyze(
    file: Annotated[Path, typer.Argument(help="Bars: CSV, .csv.gz or Parquet.")],
    *,
    preset: Annotated[str, typer.Option(help="Named parameters.")] = "default",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One parameter, as bi_strict=false; may repeat.")
    ] = None,
    symbol: Annotated[str | None, typer.Option(help="Named in the answer.")] = None,
    interval: Annotated[str | None, typer.Option(help="Named in the answer.")] = None,
    output_format: Annotated[
        Literal["json", "table", "csv"], typer.Option("--format", help="How to answer.")
    ] = "table",
    list_name: Annotated[str | None, typer.Option("--list", help="Which list csv writes.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw it: out.html or out.png.")] = None,
    repair: Annotated[bool, typer.Option(help="Widen bars whose high or low does not bound the others.")] = False,
    history: Annotated[bool, typer.Option(help="Add when each was first seen, confirmed and withdrawn.")] = False,
    levels: Annotated[str | None, typer.Option(help="Several levels, linked, as 5m,30m,1d.")] = None,
    market: Annotated[
        str | None, typer.Option(help="Whose calendar the levels and reset_gap_ms follow: crypto or cn.")
    ] = None,
    nested: Annotated[bool, typer.Option(help="Add the nested intervals of the levels.")] = False,
    at: Annotated[str | None, typer.Option(help="Only bars closed by then: RFC 3339 or Unix ms.")] = None,
    trading_days: Annotated[
        Path | None, typer.Option(help="With --market cn and reset_gap_ms: a file with a trading day a line.")
    ] = None,
) -> None:
    """Read the Chan structure (缠论) of the bars in a file, on one level or on several."""
    from chanflow.domain.errors import InvalidArgument
    from chanflow.interfaces.cli.analyze import read_settings, run_analyze

    if levels is not None:
        from chanflow.interfaces.cli.levels import run_levels

        if output_format == "csv" or list_name is not None or history or trading_days is not None:
            told = "--levels goes with --format json or table, without --list, --history and --trading-days"
            raise InvalidArgument(told)
        run_levels(
            file, levels=levels, market=market, at=at, nested=nested, preset=preset, params=read_settings(set_ or []),
            symbol=symbol, interval=interval, output_format=output_format, plot=plot, repair=repair, out=sys.stdout,
        )  # fmt: skip
        return
    watches = any(setting.partition("=")[0].strip() == "reset_gap_ms" for setting in set_ or [])
    if nested or at is not None or (market is not None and not watches):
        raise InvalidArgument(
            "--nested and --at go with --levels, as in --levels 5m,30m,1d; --market with it or with --set reset_gap_ms"
        )
    run_analyze(
        file, preset=preset, settings=set_ or [], symbol=symbol, interval=interval, output_format=output_format,
        list_name=list_name, plot=plot, repair=repair, history=history, out=sys.stdout, home=_home,
        market=market, trading_days=trading_days,
    )  # fmt: skip


@app.command()
def scan(
    data: Annotated[list[Path], typer.Argument(help="Files of many symbols (Parquet), or one each (CSV).")],
    *,
    preset: Annotated[str, typer.Option(help="Named parameters.")] = "default",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One parameter, as bi_strict=false; may repeat.")
    ] = None,
    interval: Annotated[
        list[str] | None, typer.Option(help="Resample to this first, as 30m or 1d; may repeat, or be 5m,30m.")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="1 1p 2 2s 3a 3b; may repeat, all if left out.")
    ] = None,
    side: Annotated[str | None, typer.Option(help="buy or sell.")] = None,
    state: Annotated[str | None, typer.Option(help="provisional or confirmed.")] = None,
    kind: Annotated[str | None, typer.Option("--of", help="Points of strokes or of segments: stroke, segment.")] = None,
    fresh: Annotated[int | None, typer.Option(help="Only points in so many last bars.")] = None,
    threads: Annotated[int, typer.Option(help="Threads side by side.")] = 2,
    cluster: Annotated[
        str | None, typer.Option(help="Scan on a Dask cluster instead: tcp://host:port of its scheduler.")
    ] = None,
    output_format: Annotated[Literal["json", "table"], typer.Option("--format", help="How to answer.")] = "table",
) -> None:
    """Find the Chan points (买卖点) of a whole market."""
    from chanflow.interfaces.cli.scan import run_scan

    try:
        run_scan(
            data, preset=preset, settings=set_ or [], intervals=interval or [], types=types or [], side=side,
            state=state, kind=kind, fresh_bars=fresh, threads=threads, cluster=cluster, output_format=output_format,
            out=sys.stdout, home=_home,
        )  # fmt: skip
    except KeyboardInterrupt as stop:
        typer.echo("chanflow: interrupted; nothing was kept, give the command again", err=True)
        raise typer.Exit(7) from stop


@app.command()
def certify(
    data: Annotated[list[Path], typer.Argument(help="Bars: CSV, .csv.gz or Parquet, of one or many symbols.")],
    *,
    preset: Annotated[str, typer.Option(help="Named parameters.")] = "default",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One parameter, as bi_strict=false; may repeat.")
    ] = None,
    interval: Annotated[list[str] | None, typer.Option(help="Resample to this; may repeat.")] = None,
    symbol: Annotated[list[str] | None, typer.Option(help="Only this symbol; may repeat.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the certificate here (JSON).")] = None,
    table: Annotated[Path | None, typer.Option(help="Write it as a page here (Markdown).")] = None,
    install: Annotated[
        bool, typer.Option("--install", help="Put it into the data directory: points show its figures from then on.")
    ] = False,
) -> None:
    """Measure how often points hold, how late they are certain, and what entries at them met, costs charged."""
    from chanflow.interfaces.cli.certify import run_certify
    from chanflow.runtime.home import Home

    run_certify(
        data, preset=preset, settings=set_ or [], levels=interval, symbols=symbol, out=out, table=table,
        install_in=Home(_home()) if install else None,
    )  # fmt: skip


@app.command(cls=GreedyCommand)
def features(
    *,
    wire: Annotated[list[Path] | None, typer.Option(help="Recorded raw frames (.txt, .txt.gz), in order.")] = None,
    rows: Annotated[Path | None, typer.Option(help="Unified rows: a folder with SYMBOL/date=…/part-….parquet.")] = None,
    input_: Annotated[
        str | None, typer.Option("--input", help="Unified rows as JSON lines: a file, - is standard input.")
    ] = None,
    symbols: Annotated[
        list[str] | None, typer.Option("--symbols", "--symbol", help="Whose features; may repeat.")
    ] = None,
    venue: Annotated[
        Literal["auto", "binance-usdm", "binance-spot", "binance-coinm", "hyperliquid"],
        typer.Option(help="Whose frames they are."),
    ] = "auto",
    bin_: Annotated[str | None, typer.Option("--bin", help="Width of a bin, as 100ms or 1s; else as set.")] = None,
    out: Annotated[
        str | None, typer.Option(help="FILE.parquet, FILE.jsonl, a folder, or - for lines on standard output.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: out.html or out.png.")] = None,
    z: Annotated[Literal["robust", "ew"], typer.Option(help="Median and MAD, or exponentially weighted.")] = "robust",
    window: Annotated[str | None, typer.Option(help="How far back a z-score compares, as 300s; else as set.")] = None,
    warmup: Annotated[str | None, typer.Option(help="No z-score before so much data, as 60s; else as set.")] = None,
    levels: Annotated[
        int | None, typer.Option(min=0, max=20, help="Levels of MLOFI, with --all-columns: 0, 5 or 10.")
    ] = None,
    all_columns: Annotated[bool, typer.Option("--all-columns", help="Every feature beside the fixed columns.")] = False,
    decimals: Annotated[
        str | None, typer.Option(help="Of prices and quantities in rows, as 2,3; else read off them.")
    ] = None,
    engine: Annotated[
        Literal["native", "reference"], typer.Option(help="The compiled core, or plain Python to check it.")
    ] = "native",
    config: Config = None,
) -> None:
    """Order-flow features (OFI, CVD, z-scores, fusion): one row a bin. Contemporaneous: they do not predict."""
    from chanflow.interfaces.cli.features import Asked, close_quietly, run_features

    asked = Asked(
        wire=wire or (), rows=rows, input_=input_, symbols=symbols or (), venue=venue, bin_=bin_, out=out, plot=plot,
        z=z, window=window, warmup=warmup, levels=levels, all_columns=all_columns, decimals=decimals, engine=engine,
        config=config,
    )  # fmt: skip
    try:
        run_features(asked, sys.stdout.buffer)
    except KeyboardInterrupt as stop:
        typer.echo("chanflow: interrupted; no file was changed", err=True)
        raise typer.Exit(7) from stop
    except BrokenPipeError:
        close_quietly()


@app.command()
def signal(
    more: Annotated[
        list[str] | None, typer.Argument(help="More symbols, after --symbols.", metavar="[SYMBOL]...")
    ] = None,
    *,
    input_: Annotated[str, typer.Option("--input", help="A file or folder of features; - is standard input.")] = "-",
    sink: Annotated[
        Literal["jsonl", "sqlite", "dual", "null"] | None, typer.Option(help="Where decisions go; else as set.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the sinks.")] = Path("runtime"),
    symbols: Annotated[list[str] | None, typer.Option(help="Only these symbols.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on looking for new files in the folder.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Also write every decision to standard output.")] = False,
    run_id: Annotated[str | None, typer.Option(help="Names the run; the same again goes on with it.")] = None,
    since: Annotated[str | None, typer.Option(help="Only rows from this time on: Unix ms or RFC 3339.")] = None,
    poll: Annotated[str, typer.Option(help="How often to look, with --watch.")] = "1s",
    config: Config = None,
    set_: Set = None,
) -> None:
    """Decide on rows of features, and keep every decision. Flow is contemporaneous: it predicts almost nothing."""
    from chanflow.interfaces.cli.signal import run_signal

    if more and not symbols:
        raise typer.BadParameter(f"{more[0]} is no option: name symbols after --symbols")
    with _interruptible():
        run_signal(
            input_=input_, sink=sink, out=out, watch=watch, show=show, run_id=run_id, since=since, poll=poll,
            symbols=[part for text in [*(symbols or ()), *(more or ())] for part in text.split(",") if part],
            config=config, overrides=set_ or [], stdout=sys.stdout, stderr=sys.stderr,
        )  # fmt: skip


@app.command()
def broker(
    *,
    mock: Annotated[
        int, typer.Option(min=0, max=1, help="1: an order line for every signal taken; 0: analyst, gate and venue.")
    ] = 0,
    signal_dir: Annotated[Path, typer.Option(help="The folder of signals: --out of chanflow signal.")] = Path(
        "runtime/ready/signal"
    ),
    output: Annotated[Path, typer.Option(help="With --mock 1: where order lines go.")] = Path(
        "runtime/mock_orders.jsonl"
    ),
    seed: Annotated[int, typer.Option(help="With --mock 1: which normal signals are taken.")] = 42,
    sample_rate: Annotated[
        float, typer.Option("--sample_rate", "--sample-rate", help="With --mock 1: the share of them, 0 to 1.")
    ] = 0.2,
    once: Annotated[bool, typer.Option("--once", help="Take what is there, and end.")] = False,
    venue: Annotated[
        str | None,
        typer.Option(help="With --mock 0: where orders go: paper, binance, okx or hyperliquid; else as settings say."),
    ] = None,
    accept_external: Annotated[
        bool, typer.Option("--accept-external", help="Book what a real venue holds beside our books, and start.")
    ] = False,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Trade the signals of a folder through analyst and gate, on paper or with test money at a venue, or as a mock."""
    from chanflow.interfaces.cli.broker import run_broker

    run_broker(
        mock=mock, signal_dir=signal_dir, output=output, seed=seed, sample_rate=sample_rate, once=once, venue=venue,
        accept_external=accept_external, config=config, overrides=set_ or [], stderr=sys.stderr,
    )  # fmt: skip


@app.command()
def harvest(
    *,
    venue: Annotated[
        str, typer.Option(help="binance-usdm, binance-spot, binance-coinm, hyperliquid or okx.")
    ] = "binance-usdm",
    symbols: Annotated[list[str] | None, typer.Option(help="BTCUSDT,ETHUSDT; may repeat.")] = None,
    output: Annotated[Path | None, typer.Option(help="The directory of this venue.")] = None,
    output_format: Annotated[str | None, typer.Option("--format", help="parquet or jsonl.")] = None,
    max_rows: Annotated[int | None, typer.Option("--rotate.max_rows", help="Close a file after so many rows.")] = None,
    max_sec: Annotated[int | None, typer.Option("--rotate.max_sec", help="Close a file after so many seconds.")] = None,
    layers: Annotated[str | None, typer.Option(help="rows, raw, book; comma-separated, rows,raw if left out.")] = None,
    duration: Annotated[str | None, typer.Option("--for", help="Stop after this, as 90s, 10m or 2h.")] = None,
    from_wire: Annotated[
        list[Path] | None, typer.Option(help="Take recorded frames instead of sockets; may repeat.")
    ] = None,
    url_override: Annotated[list[str] | None, typer.Option(help="NAME=URL of an address; may repeat.")] = None,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Record a venue's market data: raw frames first, then rows, until told to stop."""
    from chanflow.interfaces.cli.harvest import run_harvest

    run_harvest(
        config=config, overrides=set_ or [], venue=venue, symbols=symbols, output=output, part_format=output_format,
        max_rows=max_rows, max_sec=max_sec, layers=layers, duration=duration, from_wire=from_wire, urls=url_override,
    )  # fmt: skip


@app.command()
def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Serve REST and MCP over what the last run left behind."""
    from functools import partial

    from chanflow.interfaces.cli.models import planner_of
    from chanflow.interfaces.cli.serve import serve as serve_forever
    from chanflow.interfaces.cli.services import open_services
    from chanflow.interfaces.rest.frontage import frontage_of
    from chanflow.runtime.settings import load_settings

    loaded = load_settings(config=config, overrides=set_ or [])
    http = loaded.settings.http
    serve_forever(
        open_services(loaded), port=http.port if port is None else port, out=sys.stdout,
        open_planner=partial(planner_of, loaded), frontage=frontage_of(loaded.settings, host),
    )  # fmt: skip


@app.command()
def exchange(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of REST; 0 takes a free one.")] = 0,
    ws_port: Annotated[int, typer.Option(help="Port of WebSocket; 0 takes a free one.")] = 0,
    hyperliquid_port: Annotated[int, typer.Option(help="Port of Hyperliquid's doors; 0 takes a free one.")] = 0,
    source: Annotated[str, typer.Option(help="The market: synthetic, wire:FILE[,FILE…] or lake:DIR.")] = "synthetic",
    symbols: Annotated[list[str] | None, typer.Option(help="Symbols, as BTCUSDT,ETHUSDT; may repeat.")] = None,
    speed: Annotated[str, typer.Option(help="1, 10, max, or step: time moves only when it is told to.")] = "1",
    loop: Annotated[bool, typer.Option("--loop", help="Begin a recording anew when it ends.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market and of chance.")] = 42,
    balance: Annotated[str, typer.Option(help="What a new account has, in USDT.")] = "10000",
    keys: Annotated[Path | None, typer.Option(help="A file of API keys and secrets (YAML or JSON).")] = None,
    latency_ms: Annotated[float, typer.Option(help="How long a command takes to arrive.")] = 2.0,
    clock_skew_ms: Annotated[int, typer.Option(help="By how much the exchange's clock is ahead.")] = 0,
    strict_keys: Annotated[
        bool,
        typer.Option("--strict-keys", help="Refuse keys that are not in --keys; else an unknown one opens an account."),
    ] = False,
    state: Annotated[Path | None, typer.Option(help="A file in which accounts survive a restart.")] = None,
    legacy_ws: Annotated[bool, typer.Option("--legacy-ws", help="Open /ws and /stream too.")] = False,
    faults: Annotated[Path | None, typer.Option(help="A fault script: what goes wrong, and when.")] = None,
    weight_limit: Annotated[int, typer.Option(help="Request weight a minute by address.")] = 2_400,
    orders_10s: Annotated[int, typer.Option(help="Orders in ten seconds by account.")] = 300,
    orders_1m: Annotated[int, typer.Option(help="Orders a minute by account.")] = 1_200,
    print_url: Annotated[bool, typer.Option("--print-url", help="Print the addresses for people, too.")] = False,
) -> None:
    """Emulate Binance USD-M and Hyperliquid on this machine, matching included, for clients with other URLs only."""
    from chanflow.adapters.venues.emulator.limits import Limits
    from chanflow.interfaces.cli.exchange import run_exchange

    run_exchange(
        host=host, port=port, ws_port=ws_port, hyperliquid_port=hyperliquid_port, source=source, symbols=symbols or [],
        speed=speed, loop=loop, seed=seed, balance=balance, keys=keys, latency_ms=latency_ms,
        clock_skew_ms=clock_skew_ms, strict_keys=strict_keys, state=state, legacy_ws=legacy_ws, faults=faults,
        limits=Limits(weight_limit, orders_10s, orders_1m), print_url=print_url, out=sys.stdout,
    )  # fmt: skip


@app.command()
def mcp() -> None:
    """Serve MCP on standard input and output."""
    from chanflow.interfaces.cli.acting import acting_services
    from chanflow.interfaces.cli.serve import mcp_stdio
    from chanflow.runtime.settings import acting_key, load_settings

    key = acting_key()
    mcp_stdio(acting_services(load_settings(config=None, overrides=()), key), key)


@app.command(context_settings=CALL_CONTEXT)
def call(context: typer.Context, operation: Annotated[str | None, typer.Argument()] = None) -> None:
    """Call one operation and print its answer as JSON: chanflow call get_klines --symbol SIMUSDT --level 5m."""
    from functools import partial

    from chanflow.interfaces.cli.acting import acting_services
    from chanflow.interfaces.cli.call import call as call_operation
    from chanflow.runtime.settings import acting_key, load_settings

    settings, key = load_settings(config=None, overrides=()), acting_key()
    opened = partial(acting_services, settings, key)
    raise typer.Exit(call_operation(operation, context.args, opened, out=sys.stdout, key=key))


@feed_app.command("check")
def feed_check(
    files: Annotated[list[Path], typer.Argument(help="Raw frames (.txt.gz), Parquet, or a recorder's CSV.")],
    *,
    venue: Annotated[str | None, typer.Option(help="The files' venue, where they do not tell it.")] = None,
    grid: Annotated[list[str] | None, typer.Option(help="A symbol's tick and step, as BTCUSDT=0.1,0.001.")] = None,
    output_format: Annotated[Literal["json", "table"], typer.Option("--format", help="How to answer.")] = "table",
) -> None:
    """Put files of market data through the quality gate; exits 6 when any row has a code."""
    from chanflow.interfaces.cli.feed_check import run_feed_check

    if not run_feed_check(files, venue=venue, grids=grid or [], output_format=output_format, out=sys.stdout):
        raise typer.Exit(6)


@app.command()
def doctor(
    *,
    lake: Annotated[
        Path | None, typer.Option(help="Compare the files of this lake with its manifests, and do nothing else.")
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Verify the audit's chain and the counters of quotas, and do nothing else.")
    ] = False,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask the providers of models, over the network.")
    ] = False,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Show every setting with its origin, and whether a desk can live in the data directory."""
    from chanflow.interfaces.cli.doctor import doctor as examine
    from chanflow.interfaces.cli.doctor import examine_lake

    if lake is not None:
        examine_lake(lake)
        return
    if audit:
        from chanflow.interfaces.cli.access import run_audit

        run_audit()
        return
    examine(config=config, overrides=set_ or [], online=online)


@app.command("export-decisions")
def export_decisions(
    *,
    out: Annotated[Path, typer.Option(help="Where to write: a file of JSON lines, one chat each.")],
    since: Annotated[str | None, typer.Option(help="Only decisions from then on: 2026-11-21 or RFC 3339, UTC.")] = None,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Write decisions of models as a data set to fine-tune on; secrets and account data are left out."""
    from chanflow.interfaces.cli.export_decisions import run_export

    run_export(out=out, since=since, config=config, overrides=set_ or [])


@app.command()
def budget(
    *,
    days: Annotated[int, typer.Option(help="How many UTC days to show, today among them.")] = 7,
    json_: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Show what models cost, by day, agent and model, and what is left of each limit."""
    from chanflow.interfaces.cli.budget import run_budget
    from chanflow.runtime.clock import SystemClock

    run_budget(
        days=days, config=config, overrides=set_ or [], clock=SystemClock(), as_json=json_, out=sys.stdout
    )  # fmt: skip


@app.command("llm-server")
def llm_server(
    *,
    script: Annotated[
        Path | None, typer.Option(help="What it answers to what (YAML); without it, as a sensible analyst.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.")] = 0,
    model: Annotated[list[str] | None, typer.Option(help="A model it lists; may repeat.")] = None,
) -> None:
    """Serve a stand-in for a language model on this machine: OpenAI's interface, answers by a script, no key."""
    from chanflow.interfaces.cli.llm_server import run_llm_server

    run_llm_server(script=script, port=port, models=model or ["scripted"], out=sys.stdout)


@app.command()
def version() -> None:
    """Print the version."""
    from chanflow import __version__

    typer.echo(__version__)


def main() -> NoReturn:
    """Run the command line; a fault of ours becomes one sentence on standard error and an exit code."""
    from chanflow.domain.errors import (
        BooksDisagree,
        ChanflowError,
        JournalCorrupt,
        JournalDiverged,
        Rejected,
        SettingsInvalid,
        SinkUnwritable,
    )

    try:
        app()
    except ChanflowError as fault:
        typer.echo(f"chanflow: {fault}", err=True)
        match fault:
            case JournalCorrupt() | JournalDiverged():
                sys.exit(6)
            case BooksDisagree():
                sys.exit(5)
            case SinkUnwritable():
                sys.exit(4)
            case Rejected() | SettingsInvalid():
                sys.exit(2)
        sys.exit(1)
    sys.exit(0)
