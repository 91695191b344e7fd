"""Order flow of a symbol: bins from the compiled core, and windows of bins as the signals read them."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import chanflow_native
import numpy as np

from chanflow.domain.flow import FlowBin, FlowDivergence, FlowWindow

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
    z_ofi: float
    z_cvd: float
    trades: int


class FlowNow(NamedTuple):
    """The newest bin: its end in Unix ms, z-scores and fusion score (None while they warm up), trades a minute."""

    ts_ms: int
    z_ofi: float | None
    z_cvd: float | None
    fusion: float | None
    trades_per_min: float


DIVERGENCES = 6
"""So many are kept."""
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
            price_decimals, qty_decimals, bin_ms=bin_ms, window_ms=window_ms, warmup_ms=warmup_ms, all_columns=True
        )
        self._units = Decimal(1).scaleb(-price_decimals), Decimal(1).scaleb(-qty_decimals)
        self._bins: deque[_Bin] = deque(maxlen=keep_bins)
        self._fresh: list[FlowBin] = []
        self._diverged: deque[FlowDivergence] = deque(maxlen=DIVERGENCES)
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

    def now(self, end_ms: int) -> FlowNow | None:
        """Return the newest bin that ended at or before `end_ms`, None before the first; trades are of its minute."""
        found = [b for b in self._bins if b.ts_ms <= end_ms]
        if not found:
            return None
        last = found[-1]
        minute = [b.trades for b in found if b.ts_ms > last.ts_ms - 60_000]
        z_ofi, z_cvd, fusion = (None if isnan(x) else x for x in (last.z_ofi, last.z_cvd, last.fusion))
        return FlowNow(last.ts_ms, z_ofi, z_cvd, fusion, float(sum(minute)))

    def diverged(self, end_ms: int) -> tuple[FlowDivergence, ...]:
        """Return the newest divergences that were detected at or before `end_ms`, at most six, oldest first."""
        return tuple(each for each in self._diverged if each.detected_ms <= end_ms)

    def fresh(self) -> list[FlowBin]:
        """Return the bins that closed since this was last asked, oldest first."""
        fresh, self._fresh = self._fresh, []
        return fresh

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
        self._fresh += map(
            _fresh_bin, stamps.tolist(), columns["fusion"].tolist(), columns["z_ofi"].tolist(),
            columns["z_cvd"].tolist(), columns["book_ok"].tolist(), columns["divergences"],
        )  # fmt: skip
        self._diverged.extend(each for row in self._fresh[-len(stamps) :] for each in row.divergences)
        strong = [s in ("strong_buy", "strong_sell") for s in columns["signal"]]
        self._bins.extend(
            map(
                _Bin, stamps.tolist(), columns["ofi"].tolist(), columns["tfi"].tolist(), columns["fusion"].tolist(),
                (columns["book_ok"] == 1).tolist(), columns["spread_bps"].tolist(), strong,
                columns["z_ofi"].tolist(), columns["z_cvd"].tolist(), columns["trades"].tolist(),
            )
        )  # fmt: skip


_KINDS: dict[str, Literal["bull", "bear"]] = {"bull_div": "bull", "bear_div": "bear"}
"""Those that speak of a turn; hidden divergences speak of a trend that goes on."""


def _fresh_bin(
    ts_ms: int, fusion: float, z_ofi: float, z_cvd: float, book_ok: int, divergences: Sequence[dict[str, Any]]
) -> FlowBin:
    fusion_score, of_ofi, of_cvd = (
        None if isnan(figure) or book_ok != 1 else figure for figure in (fusion, z_ofi, z_cvd)
    )
    told = tuple(
        FlowDivergence(d["channel"], _KINDS[d["type"]], d["detected_ts"], d["pivot_ts"])
        for d in divergences
        if d["type"] in _KINDS
    )
    return FlowBin(ts_ms, fusion_score, of_ofi, of_cvd, told)


def _consistency(ofi: float, ofi_total: float, tfi: float, tfi_total: float) -> float:
    """Return min/max of the two flows' net shares, 0 where they disagree or nothing flowed."""
    if ofi * tfi <= 0 or ofi_total == 0 or tfi_total == 0:
        return 0.0
    shares = abs(ofi) / ofi_total, abs(tfi) / tfi_total
    return min(shares) / max(shares)
