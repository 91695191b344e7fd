"""Single trade loss: what the trade loses at its stop, fees both ways, slippage and expected funding included."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured, needed


def single_trade_loss(after: After, limits: Limits) -> Check:
    """Pass when the loss / equity <= the limit, inclusive."""
    bound, loss = limits.max_trade_loss_frac, needed(after.trade_loss_quote)
    return measured("single_trade_loss", loss / after.equity_quote, bound, ok=loss <= bound * after.equity_quote)
