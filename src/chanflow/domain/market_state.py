"""What the market, the structure and the account looked like at one moment, as 48 plain figures.

The order of the fields is that of the vector `market_state/1` (`review/state_vector.py`), so it never changes: other
figures are another version.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields

from chanflow.domain.errors import InvalidArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState:
    """Raw figures at a decision; None is one that was not to be had. Raises InvalidArgument for NaN and infinities.

    Names that begin with `upper_` are of the next higher level. Ages are counted in bars, shares from 0 to 1.
    """

    # price
    return_1: float | None = None
    """Log return over so many bars, divided by sigma times the root of that number."""
    return_4: float | None = None
    return_16: float | None = None
    return_64: float | None = None
    volatility_fast: float | None = None
    """Log of the exponentially weighted volatility of one bar, span 16."""
    volatility_slow: float | None = None
    """The same, span 64."""
    volatility_ratio: float | None = None
    """Log of fast by slow."""
    range_place: float | None = None
    """Where the close lies between the low (0) and the high (1) of 64 bars."""
    mean_distance: float | None = None
    """Log distance to the mean close of 64 bars, divided by sigma of a bar."""
    atr_frac: float | None = None
    """Log of the average true range of 14 bars by the close."""
    # flow
    z_ofi: float | None = None
    z_cvd: float | None = None
    fusion_score: float | None = None
    consistency: float | None = None
    imbalance_1m: float | None = None
    """Bought less sold by both, -1 to 1."""
    imbalance_15m: float | None = None
    queue_imbalance: float | None = None
    """Bid less ask by both, at the best quotes, -1 to 1."""
    depth_imbalance: float | None = None
    """The same over five levels."""
    spread_bps: float | None = None
    log_trades_per_min: float | None = None
    # Chan structure of the level
    stroke_direction: float | None = None
    """1 up, -1 down."""
    stroke_age: float | None = None
    """Of the newest stroke, divided by the median length of strokes."""
    center_place: float | None = None
    """(p - ZD) / (ZG - ZD) in the newest center."""
    trend_centers: float | None = None
    """How many centers the newest trend type has, signed by its direction."""
    divergence_ratio: float | None = None
    """Force of the exit by that of the entry at the newest point 1 or 1p."""
    point_ordinal: float | None = None
    """1, 2 or 3 of the newest confirmed point divided by 3, negative for selling points."""
    point_age: float | None = None
    """Log of 1 + bars since that point."""
    # and of the next higher one
    upper_stroke_direction: float | None = None
    upper_stroke_age: float | None = None
    upper_center_place: float | None = None
    upper_trend_centers: float | None = None
    upper_divergence_ratio: float | None = None
    upper_point_ordinal: float | None = None
    upper_point_age: float | None = None
    # context
    funding_frac: float | None = None
    open_interest_change: float | None = None
    """Log change over a day."""
    basis_frac: float | None = None
    """Perpetual by index, less 1."""
    btc_return_64: float | None = None
    """As `return_64`, of BTC."""
    btc_correlation: float | None = None
    """Of one-bar returns with BTC's, over 64 bars."""
    hour_sin: float | None = None
    hour_cos: float | None = None
    weekend: float | None = None
    """1 on Saturday and Sunday (UTC), else 0."""
    # account
    exposure_frac: float | None = None
    open_profit_r: float | None = None
    drawdown_frac: float | None = None
    losing_streak: float | None = None
    """Lost trades in a row, divided by 5."""
    trades_today_frac: float | None = None
    """Of the day's limit."""
    ladder_level: float | None = None
    """Divided by 5."""

    def __post_init__(self) -> None:
        for name, value in zip(FEATURES, self.values(), strict=True):
            if value is not None and not math.isfinite(value):
                raise InvalidArgument(f"{name} is {value}, a figure must be finite; leave out what is missing")

    def values(self) -> tuple[float | None, ...]:
        """Return the 48 figures in the order of `FEATURES`."""
        return astuple(self)

    def known(self) -> dict[str, float]:
        """Return the figures that were to be had, by name."""
        return {name: value for name, value in zip(FEATURES, self.values(), strict=True) if value is not None}


FEATURES: tuple[str, ...] = tuple(field.name for field in fields(MarketState))
"""The names of the 48 figures, in the order of the vector."""
