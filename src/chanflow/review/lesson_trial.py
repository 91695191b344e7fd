"""Which lessons a decision is shown: those in force, and half of the time those on trial.

Which half follows from the decision's id and the lesson's, so that nobody chooses and a replay shows the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from chanflow.domain.lesson import Lesson
from chanflow.domain.memory import Recall

MAX_SHOWN = 7


def in_trial(decision_id: str, lesson_id: str) -> bool:
    """Return whether a decision is in the half that is shown a lesson on trial."""
    return hashlib.sha256(f"{lesson_id}\0{decision_id}".encode()).digest()[0] % 2 == 0


def lessons_for(lessons: Sequence[Lesson], recall: Recall, as_of_ns: int) -> tuple[Lesson, ...]:
    """Return what a decision is shown, as known before `as_of_ns`: adopted first, then by evidence; at most 7."""
    shown = []
    for lesson in lessons:
        if not lesson.scope.covers(symbol=recall.symbol, level=recall.level, setup=recall.setup, regime=recall.regime):
            continue
        status = lesson.status_at(as_of_ns)
        if status == "adopted" or (status == "trial" and in_trial(recall.decision_id, lesson.lesson_id)):
            shown.append((status != "adopted", lesson.p_adjusted, lesson.lesson_id, lesson))
    return tuple(lesson for *_, lesson in sorted(shown, key=lambda row: row[:3])[:MAX_SHOWN])
