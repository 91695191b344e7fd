"""What may be wrong with a price that a model names: the tick, the side, the sum of the shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from chanflow.analyst.draft import TakeProfitDraft
from chanflow.domain.instrument import Instrument


def off_tick(instrument: Instrument, name: str, price: Decimal) -> Iterator[str]:
    """Yield what is wrong with a price by itself."""
    if price <= 0:
        yield f"{name} is {price}, it must be positive"
    elif not instrument.on_tick(price):
        yield f"{name} {price} is not on the tick {instrument.tick}"


def profit_faults(profits: Sequence[TakeProfitDraft], instrument: Instrument) -> Iterator[str]:
    """Yield what is wrong with take-profits among themselves."""
    for profit in profits:
        yield from off_tick(instrument, "take-profit", Decimal(profit.price))
    total = sum((Decimal(repr(profit.fraction)) for profit in profits), Decimal(0))
    if total > 1:
        yield f"the fractions of take_profit sum to {total}, at most 1 is allowed"
    prices = [Decimal(profit.price) for profit in profits]
    if len(frozenset(prices)) < len(prices):
        yield "two take-profits have one price: join them"


def beyond(name: str, price: Decimal, other: str, bound: Decimal, *, below: bool, way: str) -> Iterator[str]:
    """Yield that `price` lies on the wrong side of `bound`, or on it."""
    if price >= bound if below else price <= bound:
        where = "at" if price == bound else "above" if below else "below"
        yield f"{name} {price} is {where} {other} {bound} for a {way}"
