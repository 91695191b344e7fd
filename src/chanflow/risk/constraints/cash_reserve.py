"""Cash reserve: the share of equity that no position, order or fee has claimed after the trade."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured, needed


def cash_reserve(after: After, limits: Limits) -> Check:
    """Pass when (equity - margin - fees) / equity >= the limit, inclusive."""
    bound = limits.min_cash_reserve_frac
    left = after.equity_quote - needed(after.margin_quote) - needed(after.fees_quote)
    return measured("cash_reserve", left / after.equity_quote, bound, ok=left >= bound * after.equity_quote)
