"""The rows of a recording of raw frames through the gate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING

from chanflow_native import Intake

from chanflow.domain.errors import RecordingInvalid
from chanflow.market.row_check import Grid, RowCheck

if TYPE_CHECKING:
    from chanflow.market.quality_report import QualityReport
    from chanflow.market.wire_file import WireFile

_LOOKED_AT_CHUNKS = 4
"""How much of a recording is looked at for its venue and symbols: so many chunks of at most a MiB."""

# In this order: what stands first decides.
_SIGNS = (
    (b'"channel":', "hyperliquid"),
    (b'"instId":', "okx"),
    (b'"ps":', "binance-coinm"),
    (b'"pu":', "binance-usdm"),
    (b'"X":', "binance-usdm"),
    (b'"M":', "binance-spot"),
    (b'"depthUpdate"', "binance-spot"),
)
_SYMBOL = re.compile(rb'"(?:s|coin|instId)":"([A-Za-z0-9_:/.-]{1,32})"')
_NUMBER = rb'"[0-9]+\.?([0-9]*)"'
_PAIR = re.compile(rb"\[" + _NUMBER + rb"," + _NUMBER)
_PRICE = re.compile(rb'"(?:p|b|a|c|px|markPx|bidPx|askPx)":' + _NUMBER)
_QTY = re.compile(rb'"(?:q|B|A|sz|bidSz|askSz|v)":' + _NUMBER)
_DECIMALS_MAX = 18


def check_wire(file: WireFile, *, venue: str | None = None, grids: Mapping[str, Grid] | None = None) -> QualityReport:
    """Return what the gate finds in the rows that an intake makes of a recording.

    The venue and the symbols with their decimals are read off its first MiBs. Without a rule in `grids` a symbol's
    prices are on no grid. Raises RecordingInvalid where no venue or symbol can be told, or the file cannot be read.
    """
    chunks = file.chunks()
    begin = list(islice(chunks, _LOOKED_AT_CHUNKS))
    venue, decimals = _told(b"".join(begin), file.path.name, venue)
    unknown = sorted(set(grids or {}) - set(decimals))
    if unknown:
        raise RecordingInvalid(f"{file.path.name} has no symbol {unknown[0]}, it has {', '.join(decimals)}")
    try:
        intake = Intake(venue, decimals)
        check = RowCheck(venue, {symbol: (grids or {}).get(symbol) for symbol in decimals})
    except ValueError as fault:
        raise RecordingInvalid(f"{file.path.name}: {fault}") from fault
    dead: list[tuple[int, bytes, str]] = []
    dead_count = 0
    gaps: dict[str, int] = {}
    for lines in _whole_lines(chain(begin, chunks)):
        intake.feed(lines)
        taken = intake.take()
        check.push(taken["rows"])
        dead_count += len(taken["dead"])
        dead += taken["dead"][: 1 - len(dead)]
        for gap in taken["gaps"]:
            gaps[gap["reason"]] = gaps.get(gap["reason"], 0) + 1
    notes = []
    if dead_count:
        received_ns, _, what = dead[0]
        notes.append(f"{dead_count:,} lines are no frames; the first, received at {received_ns} ns: {what}")
    notes += [f"{count:,} gaps of the stream: {reason}" for reason, count in sorted(gaps.items())]
    return check.report(file.path.name, notes=tuple(notes))


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        whole, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield rest + whole + newline
            rest = tail
        else:
            rest += chunk
    if rest:
        yield rest + b"\n"


def _told(text: bytes, name: str, venue: str | None) -> tuple[str, dict[str, tuple[int, int]]]:
    found = venue or next((told for sign, told in _SIGNS if sign in text), None)
    if found is None:
        raise RecordingInvalid(f"{name} shows no venue in its frames; name it with --venue")
    decimals: dict[str, tuple[int, int]] = {}
    for line in text.splitlines():
        symbol = _SYMBOL.search(line)
        if symbol is None:
            continue
        word = symbol[1].decode()
        price, qty = decimals.get(word, (0, 0))
        pairs = _PAIR.findall(line)
        price = max([price, *(len(p) for p, _ in pairs), *map(len, _PRICE.findall(line))])
        qty = max([qty, *(len(q) for _, q in pairs), *map(len, _QTY.findall(line))])
        decimals[word] = min(price, _DECIMALS_MAX), min(qty, _DECIMALS_MAX)
    if not decimals:
        raise RecordingInvalid(f"{name} names no symbol in its frames")
    return found, decimals
