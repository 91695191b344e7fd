"""How far long work of a command is, on standard error, where that is a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chanflow.runtime.rerun import OnShare


@contextmanager
def shown_progress(words: str) -> Iterator[OnShare]:
    """Give what takes the share that is done, from 0 to 1, and shows it until the block ends."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(words, total=1.0)
        yield lambda share: bar.update(task, completed=share)
