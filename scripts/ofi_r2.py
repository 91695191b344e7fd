"""How much of the mid's move the order flow of the same bin explains: the table of `docs/orderflow-r2.md`.

Bins are aligned to the epoch; because the figure moves with that phase, each width is measured at twenty phases.
Nothing is fitted but the line of the regression itself, and nothing knows the recording: give it another symbol's.

    python scripts/ofi_r2.py FILE.txt.gz … [--symbol S] [--write docs/orderflow-r2.md]
"""

from __future__ import annotations

import argparse
import gzip
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chanflow_native
import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
PHASES = 20
WIDTHS_MS = (1_000, 500, 100)
REGRESSORS = ("event OFI", "naive: Δq_bid − Δq_ask", "TFI", "OFI and TFI", "OFI of the bin before")


@dataclass(frozen=True, slots=True)
class Shares:
    """R² of one regressor at each phase."""

    name: str
    by_phase: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the phases."""
        return sum(self.by_phase) / len(self.by_phase)


def r_squared(y: Column, *regressors: Column) -> float:
    """Return the share of variance that least squares with an intercept explains."""
    design = np.column_stack([np.ones_like(y), *regressors])
    missed = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(1 - (missed**2).sum() / ((y - y.mean()) ** 2).sum())


def columns_of(raw: bytes, symbol: str | None = None) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[int, int]]:
    """Return quotes, trades and decimals of recorded frames."""
    parser = chanflow_native.WireParser(symbol)
    parser.feed(raw)
    parser.finish()
    batch = parser.take()
    quotes, trades = chanflow_native.batch_columns(batch)
    return quotes, trades, (batch.price_decimals, batch.qty_decimals)


def naive_flow(quotes: tuple[Any, ...], stamps: NDArray[np.int64], bin_ms: int) -> Column:
    """Return Σ(Δq_bid − Δq_ask) of each bin: what ignores price, shown to compare."""
    ts_ms, _, bid_qty, _, ask_qty = quotes
    step = np.diff(bid_qty.astype(np.float64)) - np.diff(ask_qty.astype(np.float64))
    at = (ts_ms[1:] // bin_ms + 1) * bin_ms - stamps[0]
    found = np.bincount(at // bin_ms, weights=step, minlength=len(stamps))[: len(stamps)]
    return found.astype(np.float64)


def shares(raw: bytes, bin_ms: int, symbol: str | None = None, *, phases: int = PHASES) -> list[Shares]:
    """Return the R² of Δmid on each regressor, at phases that divide the width evenly."""
    quotes, trades, decimals = columns_of(raw, symbol)
    found: list[list[float]] = [[] for _ in REGRESSORS]
    for phase in range(phases):
        shift_ms = phase * bin_ms // phases
        shifted = (quotes[0] - shift_ms, *quotes[1:]), (trades[0] - shift_ms, *trades[1:])
        rows = chanflow_native.FlowEngine(*decimals, bin_ms).run_arrays(*shifted)
        naive = naive_flow(shifted[0], rows["ts_ms"], bin_ms)
        known = np.flatnonzero(~np.isnan(rows["mid"]))
        first = int(known[0]) + 1
        move, ofi, tfi = np.diff(rows["mid"])[first - 1 :], rows["ofi"][first:], rows["tfi"][first:]
        before = rows["ofi"][first - 1 : -1]
        for slot, regressors in zip(found, ((ofi,), (naive[first:],), (tfi,), (ofi, tfi), (before,)), strict=True):
            slot.append(r_squared(move, *regressors))
    return [Shares(name, tuple(by_phase)) for name, by_phase in zip(REGRESSORS, found, strict=True)]


def table(raw: bytes, symbol: str | None = None) -> str:
    """Return the table in Markdown."""
    lines = ["| bin | regressor | at phase 0 | mean | min–max |", "|---|---|---:|---:|---:|"]
    for bin_ms in WIDTHS_MS:
        for found in shares(raw, bin_ms, symbol):
            low, high = min(found.by_phase), max(found.by_phase)
            figures = f"{found.by_phase[0]:.3f} | {found.mean:.3f} | {low:.3f}–{high:.3f}"
            lines.append(f"| {bin_ms / 1_000:g} s | {found.name} | {figures} |")
    return "\n".join(lines)


PAGE = """# What order flow explains

R² of the mid's move in a bin on the order flow of the **same** bin: contemporaneous, least squares with an intercept,
at twenty phases of the bins. The last line of each width is the flow of the bin *before*, which explains next to
nothing: order flow describes the moment and does not forecast the next. A taker pays two to five basis points; these
moves are smaller. Where the tick is tiny beside the move, as on spot BTCUSDT, more of it happens below the best quotes,
and they explain less.

Nothing is fitted to the recordings. Make the table for another with `python scripts/ofi_r2.py FILE --write PAGE`.
"""


def main() -> int:
    """Print the tables, and write them as a page if asked."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("files", nargs="+", type=Path)
    options.add_argument("--symbol", help="what the frames must be of")
    options.add_argument("--write", type=Path, help="the page to write")
    asked = options.parse_args()
    parts = [PAGE]
    for file in asked.files:
        raw = file.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        parts.append(f"## {file.name.removesuffix('.txt.gz').removesuffix('.txt')}\n\n{table(raw, asked.symbol)}\n")
        print(parts[-1])
    if asked.write:
        asked.write.write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
