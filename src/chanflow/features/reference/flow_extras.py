"""The columns beyond the fixed ones, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chanflow.features.reference.flow_book import Book, Levels
from chanflow.features.reference.flow_divergence import Divergences, Point
from chanflow.features.reference.flow_levels import Integrated, level_steps, normalised
from chanflow.features.reference.flow_measures import Regime, Vpin, kyle
from chanflow.features.reference.flow_microprice import MicroPrice
from chanflow.features.reference.flow_settings import FlowSettings

if TYPE_CHECKING:
    from chanflow.features.reference.flow import Bin, Quotes

DAY_MS, KYLE_MS, VPIN_LEARNING_MS = 86_400_000, 1_800_000, 60_000
CONFLICT_OFI, CONFLICT_CVD = 1.5, 0.7
SCORE_UNIT = 1_048_576.0


@dataclass(slots=True)
class OpenLevels:
    """The steps of the levels in one bin, the quantity on them after each change, and the changes."""

    steps: list[int]
    depth: int = 0
    changes: int = 0


class Extras:
    """Everything that the further columns need between bins."""

    def __init__(self, settings: FlowSettings) -> None:
        own = self.settings = settings
        self.weights = normalised(own.level_weights, own.levels)
        self.micro = MicroPrice(own.tick)
        self.vpin = Vpin(own.vpin_bucket)
        self.regime = Regime(own.bin_ms)
        self.integrated = Integrated(own.levels)
        self.divergences = Divergences(own.pivot_bins)
        self.pairs: list[tuple[int, int] | None] = []
        self.flows: list[int] = []
        self.first_ts_ms: int | None = None
        self.day: int | None = None
        self.mid_before: int | None = None
        self.cvd_day = self.ofi_total = self.score_total = 0
        self._before: tuple[Levels, Levels] | None = None
        self._open: dict[int, OpenLevels] = {}
        self._depths: list[tuple[int, tuple[int, int] | None]] = []
        self._newest_change: int | None = None

    # The book

    def before_change(self, index: int, book: Book) -> None:
        """Note the depth near the mid before a change in a later bin alters it."""
        if self._newest_change is not None and index > self._newest_change:
            depth = near_mid(book)
            if depth is not None:
                self._depths.append((self._newest_change, depth))

    def after_change(self, index: int, book: Book, *, is_open: bool) -> None:
        """Take the book after a change; a bin that is closed takes it no more."""
        self._newest_change = index if self._newest_change is None else max(self._newest_change, index)
        levels = self.settings.levels
        if levels == 0:
            return
        tops = (book.bids(levels), book.asks(levels))
        before, self._before = self._before, tops
        if not is_open:
            return
        found = self._open.setdefault(index, OpenLevels([0] * levels))
        found.depth += sum(qty for side in tops for _, qty in side)
        found.changes += 1
        if before is not None:
            found.steps = [a + b for a, b in zip(found.steps, level_steps(before, tops, levels), strict=True)]

    def break_off(self) -> None:
        """Forget what must not be carried across a hole."""
        self._before = self._newest_change = None
        self.micro.break_off()

    # A bin

    def close(
        self,
        index: int,
        done: Bin,
        row: dict[str, Any],
        *,
        quotes: Quotes | None,
        cvd: int,
        ages_ms: tuple[int | None, int | None],
        book: Book,
    ) -> dict[str, Any]:
        """Return the further columns of a bin whose fixed columns are in `row`."""
        lot = self.settings.lot_unit
        levels = self._open.pop(index, OpenLevels([0] * self.settings.levels))
        ok, sound = row["book_ok"] is True, row["book_ok"] is not False
        depth = self._depth(index, book) if ok else None
        mid2 = None if quotes is None else quotes[0] + quotes[2]
        moved = None if mid2 is None or self.mid_before is None else mid2 - self.mid_before
        self.mid_before = mid2 if sound else None
        ofi_age_ms, cvd_age_ms = ages_ms
        return {
            **self._of_quotes(row["ts_ms"], quotes),
            **self._of_trades(row["ts_ms"], done),
            **self._of_moves(done, moved if sound else None, mid2),
            **self._of_levels(row["ts_ms"], levels, moved, mid2, ok=ok),
            "depth_bid": None if depth is None else float(depth[0]) / lot,
            "depth_ask": None if depth is None else float(depth[1]) / lot,
            "lag_sec": None
            if ofi_age_ms is None or cvd_age_ms is None
            else float(max(ofi_age_ms, cvd_age_ms)) / 1_000.0,
            **self._of_divergence(done, row, cvd, mid2),
        }

    def _depth(self, index: int, book: Book) -> tuple[int, int] | None:
        if self._newest_change is not None and self._newest_change <= index:
            return near_mid(book)
        known = [depth for number, depth in self._depths if number <= index]
        return known[-1] if known else None

    def _of_quotes(self, ts_ms: int, quotes: Quotes | None) -> dict[str, Any]:
        found: dict[str, Any] = {"queue_imbalance": None, "weighted_mid": None, "micro_price": None}
        if quotes is None:
            return found
        bid, bid_qty, ask, ask_qty = quotes
        unit = self.settings.price_unit
        if bid_qty + ask_qty > 0:
            found["queue_imbalance"] = float(bid_qty - ask_qty) / float(bid_qty + ask_qty)
            found["weighted_mid"] = float(bid_qty * ask + ask_qty * bid) / float(bid_qty + ask_qty) / unit
        shift = self.micro.adjustment(ts_ms, *quotes)
        if shift is not None:
            found["micro_price"] = (float(bid + ask) + shift) / (2.0 * unit)
        return found

    def _of_trades(self, ts_ms: int, done: Bin) -> dict[str, Any]:
        own = self.settings
        buys, sells = done.bought(), done.bought(buys=False)
        day = (ts_ms - 1) // DAY_MS
        if day != self.day:
            self.day, self.cvd_day = day, 0
        self.cvd_day += buys - sells
        self.flows.append(buys - sells)
        for _, qty, side in done.trades:
            self.vpin.push(qty if side else -qty)
        self.first_ts_ms = ts_ms if self.first_ts_ms is None else self.first_ts_ms
        if ts_ms - self.first_ts_ms + own.bin_ms >= VPIN_LEARNING_MS:
            self.vpin.learnt()
        amount = done.amount(buys=True) - done.amount(buys=False)
        return {
            "cvd_day": float(self.cvd_day) / own.lot_unit,
            "cvd_rolling": float(sum(self.flows[-own.bins_in(own.cvd_window_ms) :])) / own.lot_unit,
            "buy_ratio": float(buys) / float(buys + sells) if buys + sells else None,
            "tfi_quote": float(amount) / (own.price_unit * own.lot_unit),
            "vpin": self.vpin.value(),
        }

    def _of_moves(self, done: Bin, moved: int | None, mid2: int | None) -> dict[str, Any]:
        own = self.settings
        self.pairs.append(None if moved is None else (done.bought() - done.bought(buys=False), moved))
        slope, t_value = kyle(self.pairs[-max(own.bins_in(KYLE_MS), 30) :])
        amount = done.amount(buys=True) + done.amount(buys=False)
        self.regime.parts.append((len(done.trades), done.quotes, amount, 0 if moved is None else moved * moved))
        self.regime.mids.append(mid2)
        rates = self.regime.rates()
        trades, quotes, value, swing = rates or (None, None, None, None)
        return {
            "kyle_lambda": None if slope is None else slope * own.lot_unit / (2.0 * own.price_unit),
            "kyle_t": t_value,
            "trades_per_min": trades,
            "quotes_per_s": quotes,
            "volume_quote": None if value is None else value / (own.price_unit * own.lot_unit),
            "sigma_bps": None if swing is None or mid2 is None else 1e4 * swing / float(mid2),
            "move_5m_bps": self.regime.move_bps() if rates else None,
        }

    def _of_levels(
        self, ts_ms: int, found: OpenLevels, moved: int | None, mid2: int | None, *, ok: bool
    ) -> dict[str, Any]:
        own = self.settings
        names = [f"mlofi_{level + 1}" for level in range(own.levels)]
        if not ok or own.levels == 0:
            absent: dict[str, Any] = dict.fromkeys((*names, "ofi_weighted", "ofi_integrated"))
            return absent | {"ofi_integrated_reason": "book_not_ok"}
        steps = [float(step) / own.lot_unit for step in found.steps]
        weighted = 0.0
        for weight, step in zip(self.weights, steps, strict=True):
            weighted += weight * step
        depth = float(found.depth) / float(2 * own.levels * found.changes) if found.depth else 1.0
        flows = [float(step) / depth for step in found.steps]
        joined = self.integrated.value(ts_ms, flows)
        if moved is not None and mid2 is not None:
            self.integrated.sums.add(flows, 1e4 * float(moved) / float(mid2))
        return {
            **dict(zip(names, steps, strict=True)),
            "ofi_weighted": weighted,
            "ofi_integrated": joined,
            "ofi_integrated_reason": "gate" if joined is None else None,
        }

    def _of_divergence(self, done: Bin, row: dict[str, Any], cvd: int, mid2: int | None) -> dict[str, Any]:
        self.ofi_total += done.ofi
        if row["fusion"] is not None:
            self.score_total += round(row["fusion"] * SCORE_UNIT)
        z_ofi, z_cvd = row["z_ofi"], row["z_cvd"]
        conflict = (
            z_ofi is not None
            and z_cvd is not None
            and abs(z_ofi) >= CONFLICT_OFI
            and abs(z_cvd) >= CONFLICT_CVD
            and (z_ofi > 0) != (z_cvd > 0)
        )
        found = []
        if mid2 is not None:
            sums = (cvd, self.ofi_total, self.score_total)
            found = self.divergences.push(Point(row["ts_ms"], mid2, sums, row["consistency"] or 0.0))
        return {"ofi_cvd_conflict": conflict, "divergences": tuple(found)}


def near_mid(book: Book) -> tuple[int, int] | None:
    """Return the quantity within 10 bps of the mid on either side; None where the book does not reach so far."""
    bids, asks = book.bids(), book.asks()
    if not bids or not asks:
        return None
    mid2 = bids[0][0] + asks[0][0]
    sides = []
    for levels in (bids, asks):
        near = [qty for price, qty in levels if abs(2 * price - mid2) * 1_000 <= mid2]
        if len(near) == len(levels):
            return None
        sides.append(sum(near))
    return sides[0], sides[1]
