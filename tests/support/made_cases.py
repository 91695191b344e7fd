"""Made decisions, states and vectors for the tests of memory."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from chanflow.domain.market_state import FEATURES, MarketState
from chanflow.domain.memory import ClosedTrade, Decision, Outcome
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.review.ports import CaseQuery, StoredCase
from chanflow.review.state_vector import DIMENSION, VERSION

T0 = 1_767_571_200 * NS_PER_S
"""2026-01-05T00:00:00Z, a Monday."""
HOUR = 3_600 * NS_PER_S
DAY = NS_PER_DAY


def made_decision(
    name: str = "d1", *, at_ns: int = T0, closed_ns: int | None = None, r: float = 1.0, **more: Any
) -> Decision:
    outcome = None
    if closed_ns is not None:
        outcome = Outcome(decision_id=name, closed_ns=closed_ns, pnl_quote=Decimal(str(10 * r)), r_multiple=r)
    fields = {"symbol": "BTCUSDT", "level": "30m", "action": "open_long", "setup": "buy2", **more}
    return Decision(decision_id=name, at_ns=at_ns, outcome=outcome, **fields)


def made_trade(
    name: str = "d1", *, closed_ns: int = T0 + HOUR, net: str = "10", risk: str | None = "10", **more: Any
) -> ClosedTrade:
    fields = {"position_id": f"p-{name}", "symbol": "BTCUSDT", "side": "long", "opened_ns": closed_ns - HOUR, **more}
    return ClosedTrade(
        decision_id=name,
        closed_ns=closed_ns,
        gross_quote=Decimal(net) + 1,
        fees_quote=Decimal(1),
        net_quote=Decimal(net),
        risk_quote=None if risk is None else Decimal(risk),
        **fields,
    )


def made_state(seed: int = 0, **more: float | None) -> MarketState:
    chance = Random(seed)
    return MarketState(**{name: chance.gauss(0.0, 1.0) for name in FEATURES} | more)


def unit(values: list[float]) -> tuple[float, ...]:
    length = sum(v * v for v in values) ** 0.5
    return tuple(v / length for v in values)


def made_vector(seed: int, *, near: tuple[float, ...] | None = None, spread: float = 0.3) -> tuple[float, ...]:
    chance = Random(seed)
    base = near or (0.0,) * DIMENSION
    return unit([b + spread * chance.gauss(0.0, 1.0) for b in base])


def stored(decision: Decision, vector: tuple[float, ...] | None = None, *, seed: int = 0) -> StoredCase:
    return StoredCase(decision, vector or made_vector(seed), 0)


def made_query(vector: tuple[float, ...], *, as_of_ns: int | None = T0 + 100 * DAY, **more: Any) -> CaseQuery:
    return CaseQuery(vector=vector, as_of_ns=as_of_ns, **{"version": VERSION, **more})
