"""`chanflow export-decisions`: decisions of models with their outcomes, as a data set to fine-tune on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_S, parse_rfc3339


def run_export(*, out: Path, since: str | None, config: Path | None, overrides: Sequence[str]) -> None:
    """Write the file and say what is in it. Raises InvalidArgument, JournalCorrupt, StorageUnwritable."""
    from chanflow.runtime.decision_export import export_decisions
    from chanflow.runtime.home import Home
    from chanflow.runtime.settings import load_settings

    since_ns = 0 if since is None else _moment(since)
    loaded = load_settings(config=config, overrides=overrides)
    keys = [each.api_key.get_secret_value() for each in loaded.settings.providers.values()]
    done = export_decisions(Home(loaded.home), out, since_ns=since_ns, keys=keys)
    left = f"; {done.unanswered} decisions without an answer are left out" if done.unanswered else ""
    typer.echo(f"{out}: {done.examples} decisions of {done.runs} runs{left}")


def _moment(text: str) -> int:
    try:
        if len(text) == len("2026-11-21"):
            return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * NS_PER_S
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise InvalidArgument(
            f"--since is {text[:40]!r}, a day like 2026-11-21 or a time like 2026-11-21T12:00:00Z is needed",
            field="since",
        ) from None
