"""The rule analyst: the same briefing as a model gets, the same type of answer, no key and no chance.

Entry: where the briefing tells structure, a confirmed point with nothing against it and flow its way
(`structure_rule`); else a confirmed signal, which has waited for both. Stop one tick beyond the price that voids the
setup, take-profit where the next center begins or at `reward_risk` times the risk, whichever comes first. The
confidence is a setup score, not a probability: 0.65, plus 0.10 each for a nested interval, strong flow and the trend
one level up agreeing; at most 0.90.

Management: an aged position is closed; at one times the risk in profit it is kept while the flow still agrees.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from chanflow.analyst.answers import abstention, answer
from chanflow.analyst.briefing import Briefing
from chanflow.analyst.grounds import Grounds, Nothing, grounds_of_signal
from chanflow.analyst.structure_rule import grounds_of_structure
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.trigger import PriceCross, Trigger

ENTRY_REACH_FRAC = Decimal("0.0005")
"""How far through the touch an entry may reach: it is a limit order, so a jump cannot fill it at any price."""
MIN_STOP_FRAC = Decimal("0.001")
"""A stop nearer than this would be spent on spread and fees alone."""
MENDED = ("data_stale", "protective_missing")
"""Triggers on which the guardian acts."""


def propose(briefing: Briefing) -> TradeProposal:
    """Return the answer to a briefing: an opening, a closing, hold or abstain."""
    if briefing.management:
        return _manage(briefing)
    if briefing.bid is None or briefing.ask is None:
        return abstention(briefing, "stale_data", "there is no quote to act on")
    found = _grounds(briefing)
    if isinstance(found, Nothing):
        return abstention(briefing, found.reason, found.words)
    if briefing.position is not None:
        return answer(briefing, "hold", reasoning=f"a {briefing.position.side} position stands already")
    return _enter(briefing, found, briefing.bid, briefing.ask)


def _grounds(briefing: Briefing) -> Grounds | Nothing:
    view = briefing.view("decision")
    if view is not None:
        return grounds_of_structure(briefing, view)
    if briefing.signal is not None:
        return grounds_of_signal(briefing, briefing.signal)
    return Nothing("no_setup", "no signal stands")


def _enter(briefing: Briefing, found: Grounds, bid: Decimal, ask: Decimal) -> TradeProposal:
    instrument, sign = briefing.instrument, 1 if found.long else -1
    touch = ask if found.long else bid
    stop = instrument.nearest_price(found.edge) - sign * instrument.tick
    risk = sign * (touch - stop)
    if risk < touch * MIN_STOP_FRAC:
        costs = f"{touch * MIN_STOP_FRAC:.4f}"
        return abstention(briefing, "no_setup", f"the stop at {stop} is {risk} away, costs alone are {costs}")
    target = instrument.nearest_price(touch + sign * _reach(briefing, found, touch, risk))
    if target <= 0:
        return abstention(briefing, "no_setup", "the take-profit would not be positive")
    if found.next_center is not None and abs(found.next_center - touch) < risk:
        return abstention(
            briefing, "no_setup",
            f"the next center begins at {found.next_center}, nearer than the risk of {risk} from {touch}",
        )  # fmt: skip
    opening = answer(briefing, "open_long" if found.long else "open_short", reasoning=found.words)
    return replace(
        opening,
        setup=found.setup,
        side="buy" if found.long else "sell",
        leverage=min(2, briefing.max_leverage),
        entry_price=instrument.nearest_price(touch * (1 + sign * ENTRY_REACH_FRAC)),
        stop_price=stop,
        take_profit_price=target,
        confidence=float(found.score),
        invalidation=f"price beyond {stop}",
        evidence=found.evidence,
        counter_evidence=found.counter_evidence,
        triggers=_triggers(briefing, instrument.nearest_price(touch + sign * risk), long=found.long),
    )


def _reach(briefing: Briefing, found: Grounds, touch: Decimal, risk: Decimal) -> Decimal:
    """Return how far away the take-profit lies."""
    most = briefing.reward_risk * risk
    return most if found.next_center is None else min(most, abs(found.next_center - touch))


def _triggers(briefing: Briefing, first: Decimal, *, long: bool) -> tuple[Trigger, ...]:
    """Return what wakes the analyst again: one times the risk in profit. That it ages is watched in any case."""
    expires_ns = briefing.as_of_ns + 2 * briefing.max_hold_ns
    return (
        Trigger(
            _trigger_id(briefing, "one-r"), "price_cross", PriceCross(first, "up" if long else "down"), expires_ns,
            "one times the risk in profit",
        ),
    )  # fmt: skip


def _manage(briefing: Briefing) -> TradeProposal:
    position = briefing.position
    if position is None:
        return answer(briefing, "hold", reasoning="the position is gone already")
    if briefing.trigger_kind in MENDED:
        return answer(briefing, "hold", reasoning=f"{briefing.trigger_note}: that is the guardian's to mend")
    if briefing.trigger_kind == "request":
        return answer(briefing, "hold", reasoning=f"{briefing.trigger_note}: its stop and its triggers watch it")
    if briefing.trigger_kind == "position_age":
        return answer(briefing, "close", reasoning=f"{briefing.trigger_note}: {position.side} closed at market")
    sign = 1 if position.side == "long" else -1
    score = None if briefing.flow is None else briefing.flow.score
    if score is not None and score * sign > 0:
        return answer(briefing, "hold", reasoning=f"{briefing.trigger_note}; flow ({score:+.3f}) still agrees")
    done = "profit taken" if briefing.trigger_kind == "price_cross" else f"{position.side} closed at market"
    return answer(briefing, "close", reasoning=f"{briefing.trigger_note}, and flow no longer agrees: {done}")


def _trigger_id(briefing: Briefing, name: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"trigger:{briefing.decision_id}:{name}"))
