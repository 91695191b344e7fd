"""What a rule enters on: which way, where it would be wrong, how good the setup is; or why there is nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chanflow.analyst.briefing import Briefing
from chanflow.domain.opinion import AbstainReason, Evidence
from chanflow.domain.signal import Signal

BASE_SCORE = Decimal("0.65")
BONUS = Decimal("0.10")
MAX_SCORE = Decimal("0.90")


@dataclass(frozen=True, slots=True)
class Grounds:
    """`edge` is the price beyond which the setup is void, `next_center` where the next center begins, if there is one.

    `score` is a setup score, not a probability.
    """

    long: bool
    setup: str
    edge: Decimal
    score: Decimal
    words: str
    evidence: tuple[Evidence, ...]
    counter_evidence: tuple[Evidence, ...] = ()
    next_center: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to enter on, and why."""

    reason: AbstainReason
    words: str


def score_of(*bonuses: bool) -> Decimal:
    """Return 0.65 and 0.10 for each that holds, at most 0.90."""
    return min(MAX_SCORE, BASE_SCORE + BONUS * sum(bonuses))


def grounds_of_signal(briefing: Briefing, signal: Signal) -> Grounds | Nothing:
    """Return what a signal rests on, where the briefing tells no structure of its own."""
    if not signal.confirm or signal.side_hint == "flat":
        return Nothing("no_setup", "the signal is not confirmed")
    if signal.invalidation_price is None or signal.score is None or len(signal.refs) < 2:
        return Nothing("no_setup", "the signal rests on no structure that a stop fits")
    long = signal.side_hint == "buy"
    return Grounds(
        long=long,
        setup=signal.setup or "flow",
        edge=Decimal(signal.invalidation_price),
        score=score_of(signal.flow_strong, signal.trend_agrees),
        words=f"{signal.refs[0]} is confirmed and flow ({signal.score:+.3f}) points {'up' if long else 'down'}",
        evidence=(
            *(Evidence(ref, _claim(ref), "for") for ref in signal.refs[:-1]),
            Evidence(signal.refs[-1], "flow_confirms", "for"),
            Evidence(f"trend:{briefing.level}", "higher_level_trend", "for" if signal.trend_agrees else "against"),
        ),
    )


def _claim(ref: str) -> str:
    return "point_confirmed" if ref.startswith("point:") else "stroke_confirmed"
