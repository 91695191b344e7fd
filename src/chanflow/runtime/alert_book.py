"""The alerts that people set, as a process has them: the database, opened for one question or kept while it serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from chanflow.domain.time import Clock, Randomness
from chanflow.runtime.clock import SystemRandomness
from chanflow.runtime.home import Home

if TYPE_CHECKING:
    from chanflow.adapters.net.outward import Outward
    from chanflow.adapters.storage.alert_store import SqlAlerts
    from chanflow.adapters.storage.webhook_safe import WebhookSafe


class AlertBook:
    """Opens the alerts of a data directory. What is kept open belongs to the event loop that keeps it.

    `outward` is the way to webhooks, to public addresses alone unless given.
    """

    def __init__(
        self, home: Home, clock: Clock, *, randomness: Randomness | None = None, outward: Outward | None = None
    ) -> None:
        self._home, self.randomness = home, randomness or SystemRandomness()
        self._outward = outward
        self._safe: WebhookSafe | None = None
        self._kept: SqlAlerts | None = None
        self._listeners: list[Callable[[], None]] = []
        self.market_ns: Callable[[], int] = clock.now_ns
        """The market's own time; a desk whose market is not of this hour sets it."""

    @property
    def outward(self) -> Outward:
        """The one way to the addresses that callers name."""
        if self._outward is None:
            from chanflow.adapters.net.outward import Outward

            self._outward = Outward()
        return self._outward

    def safe(self) -> WebhookSafe:
        """Return what seals webhooks under the desk's pepper, which is made where there is none.

        Raises SettingsInvalid for a pepper that is weak or open to others, StorageUnwritable.
        """
        if self._safe is None:
            from chanflow.adapters.storage.webhook_safe import WebhookSafe
            from chanflow.runtime.access_desk import make_pepper, read_pepper

            self._home.prepare()
            make_pepper(self._home, self.randomness)
            self._safe = WebhookSafe(read_pepper(self._home), self.randomness.stream("seal").randbytes)
        return self._safe

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SqlAlerts]:
        """Give the alerts. Raises StorageUnwritable, StorageBusy."""
        if self._kept is not None:
            yield self._kept
            return
        async with self._opened() as store:
            yield store

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[SqlAlerts]:
        from chanflow.adapters.storage.alert_store import SqlAlerts
        from chanflow.adapters.storage.database.database import Database

        self._home.prepare()
        async with await Database.open(self._home.database_path) as database:
            yield SqlAlerts(database)

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[SqlAlerts]:
        """Keep the database open while the block lasts. Raises StorageUnwritable, StorageBusy."""
        async with self._opened() as store:
            self._kept = store
            try:
                yield store
            finally:
                self._kept = None

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when alerts or the log changed in this process."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def changed(self) -> None:
        """Say that alerts or the log changed."""
        for listener in list(self._listeners):
            listener()
