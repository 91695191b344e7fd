"""Total drawdown: how far equity stands below its high-water mark."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured


def total_drawdown(after: After, limits: Limits) -> Check:
    """Pass when 1 - equity / high-water mark is below the limit; at the limit it refuses."""
    bound, high = limits.max_drawdown_frac, after.high_water_quote
    lost = high - after.equity_quote
    return measured("total_drawdown", lost / high, bound, ok=lost < bound * high)
