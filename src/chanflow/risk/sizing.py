"""Sizing: the largest quantity that every cap allows, from the distance to the stop."""

from __future__ import annotations

from decimal import Decimal

from chanflow.domain.instrument import Instrument
from chanflow.risk.limits import Limits


def loss_per_base(entry: Decimal, stop: Decimal, instrument: Instrument, limits: Limits) -> Decimal:
    """Return what one unit of base loses at the stop, in quote: distance, taker fees and slippage both ways."""
    cost_frac = instrument.taker_fee_frac + limits.slippage_frac
    return abs(entry - stop) + (entry + stop) * cost_frac


def size(
    *,
    entry: Decimal,
    stop: Decimal,
    price: Decimal,
    equity_quote: Decimal,
    room_quote: Decimal,
    max_position_frac: Decimal,
    conviction: Decimal,
    wish_quote: Decimal | None,
    instrument: Instrument,
    limits: Limits,
) -> tuple[Decimal, str]:
    """Return (quantity in base, rounded down to the step; the name of the cap that bound).

    `room_quote` is what the exposure limit still allows, `price` the worst price at which the order may be weighed.
    """
    caps = {
        "ladder": max_position_frac * equity_quote * conviction / price,
        "exposure": room_quote / price,
        "stop_distance": limits.target_trade_loss_frac * equity_quote * conviction
        / loss_per_base(entry, stop, instrument, limits),
    }  # fmt: skip
    if wish_quote is not None:
        caps["wish"] = wish_quote / entry
    binding = min(caps, key=lambda name: caps[name])
    return max(Decimal(0), instrument.floor_qty(caps[binding])), binding
