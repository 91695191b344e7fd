"""How many of an account's alerts its plan keeps live. The oldest are; what no longer fits is paused, never deleted."""

from __future__ import annotations

from collections.abc import Iterable

from chanflow.access.plans import UNLIMITED

QUOTA = "alert_subscription"


def first_paused(taken: Iterable[tuple[str, int]], limit: int) -> str | None:
    """Return the id of the first alert that does not fit, None where all do; it and all that are newer are paused.

    `taken` are the ids of an account's active alerts with their slots, oldest first.
    """
    if limit == UNLIMITED:
        return None
    used = 0
    for name, cost in taken:
        used += cost
        if used > limit:
            return name
    return None
