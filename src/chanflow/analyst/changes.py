"""What is wrong with what a model wants done about a position: a stop may only tighten, and nothing may grow."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.draft import ChangesDraft, ProposalDraft
from chanflow.analyst.price_faults import beyond, off_tick, profit_faults
from chanflow.domain.account import Position


def change_faults(draft: ProposalDraft, briefing: Briefing) -> Iterator[str]:
    """Yield what does not fit an answer that opens nothing, a sentence each."""
    position, changes = briefing.position, draft.changes
    if draft.action in ("hold", "abstain", "close") and changes is not None:
        yield f"changes go with adjust and reduce, the action is {draft.action}"
    if draft.action in ("hold", "abstain"):
        return
    if position is None:
        yield f"there is no position to {draft.action}: hold"
        return
    leaving = "sell" if position.side == "long" else "buy"
    if draft.side not in (None, leaving):
        yield f"side is {draft.side}, leaving a {position.side} is to {leaving}"
    if draft.action == "adjust":
        yield from _adjustment(changes, position, briefing)
    if draft.action == "reduce":
        yield from _reduction(changes, position)


def _adjustment(changes: ChangesDraft | None, position: Position, briefing: Briefing) -> Iterator[str]:
    if changes is None or (changes.stop_price is None and not changes.take_profit):
        yield "adjust changes nothing, give changes.stop_price or changes.take_profit"
        return
    if changes.size_quote is not None:
        yield "changes.size_quote goes with reduce, the action is adjust"
    long = position.side == "long"
    if changes.stop_price is not None:
        yield from _tightened(Decimal(changes.stop_price), position, briefing)
    yield from profit_faults(changes.take_profit, briefing.instrument)
    for profit in changes.take_profit:
        price = Decimal(profit.price)
        yield from beyond("take-profit", price, "the mark", position.mark_price, below=not long, way=position.side)


def _tightened(stop: Decimal, position: Position, briefing: Briefing) -> Iterator[str]:
    """Yield why a stop is none that is tighter than the one that stands."""
    yield from off_tick(briefing.instrument, "stop", stop)
    long, standing = position.side == "long", position.stop_price
    yield from beyond("stop", stop, "the mark", position.mark_price, below=long, way=position.side)
    if standing is not None and (stop <= standing if long else stop >= standing):
        verb = "loosen" if stop != standing else "leave"
        yield f"stop {stop} would {verb} the stop {standing} of a {position.side}, it may only tighten"


def _reduction(changes: ChangesDraft | None, position: Position) -> Iterator[str]:
    if changes is None or changes.size_quote is None:
        yield "reduce needs changes.size_quote, the amount that is to leave"
        return
    if changes.stop_price is not None or changes.take_profit:
        yield "changes.stop_price and changes.take_profit go with adjust, the action is reduce"
    size = Decimal(changes.size_quote)
    if not 0 < size <= position.notional_quote:
        yield f"changes.size_quote is {size}, it must be positive and at most the position's {position.notional_quote}"
