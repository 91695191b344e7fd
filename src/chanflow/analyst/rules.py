"""The rule analyst: the same briefing as a model gets, the same type of answer, no key and no chance.

Entry: a confirmed signal with its flow. Stop one tick beyond the structure's invalidation price, take-profit at
`reward_risk` times the risk. The confidence is a setup score, not a probability: 0.65, plus 0.10 each for strong flow
and for the trend one level up agreeing; at most 0.90.

Management: an aged position is closed; at one times the risk in profit it is kept while the flow still agrees.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from chanflow.analyst.briefing import Briefing
from chanflow.domain.opinion import Action, Evidence, TradeProposal, Trigger
from chanflow.domain.signal import Signal

BASE_SCORE = Decimal("0.65")
BONUS = Decimal("0.10")
MAX_SCORE = Decimal("0.90")
ENTRY_REACH_FRAC = Decimal("0.0005")
"""How far through the touch an entry may reach: it is a limit order, so a jump cannot fill it at any price."""
MIN_STOP_FRAC = Decimal("0.001")
"""A stop nearer than this would be spent on spread and fees alone."""


def propose(briefing: Briefing) -> TradeProposal:
    """Return the answer to a briefing: an opening, a closing, hold or abstain."""
    if briefing.trigger_note is not None:
        return _manage(briefing)
    signal = briefing.signal
    if signal is None or briefing.bid is None or briefing.ask is None:
        return _answer(briefing, "abstain", abstain_reason="stale_data", reasoning="there is no quote to act on")
    if not signal.confirm or signal.side_hint == "flat":
        return _answer(briefing, "abstain", abstain_reason="no_setup", reasoning="the signal is not confirmed")
    if briefing.position is not None:
        return _answer(briefing, "hold", reasoning=f"a {briefing.position.side} position stands already")
    return _enter(briefing, signal, briefing.bid, briefing.ask)


def _enter(briefing: Briefing, signal: Signal, bid: Decimal, ask: Decimal) -> TradeProposal:
    long = signal.side_hint == "buy"
    instrument = briefing.instrument
    tick = instrument.tick
    reach = ask * (1 + ENTRY_REACH_FRAC) if long else bid * (1 - ENTRY_REACH_FRAC)
    entry = instrument.nearest_price(reach)
    touch = ask if long else bid
    if signal.invalidation_price is None or signal.score is None or len(signal.refs) < 2:
        return _answer(
            briefing,
            "abstain",
            abstain_reason="no_setup",
            reasoning="the signal rests on no structure that a stop fits",
        )
    edge = instrument.nearest_price(Decimal(signal.invalidation_price))
    stop = edge - tick if long else edge + tick
    risk = touch - stop if long else stop - touch
    if risk < touch * MIN_STOP_FRAC:
        return _answer(
            briefing, "abstain", abstain_reason="no_setup",
            reasoning=f"the stop at {stop} is {risk} away, costs alone are {touch * MIN_STOP_FRAC:.4f}",
        )  # fmt: skip
    target = instrument.nearest_price(
        touch + briefing.reward_risk * risk if long else touch - briefing.reward_risk * risk
    )
    if target <= 0:
        return _answer(
            briefing, "abstain", abstain_reason="no_setup", reasoning="the take-profit would not be positive"
        )
    first = instrument.nearest_price(touch + risk if long else touch - risk)
    score = min(MAX_SCORE, BASE_SCORE + BONUS * signal.flow_strong + BONUS * signal.trend_agrees)
    evidence = (
        *(Evidence(ref, _claim(ref), "for") for ref in signal.refs[:-1]),
        Evidence(signal.refs[-1], "flow_confirms", "for"),
        Evidence(f"trend:{briefing.level}", "higher_level_trend", "for" if signal.trend_agrees else "against"),
    )
    return _answer(
        briefing,
        "open_long" if long else "open_short",
        entry=entry,
        stop=stop,
        target=target,
        confidence=float(score),
        reasoning=f"{signal.refs[0]} is confirmed and flow ({signal.score:+.3f}) points {'up' if long else 'down'}",
        invalidation=f"price beyond {stop}",
        evidence=evidence,
        triggers=(
            Trigger(
                _trigger_id(briefing, "one-r"), "price_cross", briefing.as_of_ns + 2 * briefing.max_hold_ns,
                "one times the risk in profit", price=first, direction="up" if long else "down",
            ),
            Trigger(
                _trigger_id(briefing, "age"), "time_at", briefing.as_of_ns + 2 * briefing.max_hold_ns,
                "the position has stood long enough", at_ns=briefing.as_of_ns + briefing.max_hold_ns,
            ),
        ),
    )  # fmt: skip


def _claim(ref: str) -> str:
    return "point_confirmed" if ref.startswith("point:") else "stroke_confirmed"


def _manage(briefing: Briefing) -> TradeProposal:
    position = briefing.position
    if position is None:
        return _answer(briefing, "hold", reasoning="the position is gone already")
    if briefing.trigger_kind == "time_at":
        return _answer(briefing, "close", reasoning=f"{briefing.trigger_note}: {position.side} closed at market")
    sign = 1 if position.side == "long" else -1
    score = None if briefing.flow is None else briefing.flow.score
    if score is not None and score * sign > 0:
        return _answer(briefing, "hold", reasoning=f"{briefing.trigger_note}; flow ({score:+.3f}) still agrees")
    return _answer(briefing, "close", reasoning=f"{briefing.trigger_note}, and flow no longer agrees: profit taken")


def _trigger_id(briefing: Briefing, name: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"trigger:{briefing.decision_id}:{name}"))


def _answer(
    briefing: Briefing,
    action: Action,
    *,
    reasoning: str,
    entry: Decimal | None = None,
    stop: Decimal | None = None,
    target: Decimal | None = None,
    confidence: float | None = None,
    invalidation: str = "",
    evidence: tuple[Evidence, ...] = (),
    triggers: tuple[Trigger, ...] = (),
    abstain_reason: str | None = None,
) -> TradeProposal:
    opens = action in ("open_long", "open_short")
    return TradeProposal(
        proposal_id=str(uuid5(NAMESPACE_OID, f"proposal:{briefing.decision_id}")),
        decision_id=briefing.decision_id,
        kind="entry" if briefing.trigger_note is None else "management",
        action=action,
        symbol=briefing.symbol,
        level=briefing.level,
        setup=(briefing.signal.setup or "flow") if briefing.signal else "management",
        side=("buy" if action == "open_long" else "sell") if opens else None,
        size_quote=None,
        leverage=min(2, briefing.max_leverage) if opens else 1,
        entry_price=entry,
        stop_price=stop,
        take_profit_price=target,
        valid_until_ns=briefing.as_of_ns + briefing.valid_for_ns,
        confidence=confidence,
        reasoning=reasoning,
        invalidation=invalidation,
        evidence=evidence,
        triggers=triggers,
        position_id=briefing.position.position_id if briefing.position else None,
        abstain_reason=abstain_reason,
    )
