"""The hard constraints, one file each. No level, user or model changes them; configuration may only tighten them.

Every one is asked, even after a refusal, so that the reasons are complete. One that raises refuses.
"""

from __future__ import annotations

from collections.abc import Callable

from chanflow.domain.order import Check
from chanflow.risk.constraints.asset_exposure import asset_exposure
from chanflow.risk.constraints.cash_reserve import cash_reserve
from chanflow.risk.constraints.daily_loss import daily_loss
from chanflow.risk.constraints.leverage import leverage
from chanflow.risk.constraints.margin_ratio import margin_ratio
from chanflow.risk.constraints.order_rate import order_rate
from chanflow.risk.constraints.price_collar import price_collar
from chanflow.risk.constraints.single_trade_loss import single_trade_loss
from chanflow.risk.constraints.stop_before_liquidation import stop_before_liquidation
from chanflow.risk.constraints.total_drawdown import total_drawdown
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After

Constraint = Callable[[After, Limits], Check]

HARD_CONSTRAINTS: tuple[tuple[str, Constraint], ...] = (
    ("margin_ratio", margin_ratio),
    ("total_drawdown", total_drawdown),
    ("daily_loss", daily_loss),
    ("leverage", leverage),
    ("cash_reserve", cash_reserve),
    ("asset_exposure", asset_exposure),
    ("single_trade_loss", single_trade_loss),
    ("stop_before_liquidation", stop_before_liquidation),
    ("price_collar", price_collar),
    ("order_rate", order_rate),
)
"""In the order in which reasons are given."""
