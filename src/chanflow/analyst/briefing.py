"""What the analyst is told: one moment, one symbol, one question."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chanflow.domain.account import Position
from chanflow.domain.flow import FlowWindow
from chanflow.domain.instrument import Instrument
from chanflow.domain.signal import Signal


@dataclass(frozen=True, slots=True)
class Briefing:
    """The question and what may be known at `as_of_ns`. Exactly one of `signal` and `trigger_note` is set.

    Prices in quote units. `valid_for_ns` is the freshness window of an answer, `max_hold_ns` how long a position may
    stand before it is looked at again, `reward_risk` how many times the risk a take-profit lies away.
    """

    decision_id: str
    as_of_ns: int
    symbol: str
    level: str
    instrument: Instrument
    bid: Decimal | None
    ask: Decimal | None
    flow: FlowWindow | None
    position: Position | None
    max_leverage: int
    valid_for_ns: int
    max_hold_ns: int
    reward_risk: Decimal = Decimal(2)
    signal: Signal | None = None
    trigger_kind: str | None = None
    trigger_note: str | None = None
