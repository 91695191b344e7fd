"""Cash reserve: the share of equity that no position, order or fee has claimed after the trade."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After


def cash_reserve(after: After, limits: Limits) -> Check:
    """Pass when (equity - margin - fees) / equity >= the limit, inclusive."""
    value = (after.equity_quote - after.margin_quote - after.fees_quote) / after.equity_quote
    bound = limits.min_cash_reserve_frac
    return Check("cash_reserve", f"{value:.4f}", str(bound), ok=value >= bound)
