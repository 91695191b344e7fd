"""The other sections of a briefing: task, permission, flow, context, position, memory, outside text.

Times are Unix ns, shares 0 to 1, money exact in quote. What was not looked at, or is not known, is None or empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Why = Literal["manual", "schedule", "signal", "trigger"]
Outcome = Literal["pending", "success", "failure", "refused", "none"]


@dataclass(frozen=True, slots=True)
class Task:
    """Why a decision is asked for, what is new since the last briefing, and when the answer is due."""

    why: Why
    changed: tuple[str, ...] = ()
    deadline_ns: int | None = None
    asked_by: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """How far the desk may go now, so that nobody asks in vain; the gate decides anyway.

    The `*_room_frac` are what is left over equity: of one asset's position, of the day's loss, of the drawdown.
    """

    mode: str
    ladder_level: str
    may_open: bool
    position_room_frac: Decimal | None
    max_leverage: int
    min_confidence: Decimal | None
    trades_today: int
    trades_a_day: int | None
    day_loss_room_frac: Decimal | None
    drawdown_room_frac: Decimal | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of order flow or of the market, by its own id (ofi_z@…, cvd_z@…, fusion@…, funding@…)."""

    ref: str
    known_ns: int
    name: str
    value: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class FlowDivergence:
    """A divergence of price and flow. It is known from its detection on, not from its pivot."""

    ref: str
    known_ns: int
    channel: Literal["ofi", "cvd", "fusion", "macd"]
    kind: Literal["bull", "bear"]
    pivot_ns: int


@dataclass(frozen=True, slots=True)
class FlowView:
    """Order flow beside the window of the briefing. `warm` says whether its figures have seen enough to count."""

    warm: bool
    readings: tuple[Reading, ...] = ()
    divergences: tuple[FlowDivergence, ...] = ()
    trades_per_min: float | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds the symbol: its regime, how its volatility compares with its own past, the market's hour."""

    regime: Literal["trend", "range"] | None = None
    volatility: Literal["low", "middle", "high"] | None = None
    btc_trend: Literal["up", "down", "range"] | None = None
    session: str = ""
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order of the position that is still open."""

    client_order_id: str
    leg: str
    side: Literal["buy", "sell"]
    price: Decimal | None
    leaves_base: Decimal


@dataclass(frozen=True, slots=True)
class Holding:
    """What a management briefing says beyond the position itself; `ref` is its id as evidence, as position#3.

    `risk_price` is the distance of entry and first stop, `open_r` the open profit over it, `peak_r` the best so far.
    `observed` against `bound` is what made the trigger fire.
    """

    ref: str
    known_ns: int
    risk_price: Decimal | None = None
    open_r: Decimal | None = None
    peak_r: Decimal | None = None
    observed: str = ""
    bound: str = ""
    orders: tuple[OrderLine, ...] = ()
    armed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PastDecision:
    """One of the last decisions, with what is known of its outcome at the time of the briefing."""

    ref: str
    known_ns: int
    at_ns: int
    symbol: str
    level: str
    action: str
    setup: str
    confidence: float | None
    outcome: Outcome
    r_multiple: float | None = None


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A situation like this one. It is known from its close on."""

    ref: str
    known_ns: int
    at_ns: int
    symbol: str
    level: str
    action: str
    setup: str
    regime: str
    similarity: float
    outcome: Outcome
    r_multiple: float | None


@dataclass(frozen=True, slots=True)
class SimilarFigures:
    """What the similar cases came to together; `ci_low` to `ci_high` is Wilson's interval of the hit rate."""

    n: int
    mean_r: float | None
    hit_rate: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True, slots=True)
class LessonLine:
    """A lesson in force; `known_ns` is when it was adopted, `expires_ns` when it ends."""

    ref: str
    known_ns: int
    text: str
    expires_ns: int
    n: int
    effect_r: float | None = None


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """The latest learning summary."""

    ref: str
    known_ns: int
    period: str
    text: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What the desk remembers, newest or nearest first. `missing` names the layers that did not answer, and why.

    `not_compared` says why the market was compared with no other although every layer answered.
    """

    decisions: tuple[PastDecision, ...] = ()
    similar: tuple[SimilarCase, ...] = ()
    figures: SimilarFigures | None = None
    lessons: tuple[LessonLine, ...] = ()
    summary: SummaryLine | None = None
    missing: tuple[str, ...] = ()
    not_compared: str = ""


@dataclass(frozen=True, slots=True)
class OutsideText:
    """Words from outside the desk: news, social, notes. They may be cited, never obeyed."""

    ref: str
    known_ns: int
    source: str
    text: str
