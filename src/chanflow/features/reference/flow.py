"""Order-flow features in plain Python: events in, one row for every bin of venue time out.

It is slow and written to be read; the compiled engine is tested against it, bit for bit. Bins hold their events whole
and every figure is computed from its definition. Events are tuples as `chanflow_native.batch_events` gives them; all
amounts in them are integers, so sums are exact and independent of order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chanflow.features.reference.flow_book import Agreement, Book, Change, Diff
from chanflow.features.reference.flow_extras import Extras
from chanflow.features.reference.flow_fusion import Fusion, FusionBin
from chanflow.features.reference.flow_levels import ofi_step
from chanflow.features.reference.flow_settings import FlowSettings
from chanflow.features.reference.flow_z import EwZ, RobustZ

NEVER = -(1 << 63)
FOREVER = (1 << 63) - 1
MAX_GAP_MS = 60_000
MAX_AHEAD_BINS = 10_000_000
MAX_AMOUNT = 10**18

Event = tuple[Any, ...]
Quotes = tuple[int, int, int, int]
"""bid, bid_qty, ask, ask_qty."""


@dataclass(slots=True)
class Bin:
    """What one bin has collected."""

    ofi: int = 0
    quotes: int = 0
    trades: list[tuple[int, int, bool]] = field(default_factory=list)
    """Price, quantity, whether the taker bought."""
    quote: tuple[Quotes, int] | None = None
    trade: tuple[int, int] | None = None

    def bought(self, *, buys: bool = True) -> int:
        """Return the lots of takers of one side."""
        return sum(qty for _, qty, side in self.trades if side == buys)

    def amount(self, *, buys: bool) -> int:
        """Return Σ price · quantity of takers of one side."""
        return sum(price * qty for price, qty, side in self.trades if side == buys)


class FlowReference:
    """The engine without a shortcut: same input, same rows as `chanflow_native.FlowEngine(all_columns=True)`."""

    def __init__(self, settings: FlowSettings) -> None:
        own = self.settings = settings
        warmup = own.warmup_ms // own.bin_ms
        self.z_ofi, self.z_cvd = (
            EwZ(own.bin_ms, own.half_life_ms, warmup) if own.z == "ew" else RobustZ(own.window_ms // own.bin_ms, warmup)
            for _ in range(2)
        )
        self.fusion = Fusion(own.fusion)
        self.extras = Extras(own)
        self.book, self.agreement = Book(own.keep_levels), Agreement()
        self.rows: list[dict[str, Any]] = []
        self.late = 0
        self._bins: dict[int, Bin] = {}
        self._first_open: int | None = None
        self._last_active = self._quote_id = self._trade_id = NEVER
        self._any_closed = self._has_depth = False
        self._clock_ms = self._public_ms = self._market_ms = NEVER
        self._diff_id = self._cvd = 0
        self._before: Quotes | None = None
        self._quote: tuple[Quotes, int] | None = None
        self._trade: tuple[int, int] | None = None
        self._bad: list[tuple[int, int]] = [(NEVER, FOREVER)]
        self._clear_after_ms: int | None = None
        self._lost_ms: int | None = None

    def push(self, events: Iterable[Event]) -> None:
        """Take events in order of arrival."""
        for event in events:
            kind, event_ms = event[0], event[1]
            if self._clock_ms != NEVER and event_ms - self._clock_ms >= MAX_AHEAD_BINS * self.settings.bin_ms:
                continue
            self._clock_ms = max(self._clock_ms, event_ms)
            if kind == "trade":
                self._market_ms = max(self._market_ms, event_ms)
            else:
                self._public_ms = max(self._public_ms, event_ms)
            getattr(self, f"_on_{kind}")(event_ms, *event[3:])

    def spoil(self, event_ms: int) -> None:
        """Note that a row of this time was quarantined: the book of its bin is not ok."""
        self._bad.append((event_ms, event_ms + 1))

    def finish(self) -> None:
        """Close the bins still open, up to the last quote or trade."""
        while self._first_open is not None and self._first_open <= self._last_active:
            self._close_first(late=False)

    # Events

    def _on_quote(self, event_ms: int, update_id: int, bid: int, bid_qty: int, ask: int, ask_qty: int) -> None:
        if self.settings.ofi_source == "depth" or update_id <= self._quote_id:
            return
        self._quote_id = update_id
        self._take_quotes(event_ms, (bid, bid_qty, ask, ask_qty))
        if self.settings.ofi_source == "book_ticker":
            needed = self._diff_id
            if self.book.state != "synced" and self.book.buffer:
                needed = self.book.buffer[0].final_id
            bad_ms = self.agreement.on_quote(update_id, (bid, bid_qty), (ask, ask_qty), needed)
            if bad_ms is not None:
                self._bad.append((bad_ms, bad_ms + 1))

    def _on_trade(self, event_ms: int, trade_id: int, price: int, qty: int, is_maker: bool, is_market: bool) -> None:
        if trade_id <= self._trade_id:
            return
        self._trade_id = trade_id
        if not is_market or not 1 <= price <= MAX_AMOUNT or not 1 <= qty <= MAX_AMOUNT:
            return
        self._after_loss(event_ms)
        found = self._bin_of(event_ms)
        if found is not None:
            found.trades.append((price, qty, not is_maker))
            found.trade = price, event_ms

    def _on_depth(self, event_ms: int, first_id: int, final_id: int, prev_id: int, bids: Any, asks: Any) -> None:
        self._diff_id, self._has_depth = final_id, True
        self._before_change(event_ms)
        self._on_changes(self.book.on_diff(Diff(first_id, final_id, prev_id, event_ms, bids, asks)))

    def _on_snapshot(self, _event_ms: int, last_id: int, bids: Any, asks: Any) -> None:
        self._has_depth = True
        self._on_changes(self.book.on_snapshot(last_id, bids, asks))

    def _on_book(self, event_ms: int, book_id: int, bids: Any, asks: Any) -> None:
        self._diff_id, self._has_depth = book_id, True
        self._before_change(event_ms)
        self._on_changes(self.book.on_book(book_id, event_ms, bids, asks))

    def _on_reset(self, event_ms: int) -> None:
        self._lost_ms = self._clock_ms
        self._break_off()
        self._on_changes(self.book.reset(event_ms))

    # What events mean

    def _take_quotes(self, event_ms: int, quotes: Quotes) -> None:
        bid, bid_qty, ask, ask_qty = quotes
        prices_fit = all(1 <= price <= MAX_AMOUNT for price in (bid, ask))
        if not prices_fit or not all(0 <= qty <= MAX_AMOUNT for qty in (bid_qty, ask_qty)):
            self._before = None
            return
        self._after_loss(event_ms)
        step = 0 if self._before is None else ofi_step(self._before, quotes)
        self._before = quotes
        self.extras.micro.on_quote(event_ms, *quotes)
        found = self._bin_of(event_ms)
        if found is None:
            self._quote = quotes, event_ms
        else:
            found.ofi += step
            found.quotes += 1
            found.quote = quotes, event_ms

    def _after_loss(self, event_ms: int) -> None:
        lost_ms, self._lost_ms = self._lost_ms, None
        if lost_ms is not None and event_ms - lost_ms > MAX_GAP_MS:
            self._clear_after_ms = lost_ms

    def _before_change(self, event_ms: int) -> None:
        if self.book.state == "synced":
            self.extras.before_change(event_ms // self.settings.bin_ms, self.book)

    def _break_off(self) -> None:
        self._before = None
        self.agreement.lose_book()
        self.extras.break_off()

    def _on_changes(self, changes: list[Change]) -> None:
        newest = None
        for change in changes:
            if change.what == "synced":
                self._bad = [(start, self._clock_ms if end == FOREVER else end) for start, end in self._bad]
            elif change.what == "applied":
                newest = change
                if self.settings.ofi_source == "book_ticker":
                    bad_ms = self.agreement.on_applied(change)
                    if bad_ms is not None:
                        self._bad.append((bad_ms, bad_ms + 1))
            else:
                newest = None
                lost = change.what == "lost"
                self._bad.append((change.from_ms if lost else change.event_ms, FOREVER))
                self._break_off()
                if lost and change.event_ms - change.from_ms > MAX_GAP_MS:
                    self._clear_after_ms = change.from_ms
        if newest is not None:
            self._after_change(newest)
        self._close_due()

    def _after_change(self, change: Change) -> None:
        if self.settings.ofi_source == "depth":
            if change.bid is None or change.ask is None:
                self._before = None
            elif self._before != (*change.bid, *change.ask):
                self._take_quotes(change.event_ms, (*change.bid, *change.ask))
        index = change.event_ms // self.settings.bin_ms
        is_open = not self._any_closed or self._first_open is None or index >= self._first_open
        self.late += not is_open
        self.extras.after_change(index, self.book, is_open=is_open)

    # Bins

    def _bin_of(self, event_ms: int) -> Bin | None:
        """Return the open bin of a quote or trade, after closing what its time closes; None where it comes late."""
        index = event_ms // self.settings.bin_ms
        self._last_active = max(self._last_active, index)
        self._close_due()
        if self._first_open is None:
            self._first_open = index
        if index < self._first_open and not self._any_closed and self._first_open - index < MAX_AHEAD_BINS:
            self._first_open = index
        if index < self._first_open:
            self.late += 1
            return None
        return self._bins.setdefault(index, Bin())

    def _close_due(self) -> None:
        own = self.settings
        clock_ms = self._clock_ms
        if own.sockets == 2:
            timeout_ms = self._clock_ms - (own.late_after_ms - own.watermark_ms)
            clock_ms = max(min(self._public_ms, self._market_ms), timeout_ms)
        while self._first_open is not None and self._first_open <= self._last_active:
            due_ms = (self._first_open + 1) * own.bin_ms + own.watermark_ms
            if clock_ms < due_ms:
                break
            late = own.sockets == 2 and min(self._public_ms, self._market_ms) < due_ms
            self._close_first(late=late)

    def _close_first(self, *, late: bool) -> None:
        assert self._first_open is not None
        index, own = self._first_open, self.settings
        done = self._bins.pop(index, Bin())
        start_ms, ts_ms = index * own.bin_ms, (index + 1) * own.bin_ms
        self._any_closed, self._first_open = True, index + 1
        if self._clear_after_ms is not None and ts_ms > self._clear_after_ms:
            self._clear_after_ms = None
            self.z_ofi.clear()
            self.z_cvd.clear()
            self.extras.divergences.clear()
        self._quote, self._trade = done.quote or self._quote, done.trade or self._trade
        buys, sells = done.bought(), done.bought(buys=False)
        self._cvd += buys - sells
        book_ok = self._book_ok(start_ms, ts_ms)
        z_ofi = self.z_ofi.step(done.ofi, usable=book_ok is not False)
        z_cvd = self.z_cvd.step(buys - sells, usable=book_ok is not False)
        ofi_age_ms = None if self._quote is None else ts_ms - self._quote[1]
        cvd_age_ms = None if self._trade is None else ts_ms - self._trade[1]
        quotes = None if self._quote is None else self._quote[0]
        price, lot = own.price_unit, own.lot_unit
        bid, ask = (quotes[0], quotes[2]) if quotes else (None, None)
        mid2 = None if bid is None or ask is None else bid + ask
        spread_bps = None
        if bid is not None and ask is not None and mid2:
            spread_bps = 1e4 * float(ask - bid) / (float(mid2) / 2.0)
        fused = self.fusion.step(
            FusionBin(ts_ms, own.bin_ms, z_ofi, z_cvd, book_ok, ofi_age_ms, cvd_age_ms, spread_bps)
        )
        row: dict[str, Any] = {
            "ts_ms": ts_ms,
            "mid": None if mid2 is None else float(mid2) / (2.0 * price),
            "ofi": float(done.ofi) / lot,
            "cvd": float(self._cvd) / lot,
            "tfi": float(buys - sells) / lot,
            "z_ofi": z_ofi,
            "z_cvd": z_cvd,
            "fusion": fused.score,
            "signal": fused.signal,
            "book_ok": book_ok,
            "bid": None if bid is None else float(bid) / price,
            "ask": None if ask is None else float(ask) / price,
            "spread_bps": spread_bps,
            "consistency": fused.consistency,
            "reasons": fused.reasons,
            "buy_qty": float(buys) / lot,
            "sell_qty": float(sells) / lot,
            "trades": len(done.trades),
            "quotes": done.quotes,
            "last_price": None if self._trade is None else float(self._trade[0]) / price,
            "late": late,
        }
        ages = (ofi_age_ms, cvd_age_ms)
        row |= self.extras.close(index, done, row, quotes=quotes, cvd=self._cvd, ages_ms=ages, book=self.book)
        self.rows.append(row)

    def _book_ok(self, start_ms: int, ts_ms: int) -> bool | None:
        if not self._has_depth:
            return None
        touched = any(start < ts_ms and end > start_ms for start, end in self._bad)
        self._bad = [span for span in self._bad if span[1] > ts_ms]
        return not touched and self._clock_ms >= ts_ms


def flow_rows(events: Iterable[Event], settings: FlowSettings) -> list[dict[str, Any]]:
    """Return the rows of a whole input; absent values are None."""
    engine = FlowReference(settings)
    engine.push(events)
    engine.finish()
    return engine.rows
