"""The halt file: `HALT` in the data directory. Its presence halts; nobody needs the program to write it.

Its first line is the reason; a line that says `close` asks for positions to be closed too.
"""

from __future__ import annotations

from pathlib import Path

NAME = "HALT"
MOST_BYTES = 4_096


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
    publish(root / NAME, (first + "\n" + ("close\n" if close else "")).encode())
    return root / NAME
