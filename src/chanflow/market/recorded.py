"""Recorded raw frames as a market. The file is read twice: once to judge all of it, once to hand out its events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chanflow_native import Preflight, WireParser, join_batches

from chanflow.domain.errors import RecordingInvalid
from chanflow.domain.time import NS_PER_MS
from chanflow.market.rules import instrument_of
from chanflow.market.wire_file import WireFile

if TYPE_CHECKING:
    from chanflow_native import EventBatch

MAX_BYTES = 4 << 30
"""Most bytes a recording may unpack to, unless the caller says otherwise."""

VENUE = "binance-usdm"
_COIN_MARGINED = re.compile(r"USD_")


class RecordedSource:
    """A `MarketSource` over a file of `<recv_ns> <json>` lines, in memory that does not grow with the file."""

    venue = VENUE

    def __init__(self, file: WireFile, report: Mapping[str, Any], *, max_bytes: int) -> None:
        """Take a file that was read to its end and the preflight's report of it; `open` makes both."""
        self._path = file.path
        self._sha256 = file.sha256
        self._disk_bytes = file.disk_bytes
        self._report = report
        self.price_decimals: int = report["price_decimals"]
        self.qty_decimals: int = report["qty_decimals"]
        self.instrument = instrument_of(
            VENUE, report["symbol"], price_decimals=self.price_decimals, qty_decimals=self.qty_decimals
        )
        self.start_ns: int = report["first_event_ms"] * NS_PER_MS
        self.end_ns: int = (report["last_event_ms"] + 1) * NS_PER_MS
        self._again = WireFile(file.path, max_bytes=max_bytes)
        self._chunks: Iterator[bytes] | None = self._again.chunks()
        self._parser = WireParser(self.instrument.symbol)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        symbol: str | None = None,
        max_bytes: int = MAX_BYTES,
        accept_gaps: bool = False,
        expect: Mapping[str, Any] | None = None,
    ) -> RecordedSource:
        """Return the market in `path` after judging the whole file.

        `symbol` must be the file's own when given. `expect` is what `describe` said of the file once; a file it fits
        was accepted then. Raises RecordingInvalid, one sentence naming the file and the line or value, when the file
        is missing, damaged, too large or another one, when a line cannot be used or an id falls, when no
        snapshot fits the depth frames, and, unless `accept_gaps`, when the book is lost and no snapshot brings it back.
        """
        file, preflight = WireFile(path, max_bytes=max_bytes), Preflight(symbol)
        try:
            for chunk in file.chunks():
                preflight.feed(chunk)
            report = preflight.finish()
        except ValueError as fault:
            raise RecordingInvalid(f"{path}: {fault}") from fault
        if expect is None:
            _judge(path, report, accept_gaps=accept_gaps)
        elif expect.get("sha256") != file.sha256:
            raise RecordingInvalid(
                f"{path} is another recording: its SHA-256 is {file.sha256}, expected is {expect.get('sha256')}"
            )
        return cls(file, report, max_bytes=max_bytes)

    @property
    def report(self) -> Mapping[str, Any]:
        """The preflight's report: frames by kind, breaks of ids, where the book was synced and lost."""
        return self._report

    @property
    def exhausted(self) -> bool:
        """Whether every event has been given out."""
        return self._chunks is None and self._parser.next_event_ns is None

    def next(self, until_ns: int) -> EventBatch:
        """Return the events not yet given out that come before `until_ns`, in arrival order; the batch may be empty.

        An event waits when one before it in the file waits. Raises RecordingInvalid when the file changed since `open`.
        """
        taken = [self._parser.take(until_ns)]
        while self._parser.next_event_ns is None and self._chunks is not None:
            self._feed()
            batch = self._parser.take(until_ns)
            if len(batch):
                taken.append(batch)
        return taken[0] if len(taken) == 1 else join_batches(taken)

    def describe(self) -> dict[str, Any]:
        """Return the file's name, its hash as it lies on disk, and what it holds."""
        return {
            "kind": "wire",
            "file": self._path.name,
            "sha256": self._sha256,
            "symbol": self.instrument.symbol,
            "bytes": self._disk_bytes,
            "frames": self._report["lines"],
        }

    def _feed(self) -> None:
        assert self._chunks is not None
        try:
            chunk = next(self._chunks, None)
            if chunk is not None:
                self._parser.feed(chunk)
                return
            self._parser.finish()
        except ValueError as fault:
            raise RecordingInvalid(f"{self._path} changed while it was read: {fault}") from fault
        self._chunks = None
        if self._again.sha256 != self._sha256:
            raise RecordingInvalid(f"{self._path} changed while it was read; start again")


def _judge(path: Path, report: Mapping[str, Any], *, accept_gaps: bool) -> None:
    """Refuse a recording that parses but cannot be traded on."""
    symbol = report["symbol"]
    if _COIN_MARGINED.search(symbol):
        raise RecordingInvalid(f"{path} holds {symbol}, whose quantities are contracts; only USD-M symbols are read")
    if report["venue"] not in (VENUE, None):
        raise RecordingInvalid(f"{path} holds frames of {report['venue']}; only those of {VENUE} are traded on")
    match report["book"]:
        case "no_depth":
            raise RecordingInvalid(f"{path} has no depth frames, so there is no book to trade on")
        case "never_synced":
            raise RecordingInvalid(f"{path} has no depth snapshot that fits its depth frames; record one with them")
        case "lost" if not accept_gaps:
            raise RecordingInvalid(
                f"{path}: line {report['lost_lines'][-1]}: the book is lost by a gap, and at the end no snapshot "
                "has brought it back; accept gaps to run it with the book closed from there"
            )
