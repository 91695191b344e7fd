"""The unified rows of a lake as a tape: quotes, trades, mark prices, five levels of the book where they were kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from chanflow_native import Leveller

from chanflow.adapters.storage.lake_index import LakeIndex
from chanflow.adapters.storage.row_events import LakeEvents, lake_symbols
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.emulator.tape.listed import rules_of_instrument
from chanflow.adapters.venues.emulator.tape.marks import mark_ticks, with_marks
from chanflow.adapters.venues.emulator.tape.reel import Columns, Reel
from chanflow.adapters.venues.emulator.tape.steps import Ticks
from chanflow.domain.errors import NotFound, RecordingInvalid
from chanflow.domain.time import NS_PER_MS
from chanflow.market.recorded import VENUE
from chanflow.market.rules import instrument_of


class LakeTape:
    """A `Tape` over the `output_dir` of a lake. Its times are those of the rows."""

    def __init__(
        self, root: Path, symbols: Sequence[str] = (), *, rules: Mapping[str, SymbolRules] | None = None
    ) -> None:
        """Play `symbols`, or all that the lake has.

        `rules` overrule those that follow from the rows. Raises NotFound, InvalidArgument, RecordingInvalid.
        """
        names = sorted(symbols) or lake_symbols(root)
        if not names:
            raise NotFound(f"{root} is no lake with rows; it has no SYMBOL/date=…/part-….parquet")
        events = {name: LakeEvents(root, name) for name in names}
        index = LakeIndex(root)
        spans = [span for name in names if (span := index.span(name)) is not None]
        if not spans:
            raise NotFound(f"{root} has no published rows of {', '.join(names[:10])}")
        self.symbols: Mapping[str, SymbolRules] = {
            name: (rules or {}).get(name) or _rules(root, one) for name, one in events.items()
        }
        self._reels = {name: Reel(name, with_marks(_columns(one), _marks(index, one))) for name, one in events.items()}
        self.start_ns = min(first for first, _ in spans) * NS_PER_MS
        self.end_ns: int | None = (max(last for _, last in spans) + 1) * NS_PER_MS

    def until(self, ns: int) -> Sequence[Ticks]:
        """Return the ticks up to `ns`, symbol by symbol."""
        return [batch for reel in self._reels.values() if (batch := reel.until(ns)) is not None]


def _rules(root: Path, events: LakeEvents) -> SymbolRules:
    pd, qd = events.price_decimals, events.qty_decimals
    try:
        return rules_of_instrument(instrument_of(VENUE, events.symbol, price_decimals=pd, qty_decimals=qd), pd, qd)
    except ValueError as fault:
        raise RecordingInvalid(f"{root}: {fault}") from fault


def _columns(events: LakeEvents) -> Iterator[Columns]:
    leveller = Leveller()
    for piece in events.pieces():
        yield leveller.take(piece.batch)


def _marks(index: LakeIndex, events: LakeEvents) -> Columns:
    """Return the mark prices of a symbol; its rows tell no funding."""
    import polars as pl

    files = [path for date in index.dates(events.symbol) for path in index.files(events.symbol, date)]
    frames = [pl.scan_parquet(path, hive_partitioning=False) for path in files]
    asked = [frame.filter(pl.col("kind").cast(pl.String) == "mark").select("ts_ms", "price") for frame in frames]
    rows = pl.concat(asked).collect() if asked else pl.DataFrame({"ts_ms": [], "price": []})
    return mark_ticks(
        rows["ts_ms"].cast(pl.Int64).to_numpy(), rows["price"].cast(pl.Float64).to_numpy(), events.price_decimals
    )
