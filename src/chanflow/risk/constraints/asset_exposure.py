"""Asset exposure: the signed notional of one base asset over all its instruments, as a share of equity."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured, needed


def asset_exposure(after: After, limits: Limits) -> Check:
    """Pass when |notional of the asset| / equity after <= the limit, inclusive."""
    bound = limits.max_asset_exposure_frac
    notional = needed(after.asset_notional_quote)
    ok = notional <= bound * after.equity_quote
    return measured("asset_exposure", notional / after.equity_quote, bound, ok=ok)
