"""Streams of order-flow events full of what breaks engines, and native features beside those of the plain reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import chanflow_native as native

from chanflow.features.reference.flow import Event, flow_rows
from chanflow.features.reference.flow_settings import FlowSettings, FusionSettings

START_MS = 1_700_000_000_000
PRICE_DECIMALS, QTY_DECIMALS = 1, 3
TICK = 5


def settings(chance: Random) -> dict[str, Any]:
    """Return settings as `FlowEngine` takes them."""
    bin_ms = chance.choice((100, 200, 500, 1_000, 2_000))
    return {
        "bin_ms": bin_ms,
        "window_ms": bin_ms * chance.choice((5, 20, 60)),
        "warmup_ms": bin_ms * chance.randint(0, 5),
        "watermark_ms": chance.choice((0, 50, 250)),
        "keep_levels": chance.choice((None, 1_000, 8)),
        "z": chance.choice(("robust", "robust", "ew")),
        "half_life_ms": chance.choice((1_000, 300_000)),
        "ofi_source": chance.choice(("book_ticker", "book_ticker", "depth", "bbo")),
        "sockets": chance.choice((1, 1, 2)),
        "late_after_ms": chance.choice((250, 1_000)),
        "levels": chance.choice((0, 1, 3, 5, 20)),
        "level_weights": chance.choice(((0.4, 0.25, 0.2, 0.1, 0.05), (1.0, -1.0, 0.5), (0.0,))),
        "cvd_window_ms": bin_ms * chance.choice((1, 10, 300)),
        "pivot_bins": chance.choice((1, 2, 5, 12)),
        "tick": chance.choice((None, TICK, 1)),
        "vpin_bucket": chance.choice((None, 500, 20_000)),
        "fusion": {"min_consecutive": chance.choice((1, 2)), "max_lag_ms": chance.choice((300, 3_000))},
    }


class StreamMaker:
    """A market on a coarse grid whose feed repeats, skips, stalls, lies and breaks."""

    def __init__(self, chance: Random, *, pace_ms: int = 30, trouble: float = 0.02) -> None:
        self.chance, self.pace_ms, self.trouble = chance, pace_ms, trouble
        self.now_ms = START_MS + chance.randint(0, 300_000)
        self.update_id = self.last_diff_id = self.trade_id = 100
        self.mid = 2_000 * TICK
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.unsent: set[int] = set()
        """Prices whose quantity a quote has shown and no diff yet."""
        self._fill()

    def events(self, count: int) -> list[Event]:
        """Return the next events."""
        found: list[Event] = [*self._diff(), self._snapshot()]
        while len(found) < count:
            self.now_ms += self._wait()
            kind = self.chance.random()
            if kind < 0.5:
                found += self._quote()
            elif kind < 0.72:
                found.append(self._trade())
            else:
                found += self._diff()
            if self.chance.random() < self.trouble / 4:
                found.append(("reset", self.now_ms, 0))
            if self.chance.random() < self.trouble:
                found.append(self._snapshot())
        return found[:count]

    def _wait(self) -> int:
        draw = self.chance.random()
        if draw < 0.4:
            return 0
        if draw < self.trouble * 0.02 + 0.4:
            return self.chance.choice((5_000, 61_000, 70_000))
        return self.chance.randint(0, 2 * self.pace_ms)

    def _lag(self) -> int:
        slow = self.chance.random() < self.trouble
        return self.now_ms - self.chance.randint(0, 2_000 if slow else 20)

    def _fill(self) -> None:
        for step in range(1, 9):
            self.bids[self.mid - step * TICK] = self._qty()
            self.asks[self.mid + step * TICK] = self._qty()

    def _qty(self) -> int:
        return self.chance.choice((1, 7, 250, 1_000, self.chance.randint(1, 90_000)))

    def _best(self) -> tuple[int, int, int, int]:
        bid, ask = max(self.bids, default=self.mid - TICK), min(self.asks, default=self.mid + TICK)
        return bid, self.bids.get(bid, 0), ask, self.asks.get(ask, 0)

    def _move(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Change the book and return what changed."""
        bids, asks = [], []
        self.mid += self.chance.choice((-TICK, 0, 0, 0, TICK))
        for book, changed, sign in ((self.bids, bids, -1), (self.asks, asks, 1)):
            for _ in range(self.chance.randint(0, 3)):
                price = self.mid + sign * TICK * self.chance.randint(1, 8)
                qty = 0 if self.chance.random() < 0.25 else self._qty()
                changed.append((price, qty))
            changed += [
                (price, qty) for price, qty in book.items() if price in self.unsent and price not in dict(changed)
            ]
            # What the mid has passed is gone.
            changed += [(price, 0) for price in book if (price - self.mid) * sign <= 0]
            for price, qty in changed:
                if qty:
                    book[price] = qty
                else:
                    book.pop(price, None)
        self.unsent = set()
        return bids, asks

    def _diff(self) -> list[Event]:
        bids, asks = self._move()
        first, self.update_id = self.update_id + 1, self.update_id + self.chance.randint(1, 3)
        previous, self.last_diff_id = self.last_diff_id, self.update_id
        if self.chance.random() < self.trouble / 2:
            return []  # lost on the way
        if self.chance.random() < self.trouble / 2:
            bids = [*bids, (self.mid + 9 * TICK, 5)]  # crosses the book
        event = ("depth", self._lag(), 0, first, self.update_id, previous, bids, asks)
        # The venue shows its new best quotes under the diff's own id.
        quote = ("quote", self._lag(), 0, self.update_id, *self._best())
        found = [quote, event] if self.chance.random() > self.trouble / 4 else [event]
        return [*found, event] if self.chance.random() < self.trouble else found

    def _quote(self) -> list[Event]:
        self.update_id += self.chance.choice((0, 1, 1))
        bid, bid_qty, ask, ask_qty = self._best()
        if self.bids and self.asks and self.chance.random() < 0.8:
            bid_qty, ask_qty = self._qty(), self._qty()
            self.bids[bid], self.asks[ask] = bid_qty, ask_qty
            self.unsent |= {bid, ask}
        if self.chance.random() < self.trouble:
            bid_qty, ask_qty = self.chance.choice(((0, 0), (1 << 59, 3), (bid_qty, 0)))
        if self.chance.random() < self.trouble:
            bid = ask + TICK  # a crossed attempt
        if self.chance.random() < self.trouble / 4:
            bid = 0
        quote = ("quote", self._lag(), 0, self.update_id, bid, bid_qty, ask, ask_qty)
        return [quote, quote] if self.chance.random() < self.trouble else [quote]

    def _trade(self) -> Event:
        self.trade_id += self.chance.choice((0, 1, 1, 1, 2))
        bid, _, ask, _ = self._best()
        price, qty = self.chance.choice((bid, ask)), self._qty()
        if self.chance.random() < self.trouble:
            price, qty = self.chance.choice(((0, 0), (price, 0), (0, qty)))
        is_market = self.chance.random() > self.trouble
        return ("trade", self._lag(), 0, self.trade_id, price, qty, self.chance.random() < 0.5, is_market)

    def _snapshot(self) -> Event:
        bids, asks = sorted(self.bids.items()), sorted(self.asks.items())
        if self.chance.random() < 0.2:
            self.update_id += 1
            return ("book", self.now_ms, 0, self.update_id, bids, asks)
        return ("snapshot", self.now_ms, 0, self.last_diff_id - self.chance.choice((0, 0, 0, 1, 9)), bids, asks)


def native_rows(
    events: Sequence[Event],
    given: dict[str, Any],
    *,
    decimals: tuple[int, int] = (PRICE_DECIMALS, QTY_DECIMALS),
    cuts: Sequence[int] = (),
) -> list[dict[str, Any]]:
    """Return the engine's rows as the reference shows its own; at each cut the engine is saved and another loads it."""
    engine = native.FlowEngine(*decimals, all_columns=True, **given)
    parts, start = [], 0
    for cut in (*cuts, len(events)):
        parts.append(engine.push(native.batch_of_events(events[start:cut], *decimals)))
        start = cut
        state = engine.save()
        engine = native.FlowEngine(*decimals, all_columns=True, **given)
        engine.load(state)
        assert engine.save() == state
    parts.append(engine.finish())
    return [row for part in parts for row in rows_of(part)]


def rows_of(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Return columns as rows, absent values None."""
    plain = {name: column if isinstance(column, list) else column.tolist() for name, column in columns.items()}
    rows = [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float) and math.isnan(value):
                row[name] = None
        row["book_ok"] = None if row["book_ok"] < 0 else bool(row["book_ok"])
    return rows


def reference_rows(
    events: Sequence[Event], given: dict[str, Any], *, decimals: tuple[int, int] = (PRICE_DECIMALS, QTY_DECIMALS)
) -> list[dict[str, Any]]:
    """Return the rows of the plain reference under the same settings."""
    own = given | {"fusion": FusionSettings(**given.get("fusion", {}))}
    return flow_rows(events, FlowSettings(price_decimals=decimals[0], qty_decimals=decimals[1], **own))


def difference(native_side: list[dict[str, Any]], reference: list[dict[str, Any]]) -> str | None:
    """Return the first place where the two differ, to the bit, or None."""
    if len(native_side) != len(reference):
        return f"{len(native_side)} rows, the reference has {len(reference)}"
    for at, (ours, theirs) in enumerate(zip(native_side, reference, strict=True)):
        if ours.keys() != theirs.keys():
            return f"columns differ: {sorted(ours.keys() ^ theirs.keys())}"
        for name in ours:
            if ours[name] != theirs[name]:
                return f"row {at} {name}: {ours[name]!r}, the reference has {theirs[name]!r}"
    return None


def compared(seed: int, count: int = 400, **given: Any) -> tuple[str | None, list[dict[str, Any]]]:
    """Return where a random stream's features differ, and the reference's rows."""
    chance = Random(seed)
    pace_ms = given.pop("pace_ms", chance.choice((5, 30, 100)))
    own = settings(chance) | given
    events = StreamMaker(chance, pace_ms=pace_ms, trouble=chance.choice((0.0, 0.02, 0.1))).events(count)
    cuts = sorted(chance.sample(range(len(events) + 1), 2))
    reference = reference_rows(events, own)
    return difference(native_rows(events, own, cuts=cuts), reference), reference
