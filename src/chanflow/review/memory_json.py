"""Decisions, cases, trades and lessons as JSON knows them, and back. A body that does not fit is a fault of the file.

Written by `plain` (`domain/canonical.py`): decimals are text, tuples are lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Any

from chanflow.domain.canonical import plain
from chanflow.domain.errors import InvalidArgument, StorageUnwritable
from chanflow.domain.interval import Interval
from chanflow.domain.lesson import Claim, Condition, Lesson, Scope
from chanflow.domain.market_state import MarketState
from chanflow.domain.memory import ClosedTrade, Decision, Outcome

Body = Mapping[str, Any]


def decision_body(decision: Decision) -> dict[str, Any]:
    """Return a decision as JSON."""
    body: dict[str, Any] = plain(decision)
    return body


def decision_of(body: Body) -> Decision:
    """Return the decision of a body. Raises StorageUnwritable where it is none."""
    try:
        outcome = body["outcome"]
        return Decision(
            **{
                **body,
                "claims": tuple(body["claims"]),
                "outcome": None if outcome is None else outcome_of(outcome),
            }
        )
    except _FAULTS as fault:
        raise _damaged("decision", fault) from fault


def outcome_of(body: Body) -> Outcome:
    """Return the outcome of a body. Raises StorageUnwritable where it is none."""
    try:
        return Outcome(**{**body, "pnl_quote": Decimal(body["pnl_quote"])})
    except _FAULTS as fault:
        raise _damaged("outcome", fault) from fault


def state_body(state: MarketState) -> dict[str, float]:
    """Return the figures of a state that were to be had."""
    return state.known()


def state_of(body: Body) -> MarketState:
    """Return the state of a body. Raises StorageUnwritable where it is none."""
    try:
        return MarketState(**{name: float(value) for name, value in body.items()})
    except _FAULTS as fault:
        raise _damaged("market state", fault) from fault


_AMOUNTS = ("gross_quote", "fees_quote", "net_quote")


def trade_body(trade: ClosedTrade) -> dict[str, Any]:
    """Return a closed trade as JSON."""
    body: dict[str, Any] = plain(trade)
    return body


def trade_of(body: Body) -> ClosedTrade:
    """Return the closed trade of a body. Raises StorageUnwritable where it is none."""
    try:
        risk = body["risk_quote"]
        amounts = {name: Decimal(body[name]) for name in _AMOUNTS}
        return ClosedTrade(**{**body, **amounts, "risk_quote": None if risk is None else Decimal(risk)})
    except _FAULTS as fault:
        raise _damaged("closed trade", fault) from fault


def lesson_body(lesson: Lesson) -> dict[str, Any]:
    """Return a lesson as JSON."""
    body: dict[str, Any] = plain({f.name: getattr(lesson, f.name) for f in fields(lesson)})
    return body


def lesson_of(body: Body) -> Lesson:
    """Return the lesson of a body. Raises StorageUnwritable where it is none."""
    try:
        return Lesson(
            **{
                **body,
                "scope": Scope(**body["scope"]),
                "claim": claim_of(body["claim"]),
                "support": tuple(body["support"]),
                "against": tuple(body["against"]),
                "ci": Interval(*body["ci"]),
            }
        )
    except _FAULTS as fault:
        raise _damaged("lesson", fault) from fault


def claim_of(body: Body) -> Claim:
    """Return the claim of a body. Raises InvalidArgument where it is none."""
    try:
        return Claim(tuple(Condition(c["feature"], c["op"], c["value"]) for c in body["conditions"]))
    except (TypeError, KeyError, AttributeError) as fault:
        raise InvalidArgument("a claim is conditions, each of feature, op and value") from fault


_FAULTS = (TypeError, KeyError, ValueError, AttributeError, InvalidOperation, InvalidArgument)


def _damaged(what: str, fault: Exception) -> StorageUnwritable:
    return StorageUnwritable(f"a {what} in memory cannot be read ({fault}): run chanflow memory rebuild")
