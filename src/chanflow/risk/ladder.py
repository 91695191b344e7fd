"""The permission ladder: how far the desk may act alone.

| level | max position | max leverage | min confidence | opening trades a day |
|---|---|---|---|---|
| L0 protected (保护) | 0 | 1 | 1.00 | 0, closing only |
| L1 novice (新手) | 10 % | 2 | 0.80 | 1 |
| L2 growing (成长) | 12 % | 2 | 0.75 | 2 |
| L3 steady (稳定) | 15 % | 3 | 0.70 | 4 |
| L4 skilled (熟练) | 20 % | 4 | 0.65 | 6 |
| L5 expert (专家) | 25 % | 5 | 0.60 | no cap |

Position is notional over equity on one asset. Nobody climbs here yet: the level falls to L0 on the red lines, and only
a person's review leads out of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from chanflow.domain.account import AccountSnapshot
from chanflow.risk.limits import Limits

Level = Literal["L0", "L1", "L2", "L3", "L4", "L5"]

HALF_SIZE_BAND = Decimal("0.05")
"""A confidence this little below the minimum is let through at half size."""

EXTRA_TRADE_CONFIDENCE = Decimal("0.85")
"""What one trade over the daily count needs."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What one level allows."""

    level: Level
    max_position_frac: Decimal
    max_leverage: int
    min_confidence: Decimal
    opening_trades_per_day: int | None


LADDER: dict[Level, Rung] = {
    rung.level: rung
    for rung in (
        Rung("L0", Decimal(0), 1, Decimal("1.00"), 0),
        Rung("L1", Decimal("0.10"), 2, Decimal("0.80"), 1),
        Rung("L2", Decimal("0.12"), 2, Decimal("0.75"), 2),
        Rung("L3", Decimal("0.15"), 3, Decimal("0.70"), 4),
        Rung("L4", Decimal("0.20"), 4, Decimal("0.65"), 6),
        Rung("L5", Decimal("0.25"), 5, Decimal("0.60"), None),
    )
}


def red_line(account: AccountSnapshot, limits: Limits) -> str | None:
    """Return why the desk must fall to L0, or None: drawdown or day loss at its hard limit."""
    if account.drawdown_frac >= limits.max_drawdown_frac:
        return f"drawdown is {account.drawdown_frac:.4f}, the limit is {limits.max_drawdown_frac}"
    if account.day_loss_frac >= limits.max_day_loss_frac:
        return f"day loss is {account.day_loss_frac:.4f}, the limit is {limits.max_day_loss_frac}"
    return None
