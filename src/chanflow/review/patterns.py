"""What decisions of one kind came to: counts by setup, claim, level, hour, model and regime."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from chanflow.domain.memory import Decision
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.review.ports import Pattern

KINDS = ("setup", "claim", "level", "hour", "model", "regime")
_HOUR_NS = 3_600 * NS_PER_S


def groups_of(decision: Decision) -> Iterable[tuple[str, str]]:
    """Return the groups that a decision counts in, as (kind, name)."""
    yield "setup", decision.setup or "none"
    for claim in decision.claims:
        yield "claim", claim
    yield "level", decision.level
    yield "hour", f"{decision.at_ns % NS_PER_DAY // _HOUR_NS:02}"
    yield "model", decision.model or decision.analyst
    yield "regime", decision.regime or "unknown"


def patterns_of(period: str, decisions: Sequence[Decision]) -> tuple[Pattern, ...]:
    """Return the counts of a period, by kind in order and then by name. `hits` and R are of closed decisions only."""
    found: dict[tuple[str, str, str], list[Decision]] = defaultdict(list)
    for decision in decisions:
        for kind, name in groups_of(decision):
            found[kind, name[:64], decision.strategy].append(decision)
    order = sorted(found, key=lambda key: (KINDS.index(key[0]), key[1], key[2]))
    return tuple(_pattern(period, *key, found[key]) for key in order)


def _pattern(period: str, kind: str, name: str, strategy: str, decisions: Sequence[Decision]) -> Pattern:
    outcomes = [decision.outcome for decision in decisions if decision.outcome is not None]
    measured = [outcome.r_multiple for outcome in outcomes if outcome.r_multiple is not None]
    return Pattern(
        period, kind, name, len(decisions), len(outcomes), sum(o.result == "success" for o in outcomes),
        sum(measured) / len(measured) if measured else None, sum(measured), strategy,
    )  # fmt: skip
