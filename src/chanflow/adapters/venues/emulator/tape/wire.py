"""Recorded Binance USD-M frames as a tape, in the spacing they were recorded in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from chanflow_native import Intake, Leveller

from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.tape.listed import rules_of_instrument
from chanflow.adapters.venues.emulator.tape.marks import mark_ticks, with_marks
from chanflow.adapters.venues.emulator.tape.reel import Columns, Reel
from chanflow.adapters.venues.emulator.tape.steps import Ticks
from chanflow.domain.errors import InvalidArgument, RecordingInvalid
from chanflow.domain.time import NS_PER_S
from chanflow.market.recorded import MAX_BYTES, VENUE, RecordedSource
from chanflow.market.wire_file import WireFile

_AT_ONCE_NS: Final = 5 * NS_PER_S


class WireTape:
    """A `Tape` over files of `<recv_ns> <json>` lines, each of one symbol.

    A book that a gap spoils shows its best quotes only, until the next snapshot. Mark prices and
    funding are those recorded, if any were. Times are the venue's; streams that overtook one another keep their order
    of arrival, so time stands rather than falls.
    """

    def __init__(self, paths: Sequence[Path], *, rules: Mapping[str, SymbolRules] | None = None) -> None:
        """`rules` overrule those that follow from the recording. Raises RecordingInvalid, InvalidArgument."""
        if not paths:
            raise InvalidArgument("a recorded market needs at least one file", field="source")
        sources: dict[str, tuple[Path, RecordedSource]] = {}
        for path in paths:
            source = RecordedSource.open(path, accept_gaps=True)
            name = source.instrument.symbol
            if name in sources:
                raise InvalidArgument(f"{path} and {sources[name][0]} both hold {name}; give one", field="source")
            sources[name] = path, source
        self._reels = {
            name: Reel(name, with_marks(_columns(source), _marks(path, source)))
            for name, (path, source) in sorted(sources.items())
        }
        self.symbols: Mapping[str, SymbolRules] = {
            name: (rules or {}).get(name) or _rules(path, source) for name, (path, source) in sorted(sources.items())
        }
        self.start_ns = min(source.start_ns for _, source in sources.values())
        self.end_ns: int | None = max(source.end_ns for _, source in sources.values())

    def until(self, ns: int) -> Sequence[Ticks]:
        """Return the ticks up to `ns`, symbol by symbol."""
        return [batch for reel in self._reels.values() if (batch := reel.until(ns)) is not None]


def _rules(path: Path, source: RecordedSource) -> SymbolRules:
    try:
        return rules_of_instrument(source.instrument, source.price_decimals, source.qty_decimals)
    except ValueError as fault:
        raise RecordingInvalid(f"{path}: {fault}") from fault


def _columns(source: RecordedSource) -> Iterator[Columns]:
    leveller, until_ns = Leveller(), source.start_ns
    while not source.exhausted:
        until_ns += _AT_ONCE_NS
        yield leveller.take(source.next(until_ns))


def _marks(path: Path, source: RecordedSource) -> Columns:
    """Return the mark prices and fundings of a file; most recordings have none."""
    symbol = source.instrument.symbol
    intake = Intake(VENUE, {symbol: (source.price_decimals, source.qty_decimals)})
    rest = b""
    for chunk in WireFile(path, max_bytes=MAX_BYTES).chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        told = [line for line in lines if b"markPriceUpdate" in line]
        if told:
            intake.feed(b"\n".join(told) + b"\n")
    rows = intake.take()["rows"]
    marks, at = rows["marks"], rows["marks"]["row"]
    return mark_ticks(
        rows["event_ms"][at], rows["price"][at], source.price_decimals, marks["funding_frac"],
        marks["next_funding_ms"],
    )  # fmt: skip
