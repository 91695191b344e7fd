"""Margin ratio: equity over the sum of |notional| after the trade. 20 % is the same as five times leverage."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After


def margin_ratio(after: After, limits: Limits) -> Check:
    """Pass when equity / notional after >= the limit, inclusive; flat passes."""
    if after.notional_quote == 0:
        return Check("margin_ratio", "flat", str(limits.min_margin_ratio), ok=True)
    value = after.equity_quote / after.notional_quote
    return Check("margin_ratio", f"{value:.4f}", str(limits.min_margin_ratio), ok=value >= limits.min_margin_ratio)
