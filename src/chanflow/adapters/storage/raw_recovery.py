"""What a killed recorder left: whole gzip members are kept, the torn tail is cut."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chanflow.domain.time import NS_PER_MS, utc_date

RAW_PREFIX = "raw+"
"""Staged raw files are called `raw+{symbol}+{stem}.txt.gz`."""

_GZIP_WINDOW = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class RecoveredRaw:
    """Where a recovered file belongs, and what its manifest line says of it."""

    symbol: str
    date: str
    stem: str
    entry: dict[str, Any]


def recovered(left: Path) -> RecoveredRaw | None:
    """Cut a staged raw file behind its last whole member and return its place, or None when nothing is whole."""
    parts = left.name.removesuffix(".txt.gz").split("+")
    if len(parts) != 3 or not left.name.endswith(".txt.gz"):
        return None
    _, symbol, stem = parts
    # The tail that is lost was written before the file's last change.
    ended_ms = left.stat().st_mtime_ns // NS_PER_MS
    keep, times_ns = _whole(left.read_bytes())
    if not times_ns:
        return None
    with left.open("r+b") as file:
        cut_bytes = file.seek(0, os.SEEK_END) - keep
        file.truncate(keep)
        os.fsync(file.fileno())
    first_ms, last_ms = min(times_ns) // NS_PER_MS, max(times_ns) // NS_PER_MS
    gap = {"from_ms": last_ms, "to_ms": max(ended_ms, last_ms), "reason": "killed", "cut_bytes": cut_bytes}
    entry = {
        "layer": "raw",
        "symbol": symbol,
        "rows": len(times_ns),
        "first_ts_ms": first_ms,
        "last_ts_ms": last_ms,
        "recovered": True,
        "gaps": [gap],
    }
    return RecoveredRaw(symbol, utc_date(min(times_ns)), stem, entry)


def _whole(data: bytes) -> tuple[int, list[int]]:
    """Return how many bytes are whole members, and the receive times of their frames."""
    view, keep = memoryview(data), 0
    times_ns: list[int] = []
    while keep < len(data):
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            text = member.decompress(view[keep:])
        except zlib.error:
            break
        if not member.eof:
            break
        for line in text.split(b"\n"):
            head = line[:20].partition(b" ")[0]
            if head.isdigit():
                times_ns.append(int(head))
        keep = len(data) - len(member.unused_data)
    return keep, times_ns
