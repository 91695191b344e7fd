"""Margin ratio: equity over the sum of |notional| after the trade. 20 % is the same as five times leverage."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured, needed


def margin_ratio(after: After, limits: Limits) -> Check:
    """Pass when equity / notional after >= the limit, inclusive; flat passes."""
    bound = limits.min_margin_ratio
    notional = needed(after.notional_quote)
    if notional == 0:
        return Check("margin_ratio", "flat", str(bound), True)
    ok = after.equity_quote >= bound * notional
    return measured("margin_ratio", after.equity_quote / notional, bound, ok=ok)
