"""The indicators that divergence is measured with: MACD 12/26/9 and RSI 14. Rule 2.6."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

RSI_BARS = 14


def ema_step(ema: float, value: float, bars: int) -> float:
    """Return an exponential mean after one more value."""
    return (2 * value + (bars - 1) * ema) / (bars + 1)


def macd_histogram(closes: Sequence[float]) -> list[float]:
    """Return 2(dif - dea) for each close. Both means start at the first close, dea at 0."""
    found: list[float] = []
    if not closes:
        return found
    fast = slow = closes[0]
    dea = 0.0
    for at, close in enumerate(closes):
        if at > 0:
            fast, slow = ema_step(fast, close, 12), ema_step(slow, close, 26)
        dea = ema_step(dea, fast - slow, 9)
        found.append(2 * (fast - slow - dea))
    return found


def rsi(closes: Sequence[float]) -> list[float]:
    """Return RSI(14) for each close: 50 first, plain means for the first 13 changes, then Wilder's."""
    if not closes:
        return []
    found = [50.0]
    rise = fall = 0.0
    rises = falls = 0.0
    for at, (before, close) in enumerate(pairwise(closes), start=1):
        change = close - before
        up, down = max(change, 0.0), max(-change, 0.0)
        rises, falls = rises + up, falls + down
        if at < RSI_BARS:
            rise, fall = rises / at, falls / at
        else:
            rise = (rise * (RSI_BARS - 1) + up) / RSI_BARS
            fall = (fall * (RSI_BARS - 1) + down) / RSI_BARS
        if fall == 0:
            found.append(100.0 if rise > 0 else 0.0)
        else:
            found.append(100.0 - 100.0 / (1.0 + rise / fall))
    return found
