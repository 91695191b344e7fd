"""Positions in the log of what happened, as callers see them: opaque text that grows."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import StringConstraints

from chanflow.operations.outcome import Declined

_CURSOR = re.compile(r"e([0-9]{16})")
LogCursor = Annotated[str, StringConstraints(pattern=r"^e[0-9]{16}$")]


def cursor_of(seq: int) -> str:
    """Return the cursor of a number of the log; later ones are greater as text, too."""
    return f"e{seq:016d}"


def seq_of(cursor: str) -> int:
    """Return the number of a cursor. Raises Declined for what is none."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Declined("invalid_argument", "after is none of our cursors", field="after")
    return int(found[1])
