"""Made lessons."""

from __future__ import annotations

from typing import Any

from made_cases import DAY, T0

from chanflow.domain.interval import Interval
from chanflow.domain.lesson import Claim, Condition, Lesson, Scope


def made_lesson(name: str = "l1", *, created_ns: int = T0, **more: Any) -> Lesson:
    fields = {
        "text": "Where regime is range, decisions went worse.",
        "scope": Scope(),
        "claim": Claim((Condition("regime", "==", "range"),)),
        "direction": "avoid",
        "support": ("a", "b"),
        "against": ("c",),
        "effect_r": -0.5,
        "ci": Interval(-0.9, -0.1),
        "p_adjusted": 0.01,
        "expires_ns": created_ns + 60 * DAY,
        "author": "review",
    } | more
    return Lesson(lesson_id=name, created_ns=created_ns, **fields)
