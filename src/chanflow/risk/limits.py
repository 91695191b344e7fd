"""The hard limits. Configuration may only tighten them; nothing else touches them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import cast

from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import SettingsInvalid


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds, inclusive unless said. Fractions of equity; the defaults are the loosest values allowed.

    Drawdown and day loss refuse *at* their bound: equity has then already lost the whole of it.
    """

    min_margin_ratio: Decimal = Decimal("0.20")
    max_drawdown_frac: Decimal = Decimal("0.10")
    max_day_loss_frac: Decimal = Decimal("0.05")
    max_leverage: Decimal = Decimal(5)
    min_cash_reserve_frac: Decimal = Decimal("0.10")
    max_asset_exposure_frac: Decimal = Decimal("0.30")
    price_collar_frac: Decimal = Decimal("0.01")
    slippage_frac: Decimal = Decimal("0.0005")
    target_trade_loss_frac: Decimal = Decimal("0.01")
    max_account_age_s: Decimal = Decimal(5)
    max_mark_age_s: Decimal = Decimal(2)
    approval_ttl_s: Decimal = Decimal(5)

    def __post_init__(self) -> None:
        for field in fields(self):
            value, loosest = getattr(self, field.name), cast("Decimal", field.default)
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


_FLOORED = frozenset({"slippage_frac"})
"""An allowance, where a smaller value would be the looser one."""
