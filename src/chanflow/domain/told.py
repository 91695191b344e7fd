"""What a desk told of itself, as it stands in its journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """A record of a desk's journal: the `seq`-th of its run. `at` is RFC 3339 UTC, the desk's own time."""

    run: int
    seq: int
    at: str
    kind: str
    correlation_id: str
    body: Any
