"""`chanflow replay`: the same run again, and every record compared."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from chanflow.interfaces.cli.models import models_again
from chanflow.runtime.run import replay


def run_replay(journal: Path, data: Path | None) -> None:
    """Replay a journal and say so; a divergence, an altered file or an unfinished run ends with exit code 6."""
    replayed = asyncio.run(replay(journal, data=data, make_model=models_again))
    if replayed.other_code:
        typer.echo("note: other code made this journal; this code gives every record the same")
    typer.echo(f"replayed {replayed.records} records, each byte for byte the same")
    typer.echo(f"journal sha256: {replayed.journal_sha256}")
