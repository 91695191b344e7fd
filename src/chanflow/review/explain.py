"""The chain of one decision, read back from the journal: from the data it rested on to the last fill it led to.

Any id leads into the chain: of a signal, a decision, a proposal, an approval, an order, a position, or the number of a
record. Refusals and abstentions are chains too, they only end earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chanflow.review import management
from chanflow.review.journal import Record


@dataclass(frozen=True, slots=True)
class Link:
    """One step: the number of its record, its time in RFC 3339, the record's kind, and what it says."""

    seq: int
    at: str
    kind: str
    text: str


@dataclass(slots=True)
class _Index:
    """What leads from one id to the next."""

    decision_of: dict[str, str] = field(default_factory=dict)
    """By proposal, approval and order."""
    orders: dict[str, list[str]] = field(default_factory=dict)
    """By decision."""
    held_by: dict[str, list[str]] = field(default_factory=dict)
    """Decisions by position."""
    woken_by: dict[str, list[str]] = field(default_factory=dict)
    """Decisions by signal."""
    position_of: dict[str, str] = field(default_factory=dict)
    """By order."""
    started: dict[str, Any] = field(default_factory=dict)
    """What woke each decision."""
    asked: set[str] = field(default_factory=set)
    """Decisions that were asked for, begun or not."""


def explain(records: Sequence[Record], name: str) -> tuple[Link, ...]:
    """Return the chain of what `name` names, in the order of the records; empty where no record knows it."""
    index = _indexed(records)
    decisions, loose = _named(records, index, name)
    signals, triggers, orders, positions = _reach(index, decisions)
    refs = {
        ref for r in records if r.kind == "signal" and r.body["signal_id"] in signals for ref in r.body["refs"] or ()
    }  # fmt: skip
    began = min((r.seq for r in records if r.kind == "decision_started" and r.correlation_id in decisions), default=0)
    chosen = (
        record
        for record in records
        if record.seq in loose
        or record.correlation_id in decisions
        or _is_cause(record, signals, triggers, refs, began)
        or _is_effect(record, orders, positions)
    )
    return tuple(Link(r.seq, r.at, r.kind, _TEXTS[r.kind](r.body)) for r in chosen if r.kind in _TEXTS)


def decisions_named(records: Sequence[Record], name: str) -> frozenset[str]:
    """Return the ids of the decisions that `name` leads to."""
    return _named(records, _indexed(records), name)[0]


def _indexed(records: Iterable[Record]) -> _Index:
    index = _Index()
    for record in records:
        body: Any = record.body
        match record.kind:
            case "decision_started":
                index.started[body["decision_id"]] = body
                if body["signal_id"] is not None:
                    index.woken_by.setdefault(body["signal_id"], []).append(body["decision_id"])
            case "analysis_request":
                index.asked.add(body["decision_id"])
            case "trade_proposal" | "refusal":
                index.decision_of[body["proposal_id"]] = body["decision_id"]
            case "approved_order":
                index.decision_of[body["proposal_id"]] = index.decision_of[body["approved_id"]] = body["decision_id"]
            case "order_intent" | "order_denied":
                _index_order(index, body)
            case "protection_moved":
                _index_moved(index, body)
    return index


def _index_order(index: _Index, body: Any) -> None:
    decision = index.decision_of.get(body["approved_id"])
    if decision is None:
        return
    order, position = body["client_order_id"], body["position_id"]
    index.decision_of[order], index.position_of[order] = decision, position
    index.orders.setdefault(decision, []).append(order)
    held = index.held_by.setdefault(position, [])
    if decision not in held:
        held.append(decision)


def _index_moved(index: _Index, body: Any) -> None:
    decision = index.decision_of.get(body["approved_id"])
    held = index.held_by.setdefault(body["position_id"], [])
    if decision is not None and decision not in held:
        held.append(decision)


def _named(records: Sequence[Record], index: _Index, name: str) -> tuple[frozenset[str], frozenset[int]]:
    """Return the decisions that `name` leads to, and the single records it names."""
    if name.isdecimal() and int(name) < len(records):
        record = records[int(name)]
        found = _decisions(index, record.correlation_id)
        own = record.body if isinstance(record.body, dict) else {}
        for key in ("decision_id", "signal_id", "proposal_id", "client_order_id", "position_id"):
            found = found or _decisions(index, str(own.get(key) or ""))
        return found, frozenset((record.seq,))
    loose = frozenset(r.seq for r in records if r.kind == "signal" and r.body["signal_id"] == name)
    return _decisions(index, name), loose


def _decisions(index: _Index, name: str) -> frozenset[str]:
    # The venue's own exits carry the id of their entry, and a suffix.
    order = name if name in index.decision_of else name.rpartition("-")[0]
    if name in index.started:
        return frozenset((name,))
    if order in index.decision_of:
        return frozenset((index.decision_of[order],))
    if name in index.asked:
        return frozenset((name,))
    known = frozenset(index.held_by.get(name, ())) | frozenset(index.woken_by.get(name, ()))
    return known | (frozenset((name,)) if name in index.decision_of.values() else frozenset())


def _reach(index: _Index, decisions: frozenset[str]) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return the signals and triggers that woke the decisions, and the orders and positions they led to."""
    woken = [index.started[d] for d in sorted(decisions) if d in index.started]
    signals = {w["signal_id"] for w in woken if w["signal_id"] is not None}
    triggers = {w["trigger_id"] for w in woken if w["trigger_id"] is not None}
    orders = {order for d in sorted(decisions) for order in index.orders.get(d, ())}
    return signals, triggers, orders, {index.position_of[order] for order in sorted(orders)}


def _is_cause(record: Record, signals: set[str], triggers: set[str], refs: set[str], began: int) -> bool:
    body: Any = record.body
    match record.kind:
        case "signal":
            return body["signal_id"] in signals
        case "re_analysis_trigger":
            return body["trigger_id"] in triggers
        case "stroke":
            return record.seq < began and f"stroke#{body['index']}" in refs
        case "point":
            return record.seq < began and any(_is_of_point(body, ref) for ref in refs)
    return False


def _is_of_point(point: Any, ref: str) -> bool:
    """Return whether `ref`, as point:buy2s@5m#23, cites the point."""
    segment = "-seg" if point["of"] == "segment" else ""
    return ref.startswith(f"point:{point['side']}{point['type']}{segment}@") and ref.endswith(f"#{point['element']}")


_OF_AN_ORDER = frozenset(
    {"order_event", "fill", "order_sent", "order_outcome", "cancel_intent", "order_intent", "amend_intent",
     "amend_outcome"}
)  # fmt: skip


def _is_effect(record: Record, orders: set[str], positions: set[str]) -> bool:
    body: Any = record.body
    match record.kind:
        case kind if kind in _OF_AN_ORDER:
            order = body["client_order_id"]
            return order in orders or order.rpartition("-")[0] in orders
        case "trade_closed":
            return body["position_id"] in positions
    return False


# ── one line a step ───────────────────────────────────────────────────────────


def _signal(b: Any) -> str:
    reasons = "".join(f"; {reason}" for reason in b["reasons"])
    rests = f", rests on {', '.join(b['refs'])}" if b["refs"] else ""
    score = "" if b["score"] is None else f", score {b['score']:+.3f}"
    return f"{b['signal_type']} in {b['symbol']} at {b['price']}{score}: {b['decision_code']}{reasons}{rests}"


def _started(b: Any) -> str:
    if b["signal_id"]:
        woke = f"signal {b['signal_id']}"
    elif b["trigger_id"]:
        woke = f"trigger {b['trigger_id']} of {b['position_id']}"
    else:
        woke = f"{b['why']} request {b['request_id']}"
    return f"decision {b['decision_id']} begins, woken by {woke}"


def _proposal(b: Any) -> str:
    if b["action"] == "abstain":
        return f"{b['analyst']} abstains ({b['abstain_reason']}): {b['reasoning']}"
    if b["action"] in ("hold", "close"):
        return f"{b['analyst']} says {b['action']} {b['symbol']}: {b['reasoning']}"
    if b["action"] in ("reduce", "adjust"):
        return f"{b['analyst']} proposes {b['action']} {b['symbol']}, {management.wished(b)}: {b['reasoning']}"
    size = "as sized" if b["size_quote"] is None else f"{b['size_quote']} quote"
    return (
        f"{b['analyst']} proposes {b['action']} {b['symbol']}, {size}, entry {b['entry_price'] or 'market'}, stop "
        f"{b['stop_price']}, target {b['take_profit_price']}, leverage {b['leverage']}, confidence "
        f"{b['confidence']}: {b['reasoning']}"
    )


def _judged(b: Any) -> str:
    account, market, state = b["account"], b["market"], b["state"]
    held = ", ".join(f"{p['qty_base']} {p['symbol']}" for p in account["positions"]) or "flat"
    wall = "standing" if state["wall"]["standing"] else "down"
    halted = "halted" if state["halt"]["causes"] else "not halted"
    return (
        f"the gate is asked: equity {account['equity_quote']}, high water {account['high_water_quote']}, {held}, "
        f"mark {market['mark']}, sigma {market['sigma_frac']}, level {state['level']}, wall {wall}, {halted}"
    )


def _refusal(b: Any) -> str:
    return "refused: " + "; ".join(f"{reason['code']} ({reason['message']})" for reason in b["reasons"])


def _approved(b: Any) -> str:
    t = b["terms"]
    clips = "".join(f"; {clip}" for clip in b["clips"])
    if management.protects(t):
        return f"approved: {management.prices(t)} of the position in {t['symbol']}{clips}"
    what = "reducing" if t["reduce_only"] else "opening"
    return f"approved: {what} {t['side']} {t['qty_base']} {t['symbol']}, leverage {t['leverage']}{clips}"


def _intent(b: Any) -> str:
    t = b["terms"]
    price = t["limit_price"] or b.get("trigger_price") or "market"
    return f"{b['leg']} {b['client_order_id']} is to be sent: {t['side']} {t['qty_base']} {t['symbol']} at {price}"


def _change(change: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(change.items()) if value is not None)


def _event(b: Any) -> str:
    told = f": {b['detail']}" if b["detail"] else ""
    return (
        f"{b['leg']} {b['client_order_id']} is {b['state']}, {b['filled_base']} filled, {b['leaves_base']} left{told}"
    )


def _fill(b: Any) -> str:
    how = "made" if b["maker"] else "took"
    return f"{b['client_order_id']} {how} {b['side']} {b['qty_base']} at {b['price']}, fee {b['fee_quote']}"


def _closed(b: Any) -> str:
    return (
        f"{b['position_id']} is closed by its {b['exit_leg']}: {b['side']} {b['qty_base']}, {b['entry_price']} to "
        f"{b['exit_price']}, gross {b['gross_quote']}, fees {b['fees_quote']}, net {b['net_quote']}"
    )


def _fired(b: Any) -> str:
    late = ", late" if b["late"] else ""
    saw = f"saw {b['observed']}, waited for {b['bound'] or b['kind']}{late}"
    return f"trigger {b['trigger_id']} ({b['note']}): {saw}"


def _request(b: Any) -> str:
    about = f", position {b['position_id']}" if b["position_id"] else ""
    return f"{b['requested_by']} asks about {b['symbol']} at {b['level']}{about} ({b['reason']})"


def _briefing(b: Any) -> str:
    body = b["body"]
    levels = ", ".join(view["level"] for view in body["levels"]) or "no structure yet"
    return (
        f"briefed as of {body['as_of_ns']} ns on {levels}, bid {body['bid']}, ask {body['ask']}, hash {b['hash'][:16]}"
    )


def _memory(b: Any) -> str:
    memory = b["memory"]
    if memory is None:
        return "there is no memory"
    told = ", ".join(f"{len(memory[name])} {name}" for name in ("decisions", "similar", "lessons"))
    return told + "".join(f"; {why}" for why in memory["missing"])


def _llm_request(b: Any) -> str:
    tools = ", ".join(b["tools"]) or "no tools"
    return (
        f"{b['model']} is asked with {tools}, prompt {b['prompt_hash'][:16]}, all that it sees {b['content_hash'][:16]}"
    )


def _llm_response(b: Any) -> str:
    spent = f"{b['tokens_in']} tokens in, {b['tokens_out']} out, {b['cost_usd']} USD, {b['latency_ms']} ms"
    early = "".join(f"; left out: {row}" for row in b["future_rows"])
    if b["problem"]:
        return f"no answer, {b['problem']}: {b['detail']} ({spent}){early}"
    return f"{b['model']} answered: {b['draft'].get('action')} ({spent}){early}"


def _tool(b: Any) -> str:
    args = ", ".join(f"{name}={value}" for name, value in sorted(b["args"].items()))
    return f"it looked up {b['name']} ({args})" + (", which failed" if b["failed"] else "")


def _future(b: Any) -> str:
    return f"{b['outlet']} gave {b['ref']}, which was not known yet: it was left out"


_TEXTS: dict[str, Callable[[Any], str]] = {
    "stroke": lambda b: f"stroke {b['index']} {b['direction']}, {b['start_price']} to {b['end_price']}, {b['state']}",
    "point": lambda b: f"{b['side']} point {b['type']} at {b['price']}, on {b['of']} {b['element']}",
    "signal": _signal,
    "signal_expired": lambda b: f"signal {b['signal_id']} came too late to be acted on",
    "re_analysis_trigger": _fired,
    "decision_started": _started,
    "analysis_request": _request,
    "analysis_superseded": lambda b: f"decision {b['decision_id']} is not begun, {b['by']} takes its place",
    "future_row": _future,
    "briefing": _briefing,
    "memory_used": _memory,
    "llm_request": _llm_request,
    "llm_response": _llm_response,
    "tool_called": _tool,
    "decision_skipped": lambda b: f"nobody was asked: {b['why']}",
    "decision_abandoned": lambda b: f"decision {b['decision_id']} is abandoned: {b['why']}",
    "trade_proposal": _proposal,
    "judged": _judged,
    "refusal": _refusal,
    "approved_order": _approved,
    "order_intent": _intent,
    "order_denied": lambda b: f"{b['client_order_id']} was not sent: {b['why']}",
    "order_sent": lambda b: f"{b['client_order_id']} left for the venue",
    "order_outcome": lambda b: f"the venue answered {b['client_order_id']}: {b['outcome']}",
    "cancel_intent": lambda b: f"{b['client_order_id']} is to be cancelled",
    "protection_moved": management.moved,
    "amend_intent": lambda b: f"{b['client_order_id']} is to be amended: {_change(b['change'])}",
    "amend_outcome": lambda b: f"the venue answered the amendment of {b['client_order_id']}: {b['outcome']}",
    "order_event": _event,
    "triggers_refused": lambda b: "; ".join(b["refused"].values()),
    "register_triggers": lambda b: f"{len(b['triggers'])} triggers watch {b['position_id']}",
    "fill": _fill,
    "trade_closed": _closed,
}
