"""What the similar cases came to together: figures of those that are comparable, and an honest "none"."""

from __future__ import annotations

from chanflow.domain.interval import wilson
from chanflow.domain.memory import SimilarCases
from chanflow.review.ports import Found

LEAST_SIMILARITY = 0.6
LEAST_CASES = 5


def similar_cases(found: Found) -> SimilarCases:
    """Return the cases with their figures; none where fewer than five are more similar than 0.6."""
    near = [case.decision for case in found.cases if case.similarity > LEAST_SIMILARITY]
    if len(near) < LEAST_CASES:
        return SimilarCases(found.cases, exact=found.exact)
    outcomes = [decision.outcome for decision in near if decision.outcome is not None]
    measured = [outcome.r_multiple for outcome in outcomes if outcome.r_multiple is not None]
    hits = sum(outcome.result == "success" for outcome in outcomes)
    return SimilarCases(
        found.cases,
        comparable=True,
        n=len(outcomes),
        mean_r=sum(measured) / len(measured) if measured else None,
        hit_rate=hits / len(outcomes) if outcomes else None,
        hit_interval=wilson(hits, len(outcomes)) if outcomes else None,
        exact=found.exact,
    )
