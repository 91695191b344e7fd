"""Recorded Binance USD-M frames as a tape, in the spacing they were recorded in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from chanflow_native import Leveller

from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.tape.listed import rules_of_instrument
from chanflow.adapters.venues.emulator.tape.reel import Columns, Reel
from chanflow.adapters.venues.emulator.tape.steps import Ticks
from chanflow.domain.errors import InvalidArgument, RecordingInvalid
from chanflow.domain.time import NS_PER_S
from chanflow.market.recorded import RecordedSource

_AT_ONCE_NS: Final = 5 * NS_PER_S


class WireTape:
    """A `Tape` over files of `<recv_ns> <json>` lines, each of one symbol.

    A book that a gap spoils shows its best quotes only, until the next snapshot. Times are the venue's; streams that
    overtook one another keep their order of arrival, so time stands rather than falls.
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
        self._reels = {name: Reel(name, _columns(source)) for name, (_, source) in sorted(sources.items())}
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
