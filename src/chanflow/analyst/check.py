"""What is wrong with a model's answer, in sentences it can act on: form first, then sense.

Numbers are looked up by id and compared with the briefing's own; none is ever read out of prose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.changes import change_faults
from chanflow.analyst.config import AgentConfig
from chanflow.analyst.draft import MAX_SENTENCES, ProposalDraft, StrategyDraft, draft_of
from chanflow.analyst.evidence import evidence_faults, index_of
from chanflow.analyst.price_faults import beyond, off_tick, profit_faults
from chanflow.analyst.rendering import rendered
from chanflow.domain.errors import OpinionInvalid
from chanflow.domain.evidence import short_time
from chanflow.domain.opinion import Evidence
from chanflow.domain.question import Check, ToolCall
from chanflow.domain.time import parse_rfc3339
from chanflow.domain.trigger import Trigger, drafted

ENTRY_ACTIONS = ("open_long", "open_short", "hold", "abstain")
MANAGEMENT_ACTIONS = ("close", "reduce", "adjust", "hold", "abstain")
SIDES = {"open_long": "buy", "open_short": "sell"}


def check_for(briefing: Briefing, config: AgentConfig) -> Check:
    """Return the check of answers to `briefing`: at most eight sentences at once, none for an answer that is good."""
    shown = rendered(briefing).refs

    def check(payload: Mapping[str, Any], calls: Sequence[ToolCall]) -> tuple[str, ...]:
        draft = draft_of(payload)
        if not isinstance(draft, ProposalDraft):
            return draft
        cited = [Evidence(each.ref, each.claim, each.direction) for each in (*draft.evidence, *draft.counter_evidence)]
        index = index_of(briefing, shown, calls, evidence_bars=config.evidence_bars)
        faults = [*_form(draft, briefing), *evidence_faults(index, cited), *_triggers(draft, briefing)]
        return tuple(faults[:MAX_SENTENCES])

    return check


def triggers_of(draft: ProposalDraft, briefing: Briefing) -> tuple[Trigger, ...]:
    """Return the triggers of a draft. Raises OpinionInvalid: one that is wrong voids them all."""
    asked = [each.model_dump() for each in draft.monitoring_triggers]
    triggers = drafted(asked, decision_id=briefing.decision_id)
    for trigger in triggers:
        if trigger.expires_ns <= briefing.as_of_ns:
            raise OpinionInvalid(
                f"trigger {trigger.kind} expires at {short_time(trigger.expires_ns)}, "
                f"before the decision at {short_time(briefing.as_of_ns)}"
            )
    return triggers


def _form(draft: ProposalDraft, briefing: Briefing) -> Iterator[str]:
    """Yield what does not fit the question or the action."""
    if draft.symbol != briefing.symbol:
        yield f"symbol is {draft.symbol!r}, the question is about {briefing.symbol}"
    if draft.level != briefing.level:
        yield f"level is {draft.level!r}, the question is about {briefing.level}"
    kind, allowed = ("management", MANAGEMENT_ACTIONS) if briefing.management else ("entry", ENTRY_ACTIONS)
    if draft.action not in allowed:
        yield f"action {draft.action} does not belong to {kind}, use one of {' '.join(allowed)}"
        return
    if (draft.abstain_reason is not None) != (draft.action == "abstain"):
        yield f"abstain_reason is {draft.abstain_reason}, it goes with abstain alone and abstain needs one"
    if draft.action not in ("hold", "abstain") and not draft.evidence:
        yield f"{draft.action} has no evidence, at least one is needed"
    if draft.action in SIDES:
        yield from _opening(draft, briefing)
    else:
        if draft.strategy_details is not None:
            yield f"strategy_details go with an opening, the action is {draft.action}"
        yield from change_faults(draft, briefing)


def _opening(draft: ProposalDraft, briefing: Briefing) -> Iterator[str]:
    permission = briefing.permission
    if permission is not None and not permission.may_open:
        yield "the desk may open nothing now: hold or abstain"
    if draft.side != SIDES[draft.action]:
        yield f"side is {draft.side}, {draft.action} needs {SIDES[draft.action]}"
    if draft.confidence is None:
        yield f"{draft.action} has no confidence, give a number from 0 to 1"
    if draft.changes is not None:
        yield f"changes go with adjust and reduce, the action is {draft.action}"
    if draft.size_quote is not None and not Decimal(draft.size_quote):
        yield "size_quote is 0, it must be positive; leave it out to let sizing decide"
    if draft.strategy_details is None:
        yield f"{draft.action} has no strategy_details, it needs entry, stop_loss and take_profit"
    else:
        yield from _strategy(draft.strategy_details, briefing, long=draft.action == "open_long")


def _strategy(details: StrategyDraft, briefing: Briefing, *, long: bool) -> Iterator[str]:
    entry, stop = details.entry, Decimal(details.stop_loss.price)
    if (entry.price is None) != (entry.type == "market"):
        yield f"entry price is {entry.price}, a limit needs one and a market order has none"
    yield from _validity(entry.valid_until, briefing)
    yield from off_tick(briefing.instrument, "stop", stop)
    yield from profit_faults(details.take_profit, briefing.instrument)
    touch = briefing.ask if long else briefing.bid
    if touch is None:
        yield "there is no quote to enter at: abstain with stale_data"
        return
    reference = touch if entry.price is None else Decimal(entry.price)
    if entry.price is not None:
        yield from off_tick(briefing.instrument, "entry", reference)
    yield from beyond("stop", stop, "entry", reference, below=long, way="long" if long else "short")
    for profit in details.take_profit:
        price = Decimal(profit.price)
        yield from beyond("take-profit", price, "entry", reference, below=not long, way="long" if long else "short")


def _validity(text: str, briefing: Briefing) -> Iterator[str]:
    try:
        until_ns = parse_rfc3339(text)
    except (ValueError, OverflowError):
        yield "valid_until must be an RFC 3339 time with its zone, such as 2026-11-21T12:00:00Z"
        return
    latest_ns = briefing.as_of_ns + briefing.valid_for_ns
    if not briefing.as_of_ns < until_ns <= latest_ns:
        first, last = short_time(briefing.as_of_ns), short_time(latest_ns)
        yield f"valid_until is {short_time(until_ns)}, it must be after {first} and at most {last}"


def _triggers(draft: ProposalDraft, briefing: Briefing) -> Iterator[str]:
    try:
        triggers_of(draft, briefing)
    except OpinionInvalid as fault:
        yield str(fault)
