"""What certificates measured of points, as one run knows it: read once at its start, and journaled as an input.

Only what was measured on bars from before the run counts: a later certificate would look ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chanflow.analyst.structure import PointFigures
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.time import NS_PER_MS
from chanflow.features.chan import POINT_TYPES
from chanflow.market.markets import market_of
from chanflow.review.journal import JournalWriter, Record
from chanflow.runtime.certificates import CertificateShelf, Measured
from chanflow.runtime.codec import decode

KIND = "point_figures"
PRESET = "default"

Measures = Mapping[str, tuple[PointFigures, ...]]
"""By level, the figures of each kind of point that were measured."""
Measure = Callable[[str, str], tuple[PointFigures, ...]]
"""Tells of a symbol and a level what was measured."""


def nothing_measured(_symbol: str, _level: str) -> tuple[PointFigures, ...]:
    """Return nothing: there are no certificates."""
    return ()


def measure_by(shelf: CertificateShelf) -> Measure:
    """Return what reads the newest certificates of a data directory: of strokes, entered after confirmation."""

    def measured(symbol: str, level: str) -> tuple[PointFigures, ...]:
        found = []
        for side in ("buy", "sell"):
            for kind in POINT_TYPES:
                one = shelf.find(market_of(symbol), level, of="stroke", point_type=kind, side=side, preset=PRESET)
                if one is not None:
                    found.append(_figures(f"{side}{kind}", level, one))
        return tuple(found)

    return measured


def _figures(name: str, level: str, found: Measured) -> PointFigures:
    entries, lasting = found.cell["from_confirmed"], found.cell["permanence"]
    survival = lasting["survival"]
    return PointFigures(
        name=name, n=entries["n"], hit_rate=entries["hit_rate"], ci_low=entries["hit_low"],
        ci_high=entries["hit_high"], retract_rate=None if survival is None else 1 - survival,
        lag_bars_p50=lasting["lag_p50_bars"],
        known_ns=(found.certificate.data_end_ms + LEVEL_MS[level]) * NS_PER_MS,
    )  # fmt: skip


def measures_of_run(
    journal: JournalWriter, measure: Measure, symbol: str, levels: Sequence[str], start_ns: int
) -> Measures:
    """Return what was measured before a run began, and journal it; where the journal stands already, what it says."""
    standing = journal.expected
    if standing is None:
        told = {level: [f for f in measure(symbol, level) if f.known_ns <= start_ns] for level in levels}
        found: Measures = {level: tuple(figures) for level, figures in told.items() if figures}
    else:
        found = recorded((standing,))
    if found:
        journal.append(KIND, {"symbol": symbol, "levels": found}, durable=True)
    return found


def recorded(records: Sequence[Record]) -> Measures:
    """Return what the records of a run say was measured; nothing where they do not."""
    body: Any = next((r.body for r in records if r.kind == KIND), {"levels": {}})
    return {level: decode(tuple[PointFigures, ...], rows) for level, rows in body["levels"].items()}
