"""Why there is no answer, on its way through the library."""

from __future__ import annotations

from chanflow.domain.question import Problem


class CallFault(Exception):
    """A call of a model that gave nothing: the problem as the asker is told of it, and a sentence without secrets."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
