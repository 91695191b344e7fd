"""Long answers in parts of at most 4 kB: the newest rows first, and a handle for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from chanflow.operations.outcome import compact_json
from chanflow.operations.tool_rows import Rows, Told, ToolRow

MAX_BYTES = 4_096
"""Bytes of UTF-8 that one part may have."""
_MARGIN = 160
"""Room for what is said of the cut."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part as a model sees it, its ids, when the last of it was known, and the rest, if there is any."""

    text: str
    refs: tuple[str, ...]
    known_ns: int
    rest: Told | None


def part_of(told: Told, *, left_out: int, handle: str) -> Part:
    """Return the newest part. `left_out` is how many rows were not known yet, `handle` what the rest is asked for by.

    At least one row is taken, so that asking on comes to an end; one that is too long for any part is named only.
    """
    room = MAX_BYTES - _MARGIN - _size(told.head) - sum(_size(part.name) + 4 for part in told.lists)
    taken: set[tuple[int, int]] = set()
    too_long = 0
    for number, row in _newest_first(told.lists):
        size = _size(told.lists[number].rows[row].shown) + 1
        if size > room and taken:
            break
        taken.add((number, row))
        if size > room:
            too_long = 1
            break
        room -= size
    shown = _kept(told.lists, taken, inside=True)
    rest = _kept(told.lists, taken, inside=False)
    left = sum(len(part.rows) for part in rest)
    rows = [] if too_long else [row for part in shown for row in part.rows]
    body: dict[str, Any] = dict(told.head)
    body |= {part.name: [] if too_long else [row.shown for row in part.rows] for part in shown}
    if too_long:
        body["too_long_to_show"] = too_long
    if left_out:
        body["left_out_as_not_known_yet"] = left_out
    if left:
        body["cut"] = {"rows": left, "handle": handle}
    return Part(
        compact_json(body),
        tuple(dict.fromkeys(ref for row in rows for ref in row.refs)),
        max((row.known_ns for row in rows), default=told.known_ns),
        replace(told, lists=rest) if left else None,
    )


def _newest_first(lists: Sequence[Rows]) -> Iterator[tuple[int, int]]:
    """Yield list and row numbers, the newest of each list in turn."""
    orders = [
        [(at, row) for row in (reversed(range(len(part.rows))) if part.newest_last else range(len(part.rows)))]
        for at, part in enumerate(lists)
    ]
    for rank in zip_longest(*orders):
        yield from (each for each in rank if each is not None)


def _kept(lists: Sequence[Rows], taken: set[tuple[int, int]], *, inside: bool) -> tuple[Rows, ...]:
    def chosen(at: int, rows: Sequence[ToolRow]) -> tuple[ToolRow, ...]:
        return tuple(row for number, row in enumerate(rows) if ((at, number) in taken) is inside)

    return tuple(replace(part, rows=chosen(at, part.rows)) for at, part in enumerate(lists))


def _size(value: Any) -> int:
    return len(compact_json(value).encode())
