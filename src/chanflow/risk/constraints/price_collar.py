"""Price collar: no order may reach far from the mark.

A limit order reaches to its limit, a market order to the last level of the book that its quantity takes.
"""

from __future__ import annotations

from chanflow.domain.order import Check
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After
from chanflow.risk.verdict import measured, needed


def price_collar(after: After, limits: Limits) -> Check:
    """Pass when |price - mark| / mark <= the limit, inclusive; an order that the book cannot fill reaches too far."""
    bound, mark = limits.price_collar_frac, needed(after.mark_price)
    if after.reach_price is None:
        return Check("price_collar", "beyond the book", str(bound), False)
    away = abs(after.reach_price - mark)
    return measured("price_collar", away / mark, bound, ok=away <= bound * mark)
