"""What the work of a job is: something that is given an effort, says how far it is, and stops when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chanflow.domain.job import Job
from chanflow.domain.job_result import Worked


class Cancelled(Exception):
    """The work was told to stop."""


@dataclass(slots=True)
class Effort:
    """What work is given: it says how far it is, from 0 to 1, and hears whether it is to stop."""

    share: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    told_ns: int = 0
    told: float = 0.0

    def reach(self, share: float) -> None:
        """Say how far the work is. Raises Cancelled where it is to stop."""
        self.share = min(1.0, max(self.share, share))
        if self.stop.is_set():
            raise Cancelled


Work = Callable[[Effort], Worked]
Maker = Callable[[Mapping[str, Any]], Work]
"""Makes the work of an operation from a job's arguments."""
Listener = Callable[[Job], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker shows itself, when it counts as lost, and how often is looked for jobs of other processes."""

    beat_s: float = 10.0
    lost_s: float = 30.0
    look_s: float = 2.0
