"""Daily loss: what the UTC day has cost so far over the equity it began with."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After


def daily_loss(after: After, limits: Limits) -> Check:
    """Pass when the day's loss < the limit; at the limit itself it refuses."""
    value = after.day_loss_frac
    return Check("daily_loss", f"{value:.4f}", str(limits.max_day_loss_frac), ok=value < limits.max_day_loss_frac)
