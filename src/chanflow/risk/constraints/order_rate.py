"""Order rate: opening orders a minute in the account, and orders resting in one symbol, this one counted."""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After


def order_rate(after: After, limits: Limits) -> Check:
    """Pass when both counts are <= their limits, inclusive."""
    minute, resting = after.openings_last_minute + 1, after.resting_here
    ok = minute <= limits.max_openings_per_min and resting <= limits.max_resting_per_symbol
    bound = f"{limits.max_openings_per_min} a minute, {limits.max_resting_per_symbol} resting"
    return Check("order_rate", f"{minute} a minute, {resting} resting", bound, ok)
