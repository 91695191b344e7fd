"""What a running account and its guardian have to say that nobody decided: noted, journaled and told to people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chanflow.domain.alert import Severity, compose
from chanflow.domain.time import Clock
from chanflow.runtime.risk_words import payload_of
from chanflow.runtime.teller import Teller

_WORDS: dict[str, tuple[Severity, str]] = {
    "guardian": ("critical", "The guardian"),
    "monitor": ("critical", "The monitor"),
    "books_disagree": ("critical", "Books and venue disagree: nothing is opened"),
    "venue_liquidation": ("critical", "The venue closed a position by force"),
    "stream": ("info", "The venue's stream broke"),
    "command": ("warning", "A command got no answer"),
}


class Speaker:
    """Takes words from anywhere at once, and tells them from a task of its own."""

    def __init__(self, teller: Teller, clock: Clock, *, on_note: Callable[[str], object]) -> None:
        self._teller, self._clock, self._on_note = teller, clock, on_note
        self._words: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.on_liquidation: Callable[[str], None] = lambda _: None

    def say(self, kind: str, why: str) -> None:
        """Take what is to be told."""
        self._on_note(f"{kind}: {why}")
        self._words.put_nowait((kind, why))
        if kind == "venue_liquidation":
            self.on_liquidation(why)

    def guardian_ended(self, guardian: asyncio.Task[None]) -> None:
        """Say that the guardian's task has ended, unless the desk ended it."""
        if not guardian.cancelled():
            fault = guardian.exception()
            self.say("guardian", f"its task ended ({type(fault).__name__}): nothing is opened until a restart")

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            kind, why = await self._words.get()
            severity, title = _WORDS.get(kind, ("warning", kind))
            if kind in ("guardian", "monitor"):
                title = f"{title}: {why}"
            alert = compose(
                severity=severity, title=title, body=why, dedupe_key=f"account:{kind}", at_ns=self._clock.now_ns(),
                source="execution",
            )  # fmt: skip
            await self._teller.publish("alert", payload_of(alert), correlation=alert.dedupe_key)
