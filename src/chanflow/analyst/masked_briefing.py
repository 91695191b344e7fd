"""A briefing as a masked model reads it: the same situation of a symbol without a name, on another day, elsewhere.

Words that somebody wrote (lessons, summaries, headlines, notes of triggers, who asked) may name anything, so they are
left out whole. Shares, ratios, scores and sizes in quote stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.mask import ALIAS, ASSET, Mask
from chanflow.analyst.sections import Context, FlowView, Holding, Memory, Reading
from chanflow.analyst.structure import CenterRow, LegRow, LevelView, PointRow
from chanflow.domain.account import Position
from chanflow.domain.flow import FlowWindow
from chanflow.domain.signal import Signal

HIDDEN_NOTE = "its note is hidden"


def masked_briefing(briefing: Briefing, mask: Mask) -> Briefing:
    """Return what the model is told; only `decision_id`, which it is not shown, is still the true one."""
    task = briefing.task
    deadline_ns = None if task is None or task.deadline_ns is None else mask.ns(task.deadline_ns)
    return replace(
        briefing,
        as_of_ns=mask.ns(briefing.as_of_ns),
        symbol=ALIAS,
        instrument=replace(briefing.instrument, symbol=ALIAS, base=ASSET, tick=mask.tick),
        bid=_price(mask, briefing.bid),
        ask=_price(mask, briefing.ask),
        flow=None if briefing.flow is None else _window(mask, briefing.flow),
        position=None if briefing.position is None else _position(mask, briefing.position),
        signal=None if briefing.signal is None else _signal(mask, briefing.signal),
        trigger_note=None if briefing.trigger_note is None else HIDDEN_NOTE,
        venue="",
        task=None if task is None else replace(task, changed=(), deadline_ns=deadline_ns, asked_by=""),
        levels=tuple(_level(mask, view) for view in briefing.levels),
        flow_view=None if briefing.flow_view is None else _flow(mask, briefing.flow_view),
        context=None if briefing.context is None else _context(mask, briefing.context),
        holding=None if briefing.holding is None else _holding(mask, briefing.holding),
        memory=None if briefing.memory is None else _memory(mask, briefing.memory, briefing.symbol),
        outside=(),
        data_faults=tuple("of the market's data" for _ in briefing.data_faults),
    )


def _price(mask: Mask, price: Decimal | None) -> Decimal | None:
    return None if price is None else mask.price(price)


def _window(mask: Mask, flow: FlowWindow) -> FlowWindow:
    scale = float(mask.factor)
    return replace(flow, ts_ms=mask.ms(flow.ts_ms), ofi=flow.ofi / scale, tfi=flow.tfi / scale)


def _position(mask: Mask, held: Position) -> Position:
    return replace(
        held, symbol=ALIAS, base=ASSET, qty_base=mask.quantity(held.qty_base), entry_price=mask.price(held.entry_price),
        mark_price=mask.price(held.mark_price), opened_ns=mask.ns(held.opened_ns),
        stop_price=_price(mask, held.stop_price), take_profit_price=_price(mask, held.take_profit_price),
    )  # fmt: skip


def _signal(mask: Mask, signal: Signal) -> Signal:
    price, void = (None if text is None else f"{mask.price(Decimal(text)):f}"
                   for text in (signal.price, signal.invalidation_price))  # fmt: skip
    return replace(
        signal, ts_ms=mask.ms(signal.ts_ms), known_ms=mask.ms(signal.known_ms), symbol=ALIAS, price=price,
        invalidation_price=void, refs=tuple(mask.ref(ref) for ref in signal.refs),
    )  # fmt: skip


def _level(mask: Mask, view: LevelView) -> LevelView:
    return replace(
        view, closed_ns=mask.ns(view.closed_ns),
        strokes=tuple(_leg(mask, leg) for leg in view.strokes),
        segments=tuple(_leg(mask, leg) for leg in view.segments),
        centers=tuple(_center(mask, center) for center in view.centers),
        points=tuple(_point(mask, point) for point in view.points),
        figures=tuple(replace(each, known_ns=mask.ns(each.known_ns)) for each in view.figures),
    )  # fmt: skip


def _leg(mask: Mask, leg: LegRow) -> LegRow:
    return replace(
        leg, ref=mask.ref(leg.ref), known_ns=mask.ns(leg.known_ns), start_ns=mask.ns(leg.start_ns),
        start_price=mask.floating(leg.start_price), end_ns=mask.ns(leg.end_ns), end_price=mask.floating(leg.end_price),
    )  # fmt: skip


def _center(mask: Mask, center: CenterRow) -> CenterRow:
    low, high, peak_low, peak_high = (
        mask.floating(price) for price in (center.low, center.high, center.peak_low, center.peak_high)
    )
    return replace(
        center, ref=mask.ref(center.ref), known_ns=mask.ns(center.known_ns), low=low, high=high, peak_low=peak_low,
        peak_high=peak_high, start_ns=mask.ns(center.start_ns), end_ns=mask.ns(center.end_ns),
    )  # fmt: skip


def _point(mask: Mask, point: PointRow) -> PointRow:
    return replace(
        point, ref=mask.ref(point.ref), known_ns=mask.ns(point.known_ns), at_ns=mask.ns(point.at_ns),
        price=mask.floating(point.price),
        confirmed_ns=None if point.confirmed_ns is None else mask.ns(point.confirmed_ns),
    )  # fmt: skip


def _flow(mask: Mask, view: FlowView) -> FlowView:
    divergences = tuple(
        replace(each, ref=mask.ref(each.ref), known_ns=mask.ns(each.known_ns), pivot_ns=mask.ns(each.pivot_ns))
        for each in view.divergences
    )
    return replace(view, readings=_readings(mask, view.readings), divergences=divergences)


def _context(mask: Mask, context: Context) -> Context:
    return replace(context, readings=_readings(mask, context.readings))


def _readings(mask: Mask, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    return tuple(replace(each, ref=mask.ref(each.ref), known_ns=mask.ns(each.known_ns)) for each in readings)


def _holding(mask: Mask, holding: Holding) -> Holding:
    orders = tuple(
        replace(
            order, client_order_id="", price=_price(mask, order.price), leaves_base=mask.quantity(order.leaves_base)
        )
        for order in holding.orders
    )
    return replace(
        holding, ref=mask.ref(holding.ref), known_ns=mask.ns(holding.known_ns),
        risk_price=_price(mask, holding.risk_price), observed="", bound="", orders=orders,
    )  # fmt: skip


def _memory(mask: Mask, memory: Memory, symbol: str) -> Memory:
    decisions = tuple(
        replace(each, ref=mask.ref(each.ref), known_ns=mask.ns(each.known_ns), at_ns=mask.ns(each.at_ns),
                symbol=_other(each.symbol, symbol))
        for each in memory.decisions
    )  # fmt: skip
    similar = tuple(
        replace(each, ref=mask.ref(each.ref), known_ns=mask.ns(each.known_ns), at_ns=mask.ns(each.at_ns),
                symbol=_other(each.symbol, symbol))
        for each in memory.similar
    )  # fmt: skip
    return Memory(decisions=decisions, similar=similar, figures=memory.figures, missing=memory.missing)


def _other(symbol: str, own: str) -> str:
    return ALIAS if symbol == own else "OTHER"
