"""How often points and elements hold, how late they are certain, and what entries at them met: measured by replay.

Cells pool the series of one market and interval. The structure's history says what was shown when; the proof tests a
sample of its prefixes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from random import Random
from typing import Any

import numpy as np

from chanflow.adapters.storage.bars_file import BarColumns
from chanflow.backtest.barriers import BarrierOutcomes, Barriers, Costs, Floats, Indices, barrier_outcomes
from chanflow.backtest.certificate import (
    Certificate,
    DataEntry,
    ElementCell,
    PointCell,
    permanence,
)
from chanflow.backtest.history import (
    ELEMENT_KINDS,
    NONE,
    Shown,
    elements_of,
    ever_shown,
    history_of,
)
from chanflow.backtest.proof import Analyse, Proof, prove
from chanflow.backtest.series import Series, interval_ms
from chanflow.domain.errors import RecordingInvalid
from chanflow.domain.interval import wilson
from chanflow.domain.time import Randomness
from chanflow.features import chan
from chanflow.runtime.certificates import FEW, EntryFigures, Permanence

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class CertifySpec:
    """What to measure and how; `seed` is written down, the chance itself comes from a `Randomness` made of it.

    Raises ValueError for less than one random entry for each entry, or less than no prefix.
    """

    preset: str = "default"
    params: Mapping[str, chan.Setting] = field(default_factory=dict)
    barriers: Barriers = field(default_factory=Barriers)
    costs: Costs = field(default_factory=Costs)
    seed: int = 42
    controls_per_entry: int = 20
    prefixes: int = 64
    """Most prefixes of each series that the proof analyses."""

    def __post_init__(self) -> None:
        if self.controls_per_entry < 1 or self.prefixes < 0:
            raise ValueError(
                f"{self.controls_per_entry} random entries for each entry and {self.prefixes} prefixes: "
                f"at least 1 and 0 are needed"
            )


@dataclass(slots=True)
class _Lasting:
    """What the series of a cell say of how long things last, added up."""

    ever_shown: int = 0
    in_final: int = 0
    withdrawn: int = 0
    lags: list[int] = field(default_factory=list)
    series: int = 0

    def add(self, shown: Shown, of: Indices) -> None:
        """Add the things in rows `of`."""
        sure = shown.confirmed[of]
        self.ever_shown += of.size
        self.in_final += int(np.count_nonzero(shown.in_final[of]))
        self.withdrawn += int(np.count_nonzero(shown.withdrawn[of]))
        self.lags += (shown.confirmed_bar[of] - shown.first_seen_bar[of])[sure].tolist()
        self.series += 1

    def figures(self) -> Permanence:
        return permanence(
            ever_shown=self.ever_shown, in_final=self.in_final, confirmed_withdrawn=self.withdrawn, lags=self.lags
        )


@dataclass(slots=True)
class _Entries:
    """What the series of a cell say of entries, and of random ones, added up."""

    hits: int = 0
    timeouts: int = 0
    left_out: int = 0
    base_hits: int = 0
    gross_bps: list[Floats] = field(default_factory=list)
    net_bps: list[Floats] = field(default_factory=list)
    base_net_bps: list[Floats] = field(default_factory=list)

    def add(
        self, signal_bars: Indices, outcomes: BarrierOutcomes, side: int, spec: CertifySpec, chance: Random
    ) -> None:
        """Add entries after `signal_bars`, and for each some after bars that chance picks."""
        rows = outcomes.rows(signal_bars)
        trades = outcomes.trades(rows, side, spec.costs)
        self.hits += int(np.count_nonzero(trades.hit))
        self.timeouts += int(np.count_nonzero(trades.timed_out))
        self.left_out += signal_bars.size - rows.size
        self.gross_bps.append(trades.gross_bps)
        self.net_bps.append(trades.net_bps)
        pool = outcomes.signals.size
        drawn = [int(chance.random() * pool) for _ in range(rows.size * spec.controls_per_entry)]
        base = outcomes.trades(np.array(drawn, dtype=np.int64), side, spec.costs)
        self.base_hits += int(np.count_nonzero(base.hit))
        self.base_net_bps.append(base.net_bps)

    def figures(self) -> EntryFigures:
        gross, net, base = (_joined(parts) for parts in (self.gross_bps, self.net_bps, self.base_net_bps))
        n = len(net)
        bounds = wilson(self.hits, n) if n else None
        return EntryFigures(
            n=n,
            few=n < FEW,
            left_out=self.left_out,
            hit_rate=_share(self.hits, n),
            hit_low=round(bounds.low, _DIGITS) if bounds else None,
            hit_high=round(bounds.high, _DIGITS) if bounds else None,
            timeout_share=_share(self.timeouts, n),
            mean_gross_bps=_mean(gross),
            mean_net_bps=_mean(net),
            base_n=len(base),
            base_hit_rate=_share(self.base_hits, len(base)),
            base_mean_net_bps=_mean(base),
        )


def _joined(parts: list[Floats]) -> list[float]:
    return [value for part in parts for value in part.tolist()]


def _share(count: int, n: int) -> float | None:
    return round(count / n, _DIGITS) if n else None


def _mean(values: list[float]) -> float | None:
    """Return the mean, summed exactly so that it is one number everywhere."""
    return round(fsum(values) / len(values), _DIGITS) if values else None


@dataclass(slots=True)
class _PointTally:
    lasting: _Lasting = field(default_factory=_Lasting)
    first_seen: _Entries = field(default_factory=_Entries)
    confirmed: _Entries = field(default_factory=_Entries)


_PointKey = tuple[str, str, int, int, int]  # market, interval, level, type, side
_ElementKey = tuple[str, str, int, int]  # market, interval, kind, direction


class _Tally:
    """All cells while series are added."""

    def __init__(self, spec: CertifySpec, randomness: Randomness, analyse: Analyse) -> None:
        self._spec = spec
        self._randomness = randomness
        self._analyse = analyse
        self._points: dict[_PointKey, _PointTally] = {}
        self._elements: dict[_ElementKey, _Lasting] = {}
        self.data: list[DataEntry] = []
        self.proof = Proof()

    def add(self, series: Series) -> None:
        """Analyse a series and add what it shows.

        Raises RecordingInvalid for bars that the engine refuses and for a series that is there already.
        """
        source = series.source
        if any(
            (one.sha256, one.symbol, one.interval) == (source.sha256, source.symbol, series.interval)
            for one in self.data
        ):
            raise RecordingInvalid(f"{source.file} has {source.symbol} at {series.interval} twice: give it once")
        try:
            structure = self._analyse(series.bars)
        except ValueError as fault:
            raise RecordingInvalid(f"{source.file} {source.symbol} at {series.interval}: {fault}") from fault
        self._add_points(series, structure)
        self._add_elements(series, structure)
        self.proof = self.proof.plus(prove(series.bars, structure, self._analyse, self._spec.prefixes))
        ts_ms = series.bars.ts_ms
        self.data.append(
            DataEntry(
                file=source.file,
                sha256=source.sha256,
                symbol=source.symbol,
                market=source.market,
                source_interval=source.interval,
                source_rows=source.rows,
                suspended=source.suspended,
                widened=source.widened,
                adjusted=source.adjusted,
                interval=series.interval,
                rows=len(series.bars),
                first_ts_ms=int(ts_ms[0]) if ts_ms.size else None,
                last_ts_ms=int(ts_ms[-1]) if ts_ms.size else None,
            )
        )

    def _add_points(self, series: Series, structure: Any) -> None:
        history = history_of(structure)
        shown = ever_shown(history)
        bars = series.bars
        outcomes = barrier_outcomes(bars.open, bars.high, bars.low, bars.close, self._spec.barriers)
        cells = np.stack([column[shown.row] for column in (history.level, history.type, history.side)], axis=1)
        # A stream for each series: one more series never shifts the draws of another.
        chance = self._randomness.stream(f"certify/{series.source.sha256}/{series.source.symbol}/{series.interval}")
        for level, kind, side in np.unique(cells, axis=0).tolist():
            rows = np.flatnonzero((cells == (level, kind, side)).all(axis=1))
            tally = self._points.setdefault((series.market, series.interval, level, kind, side), _PointTally())
            tally.lasting.add(shown, rows)
            confirmed_bar = shown.confirmed_bar[rows]
            tally.first_seen.add(shown.first_seen_bar[rows], outcomes, side, self._spec, chance)
            tally.confirmed.add(confirmed_bar[confirmed_bar != NONE], outcomes, side, self._spec, chance)

    def _add_elements(self, series: Series, structure: Any) -> None:
        for kind, history in enumerate(elements_of(structure)):
            shown = ever_shown(history)
            direction = history.direction[shown.row]
            for way in np.unique(direction).tolist():
                tally = self._elements.setdefault((series.market, series.interval, kind, way), _Lasting())
                tally.add(shown, np.flatnonzero(direction == way))

    def cells(self) -> tuple[PointCell, ...]:
        """Return the point cells by market, interval (short ones first), level, type and side (buy first)."""
        ordered = sorted(self._points, key=lambda key: (key[0], interval_ms(key[1]), key[1], key[2], key[3], -key[4]))
        return tuple(
            PointCell(
                market=market,
                interval=interval,
                level=chan.LEVELS[level],
                type=chan.POINT_TYPES[kind],
                side="buy" if side > 0 else "sell",
                series=self._points[market, interval, level, kind, side].lasting.series,
                permanence=self._points[market, interval, level, kind, side].lasting.figures(),
                from_first_seen=self._points[market, interval, level, kind, side].first_seen.figures(),
                from_confirmed=self._points[market, interval, level, kind, side].confirmed.figures(),
            )
            for market, interval, level, kind, side in ordered
        )

    def elements(self) -> tuple[ElementCell, ...]:
        """Return the element cells by market, interval, kind and direction (up first)."""
        ordered = sorted(self._elements, key=lambda key: (key[0], interval_ms(key[1]), key[1], key[2], -key[3]))
        return tuple(
            ElementCell(
                market=market,
                interval=interval,
                kind=ELEMENT_KINDS[kind],
                direction="up" if way > 0 else "down",
                series=self._elements[market, interval, kind, way].series,
                permanence=self._elements[market, interval, kind, way].figures(),
            )
            for market, interval, kind, way in ordered
        )


def analyse_with_history(bars: BarColumns, spec: CertifySpec) -> Any:
    """Return the structure of the bars with everything it ever showed."""
    return chan.analyze(
        bars.open, bars.high, bars.low, bars.close, bars.ts_ms,
        preset=spec.preset, volume=bars.volume, amount=bars.amount, params={**spec.params}, history=True,
    )  # fmt: skip


def certify(
    series: Iterable[Series],
    spec: CertifySpec,
    *,
    randomness: Randomness,
    code: Mapping[str, str],
    analyse: Analyse | None = None,
) -> Certificate:
    """Return the certificate of all series, in their order; `code` names the version that made it.

    `analyse` gives the structure of bars with its history, by default `features.chan` with the preset and parameters
    of `spec`. Raises RecordingInvalid for bars that it refuses.
    """
    tally = _Tally(spec, randomness, analyse or (lambda bars: analyse_with_history(bars, spec)))
    for one in series:
        tally.add(one)
    return Certificate(
        code=dict(code),
        preset=spec.preset,
        params={**spec.params},
        barriers=spec.barriers,
        costs=spec.costs,
        seed=spec.seed,
        controls_per_entry=spec.controls_per_entry,
        data=tuple(tally.data),
        proof=tally.proof,
        elements=tally.elements(),
        cells=tally.cells(),
    )
