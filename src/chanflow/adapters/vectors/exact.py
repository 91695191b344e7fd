"""Cases in memory, compared one by one: what an index is measured against, and the store of runs that leave nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.vectors.asked import Choice, check_cases, check_query
from chanflow.domain.memory import Decision, Outcome
from chanflow.review.ports import CaseQuery, Found, StoredCase

_NEVER = np.iinfo(np.int64).max


class ExactCases:
    """A store of cases of one version; nothing outlives it."""

    def __init__(self, *, version: str, dimension: int) -> None:
        self._version, self._dimension = version, dimension
        self._decisions: list[Decision] = []
        self._at: dict[str, int] = {}
        self._vectors: NDArray[np.float32] = np.empty((0, dimension), dtype=np.float32)
        self._closed: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def put(self, cases: Sequence[StoredCase]) -> None:
        """Keep cases; one that is there already is replaced. Raises InvalidArgument for another dimension."""
        check_cases(cases, self._dimension)
        known = [case for case in cases if case.decision.decision_id in self._at]
        fresh = list({c.decision.decision_id: c for c in cases if c.decision.decision_id not in self._at}.values())
        for case in known:
            at = self._at[case.decision.decision_id]
            self._vectors[at] = case.vector
            self._write(at, case.decision)
        self._vectors = np.vstack(
            [self._vectors, np.array([c.vector for c in fresh], dtype=np.float32).reshape(len(fresh), self._dimension)]
        )
        self._closed = np.concatenate([self._closed, np.full(len(fresh), _NEVER, dtype=np.int64)])
        for case in fresh:
            self._at[case.decision.decision_id] = len(self._decisions)
            self._decisions.append(case.decision)
            self._write(len(self._decisions) - 1, case.decision)

    def settle(self, outcome: Outcome) -> bool:
        """Write a decision's outcome into its payload; return whether the decision is there."""
        at = self._at.get(outcome.decision_id)
        if at is None:
            return False
        self._write(at, replace(self._decisions[at], outcome=outcome))
        return True

    def _write(self, at: int, decision: Decision) -> None:
        self._decisions[at] = decision
        self._closed[at] = _NEVER if decision.outcome is None else decision.outcome.closed_ns

    def search(self, query: CaseQuery) -> Found:
        """Return the cases most like the query's, at most two of one UTC day and symbol."""
        as_of_ns = check_query(query, version=self._version, dimension=self._dimension)
        eligible = np.flatnonzero(self._closed < as_of_ns)
        nearness = self._vectors[eligible] @ np.array(query.vector, dtype=np.float32)
        choice = Choice(query.limit)
        for i in np.argsort(-nearness, kind="stable"):
            decision = self._decisions[eligible[i]]
            if query.position_id is not None and decision.position_id == query.position_id:
                continue
            if query.strategy is not None and decision.strategy != query.strategy:
                continue
            choice.take(decision, float(nearness[i]))
            if choice.done:
                break
        return Found(tuple(choice.taken.values()), exact=True)

    def count(self) -> int:
        """Return how many cases are kept."""
        return len(self._decisions)

    def clear(self) -> None:
        """Forget all."""
        self.__init__(version=self._version, dimension=self._dimension)  # type: ignore[misc]

    def tend(self) -> None:
        """There is no index to keep fast."""

    def close(self) -> None:
        """There is nothing to make durable."""
