"""A recorded decision, day or run judged again under another policy, other fees or another level of the ladder.

Every question is asked again as it was recorded: the same account, market and memory. What an earlier verdict would
have changed for a later one is not followed here; `rerun.py` runs the whole again and follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from chanflow.domain.errors import InvalidArgument
from chanflow.review.journal import Record
from chanflow.review.what_if import Change, Judged, Verdict, binding_of, change_of, judgements
from chanflow.risk.judgement import Question
from chanflow.risk.ladder import LEVELS, Level
from chanflow.runtime.fee_schedule import FeeSchedule, read_fees
from chanflow.runtime.judged import question_of
from chanflow.runtime.settings import Settings, load_settings, overlaid
from chanflow.runtime.wiring import limits_of


@dataclass(frozen=True, slots=True)
class Policy:
    """What decisions are judged by: the run's own settings, and what is supposed instead."""

    recorded: Settings
    supposed: Settings
    fees: FeeSchedule | None = None
    level: Level | None = None

    @property
    def identical(self) -> bool:
        """Whether nothing is supposed: the recorded policy itself."""
        return self.recorded == self.supposed and self.fees is None and self.level is None


@dataclass(frozen=True, slots=True)
class GateDiff:
    """Every question asked again: how many there were, and the verdicts that change.

    `stale` counts those that were judged by limits other than the head's settings give now: other code judged them.
    """

    judged: int
    changes: tuple[Change, ...]
    stale: int


def settings_of(head: Record) -> Settings:
    """Return the settings that a run was made with."""
    base = load_settings(config=None, overrides=(), environ={"HOME": "/"}).settings.model_dump()
    return Settings.model_validate({**base, **head.body["settings"]})


def policy_of(head: Record, *, policy: Path | None, fees: Path | None, ladder: str | None) -> Policy:
    """Return what a run is to be judged by.

    Raises SettingsInvalid for a file that is no policy or schedule, InvalidArgument for an unknown level.
    """
    level = next((known for known in LEVELS if known == ladder), None)
    if ladder is not None and level is None:
        raise InvalidArgument(f"level is {ladder!r}, known are {', '.join(LEVELS)}", field="ladder")
    recorded = settings_of(head)
    supposed = recorded if policy is None else overlaid(recorded, policy, section="risk")
    return Policy(recorded, supposed, None if fees is None else read_fees(fees), level)


def ask_again(question: Question) -> Verdict:
    """Return the gate's answer to a question."""
    found = question.answer()
    if found.terms is None:
        return Verdict(Decimal(0), 0, tuple(reason.code for reason in found.verdict.reasons))
    return Verdict(found.terms.qty_base, found.terms.leverage, (), binding_of(found.verdict.clips))


def supposed_question(judged: Judged, policy: Policy) -> Question:
    """Return a recorded question as `policy` would have it."""
    risk = policy.supposed.risk
    question = question_of(judged.proposal, judged.body, limits_of(risk))
    rules = replace(question.rules, quiet_may_open=risk.quiet_may_open)
    fees = policy.fees
    if fees is not None:
        rules = replace(rules, instruments={s: fees.on(i) for s, i in rules.instruments.items()})
    return replace(question, rules=rules, state=replace(question.state, level=_level(question.state.level, policy)))


def _level(recorded: Level, policy: Policy) -> Level:
    """Return the supposed level; another start of the ladder counts where the desk still stood at its own start."""
    if policy.level is not None:
        return policy.level
    at_start = recorded == policy.recorded.risk.ladder.paper_start
    return policy.supposed.risk.ladder.paper_start if at_start else recorded


def judge_again(
    records: Iterable[Record], policy: Policy, *, wanted: Callable[[Judged], bool] = lambda _: True,
    on_progress: Callable[[int], Any] = lambda _: None,
) -> GateDiff:  # fmt: skip
    """Ask every wanted question of a journal again. `on_progress` hears how many were asked."""
    changes: list[Change] = []
    asked = stale = 0
    was = limits_of(policy.recorded.risk).hash
    for judged in judgements(records):
        if not wanted(judged):
            continue
        asked += 1
        stale += judged.body["limits_hash"] != was
        change = change_of(judged, ask_again(supposed_question(judged, policy)))
        if change is not None:
            changes.append(change)
        on_progress(asked)
    return GateDiff(asked, tuple(changes), stale)
