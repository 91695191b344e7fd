"""Asking a venue: all that reconciliation compares, and what became of an order that nobody answered for.

A question that fails is left unanswered, and is no empty answer.
"""

from __future__ import annotations

from collections.abc import Awaitable
from decimal import Decimal
from typing import TypeVar

from chanflow.domain.errors import Retryable, Uncertain
from chanflow.domain.order import OrderEvent
from chanflow.domain.time import Clock
from chanflow.execution.inquiry import Inquiry, Question
from chanflow.execution.ports import FillCursor, OrderRef, Unknown, Venue
from chanflow.execution.reconcile import Answers, Local, Reconciliation, compare
from chanflow.execution.router import Router

T = TypeVar("T")


async def ask_venue(venue: Venue, local: Local, cursor: FillCursor, *, funding_since_ns: int, clock: Clock) -> Answers:
    """Return the venue's answers to everything that `compare` looks at.

    Positions and balances are asked for after the fills: what they show that the fills do not is then at worst newer.
    """
    orders = {}
    for client_id, order in sorted(local.orders.items()):
        if not order.state.terminal:
            answer = await answer_or_none(venue.order(OrderRef(order.symbol, client_id)))
            orders[client_id] = Unknown("the question was not answered") if answer is None else answer
    open_orders = await answer_or_none(venue.open_orders())
    fills = await answer_or_none(venue.fills(cursor))
    funding = await answer_or_none(venue.funding(funding_since_ns))
    positions = await answer_or_none(venue.positions())
    balances = await answer_or_none(venue.balances())
    return Answers(clock.now_ns(), orders, open_orders, fills, funding, positions, balances)


async def catch_up(
    router: Router, venue: Venue, cursor: FillCursor, *, quote: str, funding_since_ns: int, clock: Clock
) -> Reconciliation:
    """Ask the venue, compare, and take in what was missed; returns what the comparison found."""
    local = router.local(quote)
    found = compare(local, await ask_venue(venue, local, cursor, funding_since_ns=funding_since_ns, clock=clock))
    router.take_in(found)
    return found


async def pursue(
    router: Router, venue: Venue, cursor: FillCursor, *, quote: str, funding_since_ns: int, clock: Clock
) -> list[OrderEvent]:
    """Ask what is due about orders of unknown fate. Returns the steps of those whose fate is known now."""
    for _, inquiry in sorted(router.inquiries.items()):
        for question in inquiry.due(clock.now_ns()):
            await _ask(inquiry, question, router, venue, cursor, clock)
    if any(inquiry.verdict is not None for inquiry in router.inquiries.values()):
        # What an order has come to, its fills first of all, is in the books before its inquiry ends.
        await catch_up(router, venue, cursor, quote=quote, funding_since_ns=funding_since_ns, clock=clock)
    return router.concluded()


async def _ask(
    inquiry: Inquiry, question: Question, router: Router, venue: Venue, cursor: FillCursor, clock: Clock
) -> None:
    asked_ns, ref = clock.now_ns(), inquiry.ref
    inquiry.ask(question, asked_ns)
    match question:
        case "order":
            answer = await answer_or_none(venue.order(ref))
            inquiry.order_answered(asked_ns, Unknown("the question was not answered") if answer is None else answer)
        case "fills":
            fills = await answer_or_none(venue.fills(cursor))
            if fills is not None:
                any_of_it = any(fill.client_order_id == ref.client_order_id for fill in fills)
                inquiry.fills_answered(asked_ns, any_of_it=any_of_it)
        case "position":
            positions = await answer_or_none(venue.positions())
            if positions is not None:
                theirs = sum((p.qty_base for p in positions if p.symbol == ref.symbol), Decimal(0))
                holding = router.ledger.holdings.get(ref.symbol)
                inquiry.position_answered(
                    asked_ns, agrees=theirs == (Decimal(0) if holding is None else holding.qty_base)
                )


async def answer_or_none(question: Awaitable[T]) -> T | None:
    """Return the answer to a question; None where the venue did not give one."""
    try:
        return await question
    except (Retryable, Uncertain):
        return None
