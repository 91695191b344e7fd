"""The lines of a folder's signal files, each once, while the files grow, are rotated, renamed or replaced.

A file is known by its inode and its first bytes, not by its name: one that is renamed is read on, one that is replaced
is read from its beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_LINE_BYTES = 1 << 20
"""A longer line is no signal; it is passed over in pieces, so it takes no memory."""
PATTERN = "signals_*.jsonl"
RENAMED = "signals_*.jsonl.*"
HEAD_BYTES = 256


@dataclass(frozen=True, slots=True)
class FilePlace:
    """How far a file was read: its first bytes' SHA-256 and their number, its whole lines, and the bytes they take."""

    head: str = ""
    head_bytes: int = 0
    lines: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line: its file, number and bytes, None for one that is too long; and the place behind it."""

    path: Path
    inode: int
    number: int
    line: bytes | None
    place: FilePlace


def new_lines(folder: Path, places: Mapping[int, FilePlace]) -> Iterator[FileLine]:
    """Yield the whole lines that `places` (by inode) do not have yet, files in the order of their names.

    Blank lines are passed over. Raises OSError for a folder or file that cannot be read.
    """
    for path in sorted(folder.glob(PATTERN)):
        yield from _lines_of(path, places, known_only=False)
    # A rotation may have renamed a file before all of it was read.
    for path in sorted(folder.glob(RENAMED)):
        yield from _lines_of(path, places, known_only=True)


def _lines_of(path: Path, places: Mapping[int, FilePlace], *, known_only: bool) -> Iterator[FileLine]:
    try:
        inode = path.stat().st_ino
        if known_only and inode not in places:
            return
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        place = _place_in(file, places.get(inode, FilePlace()))
        if known_only and place.size == 0:
            return
        file.seek(place.size)
        number, size = place.lines, place.size
        for line, length in _whole_lines(file):
            number, size = number + 1, size + length
            if line is None or line.strip():
                yield FileLine(path, inode, number, line, FilePlace(*_head(file, size), number, size))


def _place_in(file: BinaryIO, place: FilePlace) -> FilePlace:
    """Return the place, or the beginning where this is another file than it speaks of."""
    file.seek(0, 2)
    if file.tell() < place.size:
        return FilePlace()
    file.seek(0)
    same = hashlib.sha256(file.read(place.head_bytes)).hexdigest() == place.head
    return place if same else FilePlace()


def _head(file: BinaryIO, size: int) -> tuple[str, int]:
    """Return the fingerprint of a file of which `size` bytes were read, its own place unmoved."""
    at = file.tell()
    file.seek(0)
    head = file.read(min(HEAD_BYTES, size))
    file.seek(at)
    return hashlib.sha256(head).hexdigest(), len(head)


def _whole_lines(file: BinaryIO) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line that has its end, and its length in bytes; None for one that is too long."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        length, whole = len(line), line.endswith(b"\n")
        kept: bytes | None = line
        while not whole and (more := file.readline(MAX_LINE_BYTES)):
            length, whole, kept = length + len(more), more.endswith(b"\n"), None
        if not whole:
            return  # it is being written
        yield (kept if length <= MAX_LINE_BYTES + 1 else None), length
