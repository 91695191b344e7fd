"""A request for a decision: what the analyst is to look at, and who asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ASKED_ABOUT = "asked about, no trigger fired"
"""What stands in a trigger's place where somebody asks about a position."""


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """Asks for one decision on a symbol, or on a position. An answer after `deadline_ns` (Unix ns) opens nothing.

    `decision_id` is the id that the decision will have.
    """

    request_id: str
    decision_id: str
    symbol: str
    level: str
    reason: Literal["manual", "schedule"]
    requested_by: str
    deadline_ns: int
    position_id: str | None = None
