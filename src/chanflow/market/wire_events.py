"""The events of one symbol in recorded raw frames of any venue that the parser reads, over one or several files.

Files are read in the order given, as one stream: a recorder cuts a stream into parts. Each is read twice, once to
judge all of it, so that nothing is made of a recording that turns out to be damaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import chanflow_native
from chanflow_native import Preflight, WireParser

from chanflow.domain.errors import RecordingInvalid
from chanflow.domain.time import NS_PER_MS
from chanflow.market.flow_events import Piece
from chanflow.market.wire_file import WireFile

if TYPE_CHECKING:
    from chanflow_native import EventBatch

VENUES = ("binance-usdm", "binance-spot", "binance-coinm", "hyperliquid")
"""Venues whose recorded frames are read."""

MAX_SEAM_MS = 10_000
"""Files whose events lie farther apart are no one stream: nothing is carried from one to the next."""

_LINE = re.compile(r"^line (\d+)")

Watch = Callable[[int], None]
"""Told how many bytes of text were judged and read, together."""


class WireEvents:
    """A `FlowEvents` over files of `<recv_ns> <json>` lines, in memory that does not grow with them."""

    def __init__(
        self,
        paths: Sequence[Path],
        symbol: str | None,
        venue: str | None,
        *,
        max_bytes: int,
        watch: Watch = lambda _: None,
    ) -> None:
        """Judge the files. `symbol` is picked out of recordings of many; without it they must be of one.

        `max_bytes` bounds the text of each file. Raises RecordingInvalid: one sentence naming the file and the line or
        value.
        """
        self._max_bytes, self._watch, self._read_bytes = max_bytes, watch, 0
        self._asked = symbol
        self._venue = venue
        self._files: list[tuple[Path, str]] = []
        preflight = Preflight(symbol, skip_others=symbol is not None)
        lines = 0
        told = ", ".join(path.name for path in paths)
        # Another symbol's file may be of the same time, so it cannot be a part of this stream.
        for path in paths if symbol is None else [path for path in paths if self._names(path, symbol)]:
            file, before = WireFile(path, max_bytes=max_bytes), lines
            for chunk in self._text(file):
                self._told(path, before, preflight.feed, chunk)
                lines += chunk.count(b"\n")
            self._files.append((path, file.sha256))
        if not self._files:
            raise RecordingInvalid(f"{told}: no frame of {symbol}")
        try:
            self.report: dict[str, Any] = preflight.finish()
        except ValueError as fault:
            raise RecordingInvalid(f"{told}: {fault}") from fault
        found = self.report["venue"]
        if venue is not None and found not in (venue, None):
            raise RecordingInvalid(f"{told}: the frames are of {found}, --venue is {venue}")
        self.symbol: str = self.report["symbol"]
        self.price_decimals: int = self.report["price_decimals"]
        self.qty_decimals: int = self.report["qty_decimals"]
        self.ofi_source: Literal["book_ticker", "depth", "bbo"] = "book_ticker"
        if not self.report["frames"]["book_ticker"]:
            self.ofi_source = "depth"
        elif found == "hyperliquid":
            self.ofi_source = "bbo"

    def pieces(self) -> Iterator[Piece]:
        """Yield all events; a file far from the one before it begins with a reset."""
        parser = WireParser(self._asked, self._venue, skip_others=self._asked is not None)
        last_ms: int | None = None
        for path, sha256 in self._files:
            file, first = WireFile(path, max_bytes=self._max_bytes), True
            for chunk in self._text(file):
                self._told(path, 0, parser.feed, chunk)
                batch = parser.take()
                if len(batch) == 0:
                    continue
                if first and last_ms is not None:
                    yield from self._seam(last_ms, batch)
                first = False
                yield Piece(batch)
                assert batch.last_event_ns is not None
                last_ms = max(last_ms or 0, batch.last_event_ns // NS_PER_MS)
            if file.sha256 != sha256:
                raise RecordingInvalid(f"{path} changed while it was read; start again")
        self._told(self._files[-1][0], 0, lambda _: parser.finish(), b"")
        yield Piece(parser.take())

    @staticmethod
    def _seam(last_ms: int, batch: EventBatch) -> Iterator[Piece]:
        assert batch.first_event_ns is not None
        if batch.first_event_ns // NS_PER_MS > last_ms + MAX_SEAM_MS:
            reset = ("reset", last_ms, 0)
            yield Piece(chanflow_native.batch_of_events([reset], batch.price_decimals, batch.qty_decimals))

    def _names(self, path: Path, symbol: str) -> bool:
        """Return whether a file's text has the symbol anywhere, as every frame of it does."""
        needle, tail = f'"{symbol}"'.encode(), b""
        for chunk in WireFile(path, max_bytes=self._max_bytes).chunks():
            if needle in tail + chunk:
                return True
            tail = chunk[-len(needle) :]
        return False

    def _text(self, file: WireFile) -> Iterator[bytes]:
        """Yield the file's text; a last line without an end gets one, since another file may follow."""
        end = b"\n"
        for chunk in file.chunks():
            self._read_bytes += len(chunk)
            self._watch(self._read_bytes)
            end = chunk[-1:] or end
            yield chunk
        if end != b"\n":
            yield b"\n"

    @staticmethod
    def _told(path: Path, lines_before: int, take: Callable[[bytes], None], chunk: bytes) -> None:
        """Let a parser take a chunk; its fault counts lines from the first file on, ours from this one."""
        try:
            take(chunk)
        except ValueError as fault:
            words = _LINE.sub(lambda match: f"line {int(match[1]) - lines_before}", str(fault))
            raise RecordingInvalid(f"{path}: {words}") from fault
