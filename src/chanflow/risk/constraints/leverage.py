"""Leverage: of the order, and of the whole account after the trade."""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured, needed


def leverage(after: After, limits: Limits) -> Check:
    """Pass when the order's leverage and notional / equity after are both <= the limit, inclusive."""
    bound = limits.max_leverage
    notional = needed(after.notional_quote)
    ok = after.order_leverage <= bound and notional <= bound * after.equity_quote
    value = max(Decimal(after.order_leverage), notional / after.equity_quote)
    return measured("leverage", value, bound, ok=ok)
