"""Rows through the gate, to the end of a file: masks, what was learnt later, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from chanflow_native import QualityGate

from chanflow.market.quality import CHAIN_BREAK, CODE_BITS, PRICE_JUMP
from chanflow.market.quality_report import ROWS_LISTED, QualityReport, RowList, SocketClock, day_budgets

if TYPE_CHECKING:
    from numpy.typing import NDArray

Grid = tuple[int, int] | tuple[float, float] | tuple[str, str] | None
"""Decimals of price and quantity, or tick and step; None where nothing is known."""


class RowCheck:
    """Judges the rows of one file. Unlike a live gate it may look back, so it also condemns the event before a break.

    Where two events do not join, either may be wrong. A row whose jump a second trade confirmed is acquitted.
    """

    def __init__(self, venue: str, grids: Mapping[str, Grid]) -> None:
        """Raises ValueError for an unknown venue, no symbol, or a rule that is no grid."""
        self._venue = venue
        self._gate = QualityGate(venue, grids)
        self._masks: list[NDArray[np.uint32]] = []
        self._kinds: list[NDArray[np.uint8]] = []
        self._unjoined: list[tuple[int, int]] = []
        self._confirmed: list[NDArray[np.int64]] = []
        self._not_market: list[NDArray[np.int64]] = []

    def push(self, columns: Mapping[str, NDArray[Any]], found: NDArray[np.uint32] | None = None) -> None:
        """Judge the next rows; `found` are codes that the reader of the file found itself."""
        masks = self._gate.check(columns)
        self._masks.append(masks if found is None else masks | found)
        self._kinds.append(np.asarray(columns["kind"]))
        learnt = self._gate.take_amendments()
        self._unjoined += learnt["unjoined"]
        self._confirmed.append(learnt["confirmed"])
        self._not_market.append(learnt["not_market"])

    def masks(self) -> NDArray[np.uint32]:
        """Return the mask of every row so far, with what was learnt since."""
        if not self._masks:
            return np.zeros(0, dtype=np.uint32)
        masks, kinds = np.concatenate(self._masks), np.concatenate(self._kinds)
        masks[np.concatenate(self._confirmed)] &= np.uint32(~CODE_BITS[PRICE_JUMP] & 0xFFFF_FFFF)
        for first, last in self._unjoined:
            event = masks[first : last + 1]
            event[kinds[first : last + 1] == kinds[first]] |= np.uint32(CODE_BITS[CHAIN_BREAK])
        return masks

    def report(self, name: str, *, notes: tuple[str, ...] = ()) -> QualityReport:
        """Return what was found so far."""
        masks, native = self.masks(), self._gate.report()
        codes = {code: _rows(np.flatnonzero(masks & np.uint32(bit))) for code, bit in CODE_BITS.items()}
        return QualityReport(
            name=name,
            venue=self._venue,
            symbols=tuple(self._gate.symbols),
            rows=len(masks),
            bad_rows=int(np.count_nonzero(masks)),
            codes={code: found for code, found in codes.items() if found.count},
            not_market=_rows(np.concatenate(self._not_market) if self._not_market else np.zeros(0, dtype=np.int64)),
            notes=notes,
            days=day_budgets(native["days"]),
            sockets=tuple(
                SocketClock(
                    socket=socket,
                    offset_ms=clock["offset_ms"],
                    max_excess_ms=clock["max_excess_ms"],
                    clock_steps=clock["clock_steps"],
                    slow_minutes=clock["slow_minutes"],
                    minutes=clock["minutes"],
                )
                for socket, clock in native["sockets"].items()
            ),
        )


def _rows(positions: NDArray[np.int64]) -> RowList:
    return RowList(len(positions), tuple(int(at) + 1 for at in positions[:ROWS_LISTED]))
