"""What every store of cases checks, and how the nearest become the answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.memory import Decision, SimilarCase
from chanflow.domain.time import utc_date
from chanflow.review.ports import CaseQuery, StoredCase

PER_DAY_AND_SYMBOL = 2
MAX_LIMIT = 100


def check_query(query: CaseQuery, *, version: str, dimension: int) -> int:
    """Return the moment a query is asked as of.

    Raises InvalidArgument without one, for another version or dimension, and for a limit outside 1 to 100.
    """
    if query.as_of_ns is None:
        raise InvalidArgument("similar cases are asked as of a moment: as_of_ns is missing", field="as_of_ns")
    if query.version != version:
        raise InvalidArgument(f"the query is a vector of {query.version}, kept are vectors of {version}")
    if not 1 <= query.limit <= MAX_LIMIT:
        raise InvalidArgument(f"{query.limit} cases were asked for, allowed are 1 to {MAX_LIMIT}", field="limit")
    check_vector(query.vector, dimension)
    return query.as_of_ns


def check_vector(vector: Sequence[float], dimension: int) -> None:
    """Raise InvalidArgument for a vector of another dimension, or that is not of length 1."""
    if len(vector) != dimension:
        raise InvalidArgument(f"a vector has {len(vector)} numbers, kept are vectors of {dimension}")
    length = math.sqrt(sum(value * value for value in vector))
    if not abs(length - 1.0) < 1e-3:
        raise InvalidArgument(f"a vector has length {length:g}, it must be 1")


def check_cases(cases: Iterable[StoredCase], dimension: int) -> None:
    """Raise InvalidArgument, before any is kept, for cases whose vector does not fit."""
    for case in cases:
        check_vector(case.vector, dimension)


def group_of(decision: Decision) -> str:
    """Return the UTC day and symbol of a decision; at most two cases of one are shown."""
    return f"{utc_date(decision.at_ns)} {decision.symbol}"


class Choice:
    """Takes cases, the most similar first, until there are enough, and not too many of one day and symbol."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._groups: Counter[str] = Counter()
        self.taken: dict[str, SimilarCase] = {}

    @property
    def full_groups(self) -> list[str]:
        """Days and symbols of which no more are taken."""
        return sorted(group for group, count in self._groups.items() if count >= PER_DAY_AND_SYMBOL)

    @property
    def done(self) -> bool:
        """Whether there are enough."""
        return len(self.taken) >= self._limit

    def wants(self, decision_id: str, group: str) -> bool:
        """Return whether a case would be taken: there are not enough yet, neither in all nor of its day and symbol."""
        return not self.done and decision_id not in self.taken and self._groups[group] < PER_DAY_AND_SYMBOL

    def take(self, decision: Decision, similarity: float) -> None:
        """Take a case if it is wanted."""
        group = group_of(decision)
        if self.wants(decision.decision_id, group):
            self._groups[group] += 1
            self.taken[decision.decision_id] = SimilarCase(decision, min(1.0, similarity))
