"""Moving what a position stands under: why that cannot be done as the account stands, and which exits it concerns.

The gate has judged an account that was; between its approval and now the position may have been closed, turned, or put
under a tighter stop by another approval. What is asked here is asked of the account as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from chanflow.domain.order import Leg, OrderTerms
from chanflow.execution.books import Opened
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import OrderChange

ZERO = Decimal(0)


def move_fault(terms: OrderTerms, opened: Opened | None, held_base: Decimal) -> str | None:
    """Return why a position cannot be put under the prices of `terms`; `held_base` is signed. None where it can."""
    if opened is None or not opened.entry or opened.stop_price is None or held_base == 0:
        return f"{terms.symbol} has no position of ours whose protection could be moved"
    long, stop = held_base > 0, terms.stop_price
    if (terms.side == "sell") != long:
        return f"the position in {terms.symbol} points the other way now"
    if stop is not None and (stop < opened.stop_price if long else stop > opened.stop_price):
        return f"a stop at {stop} would risk more than the one at {opened.stop_price}: it can only be tightened"
    return None


def amendments(living: Iterable[Order], terms: OrderTerms) -> Iterator[tuple[str, OrderChange]]:
    """Yield what brings the exits that the venue attached under the prices of `terms`, the stop first: id and change.

    A stop that stands nearer than wished stays as it is.
    """
    for leg, price in (("stop", terms.stop_price), ("take_profit", terms.take_profit_price)):
        for order in living:
            if price is None or order.leg != leg or (order.symbol, order.side) != (terms.symbol, terms.side):
                continue
            if order.may(Step.REQUEST_AMEND) and _moves(order, price):
                yield order.client_order_id, OrderChange(trigger_price=price)


def unmoved(terms: OrderTerms, opened: Opened, moving: Collection[Leg]) -> str | None:
    """Return which price no amendment would bring about: its exit is not there, or under way. None where all would."""
    legs: tuple[tuple[Leg, Decimal | None, Decimal | None], ...] = (
        ("stop", terms.stop_price, opened.stop_price), ("take_profit", terms.take_profit_price,
                                                        opened.take_profit_price),
    )  # fmt: skip
    lacks = [leg for leg, wanted, stands in legs if wanted not in (None, stands) and leg not in moving]
    return f"no {' and no '.join(lacks)} stands at the venue that can be moved now" if lacks else None


def _moves(order: Order, price: Decimal) -> bool:
    stands = order.trigger_price
    if stands is None or order.leg == "take_profit":
        return stands != price
    return price > stands if order.side == "sell" else price < stands
