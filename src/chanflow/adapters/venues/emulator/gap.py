"""A market that jumps: from one moment on, every price of a symbol's tape stands so much higher or lower."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chanflow.adapters.venues.emulator.tape.steps import Kind, Ticks

Levels = Sequence[tuple[int, int]]


class Gaps:
    """What each symbol's prices are moved by, in units of its price."""

    def __init__(self) -> None:
        self._shifts: dict[str, int] = {}

    def follow(self, ticks: Ticks) -> Ticks:
        """Return ticks as they are after the jumps so far; what would have no price above 0 is not there."""
        shift = self._shifts.get(ticks.symbol, 0)
        if shift == 0:
            return ticks
        unpriced = (ticks.kind == Kind.CLEAR) | (ticks.kind == Kind.FUNDING)
        price = np.where(unpriced, ticks.price, ticks.price + shift)
        kept = unpriced | (price > 0)
        return Ticks(ticks.symbol, ticks.event_ns[kept], ticks.kind[kept], price[kept], ticks.qty[kept])

    def jump(self, symbol: str, shift: int, *, bids: Levels, asks: Levels, mark: int, now_ns: int) -> Ticks:
        """Let the book and the mark jump by `shift` now, and all that follows on the tape with them.

        Returns the ticks that tell it: a new book, a trade of its best ask's first lot, so that last-price stops see
        the jump, and the mark.
        """
        self._shifts[symbol] = self._shifts.get(symbol, 0) + shift
        rows = [(Kind.CLEAR, 0, 0)]
        rows += [(Kind.BID, price + shift, qty) for price, qty in bids]
        rows += [(Kind.ASK, price + shift, qty) for price, qty in asks]
        rows += [(Kind.BUY, price + shift, 1) for price, _ in asks[:1]]
        rows.append((Kind.MARK, mark + shift, 0))
        told = [row for row in rows if row[0] == Kind.CLEAR or row[1] > 0]
        kind, price, qty = (np.array(column) for column in zip(*told, strict=True))
        at_ns = np.full(len(told), now_ns, dtype=np.int64)
        return Ticks(symbol, at_ns, kind.astype(np.uint8), price.astype(np.int64), qty.astype(np.int64))

    def forget(self) -> None:
        """Take every jump back; the book is told anew by whoever begins again."""
        self._shifts.clear()
