"""How much of the mid's move the order flow of the same bin explains. It says nothing of the next bin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_BINS = 30
"""With fewer moves no share is told: it would be noise."""


@dataclass(frozen=True, slots=True)
class FlowFit:
    """R² of least squares with an intercept of the mid's move on OFI, and on OFI and TFI, both of the same bin."""

    ofi: float
    ofi_and_tfi: float
    bins: int


def contemporaneous(mid: NDArray[np.float64], ofi: NDArray[np.float64], tfi: NDArray[np.float64]) -> FlowFit | None:
    """Return the shares over bins whose own and previous mid are known; None with too few, or a mid that stood still.

    Source: Cont, Kukanov & Stoikov (2014), "The Price Impact of Order Book Events", arXiv 1011.6402.
    """
    move = np.diff(mid)
    known = ~np.isnan(move)
    move, ofi, tfi = move[known], ofi[1:][known], tfi[1:][known]
    if len(move) < FEWEST_BINS or not move.any():
        return None
    return FlowFit(_share(move, ofi), _share(move, ofi, tfi), len(move))


def _share(move: NDArray[np.float64], *regressors: NDArray[np.float64]) -> float:
    design = np.column_stack([np.ones_like(move), *regressors])
    missed = move - design @ np.linalg.lstsq(design, move, rcond=None)[0]
    total = ((move - move.mean()) ** 2).sum()
    return float(1 - (missed**2).sum() / total) if total > 0 else 0.0
