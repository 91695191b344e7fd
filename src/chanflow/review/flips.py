"""How often a model changes its mind: the same question put to it again, and the votes counted by action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chanflow.domain.interval import Interval, wilson


@dataclass(frozen=True, slots=True)
class Asked:
    """One decision asked again: the action of then, and those since; `unanswered` is why further questions got none."""

    decision_id: str
    recorded: str
    again: tuple[str, ...]
    unanswered: tuple[str, ...] = ()

    @property
    def votes(self) -> Mapping[str, int]:
        """All answers by action, that of then among them, most votes first."""
        counted = Counter((self.recorded, *self.again))
        return dict(sorted(counted.items(), key=lambda vote: (-vote[1], vote[0])))

    @property
    def flipped(self) -> bool:
        """Whether any answer named another action than the one of then."""
        return any(action != self.recorded for action in self.again)


@dataclass(frozen=True, slots=True)
class FlipRate:
    """The share of decisions that flipped, of `judged` that were answered again at all, with its 95 % interval.

    `differed` of `answers` single answers named another action; `unanswered` counts why others came to none.
    """

    asked: tuple[Asked, ...]
    judged: int
    flipped: int
    share: Interval | None
    answers: int
    differed: int
    unanswered: Mapping[str, int]


def flip_rate(asked: Sequence[Asked]) -> FlipRate:
    """Return the flip rate of decisions that were asked again; the unit is the decision, not the single answer."""
    judged = [each for each in asked if each.again]
    flipped = sum(each.flipped for each in judged)
    return FlipRate(
        tuple(asked), len(judged), flipped, wilson(flipped, len(judged)) if judged else None,
        sum(len(each.again) for each in asked),
        sum(action != each.recorded for each in asked for action in each.again),
        dict(sorted(Counter(why for each in asked for why in each.unanswered).items())),
    )  # fmt: skip
