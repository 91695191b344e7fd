"""What a journal's head says of its models: where their training ended, and whether they were shown names and dates."""

from __future__ import annotations

from datetime import UTC, datetime

from chanflow.domain.time import NS_PER_S
from chanflow.review.journal import Record


def cutoffs_of(head: Record) -> dict[str, int]:
    """Return the stated end of training of each model of a run, Unix ns, by provider/name."""
    providers = head.body.get("settings", {}).get("providers", {})
    return {
        f"{provider}/{model}": int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * NS_PER_S
        for provider, each in providers.items()
        for model, day in each.get("cutoffs", {}).items()
    }


def was_masked(head: Record) -> bool:
    """Return whether a run hid symbol, dates and prices from its model."""
    return bool(head.body.get("settings", {}).get("analyst", {}).get("masked", False))
