"""What an answer of `/exchange` says of a command: accepted, refused or unknown, for each of a batch.

What cannot be read says nothing about the order: it is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chanflow.adapters.venues.hyperliquid.words import refusal
from chanflow.execution.ports import Accepted, Action, Outcome, Unknown, VenueRefused

_WAITING = ("success", "waitingForFill", "waitingForTrigger")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one command of a batch, with the venue's number for the order where it tells it."""

    outcome: Outcome
    oid: int | None = None


def verdicts(reply: Any, count: int) -> list[Verdict]:
    """Return one verdict for each of `count` commands. One refusal may stand for the whole batch."""
    if not isinstance(reply, Mapping):
        return _all(Unknown(f"the venue answered {str(reply)[:200]!r}"), count)
    body = reply.get("response")
    if reply.get("status") == "err" and isinstance(body, str):
        return _all(refusal(body), count)
    if reply.get("status") != "ok" or not isinstance(body, Mapping):
        return _all(Unknown(f"the venue answered {str(reply)[:200]!r}"), count)
    if body.get("type") == "default":
        return _all(Accepted(), count)
    data = body.get("data")
    statuses = data.get("statuses") if isinstance(data, Mapping) else None
    if not isinstance(statuses, Sequence) or isinstance(statuses, str):
        return _all(Unknown(f"the venue answered {str(reply)[:200]!r}"), count)
    if count > 1 and len(statuses) == 1:
        first = _verdict(statuses[0])
        if isinstance(first.outcome, VenueRefused):
            return [first] * count
    told = [_verdict(status) for status in statuses[:count]]
    return told + _all(Unknown(f"the venue told of {len(told)} of {count} commands"), count - len(told))


def scheduled(reply: Any) -> Outcome:
    """Return what an answer without a list says, which `scheduleCancel` and `updateLeverage` have."""
    return verdicts(reply, 1)[0].outcome


def _verdict(status: Any) -> Verdict:
    if status in _WAITING:
        return Verdict(Accepted())
    if isinstance(status, Mapping):
        if isinstance(status.get("error"), str):
            return Verdict(refusal(status["error"]))
        for word in ("resting", "filled"):
            told = status.get(word)
            if isinstance(told, Mapping) and isinstance(told.get("oid"), int):
                return Verdict(Accepted(), told["oid"])
    return Verdict(Unknown(f"the venue answered {str(status)[:200]!r}"))


def http_outcome(status: int, message: str) -> Outcome:
    """Return what an HTTP error says: 4xx did nothing, 403 and 429 are limits, anything else is unknown."""
    if status in (403, 429):
        return VenueRefused(-status, message or "too many requests", Action.PAUSE)
    if 400 <= status < 500:
        known = refusal(message)
        return VenueRefused(-status, message, Action.FIX_RULES) if known.code == -1 else known
    return Unknown(f"HTTP {status}: {message[:200]}")


def _all(outcome: Outcome, count: int) -> list[Verdict]:
    return [Verdict(outcome) for _ in range(count)]
