"""A reducing order with terms of its own: how much of the position it means, and what would be wrong with it.

A `close` without a size means all of it, a `reduce` always names the part.
"""

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
    limit, wish = close_limit(proposal), wished_quote(proposal)
    if limit is not None and (not limit.is_finite() or limit <= 0 or not instrument.on_tick(limit)):
        yield Reason("entry", f"entry price {limit} is not a positive number on the tick of {instrument.tick}")
    if wish is not None and (not wish.is_finite() or wish <= 0):
        yield Reason("size_form", f"size is {wish} quote, it must be positive")
    if wish is None and proposal.action == "reduce":
        yield Reason("size_form", "a reduce names no size: changes.size_quote is what is to leave, or close it all")


def wished_quote(proposal: TradeProposal) -> Decimal | None:
    """Return what is to leave at most, in quote; of a `reduce` that tells it twice, the smaller. None for all."""
    told = (proposal.size_quote, None if proposal.changes is None else proposal.changes.size_quote)
    sizes = [size for size in told if size is not None]
    odd = [size for size in sizes if not size.is_finite()]
    return odd[0] if odd else min(sizes, default=None)


def wished_qty(proposal: TradeProposal, position: Position, instrument: Instrument, mark: Decimal | None) -> Decimal:
    """Return how much is to be closed, in base units: all of the position, where no size or a larger one is wished."""
    held = abs(position.qty_base)
    wish = wished_quote(proposal)
    if wish is None:
        return held
    known = mark if mark is not None and mark.is_finite() and mark > 0 else position.mark_price
    price = close_limit(proposal) or known
    return min(held, instrument.floor_qty(wish / price))


def leaving_qty(
    proposal: TradeProposal, position: Position, left_base: Decimal, instrument: Instrument, mark: Decimal | None
) -> Decimal:
    """Return how much leaves: no more than is wished, nor than `left_base`, which no other order will close.

    Of a part that would leave less behind than the venue trades, so much stays that it can still be closed.
    """
    most, wish = instrument.floor_qty(left_base), wished_qty(proposal, position, instrument, mark)
    if wish >= most:
        return most
    return min(wish, max(Decimal(0), instrument.floor_qty(most - instrument.min_qty)))
