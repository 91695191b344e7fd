"""Total drawdown: what equity has lost since its high-water mark, unrealised losses included."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After


def total_drawdown(after: After, limits: Limits) -> Check:
    """Pass when drawdown < the limit; at the limit itself it refuses."""
    value = after.drawdown_frac
    return Check("total_drawdown", f"{value:.4f}", str(limits.max_drawdown_frac), ok=value < limits.max_drawdown_frac)
