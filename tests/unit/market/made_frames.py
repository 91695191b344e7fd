"""Frames made up for the tests of recordings: the shapes of Binance USD-M, the numbers our own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

START_MS = 1_767_571_200_000
"""2026-01-05T00:00:00Z."""


def _line(ms: int, frame: dict[str, Any]) -> str:
    return f"{ms * 1_000_000 + 40_000_000} {json.dumps(frame, separators=(',', ':'))}"


def _stream(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"stream": f"simusdt@{kind}", "data": data}


def quote(ms: int, update_id: int, *, bid: str = "100.00", ask: str = "100.02", symbol: str = "SIMUSDT") -> str:
    data = {"e": "bookTicker", "u": update_id, "s": symbol, "b": bid, "B": "2.500", "a": ask, "A": "1.250"}
    return _line(ms, _stream("bookTicker", data | {"T": ms, "E": ms}))


def trade(ms: int, trade_id: int, *, price: str = "100.02", qty: str = "0.010", sold: bool = False) -> str:
    data = {
        "e": "trade",
        "E": ms,
        "T": ms,
        "s": "SIMUSDT",
        "t": trade_id,
        "p": price,
        "q": qty,
        "X": "MARKET",
        "m": sold,
    }
    return _line(ms, _stream("trade", data))


def diff(ms: int, first_id: int, final_id: int, prev_id: int, *, bids: Any = (), asks: Any = ()) -> str:
    data = {"e": "depthUpdate", "E": ms, "T": ms, "s": "SIMUSDT", "U": first_id, "u": final_id, "pu": prev_id}
    return _line(ms, _stream("depth@100ms", data | {"b": list(bids), "a": list(asks)}))


def snapshot(ms: int, last_id: int) -> str:
    book = {"bids": [["100.00", "2.500"], ["99.99", "4.000"]], "asks": [["100.02", "1.250"], ["100.03", "3.000"]]}
    return _line(ms, {"lastUpdateId": last_id, "E": ms, "T": ms, **book})


def sound_lines(seconds: int = 20) -> list[str]:
    """Return a recording in which the book is synced from its third line on: four frames a second."""
    lines = [quote(START_MS, 10), diff(START_MS, 8, 10, 7), snapshot(START_MS + 50, 10)]
    for second in range(1, seconds + 1):
        ms, update_id = START_MS + second * 1_000, 10 + second * 10
        lines += [
            diff(ms, update_id - 9, update_id, update_id - 10, bids=[["99.98", f"{second}.000"]]),
            quote(ms + 100, update_id + 1),
            trade(ms + 200, second * 2, price="100.02"),
            trade(ms + 300, second * 2 + 1, price="100.00", sold=True),
        ]
    return lines


def write_text(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def write_gzip(path: Path, lines: list[str], *, members: int = 1) -> Path:
    """Write lines in gzip members of about equal size, as a recorder that closes one every second does."""
    size = -(-len(lines) // members)
    blocks = ["".join(f"{line}\n" for line in lines[start : start + size]) for start in range(0, len(lines), size)]
    path.write_bytes(b"".join(gzip.compress(block.encode(), mtime=0) for block in blocks))
    return path
