"""One call on its way through the steps of a policy, and what they leave for one another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chanflow.access.rate_limit import Pace
from chanflow.operations.operation import AnyOperation, Arguments, RateClass
from chanflow.operations.outcome import Failed, Usage
from chanflow.operations.principal import Door, Principal


@dataclass(slots=True)
class Course:
    """What the steps of one call leave for those after them. Times are of the monotonic clock."""

    began_ns: int = 0
    pace: Pace | None = None
    charge_id: str | None = None
    charge_name: str | None = None
    """What the charge is to be called, where a repeated call must not be charged twice."""
    usage: Usage = field(default_factory=Usage)
    args_sha256: str | None = None
    routed: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way. `operation` is None for an unknown name, `args` before the arguments were checked."""

    principal: Principal
    operation: AnyOperation | None
    raw: Mapping[str, Any]
    args: Arguments | None
    door: Door
    request_id: str
    key: str | None = None
    """The idempotency key, where the caller gave one and something is to be changed."""
    course: Course = field(default_factory=Course)

    @property
    def rate_class(self) -> RateClass:
        """The bucket it draws from; unknown names draw from the readers'."""
        return self.operation.rate_class if self.operation else "read"


Admission = Callable[[Call], Awaitable[Failed | None]]
"""A step before the work: the failure that ends the call, or None to let it pass."""
