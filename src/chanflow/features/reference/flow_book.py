"""A local order book kept in step with its venue, and its comparison with the venue's own best quotes."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import NamedTuple

Levels = list[tuple[int, int]]
"""(price, quantity) pairs in integers."""

MAX_BUFFERED, MAX_BUFFERED_MS = 20_000, 30_000
PRUNE_EVERY = 1_024
MAX_QUOTES = 65_536


class Diff(NamedTuple):
    """A change of the book: `U`, `u`, `pu` (-1 where the venue sends none)."""

    first_id: int
    final_id: int
    prev_final_id: int
    event_ms: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class Change:
    """What an event did to the book: synced, applied, lost or crossed."""

    what: str
    event_ms: int = 0
    final_id: int = 0
    from_ms: int = 0
    bid: tuple[int, int] | None = None
    ask: tuple[int, int] | None = None


class Side:
    """Quantities by price, and the prices in order."""

    def __init__(self) -> None:
        self.qty_by_price: dict[int, int] = {}
        self.prices: list[int] = []

    def set(self, price: int, qty: int) -> None:
        """Set the absolute quantity of a level; 0 removes it."""
        if qty == 0:
            if self.qty_by_price.pop(price, None) is not None:
                del self.prices[bisect_left(self.prices, price)]
            return
        if price not in self.qty_by_price:
            insort(self.prices, price)
        self.qty_by_price[price] = qty

    def levels(self, prices: list[int]) -> Levels:
        """Return the levels of prices."""
        return [(price, self.qty_by_price[price]) for price in prices]


class Book:
    """The rules of the venue's documentation: buffer, bracket the snapshot, follow the chain."""

    def __init__(self, keep_levels: int | None) -> None:
        self.keep_levels = keep_levels
        self.clear()
        self.state = "buffering"
        self.buffer: list[Diff] = []
        self.snapshot: tuple[int, Levels, Levels] | None = None
        self.last_id = self.last_ms = self.applied = 0

    def clear(self) -> None:
        """Remove all levels."""
        self.bid_side, self.ask_side = Side(), Side()

    def bids(self, count: int | None = None) -> Levels:
        """Return the best `count` bids, all without it, best first."""
        prices = self.bid_side.prices
        return self.bid_side.levels(prices[::-1] if count is None else prices[: -count - 1 : -1])

    def asks(self, count: int | None = None) -> Levels:
        """Return the best `count` asks, all without it, best first."""
        return self.ask_side.levels(self.ask_side.prices[:count])

    def best(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Return the best bid and the best ask."""
        bids, asks = self.bids(1), self.asks(1)
        return bids[0] if bids else None, asks[0] if asks else None

    def on_snapshot(self, last_id: int, bids: Levels, asks: Levels) -> list[Change]:
        """Take a full book; a synced book has no use for it."""
        if self.state == "synced":
            return []
        self.snapshot, self.state = (last_id, bids, asks), "snapshot_wait"
        return self._bracket()

    def on_book(self, book_id: int, event_ms: int, bids: Levels, asks: Levels) -> list[Change]:
        """Take a whole book that stands alone."""
        changes = []
        if self.state == "synced":
            if book_id <= self.last_id:
                return []
        else:
            self.state = "synced"
            changes.append(Change("synced"))
        self.clear()
        return changes + self._put(book_id, event_ms, bids, asks)

    def reset(self, at_ms: int) -> list[Change]:
        """Lose the book: the connection is another one now."""
        lost = [Change("lost", event_ms=at_ms, from_ms=self.last_ms)] if self.state == "synced" else []
        self.state, self.snapshot, self.buffer = "buffering", None, []
        return lost

    def on_diff(self, diff: Diff) -> list[Change]:
        """Take a diff."""
        if self.state == "synced":
            return self._step(diff)
        self._keep(diff)
        return self._bracket() if self.state == "snapshot_wait" else []

    def _keep(self, diff: Diff) -> None:
        self.buffer.append(diff)
        while len(self.buffer) > MAX_BUFFERED or diff.event_ms - self.buffer[0].event_ms > MAX_BUFFERED_MS:
            self.buffer.pop(0)

    def _bracket(self) -> list[Change]:
        if self.snapshot is None:
            return []
        last_id, bids, asks = self.snapshot

        def wanted(diff: Diff) -> int:
            return last_id if diff.prev_final_id >= 0 else last_id + 1

        while self.buffer and self.buffer[0].final_id < wanted(self.buffer[0]):
            self.buffer.pop(0)
        if not self.buffer:
            return []
        first = self.buffer[0]
        if first.first_id > wanted(first):
            self.snapshot, self.state = None, "buffering"
            return []
        self.clear()
        self._apply(bids, asks)
        self.snapshot, self.state = None, "synced"
        self.last_id = first.prev_final_id if first.prev_final_id >= 0 else first.first_id - 1
        changes = [Change("synced")]
        waiting, self.buffer = self.buffer, []
        for diff in waiting:
            if self.state == "synced":
                changes += self._step(diff)
            else:
                self._keep(diff)
        return changes

    def _step(self, diff: Diff) -> list[Change]:
        follows = diff.prev_final_id == self.last_id if diff.prev_final_id >= 0 else diff.first_id == self.last_id + 1
        if follows:
            return self._put(diff.final_id, diff.event_ms, diff.bids, diff.asks)
        if diff.final_id == self.last_id:
            return []
        self.state = "buffering"
        self._keep(diff)
        return [Change("lost", event_ms=diff.event_ms, from_ms=self.last_ms)]

    def _put(self, final_id: int, event_ms: int, bids: Levels, asks: Levels) -> list[Change]:
        self._apply(bids, asks)
        self.last_id, self.last_ms = final_id, event_ms
        self.applied += 1
        bid, ask = self.best()
        if bid and ask and bid[0] >= ask[0]:
            self.state = "buffering"
            return [Change("crossed", event_ms=event_ms)]
        if self.keep_levels is not None and self.applied % PRUNE_EVERY == 0:
            bids, asks = self.bids(self.keep_levels), self.asks(self.keep_levels)
            self.clear()
            self._apply(bids, asks)
        return [Change("applied", event_ms=event_ms, final_id=final_id, bid=bid, ask=ask)]

    def _apply(self, bids: Levels, asks: Levels) -> None:
        for side, levels in ((self.bid_side, bids), (self.ask_side, asks)):
            for price, qty in levels:
                side.set(price, qty)


class Agreement:
    """After each diff the best quotes must equal the latest bookTicker with `u` not above the diff's."""

    def __init__(self) -> None:
        self.quotes: list[tuple[int, tuple[int, int], tuple[int, int]]] = []
        self.waiting: list[Change] = []

    def on_quote(self, update_id: int, bid: tuple[int, int], ask: tuple[int, int], needed_from: int) -> int | None:
        """Take a quote and decide the diffs below it; return the newest venue time of one that disagrees."""
        bad_ms = None
        while self.waiting and self.waiting[0].final_id < update_id:
            front = self.waiting.pop(0)
            found = self._judge(front)
            bad_ms = bad_ms if found is None else found
        self.quotes.append((update_id, bid, ask))
        needed = min([change.final_id for change in self.waiting[:1]] + [needed_from])
        while len(self.quotes) > MAX_QUOTES or (len(self.quotes) > 1 and self.quotes[1][0] <= needed):
            self.quotes.pop(0)
        return bad_ms

    def on_applied(self, change: Change) -> int | None:
        """Take the best quotes after a diff; return its time if it is known to disagree already."""
        if self.quotes and self.quotes[-1][0] > change.final_id:
            return self._judge(change)
        self.waiting.append(change)
        return None

    def lose_book(self) -> None:
        """Forget the diffs that wait, after the book is lost."""
        self.waiting = []

    def _judge(self, change: Change) -> int | None:
        known = [quote for quote in self.quotes if quote[0] <= change.final_id]
        if not known:
            return None
        _, bid, ask = known[-1]
        return None if (change.bid, change.ask) == (bid, ask) else change.event_ms
