"""The halt file: `HALT` in the data directory. Its presence halts; nobody needs the program to write it.

Its first line is the reason; a line that says `close` asks for positions to be closed too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chanflow.domain.command import HaltCommand

if TYPE_CHECKING:
    from chanflow.runtime.home import Home

NAME = "HALT"
CLOSE_LINE = "close"
"""A line that asks for positions to be closed too."""
MOST_BYTES = 4_096


def halt_command(told: str) -> HaltCommand:
    """Return the halt that the file's words ask for; its first line, cut to a sentence, is the reason."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    said = [line for line in lines if line != CLOSE_LINE]
    return HaltCommand(said[0][:200] if said else "the file HALT is there", len(said) < len(lines), "file")


def halt_text(root: Path) -> str | None:
    """Return what the file says, cut to 4 KB; None where there is none. One that cannot be read still halts."""
    path = root / NAME
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError:
        return "the file HALT cannot be read"


def write_halt(root: Path, reason: str, *, close: bool) -> Path:
    """Write the file and return where it lies. Raises OSError."""
    from chanflow.runtime.home import publish

    root.mkdir(parents=True, exist_ok=True)
    first = " ".join(reason.split()) or "halted by an operator"
    publish(root / NAME, (first + "\n" + (f"{CLOSE_LINE}\n" if close else "")).encode())
    return root / NAME


def carry_halt(home: Home, prefix: str) -> str | None:
    """Write the file where the newest run of that prefix stood halted, or cannot be read; return why, else None.

    For a desk that begins a run of its own: one that goes on with its journal finds its halt there.
    """
    from chanflow.domain.errors import JournalCorrupt
    from chanflow.review.journal import read_records

    mine = [folder for folder in home.runs() if folder.run_id.startswith(prefix)]
    if not mine or not mine[-1].journal_path.exists():
        return None
    why: str | None = None
    try:
        for record in read_records(mine[-1].journal_path, torn_tail=True):
            if record.kind == "halt":
                why = f"the desk was halted when it last ran: {record.body['why']}" if record.body["halted"] else None
    except (JournalCorrupt, KeyError, TypeError):
        why = "the last run's journal cannot be read, so nobody knows where its risk stood"
    if why is not None and halt_text(home.root) is None:
        write_halt(home.root, why, close=False)
    return why
