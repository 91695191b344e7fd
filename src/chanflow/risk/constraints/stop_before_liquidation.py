"""Stop before liquidation: the stop must be reached well before the venue closes the position by force.

The liquidation price is the nearer of two: on the order's own margin, or on the whole account's if every position
moved against us by the same share. Maintenance margin is counted in.
"""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured, needed


def stop_before_liquidation(after: After, limits: Limits) -> Check:
    """Pass when liquidation lies beyond the stop by >= the limit, as a share of the distance from entry to stop."""
    bound = limits.min_liquidation_gap_frac
    entry = needed(after.entry_price)
    to_stop = abs(entry - needed(after.stop_price))
    beyond = needed(after.liquidation_frac) * entry - to_stop
    return measured("stop_before_liquidation", beyond / to_stop, bound, ok=beyond >= bound * to_stop)
