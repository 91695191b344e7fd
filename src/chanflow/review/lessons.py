"""Lessons: code asks of many simple claims whether decisions went otherwise where they held, and counts all its asking.

The candidates of a week are tested together: a claim is kept where it held for at least 20 closed decisions and its
effect is not explained by chance after Benjamini and Hochberg. Its interval is widened for having been chosen, so that
"the interval leaves 0 out" and "kept" are the same. Every candidate counts, those of the model too.

Sources: Benjamini & Hochberg (1995), "Controlling the False Discovery Rate", Journal of the Royal Statistical Society B
57; Benjamini & Yekutieli (2005), "False Discovery Rate-Adjusted Multiple Confidence Intervals for Selected Parameters",
Journal of the American Statistical Association 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from chanflow.domain.canonical import sha256_of
from chanflow.domain.interval import Interval
from chanflow.domain.lesson import MAX_LIFE_NS, MAX_TEXT, Author, Claim, Condition, Feature, Lesson, Scope
from chanflow.domain.market_state import FEATURES
from chanflow.domain.memory import Case
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.review.lesson_trial import in_trial
from chanflow.review.lesson_words import fault_in
from chanflow.review.student import Difference, difference

LEAST_N = 20
FALSE_SHARE = 0.05
"""So many of the lessons kept may be chance."""
WORDS = ("symbol", "level", "setup", "regime", "action", "analyst")
NUMBERS = ("hour", "confidence", "leverage", *FEATURES)
_HOUR_NS = 3_600 * NS_PER_S


def features_of(case: Case) -> dict[str, Feature]:
    """Return what a claim may speak of: all of it was known when the decision was taken."""
    decision = case.decision
    return {
        **case.state.known(),
        "symbol": decision.symbol, "level": decision.level, "setup": decision.setup, "regime": decision.regime,
        "action": decision.action, "analyst": decision.analyst, "confidence": decision.confidence,
        "leverage": float(decision.leverage), "hour": float(decision.at_ns % NS_PER_DAY // _HOUR_NS),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weighed:
    """A claim with what it came to. `p_adjusted` and `ci` allow for all candidates that were tested with it."""

    claim: Claim
    scope: Scope
    held: tuple[Case, ...]
    measured: Difference
    p_adjusted: float
    ci: Interval
    kept: bool


def simple_claims(cases: Sequence[Case]) -> tuple[Claim, ...]:
    """Return claims of one condition each: every word that occurs, and the lower and upper third of every number."""
    features = [features_of(case) for case in cases]
    found = []
    for name in WORDS:
        values = sorted({value for each in features if isinstance(value := each[name], str)})
        if len(values) > 1:
            found += [Claim((Condition(name, "==", value),)) for value in values if len(value) <= 40]
    for name in NUMBERS:
        numbers = [value for each in features if isinstance(value := each.get(name), float)]
        if len(numbers) >= 3 * LEAST_N and len(set(numbers)) > 2:
            low, high = (float(f"{cut:.3g}") for cut in quantiles(numbers, n=3))
            found += [Claim((Condition(name, "<", low),)), Claim((Condition(name, ">", high),))]
    return tuple(found)


def weighed(cases: Sequence[Case], candidates: Iterable[tuple[Claim, Scope]]) -> tuple[Weighed, ...]:
    """Return what each candidate came to over closed decisions with a known R, the surest first.

    One that held or did not hold for fewer than 20 of them is not weighed, and does not count; the choice does not look
    at what came of any.
    """
    closed = [case for case in cases if case.decision.outcome is not None and _r(case) is not None]
    features = [features_of(case) for case in closed]
    measured = []
    for claim, scope in dict.fromkeys(candidates):
        held, rest = _split(closed, features, claim, scope)
        if min(len(held), len(rest)) < LEAST_N:
            continue
        found = difference([_r(case) or 0.0 for case in held], [_r(case) or 0.0 for case in rest])
        if found is not None:
            measured.append((claim, scope, tuple(held), found))
    measured.sort(key=lambda each: (each[3].p, str(each[0])))
    adjusted = adjusted_p([each[3].p for each in measured])
    kept = sum(p <= FALSE_SHARE for p in adjusted)
    alpha = FALSE_SHARE * max(kept, 1) / max(len(measured), 1)
    return tuple(
        Weighed(claim, scope, held, found, p, found.interval(alpha), p <= FALSE_SHARE)
        for (claim, scope, held, found), p in zip(measured, adjusted, strict=True)
    )


def _split(
    cases: Sequence[Case], features: Sequence[Mapping[str, Feature]], claim: Claim, scope: Scope
) -> tuple[list[Case], list[Case]]:
    """Return the cases a claim holds for and those it does not; those of another scope, or unknown, are in neither."""
    held: list[Case] = []
    rest: list[Case] = []
    for case, known in zip(cases, features, strict=True):
        d = case.decision
        if not scope.covers(symbol=d.symbol, level=d.level, setup=d.setup, regime=d.regime):
            continue
        answer = claim.holds(known)
        if answer is not None:
            (held if answer else rest).append(case)
    return held, rest


def adjusted_p(rising: Sequence[float]) -> list[float]:
    """Return p values, given in rising order, as adjusted by Benjamini and Hochberg."""
    found, least = [], 1.0
    for rank in range(len(rising), 0, -1):
        least = min(least, rising[rank - 1] * len(rising) / rank)
        found.append(least)
    return found[::-1]


def lesson_from(
    found: Weighed, *, week: str, now_ns: int, words: str | None = None, author: Author = "review",
    prompt_hash: str = "", outside: Sequence[str] = (),
) -> Lesson:  # fmt: skip
    """Return the candidate lesson of a tested claim, in the words given where they may be kept, else in our own."""
    favour = found.measured.effect > 0.0
    wins = [case.decision.decision_id for case in found.held if (_r(case) or 0.0) > 0.0]
    losses = [case.decision.decision_id for case in found.held if (_r(case) or 0.0) <= 0.0]
    text = own_words(found)
    if words is not None and fault_in_words(words, found, outside) is None:
        text = words
    return Lesson(
        lesson_id="lesson-" + sha256_of([week, str(found.claim), found.scope])[:12],
        text=text, scope=found.scope, claim=found.claim, direction="favour" if favour else "avoid",
        support=tuple(wins if favour else losses), against=tuple(losses if favour else wins),
        effect_r=found.measured.effect, ci=found.ci, p_adjusted=found.p_adjusted, created_ns=now_ns,
        expires_ns=now_ns + MAX_LIFE_NS, author=author, prompt_hash=prompt_hash if text == words else "",
    )  # fmt: skip


def own_words(found: Weighed) -> str:
    """Return the claim and its figures as a sentence, made by code."""
    effect, ci = found.measured.effect, found.ci
    way = "better" if effect > 0.0 else "worse"
    head = f"Where {found.claim}, decisions went {way}"
    tail = f" by {abs(effect):.2f} R (n={len(found.held)}, {ci.low:+.2f} to {ci.high:+.2f})."
    return head[: MAX_TEXT - len(tail)] + tail


def fault_in_words(words: str, found: Weighed, outside: Sequence[str]) -> str | None:
    """Return in a sentence why a wording of a tested claim may not be kept, or None."""
    ci = found.ci
    numbers = {
        str(len(found.held)), f"{abs(found.measured.effect):.2f}", f"{abs(ci.low):.2f}", f"{abs(ci.high):.2f}",
    }  # fmt: skip
    names = set(FEATURES)
    for condition in found.claim.conditions:
        names.add(condition.feature)
        if isinstance(condition.value, str):
            names.add(condition.value)
        else:
            numbers.add(f"{condition.value:g}".lstrip("-"))
    return fault_in(words, most=MAX_TEXT, numbers=numbers, names=names, outside=outside)


@dataclass(frozen=True, slots=True)
class Trial:
    """How decisions that were shown a lesson on trial did against those that were not, on days after it began.

    Decisions that opened nothing count as 0 R: a lesson may do good by keeping the desk out. `passed` is None while
    there are fewer than 20 of either.
    """

    shown: int
    hidden: int
    effect_r: float | None
    ci: Interval | None
    passed: bool | None


def trial_of(lesson: Lesson, cases: Sequence[Case]) -> Trial:
    """Return how a lesson's trial stands. Only decisions in its scope from the day after its start count."""
    begin_ns = ((lesson.trial_ns or lesson.expires_ns) // NS_PER_DAY + 1) * NS_PER_DAY
    shown: list[float] = []
    hidden: list[float] = []
    for case in cases:
        d, r = case.decision, _trial_r(case)
        covered = lesson.scope.covers(symbol=d.symbol, level=d.level, setup=d.setup, regime=d.regime)
        if d.at_ns >= begin_ns and covered and r is not None:
            (shown if in_trial(d.decision_id, lesson.lesson_id) else hidden).append(r)
    if min(len(shown), len(hidden)) < LEAST_N:
        return Trial(len(shown), len(hidden), None, None, None)
    found = difference(shown, hidden)
    assert found is not None  # twenty of either
    ci = found.interval(FALSE_SHARE)
    return Trial(len(shown), len(hidden), found.effect, ci, ci.low > 0.0)


def _r(case: Case) -> float | None:
    return None if case.decision.outcome is None else case.decision.outcome.r_multiple


def _trial_r(case: Case) -> float | None:
    """Return R, 0 where nothing was opened, None while it is open."""
    opened = case.decision.fate == "approved" and case.decision.action in ("open_long", "open_short")
    return _r(case) if opened else 0.0
