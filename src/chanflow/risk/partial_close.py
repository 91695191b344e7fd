"""A reducing order with terms of its own: how much of the position it means, and what would be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from chanflow.domain.account import Position
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import Reason


def close_limit(proposal: TradeProposal) -> Decimal | None:
    """Return the price at which a reducing order rests, None for one that takes the market."""
    return proposal.entry_price if proposal.time_in_force == "gtc" else None


def close_faults(proposal: TradeProposal, position: Position, instrument: Instrument) -> Iterator[Reason]:
    """Yield what keeps the terms from reducing `position`."""
    if proposal.side is not None and (proposal.side == "sell") != (position.side == "long"):
        yield Reason("side", f"a {proposal.side} does not reduce a {position.side} position")
    limit, wish = close_limit(proposal), proposal.size_quote
    if limit is not None and (not limit.is_finite() or limit <= 0 or not instrument.on_tick(limit)):
        yield Reason("entry", f"entry price {limit} is not a positive number on the tick of {instrument.tick}")
    if wish is not None and (not wish.is_finite() or wish <= 0):
        yield Reason("size_form", f"size is {wish} quote, it must be positive")


def wished_qty(proposal: TradeProposal, position: Position, instrument: Instrument, mark: Decimal | None) -> Decimal:
    """Return how much is to be closed, in base units: all of the position, where no size or a larger one is wished."""
    held = abs(position.qty_base)
    if proposal.size_quote is None:
        return held
    price = close_limit(proposal) or mark or position.mark_price
    return min(held, instrument.floor_qty(proposal.size_quote / price))
