"""`chanflow alerts`: its verbs and their options. What they do stands in `alerts.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

alerts_app = typer.Typer(
    help="Alerts: where they go, which wait, and whether each channel works.", add_completion=False,
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip

Config = Annotated[Path | None, typer.Option("--config", help="A settings file (YAML).")]
Set = Annotated[list[str] | None, typer.Option("--set", help="One setting, as alerts.keep=500; may repeat.")]


@alerts_app.command()
def status(*, config: Config = None, set_: Set = None) -> None:
    """Show each channel: what it is told, what waits in it, and how often it failed."""
    from chanflow.interfaces.cli.alerts import run_status

    run_status(config, set_ or [])


@alerts_app.command("test")
def try_(
    channel: Annotated[str | None, typer.Argument(help="Only this channel; else all.")] = None,
    *,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Send a test message over the channels; exits 6 where one does not take it."""
    from chanflow.interfaces.cli.alerts import run_test

    if not run_test(channel, config, set_ or []):
        raise typer.Exit(6)


@alerts_app.command("list")
def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many, the newest first.")] = 20,
    config: Config = None,
    set_: Set = None,
) -> None:
    """List the newest alerts, and what became of each."""
    from chanflow.interfaces.cli.alerts import run_list

    run_list(limit, config, set_ or [])
