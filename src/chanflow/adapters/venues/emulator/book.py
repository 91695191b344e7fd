"""The displayed book of one symbol with its update ids, and the diffs that its streams bring."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

BID: Final = 0
ASK: Final = 1
FIRST_ID: Final = 1_000_000
"""Update id of the empty book."""

Levels = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed between two events of one stream: `U`, `u`, `pu`, and absolute quantities by price."""

    first_id: int
    final_id: int
    prev_id: int
    bids: Levels
    asks: Levels


class Book:
    """Levels by side. Every change has an update id of its own, and every published diff one more.

    The id after a diff makes each REST book, whose `lastUpdateId` is the present one, fall inside the next diff of
    every stream: `U <= lastUpdateId <= u`, as the venue's ids do, which all its symbols share.
    """

    def __init__(self, cadences_ms: tuple[int, ...]) -> None:
        """`cadences_ms` name the streams of diffs."""
        self.update_id = FIRST_ID
        self._qty: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._prices: tuple[list[int], list[int]] = ([], [])
        self._log: list[tuple[int, int]] = []
        self._read: dict[int, int] = dict.fromkeys(cadences_ms, 0)
        self._told: dict[int, int] = dict.fromkeys(cadences_ms, FIRST_ID - 1)

    def best(self, side: int) -> tuple[int, int] | None:
        """Return price and quantity of the best level, None for an empty side."""
        prices = self._prices[side]
        if not prices:
            return None
        price = prices[0] if side else prices[-1]
        return price, self._qty[side][price]

    def qty(self, side: int, price: int) -> int:
        """Return the displayed lots at a price."""
        return self._qty[side].get(price, 0)

    def top(self, side: int, count: int) -> Levels:
        """Return the best `count` levels, best first."""
        prices = self._prices[side]
        shown = prices[:count] if side else prices[: -count - 1 : -1]
        qty = self._qty[side]
        return tuple((price, qty[price]) for price in shown)

    def clear(self) -> None:
        """Take every level away."""
        for side in (BID, ASK):
            for price in list(self._prices[side]):
                self._set(side, price, 0)

    def set_level(self, side: int, price: int, qty: int) -> None:
        """Set the absolute quantity at a price; what it crosses is gone."""
        if qty > 0:
            self._uncross(side, price)
        self._set(side, price, qty)

    def set_best(self, side: int, price: int, qty: int) -> None:
        """Set the only level that a feed of best quotes knows of a side."""
        self._uncross(side, price)
        for other in [one for one in self._prices[side] if one != price]:
            self._set(side, other, 0)
        self._set(side, price, qty)

    def eat(self, side: int, price: int, qty: int) -> None:
        """Take displayed lots away, as a taker does."""
        self._set(side, price, max(0, self.qty(side, price) - qty))

    def diff(self, cadence_ms: int) -> Diff | None:
        """Return what changed since this stream's last diff, None where nothing did."""
        at = self._read[cadence_ms]
        if at == len(self._log):
            return None
        touched = set(self._log[at:])
        self._read[cadence_ms] = len(self._log)
        before, self._told[cadence_ms] = self._told[cadence_ms], self.update_id
        qty = self._qty
        sides = [
            tuple((price, qty[side].get(price, 0)) for price in sorted(p for s, p in touched if s == side))
            for side in (BID, ASK)
        ]
        told = Diff(before + 1, self.update_id, before, sides[0], sides[1])
        self.update_id += 1
        self._forget()
        return told

    def skip(self, cadence_ms: int) -> None:
        """Begin a stream's next diff here: nobody heard what came before."""
        if self._read[cadence_ms] != len(self._log):
            self._read[cadence_ms] = len(self._log)
            self._told[cadence_ms] = self.update_id
            self.update_id += 1
            self._forget()

    @property
    def sizes(self) -> Mapping[str, int]:
        """How much is held: levels of both sides and changes that some stream has yet to tell."""
        return {"levels": sum(map(len, self._prices)), "log": len(self._log)}

    def _forget(self) -> None:
        oldest = min(self._read.values())
        if oldest:
            del self._log[:oldest]
            for cadence in self._read:
                self._read[cadence] -= oldest

    def _uncross(self, side: int, price: int) -> None:
        other = 1 - side
        prices = self._prices[other]
        crossed = prices[: bisect_right(prices, price)] if other else prices[bisect_left(prices, price) :]
        for gone in crossed:
            self._set(other, gone, 0)

    def _set(self, side: int, price: int, qty: int) -> None:
        held = self._qty[side]
        before = held.get(price, 0)
        if before == qty:
            return
        if qty > 0:
            held[price] = qty
            if not before:
                prices = self._prices[side]
                prices.insert(bisect_left(prices, price), price)
        else:
            del held[price]
            prices = self._prices[side]
            del prices[bisect_left(prices, price)]
        self.update_id += 1
        self._log.append((side, price))
