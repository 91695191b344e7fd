"""Positions in the desk's journal, as callers see them: opaque text that grows, from run to run, too."""

from __future__ import annotations

import re

_CURSOR = re.compile(r"j([0-9]{6})([0-9]{10})")
_RECORDS = 10**10
"""More than a run can have."""


class CursorExpired(Exception):
    """A cursor is too old to go on from."""


def place_of(run: int, seq: int) -> int:
    """Return the place of a record: places grow with the record and with the run. That of a run's begin is one less."""
    return run * _RECORDS + seq + 1


def desk_cursor(place: int) -> str:
    """Return the cursor of a place; later ones are greater as text, too."""
    return f"j{place // _RECORDS:06d}{place % _RECORDS:010d}"


def desk_place(cursor: str) -> int:
    """Return the place of a cursor. Raises ValueError for one of another log."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ValueError("after is no cursor of this channel")
    return int(found[1]) * _RECORDS + int(found[2])
