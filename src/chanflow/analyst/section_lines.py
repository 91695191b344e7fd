"""The short sections of a briefing: task, permission, flow, context, position. What was not looked at is said so."""

from __future__ import annotations

from decimal import Decimal

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.lines import MAX_NAME, MAX_SENTENCE, Row, Section, number_text, price_text, share_text, yes
from chanflow.analyst.sections import Holding, OrderLine, Permission, Reading
from chanflow.analyst.untrusted import line
from chanflow.domain.account import Position
from chanflow.domain.canonical import decimal_text
from chanflow.domain.evidence import LONGEST_REF, short_time
from chanflow.domain.flow import FlowWindow
from chanflow.domain.instrument import Instrument
from chanflow.domain.signal import Signal


def task_section(briefing: Briefing) -> Section:
    """Return what is asked, of what, as of when, and what is new."""
    task = briefing.task
    lines = [
        (
            f"{'management' if briefing.management else 'entry'} of {line(briefing.symbol, MAX_NAME)}, "
            f"level {briefing.level}, as of {short_time(briefing.as_of_ns)}"
        ),
        (
            f"tick {decimal_text(briefing.instrument.tick)}; answer valid until at most "
            f"{short_time(briefing.as_of_ns + briefing.valid_for_ns)}"
        ),
    ]
    if task is not None:
        lines.append(f"asked by {task.why}" + (f", {line(task.asked_by, MAX_NAME)}" if task.asked_by else ""))
        if task.deadline_ns is not None:
            lines[-1] += f"; due {short_time(task.deadline_ns)}"
    changed = () if task is None else task.changed
    rows = tuple(Row(f"new: {line(words, MAX_SENTENCE)}", -at) for at, words in enumerate(changed))
    if briefing.signal is None:
        return Section("task", tuple(lines), rows)
    return Section("task", (*lines, _signal(briefing.signal, briefing.level)), rows, _signal_refs(briefing))


def _signal(signal: Signal, level: str) -> str:
    agrees = "agrees" if signal.trend_agrees else "does not agree"
    return (
        f"signal {line(signal.setup or 'flow', MAX_NAME)} {signal.side_hint}, score {number_text(signal.score)}, "
        f"{' '.join(line(ref, LONGEST_REF) for ref in signal.refs)}; trend:{level} {agrees}"
    )


def _signal_refs(briefing: Briefing) -> tuple[str, ...]:
    return () if briefing.signal is None else (*briefing.signal.refs, f"trend:{briefing.level}")


def permission_section(briefing: Briefing) -> Section:
    """Return what the desk may still do, so that nobody asks in vain."""
    permission = briefing.permission
    if permission is None:
        return Section("permission", (f"leverage up to {briefing.max_leverage}",))
    return Section("permission", tuple(_permission(permission)))


def _permission(permission: Permission) -> list[str]:
    day = "no limit" if permission.trades_a_day is None else str(permission.trades_a_day)
    return [
        (
            f"{line(permission.mode, 12)} {line(permission.ladder_level, 4)}, may open: {yes(permission.may_open)}, "
            f"leverage up to {permission.max_leverage}, confidence from {_exact(permission.min_confidence)}"
        ),
        f"position room {share_text(permission.position_room_frac)}, trades today {permission.trades_today} of {day}",
        (
            f"loss room: day {share_text(permission.day_loss_room_frac)}, "
            f"drawdown {share_text(permission.drawdown_room_frac)}"
        ),
    ]


def flow_section(briefing: Briefing) -> Section:
    """Return quotes, the flow window, single readings and divergences by the time of their detection."""
    instrument, view = briefing.instrument, briefing.flow_view
    lines = [f"bid {price_text(instrument, briefing.bid)} ask {price_text(instrument, briefing.ask)}"]
    refs: tuple[str, ...] = ()
    if briefing.flow is None:
        lines.append("no flow window")
    else:
        lines.append(_window(briefing.flow))
        refs = (f"flow@{briefing.flow.ts_ms}",)
    rows: list[Row] = []
    if view is not None:
        lines.append(f"warm: {yes(view.warm)}; trades/min {number_text(view.trades_per_min)}")
        rows = [_reading(reading, briefing.as_of_ns) for reading in view.readings]
        rows += [
            Row(f"{each.ref} {each.channel} {each.kind} divergence", briefing.as_of_ns - each.known_ns, (each.ref,))
            for each in view.divergences
        ]
    return Section("flow", tuple(lines), tuple(rows), refs)


def _window(flow: FlowWindow) -> str:
    return (
        f"flow@{flow.ts_ms} ({flow.eligible_bins} of {flow.bins} bins): score {number_text(flow.score)}, "
        f"ofi {number_text(flow.ofi)}, tfi {number_text(flow.tfi)}, consistency {number_text(flow.consistency)}, "
        f"spread {number_text(flow.spread_bps)} bps, book whole: {yes(flow.book_ok)}"
    )


def _reading(reading: Reading, as_of_ns: int) -> Row:
    unit = f" {line(reading.unit, MAX_NAME)}" if reading.unit else ""
    text = f"{reading.ref} {line(reading.name, MAX_NAME)} {number_text(reading.value, 4)}{unit}"
    return Row(text, as_of_ns - reading.known_ns, (reading.ref,))


def context_section(briefing: Briefing) -> Section:
    """Return regime, BTC's trend, session and readings such as funding; data faults stand here too."""
    context = briefing.context
    faults = tuple(f"data fault: {line(fault, MAX_SENTENCE)}" for fault in briefing.data_faults)
    if context is None:
        return Section("context", faults)
    session = f", session {line(context.session, MAX_NAME)}" if context.session else ""
    head = f"regime {context.regime or '?'}, volatility {context.volatility or '?'}, BTC {context.btc_trend or '?'}"
    rows = tuple(_reading(reading, briefing.as_of_ns) for reading in context.readings)
    return Section("context", (head + session, *faults), rows)


def position_section(briefing: Briefing) -> Section:
    """Return the position that stands, what fired, and its open orders; nothing where there is none."""
    position, holding = briefing.position, briefing.holding
    lines = [] if position is None else _position(position, briefing.instrument)
    if briefing.management:
        lines.append(f"trigger {briefing.trigger_kind}: {line(briefing.trigger_note or '', MAX_SENTENCE)}")
    if holding is None:
        return Section("position", tuple(lines))
    lines += _holding(holding, briefing.instrument)
    orders = tuple(_order(order, briefing.instrument, at) for at, order in enumerate(holding.orders))
    return Section("position", tuple(lines), orders, (holding.ref,))


def _position(position: Position, instrument: Instrument) -> list[str]:
    entry, mark, stop, target = (
        price_text(instrument, price)
        for price in (position.entry_price, position.mark_price, position.stop_price, position.take_profit_price)
    )
    return [
        (
            f"{position.side} {decimal_text(abs(position.qty_base))} {line(position.base, 12)} at {entry}, "
            f"mark {mark}, opened {short_time(position.opened_ns)}"
        ),
        f"stop {stop}, take-profit {target}, leverage {position.leverage}, protected: {yes(position.protected)}",
    ]


def _holding(holding: Holding, instrument: Instrument) -> list[str]:
    lines = [
        (
            f"{holding.ref}: R {price_text(instrument, holding.risk_price)}, open {_exact(holding.open_r)} R, "
            f"peak {_exact(holding.peak_r)} R"
        )
    ]
    if holding.observed:
        lines.append(f"observed {line(holding.observed, MAX_NAME)}, bound {line(holding.bound, MAX_NAME)}")
    if holding.armed:
        lines.append("armed: " + " ".join(line(kind, MAX_NAME) for kind in holding.armed[:12]))
    return lines


def _order(order: OrderLine, instrument: Instrument, at: int) -> Row:
    price = "market" if order.price is None else price_text(instrument, order.price)
    return Row(f"order {line(order.leg, 12)} {order.side} {decimal_text(order.leaves_base)} at {price}", at)


def _exact(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:.2f}"


__all__ = ["context_section", "flow_section", "permission_section", "position_section", "task_section"]
