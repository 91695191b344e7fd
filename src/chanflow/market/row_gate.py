"""The quality gate of one symbol's live rows: which are kept, which are put aside, and what was learnt later.

Three answers differ from the native gate's, since the intake knows more than one row can show:

- A trade after a hole that the intake has recorded keeps `chain_break`, which condemns its window and not the row.
- An aggregate trade that fills a hole comes out of its order: it is judged by its values alone.
- A price jump is put aside at once. When a second trade confirms it, the row is kept too, right before that trade and
  with its code: nobody could have known better in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from chanflow_native import QualityGate

from chanflow.market.quality import (
    BAD_VALUE,
    CHAIN_BREAK,
    CODE_BITS,
    MISSING_FIELD,
    NULL_FIELD,
    OFF_GRID,
    QUARANTINE_BITS,
)
from chanflow.market.quality_report import day_budgets
from chanflow.market.rules import KNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chanflow.market.row_check import Grid

REST_SOCKET = 0
"""The number under which answers of REST are recorded; sockets count from 1."""

_TRADE, _AGG_TRADE, _GAP = 0, 2, 7
_VALUE_BITS = np.uint32(sum(CODE_BITS[code] for code in (MISSING_FIELD, NULL_FIELD, BAD_VALUE, OFF_GRID)))
_CONDEMNING = np.uint32(QUARANTINE_BITS)


@dataclass(frozen=True, slots=True)
class Judged:
    """The gate's answer for a batch of rows."""

    masks: NDArray[np.uint32]
    """A bit mask of codes for each row."""
    refused: NDArray[np.bool_]
    """Which rows are quarantined."""
    lag_ms: NDArray[np.float64]
    """How late each row came beyond its socket's offset; NaN where unknown."""
    numbers: NDArray[np.int64]
    """Each row's number since the start, -1 for one that fills a hole."""
    confirmed: tuple[tuple[int, int], ...] = ()
    """(number of a refused row, position in this batch of the trade that confirmed it)."""


class RowGate(Protocol):
    """Judges the columns of `Intake.take()["rows"]`, in order of arrival."""

    def judge(self, rows: Mapping[str, Any]) -> Judged:
        """Return the answer for the next rows."""
        ...

    def report(self) -> dict[str, Any]:
        """Return what was found so far, as plain values."""
        ...


def grid_of(venue: str, symbol: str, decimals: tuple[int, int]) -> Grid:
    """Return tick and step where they are known and as fine as the decimals, else the decimals."""
    known = KNOWN.get((venue, symbol))
    if known is None:
        return decimals
    exponents = [rule.normalize().as_tuple().exponent for rule in (known.tick, known.step)]
    if exponents != [-places for places in decimals]:
        return decimals
    return str(known.tick), str(known.step)


class SymbolGate:
    """The `RowGate` of one symbol."""

    def __init__(self, venue: str, symbol: str, grid: Grid) -> None:
        """Raises ValueError for an unknown venue or a rule that is no grid."""
        self._gate = QualityGate(venue, {symbol: grid})
        # What fills a hole must not move the chain and the time of those that came in order.
        self._fills = QualityGate(venue, {symbol: grid})
        self._newest_id = -1
        self._rows = 0
        self._filled = 0

    def judge(self, rows: Mapping[str, Any]) -> Judged:
        """Return the answer for the next rows; how they are cut into batches changes nothing."""
        kind, ids = np.asarray(rows["kind"]), np.asarray(rows["seq_last"])
        count = len(kind)
        fills = self._fills_of(rows, kind, ids)
        if not fills.any():
            masks, lag_ms = self._gate.check(rows), self._gate.excess_ms()
            numbers = np.arange(self._rows, self._rows + count)
        else:
            masks, lag_ms = np.zeros(count, dtype=np.uint32), np.full(count, np.nan)
            numbers = np.full(count, -1, dtype=np.int64)
            masks[fills] = self._fills.check(_part(rows, fills)) & _VALUE_BITS
            masks[~fills] = self._gate.check(_part(rows, ~fills))
            lag_ms[~fills] = self._gate.excess_ms()
            numbers[~fills] = np.arange(self._rows, self._rows + count - int(fills.sum()))
            self._filled += int(fills.sum())
            self._fills.take_amendments()
        learnt = self._gate.take_amendments()
        self._rows += count - int(fills.sum())
        condemning = np.full(count, _CONDEMNING)
        condemning[_after_known_holes(kind, ids)] &= ~np.uint32(CODE_BITS[CHAIN_BREAK])
        return Judged(
            masks,
            (masks & condemning) != 0,
            lag_ms,
            numbers,
            tuple(
                (row, int(np.flatnonzero(numbers == by)[0]))
                for row, by in zip(learnt["confirmed"].tolist(), learnt["confirmed_by"].tolist(), strict=True)
            ),
        )

    def report(self) -> dict[str, Any]:
        """Return counts by code, the clocks of the sockets and the budgets of each UTC day."""
        native = self._gate.report()
        sockets = {
            str(socket): {name: clock[name] for name in ("offset_ms", "max_excess_ms", "clock_steps", "slow_minutes")}
            for socket, clock in native["sockets"].items()
        }
        return {
            "rows": native["rows"],
            "filled": self._filled,
            "codes": {code: count for code, count in native["counts"].items() if count},
            "sockets": sockets,
            "days": [asdict(day) for day in day_budgets(native["days"])],
        }

    def _fills_of(self, rows: Mapping[str, Any], kind: NDArray[Any], ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are aggregate trades from REST that are older than what came before."""
        aggregate = kind == _AGG_TRADE
        if not aggregate.any():
            return np.zeros(len(kind), dtype=np.bool_)
        before = np.maximum.accumulate(np.concatenate(([self._newest_id], np.where(aggregate, ids, -1))))
        self._newest_id = int(before[-1])
        found: NDArray[np.bool_] = aggregate & (ids < before[:-1]) & (np.asarray(rows["socket"]) == REST_SOCKET)
        return found


def _after_known_holes(kind: NDArray[Any], ids: NDArray[Any]) -> NDArray[np.intp]:
    """Return the trades whose hole is told by the row before them: such a gap ends with the trade's id."""
    after = np.flatnonzero(kind[:-1] == _GAP) + 1
    joined: NDArray[np.intp] = after[np.isin(kind[after], (_TRADE, _AGG_TRADE)) & (ids[after] == ids[after - 1])]
    return joined


def _part(rows: Mapping[str, Any], chosen: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    return {name: column[chosen] for name, column in rows.items() if isinstance(column, np.ndarray)}
