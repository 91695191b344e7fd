"""What becomes an alert: risk events, refusals, faults. One function each, from what travels to what is told.

Nothing here fails on what it is given: an event that cannot be read is itself told of, so that nothing is lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from chanflow.domain.alert import Alert, Severity, compose
from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import NS_PER_S

_SEVERITY: dict[str, Severity] = {
    "cancel_openings": "info",
    "hold": "warning",
    "place_stop": "warning",
    "safety_trigger": "warning",
    "demote": "warning",
    "demotion": "warning",
    "close": "critical",
    "force_close": "critical",
    "halt": "critical",
    "dead_man": "critical",
    "venue_liquidation": "critical",
}
_WORDS = {
    "cancel_openings": "opening orders are cancelled",
    "hold": "nothing is opened",
    "place_stop": "a stop is placed",
    "safety_trigger": "a safety trigger fired",
    "demote": "the desk falls on the ladder",
    "demotion": "the desk falls on the ladder",
    "close": "a position is closed by force",
    "force_close": "a position is closed by force",
    "halt": "the desk is halted",
    "dead_man": "the dead-man switch is left to act",
    "venue_liquidation": "the venue closed a position by force",
    "alert": "",
}


def alert_of(risk_event: Mapping[str, Any], *, at_ns: int, source: str = "risk") -> Alert:
    """Return the alert of a risk event: `kind`, `cause` and figures, and if it has them `message`, `severity`, `key`.

    A guardian's action as plain JSON is such a mapping. A kind that nobody knows is a warning.
    """
    kind, cause = _word(risk_event, "kind"), _word(risk_event, "cause")
    message, symbol = _word(risk_event, "message"), _word(risk_event, "symbol")
    words = _WORDS.get(kind, f"risk event {kind or 'of no kind'}")
    told = ": ".join(part for part in (f"{symbol} {words}".strip(), message or cause) if part)
    key = _word(risk_event, "key") or f"{kind}:{symbol}:{cause}"
    return compose(
        severity=_word(risk_event, "severity") or _SEVERITY.get(kind, "warning"),
        title=told,
        body=_figures(risk_event),
        dedupe_key=f"risk:{key}",
        at_ns=at_ns,
        source=source,
    )


def alert_of_refusal(refusal: Mapping[str, Any], *, at_ns: int) -> Alert:
    """Return the alert of a refused proposal: information, one an hour for the same reasons."""
    symbol, reasons = _word(refusal, "symbol"), refusal.get("reasons")
    found = [each for each in reasons if isinstance(each, Mapping)] if isinstance(reasons, list | tuple) else []
    codes = [_word(each, "code") for each in found]
    return compose(
        severity="info",
        title=f"{symbol} refused: {', '.join(codes) or 'no reason given'}".strip(),
        body="\n".join(_word(each, "message") for each in found),
        dedupe_key=f"refusal:{symbol}:{','.join(sorted(codes))}",
        at_ns=at_ns,
        source="risk",
    )


def alert_of_fault(fault: BaseException, *, at_ns: int) -> Alert:
    """Return the alert of a fault that ended the desk. Of a fault that is not ours only the kind is told."""
    ours = isinstance(fault, ChanflowError)
    name = type(fault).__name__
    return compose(
        severity="critical",
        title=f"the desk stopped: {name}",
        body=str(fault) if ours else "an unexpected fault: see the desk's own output",
        dedupe_key=f"fault:{name}",
        at_ns=at_ns,
        source="desk",
    )


def alert_from(payload: Mapping[str, Any], *, at_ns: int) -> Alert:
    """Return the alert that a message of the topic `alert` carries, cleaned."""
    told = payload.get("at_ns")
    return compose(
        severity=_word(payload, "severity"),
        title=_word(payload, "title"),
        body=_word(payload, "body"),
        dedupe_key=_word(payload, "dedupe_key"),
        at_ns=told if isinstance(told, int) and not isinstance(told, bool) else at_ns,
        source=_word(payload, "source") or "desk",
    )


class RefusalBurst:
    """Tells when so many proposals were refused within so long; then begins to count anew."""

    def __init__(self, count: int, within_s: int) -> None:
        self._count, self._within_ns = count, within_s * NS_PER_S
        self._at: deque[int] = deque()

    def take(self, at_ns: int) -> Alert | None:
        """Count a refusal; return the alert of a burst that is full with it."""
        self._at.append(at_ns)
        while self._at and at_ns - self._at[0] >= self._within_ns:
            self._at.popleft()
        if len(self._at) < self._count:
            return None
        self._at.clear()
        return compose(
            severity="warning",
            title=f"{self._count} proposals refused within {self._within_ns // NS_PER_S} s",
            body="Each with its reasons stands in the journal.",
            dedupe_key="refusal_burst",
            at_ns=at_ns,
            source="risk",
        )


def _figures(event: Mapping[str, Any]) -> str:
    told = event.get("figures")
    figures = told if isinstance(told, Mapping) else {}
    lines = [f"{name}: {value}" for name, value in sorted(figures.items()) if not isinstance(value, Mapping | list)]
    return "\n".join(lines[:40])


def _word(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


__all__ = ["RefusalBurst", "alert_from", "alert_of", "alert_of_fault", "alert_of_refusal"]
