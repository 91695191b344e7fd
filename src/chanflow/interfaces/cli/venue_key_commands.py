"""`chanflow venue-key`: its verbs and their options. What they do stands in `venue_key.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

venue_key_app = typer.Typer(
    help="Keys of trading venues, encrypted in the data directory.", add_completion=False, no_args_is_help=True,
    pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip

Venue = Annotated[Literal["binance", "hyperliquid", "okx"], typer.Argument(help="Whose keys.")]
Environment = Annotated[Literal["testnet", "live", "loopback"], typer.Option(help="Where they are good.")]
KeyFile = Annotated[
    Path | None, typer.Option(help="A file of mode 0600 that opens the keys, in place of a passphrase.")
]


@venue_key_app.command()
def add(venue: Venue, *, environment: Environment = "testnet", key_file: KeyFile = None) -> None:
    """Keep a venue's keys: asks for them, or reads them from standard input, one a line."""
    from chanflow.interfaces.cli.venue_key import run_add

    run_add(venue, environment, key_file)


@venue_key_app.command("list")
def list_(*, key_file: KeyFile = None) -> None:
    """Show which keys are kept, by their last letters."""
    from chanflow.interfaces.cli.venue_key import run_list

    run_list(key_file)


@venue_key_app.command()
def remove(venue: Venue, *, environment: Environment = "testnet", key_file: KeyFile = None) -> None:
    """Forget a venue's keys."""
    from chanflow.interfaces.cli.venue_key import run_remove

    run_remove(venue, environment, key_file)
