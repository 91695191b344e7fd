"""Daily loss: what the UTC day has lost of its starting equity, transfers taken out."""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured


def daily_loss(after: After, limits: Limits) -> Check:
    """Pass when the loss is below the limit; at the limit it refuses."""
    bound, start = limits.max_day_loss_frac, after.day_start_quote
    lost = max(Decimal(0), start + after.day_transfers_quote - after.equity_quote)
    return measured("daily_loss", lost / start, bound, ok=lost < bound * start)
