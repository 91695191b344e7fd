"""What is ordered by hand, as proposals: from there on it goes the way of every other, gate first."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from chanflow.domain.account import Position
from chanflow.domain.command import TradeCommand
from chanflow.domain.opinion import TradeProposal
from chanflow.execution.client_ids import proposal_of_command

STRATEGY = "by-hand"
"""Under which strategy such trades are booked: none of the desk's own."""


def ordered(
    command: TradeCommand, *, account: str, level: str, now_ns: int, valid_for_ns: int, position: Position | None
) -> TradeProposal:
    """Return the proposal of a trade. It has no confidence, and `position` is what it reduces if it only reduces."""
    opens = not command.reduce_only
    proposal_id = str(proposal_of_command(account, command.client_order_id))
    return TradeProposal(
        proposal_id=proposal_id,
        decision_id=proposal_id,
        kind="entry" if opens else "management",
        action="close" if command.reduce_only else "open_long" if command.side == "buy" else "open_short",
        symbol=command.symbol,
        level=level,
        setup="by_hand",
        side=command.side,
        size_quote=command.size_quote,
        leverage=command.leverage,
        entry_price=command.price,
        stop_price=command.stop_price,
        take_profit_price=command.take_profit_price,
        valid_until_ns=now_ns + valid_for_ns,
        confidence=None,
        reasoning="ordered by hand",
        invalidation=f"price beyond {command.stop_price}" if opens else "",
        position_id=None if opens or position is None else position.position_id,
        analyst="manual",
        strategy=STRATEGY,
        time_in_force="gtc" if command.order_type == "limit" else "ioc",
    )


def closing(position: Position, *, number: int, level: str, now_ns: int, valid_for_ns: int) -> TradeProposal:
    """Return the proposal that closes a position at market, for the run's command of that number."""
    proposal_id = str(uuid5(NAMESPACE_OID, f"close_all:{number}:{position.position_id}"))
    return TradeProposal(
        proposal_id=proposal_id,
        decision_id=proposal_id,
        kind="management",
        action="close",
        symbol=position.symbol,
        level=level,
        setup="by_hand",
        side=None,
        size_quote=None,
        leverage=1,
        entry_price=None,
        stop_price=None,
        take_profit_price=None,
        valid_until_ns=now_ns + valid_for_ns,
        confidence=None,
        reasoning="everything is closed by hand",
        invalidation="",
        position_id=position.position_id,
        analyst="manual",
        strategy=STRATEGY,
    )
