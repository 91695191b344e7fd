"""What may be done about a position that stands, short of closing it: its stop may tighten, its target may move.

Like a reducing order this takes risk away, so it is asked for its form and its instrument's rules alone, at any level,
behind any wall, under a halt. A stop that would risk more is refused with the one that stands; one that the market has
reached would close the position, and that is another proposal.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from chanflow.domain.account import Position
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import Changes, Side, TakeProfit, TradeProposal
from chanflow.domain.order import Check, OrderTerms
from chanflow.risk.verdict import Verdict

MOST_TARGETS = 4
ONE = Decimal(1)


def protecting(
    proposal: TradeProposal, position: Position, instrument: Instrument, mark: Decimal | None, verdict: Verdict
) -> OrderTerms | None:
    """Ask an `adjust` everything. Returns the terms the position is to stand under, None where there are none.

    Of the terms' prices, None leaves what stands. Raises ArithmeticError for a price that is no number.
    """
    side: Side = "sell" if position.side == "long" else "buy"
    verdict.ask(
        Check("side", str(proposal.side), side, ok=proposal.side in (None, side)),
        f"a {proposal.side} does not protect a {position.side} position",
    )
    changes = proposal.changes or Changes()
    targets = changes.take_profits
    verdict.ask(
        Check("changes", _told(changes), "a stop or targets, no size", ok=_some(changes)),
        "an adjust moves a stop or targets and nothing else: "
        + ("it names a size, which goes with reduce" if changes.size_quote is not None else "it names neither"),
    )
    if position.stop_price is None:
        verdict.refuse("stop_tightens", f"no order of ours explains {position.position_id}: it has no stop to tighten")
        return None
    here = position.mark_price if mark is None or not mark.is_finite() else mark
    if changes.stop_price is not None:
        _ask_stop(changes.stop_price, position.stop_price, position, instrument, here, verdict)
    _ask_targets(targets, position, instrument, here, verdict)
    if verdict.refused:
        return None
    if targets and targets[0].fraction != ONE:
        verdict.clips.append("all of the position leaves at the first target")
    return OrderTerms(
        symbol=proposal.symbol, side=side, qty_base=abs(position.qty_base),
        leverage=position.leverage, reduce_only=True, limit_price=None, stop_price=changes.stop_price,
        take_profit_price=targets[0].price if targets else None,
    )  # fmt: skip


def _some(changes: Changes) -> bool:
    return changes.size_quote is None and (changes.stop_price is not None or bool(changes.take_profits))


def _told(changes: Changes) -> str:
    return f"stop {changes.stop_price}, {len(changes.take_profits)} targets, size {changes.size_quote}"


def _ask_stop(
    stop: Decimal, standing: Decimal, position: Position, instrument: Instrument, mark: Decimal, verdict: Verdict
) -> None:
    if not _ask_price("stop_loss", stop, instrument, verdict):
        return
    long = position.side == "long"
    verdict.ask(
        Check("stop_tightens", str(stop), f"{'above' if long else 'below'} {standing}",
              ok=stop > standing if long else stop < standing),
        f"a stop at {stop} would not risk less than the one at {standing}: the stop of a {position.side} may only go "
        f"{'up' if long else 'down'}",
    )  # fmt: skip
    nearest = mark - instrument.tick if long else mark + instrument.tick
    verdict.ask(
        Check("stop_side", str(stop), f"{'at most' if long else 'at least'} {nearest}",
              ok=stop <= nearest if long else stop >= nearest),
        f"a stop at {stop} would go off at once: the mark is {mark}, the nearest of a {position.side} is {nearest}",
    )  # fmt: skip


def _ask_targets(
    targets: tuple[TakeProfit, ...], position: Position, instrument: Instrument, mark: Decimal, verdict: Verdict
) -> None:
    long = position.side == "long"
    for fault in _share_faults(targets):
        verdict.refuse("take_profit", fault)
    for target in targets:
        if not _ask_price("take_profit", target.price, instrument, verdict):
            continue
        verdict.ask(
            Check("target_side", str(target.price), f"{'above' if long else 'below'} {mark}",
                  ok=target.price > mark if long else target.price < mark),
            f"a take-profit at {target.price} would go off at once: the mark is {mark}",
        )  # fmt: skip


def _share_faults(targets: tuple[TakeProfit, ...]) -> Iterator[str]:
    if len(targets) > MOST_TARGETS:
        yield f"there are {len(targets)} targets, at most {MOST_TARGETS} can be told"
    for target in targets:
        if not (target.fraction.is_finite() and target.fraction > 0):
            yield f"a target's fraction is {target.fraction}, it must be above 0"
            return
    total = sum((target.fraction for target in targets), Decimal(0))
    if total > 1:
        yield f"the targets' fractions are {total} together, at most 1 can leave"


def _ask_price(name: str, price: Decimal, instrument: Instrument, verdict: Verdict) -> bool:
    ok = price.is_finite() and price > 0 and price.adjusted() <= 18 and instrument.on_tick(price)
    return verdict.ask(
        Check(name, str(price), f"on {instrument.tick}", ok=ok),
        f"{name} price {price} is not a positive number on the tick of {instrument.tick}",
    )
