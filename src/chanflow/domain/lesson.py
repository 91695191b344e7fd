"""A lesson: something that past decisions had in common, as a claim that code can count, and words for people.

A claim is a few conditions on the features of a decision. Whether it is true of a decision is computed, never read from
the words; the words go into prompts. No field of a lesson reaches a limit, a size or an order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.interval import Interval
from chanflow.domain.time import NS_PER_DAY

LessonStatus = Literal["candidate", "trial", "adopted", "expired", "reverted"]
Direction = Literal["favour", "avoid"]
Author = Literal["review", "person"]
Operator = Literal["<", "<=", ">", ">=", "=="]
Feature = float | str | None

MAX_TEXT = 280
MAX_SUMMARY = 1_200
MAX_LIFE_NS = 60 * NS_PER_DAY
MAX_CONDITIONS = 4

NEXT: Mapping[LessonStatus, tuple[LessonStatus, ...]] = {
    "candidate": ("trial", "expired", "reverted"),
    "trial": ("adopted", "expired", "reverted"),
    "adopted": ("expired", "reverted"),
    "expired": (),
    "reverted": (),
}
"""Where a lesson may go from each status."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of a feature: a number by any operator, a word by `==` only."""

    feature: str
    op: Operator
    value: float | str

    def __post_init__(self) -> None:
        if not self.feature.isidentifier():
            raise InvalidArgument(f"feature {self.feature!r} is no name of a feature")
        if self.op not in ("<", "<=", ">", ">=", "=="):
            raise InvalidArgument(f"operator is {self.op!r}, known are < <= > >= ==")
        if isinstance(self.value, str):
            if self.op != "==":
                raise InvalidArgument(f"{self.feature} is compared with a word, which only == can")
            if not self.value or len(self.value) > 40:
                raise InvalidArgument(f"{self.feature} is compared with {len(self.value)} characters, 1 to 40 may be")
        elif isinstance(self.value, bool) or not math.isfinite(self.value):
            raise InvalidArgument(f"{self.feature} is compared with {self.value}, which is no finite number")

    def holds(self, features: Mapping[str, Feature]) -> bool | None:
        """Return whether it is true; None where the feature is missing or of another kind."""
        have = features.get(self.feature)
        if isinstance(self.value, str) or isinstance(have, str):
            return have == self.value if isinstance(have, str) and isinstance(self.value, str) else None
        if have is None:
            return None
        match self.op:
            case "<":
                return have < self.value
            case "<=":
                return have <= self.value
            case ">":
                return have > self.value
            case ">=":
                return have >= self.value
            case "==":
                return have == self.value

    def __str__(self) -> str:
        """Return it as a person would write it."""
        value = self.value if isinstance(self.value, str) else f"{self.value:g}"
        return f"{self.feature} {'is' if self.op == '==' else self.op} {value}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Conditions that must all hold; one to four."""

    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.conditions) <= MAX_CONDITIONS:
            raise InvalidArgument(f"a claim has {len(self.conditions)} conditions, allowed are 1 to {MAX_CONDITIONS}")

    def holds(self, features: Mapping[str, Feature]) -> bool | None:
        """Return whether all hold: False as soon as one does not, None where one cannot be told and none is false."""
        answers = [condition.holds(features) for condition in self.conditions]
        if False in answers:
            return False
        return None if None in answers else True

    def __str__(self) -> str:
        """Return the conditions, joined by `and`."""
        return " and ".join(str(condition) for condition in self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a lesson is about; None is anything."""

    symbol: str | None = None
    level: str | None = None
    setup: str | None = None
    regime: str | None = None

    def covers(self, *, symbol: str, level: str, setup: str | None, regime: str | None) -> bool:
        """Return whether a decision falls into it; what is not known yet of the decision shuts nothing out."""
        return (
            self.symbol in (None, symbol)
            and self.level in (None, level)
            and (setup is None or self.setup in (None, setup))
            and (regime is None or self.regime in (None, regime))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A lesson and its figures. `effect_r` is the mean R where the claim holds less the mean R where it does not.

    `n` is how many decisions the claim held for; `support` and `against` are those that went the lesson's way and
    those that did not. `p_adjusted` is after Benjamini and Hochberg over the candidates of the week.
    """

    lesson_id: str
    text: str
    scope: Scope
    claim: Claim
    direction: Direction
    support: tuple[str, ...]
    against: tuple[str, ...]
    effect_r: float
    ci: Interval
    p_adjusted: float
    created_ns: int
    expires_ns: int
    author: Author
    prompt_hash: str = ""
    status: LessonStatus = "candidate"
    trial_ns: int | None = None
    adopted_ns: int | None = None
    ended_ns: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.text) <= MAX_TEXT:
            raise InvalidArgument(f"a lesson has {len(self.text)} characters, allowed are 1 to {MAX_TEXT}")
        if not self.created_ns < self.expires_ns <= self.created_ns + MAX_LIFE_NS:
            raise InvalidArgument("a lesson expires after it was made, and at most 60 days later")
        if not all(map(math.isfinite, (self.effect_r, self.ci.low, self.ci.high))) or not 0 <= self.p_adjusted <= 1:
            raise InvalidArgument(
                f"lesson {self.lesson_id} has an effect of {self.effect_r} R from {self.ci.low} to {self.ci.high} and "
                f"p {self.p_adjusted}: all must be finite, p from 0 to 1"
            )

    @property
    def n(self) -> int:
        """For how many decisions the claim held."""
        return len(self.support) + len(self.against)

    def status_at(self, at_ns: int) -> LessonStatus | None:
        """Return the status as it was known strictly before a moment; None before the lesson was made."""
        if at_ns <= self.created_ns:
            return None
        if self.ended_ns is not None and self.ended_ns < at_ns:
            return self.status
        if self.expires_ns <= at_ns:
            return "expired"
        if self.adopted_ns is not None and self.adopted_ns < at_ns:
            return "adopted"
        return "trial" if self.trial_ns is not None and self.trial_ns < at_ns else "candidate"

    def moved(self, status: LessonStatus, at_ns: int, note: str = "") -> Lesson:
        """Return the lesson in another status. Raises InvalidArgument where it cannot go there."""
        if status not in NEXT[self.status]:
            allowed = ", ".join(NEXT[self.status]) or "nothing"
            raise InvalidArgument(f"lesson {self.lesson_id} is {self.status}; from there it can become {allowed}")
        last_ns = max(self.created_ns, self.trial_ns or 0, self.adopted_ns or 0)
        if at_ns < last_ns:
            raise InvalidArgument(f"lesson {self.lesson_id} was last changed later than the moment given")
        if status in ("trial", "adopted") and at_ns >= self.expires_ns:
            raise InvalidArgument(f"lesson {self.lesson_id} has expired; it can only be reverted or left")
        match status:
            case "trial":
                return replace(self, status=status, trial_ns=at_ns, note=note)
            case "adopted":
                return replace(self, status=status, adopted_ns=at_ns, note=note)
            case _:
                return replace(self, status=status, ended_ns=at_ns, note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSummary:
    """What a day or week taught, in words, with the figures that code counted. `period` is a day or an ISO week."""

    period: str
    made_ns: int
    n: int
    text: str
    lesson_ids: tuple[str, ...] = ()
    stats: Mapping[str, Any] = field(default_factory=dict)
    prompt_hash: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.text) <= MAX_SUMMARY:
            raise InvalidArgument(f"a summary has {len(self.text)} characters, allowed are 1 to {MAX_SUMMARY}")
