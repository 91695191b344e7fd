"""The hard limits. Configuration may only tighten them; nothing else touches them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import cast

from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import SettingsInvalid

WORST_MOVE_FRAC = Decimal("0.01")
"""How far the mark is moved against us before a notional is weighed. Fixed: a narrower collar enlarges no size."""

MAX_SIGMA_TARGET_FRAC = Decimal("3.00")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds, inclusive unless said. Fractions of equity; the defaults are the loosest values allowed.

    Drawdown and day loss refuse *at* their bound: equity has then already lost the whole of it. Of the two sizing
    targets the defaults are not the loosest: see `_LOOSEST`.
    """

    min_margin_ratio: Decimal = Decimal("0.20")
    max_drawdown_frac: Decimal = Decimal("0.10")
    max_day_loss_frac: Decimal = Decimal("0.05")
    max_leverage: Decimal = Decimal(5)
    min_cash_reserve_frac: Decimal = Decimal("0.10")
    max_asset_exposure_frac: Decimal = Decimal("0.30")
    max_trade_loss_frac: Decimal = Decimal("0.03")
    min_liquidation_gap_frac: Decimal = Decimal("0.25")
    """Of the distance from entry to stop: how far beyond the stop the liquidation price must lie."""
    price_collar_frac: Decimal = Decimal("0.01")
    max_openings_per_min: Decimal = Decimal(10)
    max_resting_per_symbol: Decimal = Decimal(5)
    slippage_frac: Decimal = Decimal("0.0005")
    maintenance_frac: Decimal = Decimal("0.05")
    """Maintenance margin assumed where a venue tells less, of notional."""
    target_trade_loss_frac: Decimal = Decimal("0.01")
    sigma_target_frac: Decimal = Decimal("0.20")
    """Annual volatility that a position is sized to."""
    max_volume_share_frac: Decimal = Decimal("0.05")
    """Of the median volume of one minute."""
    soft_wall_frac: Decimal = Decimal("0.03")
    wall_release_share: Decimal = Decimal("0.5")
    wall_hold_min: Decimal = Decimal(30)
    max_account_age_s: Decimal = Decimal(5)
    max_mark_age_s: Decimal = Decimal(2)
    max_rules_age_s: Decimal = Decimal(300)
    approval_ttl_s: Decimal = Decimal(5)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            loosest = _LOOSEST.get(field.name, cast("Decimal", field.default))
            if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
                raise SettingsInvalid(f"risk limit {field.name} is {value}, it must be a positive decimal")
            looser = value < loosest if field.name.startswith("min_") or field.name in _FLOORED else value > loosest
            if looser:
                raise SettingsInvalid(
                    f"risk limit {field.name} is {value}, which is looser than {loosest}: limits may only be tightened"
                )

    @property
    def hash(self) -> str:
        """The SHA-256 under which a verdict names the limits it was judged by."""
        return sha256_of(self)


_FLOORED = frozenset({"slippage_frac", "maintenance_frac", "wall_hold_min"})
"""Allowances and times, where a smaller value would be the looser one."""

_LOOSEST = {
    "approval_ttl_s": Decimal(60),
    "target_trade_loss_frac": Decimal("0.03"),
    "sigma_target_frac": MAX_SIGMA_TARGET_FRAC,
}
"""What a setting may loosen beyond its default."""
