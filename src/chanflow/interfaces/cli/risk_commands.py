"""`chanflow risk`, `halt`, `resume` and `approve`: verbs and options. What they do stands in `risk.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

risk_app = typer.Typer(
    help="Risk: check, status, ladder, wall, limits, evaluate, serve.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip

Config = Annotated[Path | None, typer.Option("--config", help="A settings file (YAML).")]
Who = Annotated[str, typer.Option(help="Who says so; it stands in the journal.")]
OPERATOR = "the operator"
Set = Annotated[list[str] | None, typer.Option("--set", help="One setting, as risk.max_leverage=3; may repeat.")]


@risk_app.command()
def check(
    *,
    signal: Annotated[str, typer.Option(help="A file of JSON lines, or - for standard input.")],
    position: Annotated[Path | None, typer.Option(help="A position held, as JSON.")] = None,
    market: Annotated[Path | None, typer.Option(help="The market, as JSON; what is missing refuses.")] = None,
    account: Annotated[Path | None, typer.Option(help="The account, as JSON; else the starting capital.")] = None,
    explain: Annotated[bool, typer.Option(help="Show the checks that passed too.")] = False,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Say what the gate would do with each signal: JSON lines in and out; a refusal is an answer and exits 0."""
    from chanflow.domain.errors import InvalidArgument
    from chanflow.interfaces.cli import risk
    from chanflow.runtime.clock import SystemClock
    from chanflow.runtime.settings import load_settings
    from chanflow.runtime.wiring import limits_of

    settings = load_settings(config=config, overrides=set_ or []).settings
    given: dict[str, Any] = {
        "position": risk.one_object(position, "position"), "market": risk.one_object(market, "market"),
        "account": risk.one_object(account, "account"),
    }  # fmt: skip
    asked: dict[str, Any] = {
        "settings": settings, "limits": limits_of(settings.risk), "now_ns": SystemClock().now_ns(), "explain": explain,
    }  # fmt: skip
    if signal == "-":
        risk.check(sys.stdin, sys.stdout, **asked, **given)
        return
    try:
        with Path(signal).open(encoding="utf-8", errors="replace") as lines:
            risk.check(lines, sys.stdout, **asked, **given)
    except OSError as fault:
        raise InvalidArgument("--signal names a file that cannot be read", field="signal") from fault


@risk_app.command()
def status() -> None:
    """Where risk stands, of the running desk; of one that ended, its last steps."""
    from chanflow.interfaces.cli import risk
    from chanflow.runtime.settings import home_directory

    root = home_directory()
    answer = risk.ask_door(root, "/risk/state", None)
    if answer is not None:
        typer.echo(json.dumps(answer, sort_keys=True))
        return
    journal = risk.newest_journal(root)
    last = {kind: list(risk.history(journal, kind))[-1:] for kind in ("ladder", "loss_wall", "halt", "account")}
    typer.echo(json.dumps({kind: json.loads(found[0]) if found else None for kind, found in last.items()}))


@risk_app.command()
def ladder(
    *, history: Annotated[bool, typer.Option("--history", help="Every step in every run, with its evidence.")] = False
) -> None:
    """The permission ladder's table, or the steps it took."""
    from chanflow.interfaces.cli import risk
    from chanflow.risk.ladder import LADDER
    from chanflow.runtime.settings import home_directory

    if history:
        for line in risk.ladder_history(home_directory(), lambda words: typer.echo(f"chanflow: {words}", err=True)):
            typer.echo(line)
        return
    typer.echo("level  max position  max leverage  min confidence  openings a day")
    for rung in LADDER.values():
        trades = "no cap" if rung.opening_trades_per_day is None else str(rung.opening_trades_per_day)
        typer.echo(
            f"{rung.level:<6} {rung.max_position_frac * 100:>10.0f} %  {rung.max_leverage:>12}  "
            f"{rung.min_confidence:>14}  {trades:>14}"
        )


@risk_app.command()
def wall(
    *,
    lift: Annotated[bool, typer.Option("--lift", help="Lift it before its time; needs a note.")] = False,
    note: Annotated[str, typer.Option(help="Why it may be lifted.")] = "",
    who: Who = OPERATOR,
) -> None:
    """The loss wall's steps in the newest run; or lift it, where a desk runs."""
    from chanflow.interfaces.cli import risk
    from chanflow.runtime.settings import home_directory

    if lift:
        _told("/risk/wall", {"who": who, "note": note})
        return
    for line in risk.history(risk.newest_journal(home_directory()), "loss_wall"):
        typer.echo(line)


@risk_app.command()
def limits(
    *,
    codes: Annotated[bool, typer.Option(help="Every code of a refusal, and what it means.")] = False,
    config: Config = None,
    set_: Set = None,
) -> None:
    """The limits in force."""
    from chanflow.interfaces.cli import risk
    from chanflow.runtime.settings import load_settings
    from chanflow.runtime.wiring import limits_of

    settings = load_settings(config=config, overrides=set_ or []).settings
    for line in risk.limits_lines(limits_of(settings.risk), codes=codes):
        typer.echo(line)


@risk_app.command()
def evaluate(
    *,
    trades: Annotated[Path, typer.Option(help="Closed trades, JSON lines: closed_at, net_quote, notional_quote.")],
    equity: Annotated[Path, typer.Option(help="Days, JSON lines: day, equity.")],
    level: Annotated[Literal["L0", "L1", "L2", "L3", "L4", "L5"], typer.Option(help="Where the desk stands.")] = "L2",
) -> None:
    """What the ladder would do after these trades and days, with each number."""
    from chanflow.domain.errors import InvalidArgument
    from chanflow.interfaces.cli import risk
    from chanflow.risk.limits import Limits

    try:
        with trades.open(encoding="utf-8") as closed, equity.open(encoding="utf-8") as days:
            typer.echo(risk.evaluated(closed, days, level=level, limits=Limits()))
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidArgument("--trades and --equity name files of text that can be read", field="trades") from fault


@risk_app.command()
def serve(
    *,
    bus: Annotated[Path, typer.Option(help="The message log, an SQLite file; made where there is none.")],
    config: Config = None,
    set_: Set = None,
) -> None:
    """The gate alone: judges each trade_proposal on a bus and publishes approved_order or refusal."""
    import asyncio
    import signal

    from chanflow.runtime.clock import SystemClock, SystemRandomness
    from chanflow.runtime.risk_stage import serve_risk
    from chanflow.runtime.settings import load_settings

    loaded = load_settings(config=config, overrides=set_ or [])

    async def judge() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serve_risk(
            loaded.settings, loaded.home, bus, clock=SystemClock(), randomness=SystemRandomness(), stop=stop,
            on_note=lambda words: typer.echo(f"chanflow: {words}", err=True),
        )  # fmt: skip

    asyncio.run(judge())


def halt(
    *,
    close: Annotated[bool, typer.Option("--close", help="Close the positions too.")] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "halted by an operator",
) -> None:
    """Open nothing from now on. Told to the running desk; where none answers, the file HALT is written for it."""
    from chanflow.interfaces.cli import risk
    from chanflow.runtime.halt_file import write_halt
    from chanflow.runtime.settings import home_directory

    root = home_directory()
    answer = risk.ask_door(root, "/risk/halt", {"reason": reason, "close": close})
    if answer is not None and answer.get("status") == "done":
        typer.echo(json.dumps(answer, sort_keys=True))
        return
    path = write_halt(root, reason, close=close)
    typer.echo(f"chanflow: no desk answered, so {path} says it: a desk that runs or starts here halts on it")


def resume(*, note: Annotated[str, typer.Option(help="Why the desk may open again.")]) -> None:
    """Let the halted desk open again; needs the file HALT gone and books that agree."""
    _told("/risk/resume", {"note": note})


def approve(
    proposal_id: Annotated[str | None, typer.Argument(help="Which; without one, what waits is listed.")] = None,
    *,
    deny: Annotated[bool, typer.Option("--deny", help="Refuse it instead.")] = False,
    who: Who = OPERATOR,
) -> None:
    """Approve or deny a proposal that waits for a person, or list those that do; a paper desk asks nobody."""
    _told("/risk/approve", {} if proposal_id is None else {"proposal_id": proposal_id, "deny": deny, "who": who})


def _told(path: str, body: dict[str, Any]) -> None:
    from chanflow.interfaces.cli import risk
    from chanflow.runtime.settings import home_directory

    answer = risk.ask_door(home_directory(), path, body)
    if answer is None:
        typer.echo("chanflow: no desk runs here: start one with chanflow up", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps(answer, sort_keys=True))
    if answer.get("status") == "refused" or "code" in answer:
        raise typer.Exit(1)
