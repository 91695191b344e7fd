"""Order flow of a symbol: bins from the compiled core, and windows of bins as the signals read them."""

from __future__ import annotations

import hashlib
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import chanflow_native
import numpy as np

from chanflow.domain.flow import FlowWindow

if TYPE_CHECKING:
    from chanflow_native import EventBatch


class _Bin(NamedTuple):
    ts_ms: int
    ofi: float
    tfi: float
    fusion: float
    book_ok: bool
    spread_bps: float
    strong: bool


HASHED_COLUMNS = ("ts_ms", "mid", "ofi", "cvd", "tfi", "z_ofi", "z_cvd", "fusion", "book_ok")


class FlowTracker:
    """Feeds batches to the native engine, and keeps the newest bins for windows.

    `digest` is the SHA-256 of all feature rows so far: equal digests mean equal features.
    """

    def __init__(
        self,
        *,
        price_decimals: int,
        qty_decimals: int,
        bin_ms: int,
        window_ms: int,
        warmup_ms: int,
        keep_bins: int,
    ) -> None:
        self._engine = chanflow_native.FlowEngine(
            price_decimals, qty_decimals, bin_ms=bin_ms, window_ms=window_ms, warmup_ms=warmup_ms
        )
        self._units = Decimal(1).scaleb(-price_decimals), Decimal(1).scaleb(-qty_decimals)
        self._bins: deque[_Bin] = deque(maxlen=keep_bins)
        self._hash = hashlib.sha256()
        self.rows = 0

    def push(self, batch: EventBatch) -> None:
        """Read a batch; bins that it closes join the window."""
        self._keep(self._engine.push(batch))

    def finish(self) -> None:
        """Close the last bin: no more events will come."""
        self._keep(self._engine.finish())

    def stats(self) -> dict[str, Any]:
        """Return the engine's counters: gaps, book checks, applied and dropped events."""
        return dict(self._engine.stats())

    def book(self, levels: int) -> tuple[tuple[tuple[Decimal, Decimal], ...], tuple[tuple[Decimal, Decimal], ...]]:
        """Return the best levels of bids and asks as (price, quantity in base), best first."""
        price_unit, qty_unit = self._units
        bids, asks = self._engine.book(levels)
        return (
            tuple((price * price_unit, qty * qty_unit) for price, qty in bids),
            tuple((price * price_unit, qty * qty_unit) for price, qty in asks),
        )

    @property
    def book_ok(self) -> bool:
        """Whether the newest bin's book was sound throughout."""
        return bool(self._bins) and self._bins[-1].book_ok

    @property
    def digest(self) -> str:
        """SHA-256 of all feature rows so far, hex."""
        return self._hash.hexdigest()

    def window(self, end_ms: int, bins: int) -> FlowWindow:
        """Return the flow of the last `bins` bins that ended at or before `end_ms`."""
        found = [b for b in self._bins if b.ts_ms <= end_ms][-bins:]
        eligible = [b.fusion for b in found if b.fusion == b.fusion]
        ofi, tfi = sum(b.ofi for b in found), sum(b.tfi for b in found)
        spreads = [b.spread_bps for b in found if b.spread_bps == b.spread_bps]
        return FlowWindow(
            ts_ms=end_ms,
            bins=bins,
            eligible_bins=len(eligible),
            book_ok=bool(found) and all(b.book_ok for b in found),
            ofi=ofi,
            tfi=tfi,
            score=sum(eligible) / len(eligible) if eligible else None,
            consistency=_consistency(ofi, sum(abs(b.ofi) for b in found), tfi, sum(abs(b.tfi) for b in found)),
            spread_bps=sum(spreads) / len(spreads) if spreads else None,
            strong_bins=sum(b.strong for b in found),
        )

    def _keep(self, columns: dict[str, Any]) -> None:
        stamps = columns["ts_ms"]
        if len(stamps) == 0:
            return
        self.rows += len(stamps)
        # Row by row, so that the digest does not depend on how the rows were cut into batches.
        rows = np.empty(len(stamps), dtype=[(name, columns[name].dtype) for name in HASHED_COLUMNS])
        for name in HASHED_COLUMNS:
            rows[name] = columns[name]
        self._hash.update(rows.tobytes())
        strong = [s in ("strong_buy", "strong_sell") for s in columns["signal"]]
        self._bins.extend(
            map(
                _Bin, stamps.tolist(), columns["ofi"].tolist(), columns["tfi"].tolist(), columns["fusion"].tolist(),
                (columns["book_ok"] == 1).tolist(), columns["spread_bps"].tolist(), strong,
            )
        )  # fmt: skip


def _consistency(ofi: float, ofi_total: float, tfi: float, tfi_total: float) -> float:
    """Return min/max of the two flows' net shares, 0 where they disagree or nothing flowed."""
    if ofi * tfi <= 0 or ofi_total == 0 or tfi_total == 0:
        return 0.0
    shares = abs(ofi) / ofi_total, abs(tfi) / tfi_total
    return min(shares) / max(shares)
