"""Leverage: of the order itself, and of the whole account after it."""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After


def leverage(after: After, limits: Limits) -> Check:
    """Pass when the order's leverage and notional after / equity are both <= the limit, inclusive."""
    value = max(after.notional_quote / after.equity_quote, Decimal(after.order_leverage))
    return Check("leverage", f"{value:.4f}", str(limits.max_leverage), ok=value <= limits.max_leverage)
