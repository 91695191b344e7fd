"""What every source of market events gives: columns of ticks, and the rules of the symbols they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.venues.emulator.rules import SymbolRules


class Kind(IntEnum):
    """What a row of ticks tells; the codes are those of `SimulatedExchange.push_ticks`."""

    CLEAR = 0
    BID = 1
    ASK = 2
    BUY = 3
    SELL = 4
    BEST_BID = 5
    BEST_ASK = 6
    MARK = 7
    FUNDING = 8


@dataclass(frozen=True, slots=True)
class Ticks:
    """Some events of one symbol in order of time: columns of one length, as `SimulatedExchange.push_ticks` takes them.

    Prices are integers of 10^-price_decimals and quantities lots; a level's quantity is absolute, a funding row has its
    rate in ppb for a quantity.
    """

    symbol: str
    event_ns: NDArray[np.int64]
    kind: NDArray[np.uint8]
    price: NDArray[np.int64]
    qty: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.event_ns)

    def __getitem__(self, rows: slice) -> Ticks:
        """Return some of the rows."""
        return Ticks(self.symbol, self.event_ns[rows], self.kind[rows], self.price[rows], self.qty[rows])

    def later(self, shift_ns: int) -> Ticks:
        """Return the same events `shift_ns` later."""
        return Ticks(self.symbol, self.event_ns + shift_ns, self.kind, self.price, self.qty) if shift_ns else self


class Tape(Protocol):
    """A source of market events. The same source gives the same ticks however time is cut into calls."""

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        """The rules of every symbol on the tape, by name, sorted."""
        ...

    @property
    def start_ns(self) -> int:
        """Time of the first event, Unix ns."""
        ...

    @property
    def end_ns(self) -> int | None:
        """Time after the last event, None for a tape without an end."""
        ...

    def until(self, ns: int) -> Sequence[Ticks]:
        """Return every tick with `event_ns <= ns` that was not given before, at most one batch a symbol."""
        ...
