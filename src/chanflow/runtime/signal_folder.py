"""A folder of signals as a broker takes them: each confirmed one once, whatever files it stands in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from chanflow.adapters.storage.signal_tail import FilePlace, new_lines
from chanflow.domain.canonical import decimal_text, plain
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.signal import Signal
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.runtime.broker_signals import BadLine, read_line
from chanflow.runtime.codec import decode

NOTED_OF_A_KIND = 5
MOST_AHEAD_NS = 60 * NS_PER_S
"""A signal may be known so long after now: clocks differ."""

Row = Mapping[str, Any]


class SignalFolder:
    """Reads on where the last reading ended; what was taken before, or cannot be taken, is passed over."""

    def __init__(self, folder: Path, clock: Clock, *, on_note: Callable[[str], object]) -> None:
        self._folder, self._clock, self._on_note = folder, clock, on_note
        self._places: dict[int, FilePlace] = {}
        self._done: set[str] = set()
        self.passed_over: Counter[str] = Counter()

    def done(self, signal_ids: Iterable[str]) -> None:
        """Never give these signals."""
        self._done.update(signal_ids)

    def new(self) -> Iterator[Row]:
        """Yield each confirmed signal that has come, as a sink keeps it with its price."""
        try:
            for each in new_lines(self._folder, self._places):
                self._places[each.inode] = each.place
                row = signal_row(each.line)
                if row is not None and not isinstance(row, BadLine) and self._is_ahead(row):
                    # The paper desk's time is that of its signals: one from far ahead would make all others late.
                    row = BadLine("bad_field", "is from the future")
                if isinstance(row, BadLine):
                    self.passed_over[row.code] += 1
                    if self.passed_over[row.code] <= NOTED_OF_A_KIND:
                        self._on_note(f"passed over: {each.path.name} line {each.number} {row.why}")
                elif row is not None and row["signal_id"] not in self._done:
                    self._done.add(row["signal_id"])
                    yield row
        except OSError as fault:
            self._on_note(f"{self._folder} cannot be read: {(fault.strerror or str(fault)).lower()}")

    def _is_ahead(self, row: Row) -> bool:
        newest_ms = max(row["ts_ms"], row["known_ms"])
        return bool(newest_ms * NS_PER_MS > self._clock.now_ns() + MOST_AHEAD_NS)


def signal_row(line: bytes | None) -> Row | BadLine | None:
    """Return the confirmed signal that a line spells as a journal keeps it, None for one that is not confirmed.

    The analyst reads the whole signal, so a line of another shape than this version's is passed over.
    """
    found = read_line(line)
    if found is None or isinstance(found, BadLine):
        return found
    assert line is not None
    try:
        row: Row = plain(decode(Signal, json.loads(line) | {"price": decimal_text(found.price)}))
    except (InvalidArgument, ValueError, TypeError) as fault:
        field = getattr(fault, "field", None)
        return BadLine("bad_field", f"is no signal of this version{f': see {field}' if field else ''}")
    return row
