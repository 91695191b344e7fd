"""What memory told, as the section of a briefing that an analyst reads."""

from __future__ import annotations

from chanflow.analyst.sections import (
    LessonLine,
    Memory,
    Outcome,
    PastDecision,
    SimilarCase,
    SimilarFigures,
    SummaryLine,
)
from chanflow.domain import memory as remembered
from chanflow.domain.lesson import LearningSummary, Lesson

_NOTHING_CAME: dict[remembered.Fate, Outcome] = {"refused": "refused", "abstained": "none", "held": "none"}


def memory_section(recalled: remembered.Recalled) -> Memory:
    """Return the rows of a briefing's memory: newest or nearest first, and which layer did not answer."""
    similar = recalled.similar
    bounds = similar.hit_interval
    return Memory(
        decisions=tuple(map(_past, recalled.recent)),
        similar=tuple(map(_similar, similar.cases)),
        figures=SimilarFigures(
            similar.n, similar.mean_r, similar.hit_rate, None if bounds is None else bounds.low,
            None if bounds is None else bounds.high,
        ) if similar.comparable else None,
        lessons=tuple(map(_lesson, recalled.lessons)),
        summary=None if recalled.summary is None else _summary(recalled.summary),
        missing=recalled.skipped, not_compared=recalled.not_compared,
    )  # fmt: skip


def _past(decision: remembered.Decision) -> PastDecision:
    outcome = decision.outcome
    return PastDecision(
        ref=f"decision#{decision.decision_id}", known_ns=decision.at_ns if outcome is None else outcome.closed_ns,
        at_ns=decision.at_ns, symbol=decision.symbol, level=decision.level, action=decision.action,
        setup=decision.setup, confidence=decision.confidence,
        outcome=_NOTHING_CAME.get(decision.fate, decision.result),
        r_multiple=None if outcome is None else outcome.r_multiple,
    )  # fmt: skip


def _similar(case: remembered.SimilarCase) -> SimilarCase:
    decision, outcome = case.decision, case.decision.outcome
    return SimilarCase(
        ref=f"case#{decision.decision_id}", known_ns=decision.at_ns if outcome is None else outcome.closed_ns,
        at_ns=decision.at_ns, symbol=decision.symbol, level=decision.level, action=decision.action,
        setup=decision.setup, regime=decision.regime or "", similarity=case.similarity, outcome=decision.result,
        r_multiple=None if outcome is None else outcome.r_multiple,
    )  # fmt: skip


def _lesson(lesson: Lesson) -> LessonLine:
    known_ns = lesson.adopted_ns or lesson.trial_ns or lesson.created_ns
    return LessonLine(
        f"lesson#{lesson.lesson_id}", known_ns, lesson.text, lesson.expires_ns, lesson.n, lesson.effect_r
    )  # fmt: skip


def _summary(summary: LearningSummary) -> SummaryLine:
    return SummaryLine(f"summary#{summary.period}", summary.made_ns, summary.period, summary.text)
