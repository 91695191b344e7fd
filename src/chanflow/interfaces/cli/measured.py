"""What certificates measured of a point type, in the words that the command line, the page and the image share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.time import NS_PER_MS, rfc3339
from chanflow.runtime.certificates import FEW, CertificateShelf, Measured
from chanflow.runtime.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

NOT_MEASURED = "not measured"
NONE = "–"
HEADS = ("n", "hit % [95 %]", "random %", "kept %", "lag")
"""What `PointFigures.columns` are."""

UNMEASURED = "How often such points hold is not measured here."
HINT = "--symbol tells the market; chanflow certify DATA --install measures it."
EXPLAINED = (
    "Hit: entries that reached a target before a stop as far away; random: entries at any bar. Kept: still there at "
    "the end of all ever shown. Lag: median bars until certain. Measured on past data."
)


class PointKind(NamedTuple):
    """What figures are measured for: the element that ends, the side, the engine's type, and the state."""

    level: str
    side: str
    type: str
    state: str

    @property
    def words(self) -> str:
        """Its name on a screen, without the state."""
        return f"{self.level} {self.side} {self.type}"


@dataclass(frozen=True, slots=True)
class PointFigures:
    """What one certificate measured of one kind of point. Shares are 0 to 1; None where there was no case.

    Entries are those after points of the same state: after confirmation for a confirmed point, after first seen for
    any other. `few` says that there are less than 30 of them; the bounds have 95 % confidence.
    """

    entry: str
    n: int
    few: bool
    hit_rate: float | None
    ci_low: float | None
    ci_high: float | None
    base_hit_rate: float | None
    ever_shown: int
    survival: float | None
    lag_bars_p50: int | None
    lag_bars_p90: int | None
    certificate: str
    data_end: str
    """When the last bar that was measured opened, RFC 3339."""

    def columns(self) -> tuple[str, ...]:
        """Return the figures as a table shows them under `HEADS`, shares in percent without its sign."""
        count = f"{self.n:,}{f' (<{FEW})' if self.few else ''}"
        hit, low, high = (_percent(share) for share in (self.hit_rate, self.ci_low, self.ci_high))
        lag = NONE if self.lag_bars_p50 is None else f"{self.lag_bars_p50:,}"
        bounds = f" [{low}, {high}]" if self.hit_rate is not None else ""
        return count, hit + bounds, _percent(self.base_hit_rate), _percent(self.survival), lag

    def sentence(self) -> str:
        """Return the figures in one line, where there is no room for a table."""
        _, hit, random, kept, lag = self.columns()
        count = f"{self.n:,} entries{f' (fewer than {FEW})' if self.few else ''}"
        return f"hit {hit} % of {count}, random {random} %, kept {kept} %, lag {lag} bars"


Lookup = Callable[[PointKind], PointFigures | None]
"""What tells the figures of a kind of point, None where nothing was measured."""


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f}"


def nothing_measured(kind: PointKind) -> None:
    """Return None: there are no certificates."""


class Figures:
    """Looks up the figures of points by one rule, in a data directory that is opened when first needed.

    What was found stays found: one command answers from one moment, and a scan asks for thousands of points.
    """

    def __init__(self, home: Callable[[], Path] | None, *, preset: str, params: Mapping[str, str]) -> None:
        self._home = home
        self._preset = preset
        self._params = params
        self._shelf: CertificateShelf | None = None
        self._lookups: dict[tuple[str, str], Lookup] = {}

    def at(self, market: str, interval: str) -> Lookup:
        """Return what tells the figures of bars of a market and interval, `nothing_measured` without certificates."""
        if (market, interval) not in self._lookups:
            shelf = self._opened()
            if shelf is None or not shelf.usable():
                self._lookups[market, interval] = nothing_measured
            else:
                self._lookups[market, interval] = cache(partial(self._of, shelf, market, interval))
        return self._lookups[market, interval]

    def _of(self, shelf: CertificateShelf, market: str, interval: str, kind: PointKind) -> PointFigures | None:
        found = shelf.find(
            market, interval, of=kind.level, point_type=kind.type, side=kind.side, preset=self._preset,
            params=self._params,
        )  # fmt: skip
        return None if found is None else _figures(found, kind.state)

    def _opened(self) -> CertificateShelf | None:
        if self._shelf is None and self._home is not None:
            try:
                self._shelf = CertificateShelf(Home(self._home()))
            except SettingsInvalid:  # no data directory: nothing was measured, and the analysis needs none
                self._home = None
        return self._shelf


def _figures(found: Measured, state: str) -> PointFigures:
    cell, entry = found.cell, "confirmed" if state == "confirmed" else "first_seen"
    entries, lasting = cell[f"from_{entry}"], cell["permanence"]
    return PointFigures(
        entry=entry,
        n=entries["n"],
        few=entries["few"],
        hit_rate=entries["hit_rate"],
        ci_low=entries["hit_low"],
        ci_high=entries["hit_high"],
        base_hit_rate=entries["base_hit_rate"],
        ever_shown=lasting["ever_shown"],
        survival=lasting["survival"],
        lag_bars_p50=lasting["lag_p50_bars"],
        lag_bars_p90=lasting["lag_p90_bars"],
        certificate=found.certificate.name,
        data_end=rfc3339(found.certificate.data_end_ms * NS_PER_MS),
    )


def kinds_of(point: Mapping[str, Any]) -> list[PointKind]:
    """Return a kind for each type of a point of a `chanflow.structure/1` object, in the state of that type."""
    states = point.get("type_states") or {}
    state = point.get("state", "provisional")
    return [PointKind(point["level"], point["side"], kind, states.get(kind, state)) for kind in point["types"]]


def stats_of(point: Mapping[str, Any], lookup: Lookup) -> dict[str, Any] | None:
    """Return what was measured of each type of a point as JSON has it; None where no type has a certificate."""
    found = {kind.type: lookup(kind) for kind in kinds_of(point)}
    if not any(found.values()):
        return None
    return {kind: None if one is None else asdict(one) for kind, one in found.items()}


def measured_line(kinds: Sequence[PointKind], lookup: Lookup) -> str:
    """Return what was measured of the types of one point in a line, `not measured` where it is none of them."""
    found = [(kind, lookup(kind)) for kind in kinds]
    if not any(figures for _, figures in found):
        return NOT_MEASURED
    return "; ".join(f"{kind.type}: {NOT_MEASURED if one is None else one.sentence()}" for kind, one in found)


Row = tuple[PointKind, PointFigures | None]


def figure_rows(kinds: Iterable[PointKind], lookup: Lookup) -> tuple[Row, ...]:
    """Return each kind once, in order of level (strokes first), side, type and state, with its figures."""
    ordered = sorted(set(kinds), key=lambda kind: (kind.level != "stroke", *kind[1:]))
    return tuple((kind, lookup(kind)) for kind in ordered)


def figure_cells(found: PointFigures | None) -> tuple[str, ...]:
    """Return the cells under `HEADS`; they say `not measured` where there is no figure."""
    return found.columns() if found is not None else (NONE, NOT_MEASURED, NONE, NONE, NONE)


def _row_cells(row: Row) -> tuple[str, ...]:
    kind, found = row
    return kind.words, kind.state, *figure_cells(found)


def sources(rows: Iterable[Row]) -> str:
    """Return the certificates that the figures come from with the day their data ends, empty where there is none."""
    names = {f"{found.certificate} (data to {found.data_end[:10]})" for _, found in rows if found is not None}
    return ", ".join(sorted(names))


def write_figures(console: Console, rows: Sequence[Row]) -> None:
    """Print the figures as a table with their source, or one sentence where nothing was measured."""
    from rich.table import Table
    from rich.text import Text

    names = sources(rows)
    if not names:
        console.print(Text(f"\n{UNMEASURED} {HINT}", "dim"))
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for head in ("point", "state", *HEADS):
        table.add_column(head, justify="right" if head in HEADS else "left")
    for row in rows:
        table.add_row(*_row_cells(row))
    console.print(Text("\nwhat was measured of such points", "dim"))
    console.print(table)
    console.print(Text(f"From {names}. {EXPLAINED}", "dim"))
