"""Asset exposure: |signed notional| of one base asset over equity, after the trade."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After


def asset_exposure(after: After, limits: Limits) -> Check:
    """Pass when exposure after <= the limit, inclusive."""
    value = after.asset_notional_quote / after.equity_quote
    bound = limits.max_asset_exposure_frac
    return Check("asset_exposure", f"{value:.4f}", str(bound), ok=value <= bound)
