"""Alerts, and channels that remember what they were told, take their time or fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event

from chanflow.domain.alert import Alert, Message, compose
from chanflow.domain.errors import DeliveryFailed


def alert(title: str = "halt", *, severity: str = "warning", key: str = "", at_ns: int = 0) -> Alert:
    """Return an alert; its key is its title unless said."""
    return compose(severity=severity, title=title, dedupe_key=key or title, at_ns=at_ns)


async def until(holds: Callable[[], object]) -> None:
    """Return once it holds; the test's own time limit ends a vain wait."""
    while not holds():  # noqa: ASYNC110  (a condition tells nobody when it begins to hold)
        await asyncio.sleep(0.01)


class Remembering:
    """Takes everything, or what `takes` allows, and remembers it."""

    address = "memory://"

    def __init__(self, takes: Callable[[Message], bool] = lambda _: True) -> None:
        self.told: list[Message] = []
        self.tries = 0
        self.takes = takes

    def send(self, message: Message, *, cap_s: float) -> None:
        self.tries += 1
        if not self.takes(message):
            raise DeliveryFailed("memory:// is closed")
        self.told.append(message)

    @property
    def titles(self) -> list[str]:
        return [message.title for message in self.told]


class Hanging:
    """Answers nothing until it is let go."""

    address = "hanging://"

    def __init__(self) -> None:
        self.let_go = Event()
        self.tries = 0

    def send(self, message: Message, *, cap_s: float) -> None:
        self.tries += 1
        self.let_go.wait(300)
