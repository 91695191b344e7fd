"""What a reducing order is, and nothing else: reduce-only, against the position, and no more than is left of it.

Left is what the position holds less what other closing orders, in flight or just approved, will take. Protective
stops do not count: the venue shrinks them with the position. Anything else is opening; a flip is a reducing leg plus
an opening leg, judged apart.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chanflow.domain.account import AccountSnapshot, Position
from chanflow.domain.opinion import TradeProposal

ZERO = Decimal(0)


def closable_base(account: AccountSnapshot, position: Position, closing_base: Decimal) -> Decimal:
    """Return how much of `position` no closing order has claimed yet, at least 0."""
    against = "sell" if position.qty_base > 0 else "buy"
    claimed = sum((o.qty_base for o in account.closing if o.symbol == position.symbol and o.side == against), ZERO)
    return max(ZERO, abs(position.qty_base) - claimed - closing_base)


def is_reducing(
    *, reduce_only: bool, side: str, qty_base: Decimal, position: Position | None, closable: Decimal
) -> bool:
    """Return whether an order takes risk away and can add none."""
    if not reduce_only or position is None or position.qty_base == 0:
        return False
    return (side == "sell") == (position.qty_base > 0) and 0 < qty_base <= closable


def opposite_left(account: AccountSnapshot, symbol: str, side: str, closing_base: Decimal) -> Decimal:
    """Return what stands against an opening of `side` in `symbol` and is not being closed, in base units."""
    return sum(
        (closable_base(account, p, closing_base) for p in account.positions
         if p.symbol == symbol and p.qty_base.is_finite() and p.qty_base != 0 and (p.qty_base > 0) != (side == "buy")),
        ZERO,
    )  # fmt: skip


def legs(proposal: TradeProposal, account: AccountSnapshot) -> tuple[TradeProposal, ...]:
    """Return the proposals to judge: a flip comes apart into closing what stands and opening, all else stays whole."""
    if proposal.action not in ("open_long", "open_short"):
        return (proposal,)
    against = [
        p for p in account.positions
        if p.symbol == proposal.symbol and p.qty_base != 0 and (p.qty_base > 0) != (proposal.action == "open_long")
    ]  # fmt: skip
    closings = (
        replace(
            proposal, proposal_id=f"{proposal.proposal_id}:close", kind="management", action="close", side=None,
            size_quote=None, entry_price=None, stop_price=None, take_profit_price=None, triggers=(),
            position_id=p.position_id,
        )
        for p in against
    )  # fmt: skip
    return (*closings, proposal)
