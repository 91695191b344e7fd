"""What a desk without a bus says: journaled, and told to people where alerts are set up."""

from __future__ import annotations

from typing import Any

from chanflow.domain.canonical import plain
from chanflow.domain.message import Topic
from chanflow.domain.time import Clock
from chanflow.review.journal import JournalWriter
from chanflow.runtime.alerts import TOPICS, Alerts


class Teller:
    """Publishes for one run. An alert's id is the number of its record, so none is told twice."""

    def __init__(self, journal: JournalWriter, clock: Clock, *, run_id: str, alerts: Alerts | None) -> None:
        self._journal, self._clock, self._run_id, self._alerts = journal, clock, run_id, alerts

    async def publish(self, topic: Topic, payload: Any, *, correlation: str) -> None:
        """Journal a message, and let people hear of it. What is only repeated was told by an earlier process."""
        number, body = self._journal.seq, plain(payload)
        self._journal.append(topic, body, correlation_id=correlation)
        if not self._journal.behind:
            await self.tell(topic, body, number=number, at_ns=self._clock.now_ns())

    async def tell(self, topic: Topic, body: Any, *, number: int, at_ns: int) -> None:
        """Let people hear of what record `number` says, unless they have heard of it already."""
        if self._alerts is not None and topic in TOPICS:
            await self._alerts.hear(topic, body, at_ns=at_ns, source="desk", alert_id=f"{self._run_id}:{number}")
