"""What a call used, as answers over MCP say it: `_meta["chanflow/usage"]`."""

from __future__ import annotations

from typing import Any

from chanflow.domain.canonical import plain
from chanflow.operations.outcome import Failed, Outcome, Usage


def usage_meta(outcome: Outcome) -> dict[str, Any] | None:
    """Return what the call was charged and where its quotas stand, None on a desk that meters nothing."""
    if isinstance(outcome, Failed) or outcome.usage == Usage():
        return None
    return {"chanflow/usage": {key: value for key, value in plain(outcome.usage).items() if value is not None}}
