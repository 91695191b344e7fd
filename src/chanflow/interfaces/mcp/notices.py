"""Says when a resource changed, to whoever asked to hear of it. A notice is a cue: what changed is read from its URI.

Nothing is looked at while nobody asked. What is asked for is looked at every half second with the eyes of the caller
who asked, so changes that another process wrote are noticed as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated

from chanflow.domain.errors import NotFound
from chanflow.interfaces.mcp.resources import readable
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.operation import Asked
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import Principal

POLL_NS = 500_000_000

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    """A resource that someone listens to, as it was last seen."""

    principal: Principal
    holders: int = 0
    seen: Any = None


class Notices:
    """The resources that are listened to in one process. Belongs to the event loop that runs it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.bus = InMemorySubscriptionBus()
        self._held: dict[tuple[str, str], _Held] = {}
        self._wanted = asyncio.Event()
        self._log_end = -1

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Look and tell while the block lasts."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @asynccontextmanager
    async def held(self, principal: Principal, uris: Collection[str]) -> AsyncIterator[None]:
        """Notice changes of these resources from now until the block ends."""
        keys = [(uri, principal.id) for uri in sorted(set(uris)) if readable(uri) is not None]
        for key in keys:
            await self._hold(key, principal)
        try:
            yield
        finally:
            for key in keys:
                self._release(key)

    async def _hold(self, key: tuple[str, str], principal: Principal) -> None:
        held = self._held.get(key)
        if held is None:
            seen = await self._look(key[0], principal, None)
            held = self._held.setdefault(key, _Held(principal, seen=seen))
        held.holders += 1
        self._wanted.set()

    def _release(self, key: tuple[str, str]) -> None:
        held = self._held[key]
        held.holders -= 1
        if not held.holders:
            del self._held[key]
        if not self._held:
            self._wanted.clear()

    async def _run(self) -> None:
        clock = self._catalogue.services.clock
        while True:
            await self._wanted.wait()
            await clock.sleep_until(clock.now_ns() + POLL_NS)
            try:
                await self.tell()
            except Exception:  # noqa: BLE001  # what cannot be looked at now is looked at again
                _log.warning("resources could not be looked at", exc_info=True)

    async def tell(self) -> None:
        """Look once at what is listened to, and tell what changed."""
        grown = await self._log_grew()
        changed = set()
        for (uri, _), held in list(self._held.items()):
            if uri.startswith("alert:") and not grown:
                continue
            seen = await self._look(uri, held.principal, held.seen)
            if seen != held.seen:
                held.seen = seen
                changed.add(uri)
        for uri in sorted(changed):
            await self.bus.publish(ResourceUpdated(uri=uri))

    async def _log_grew(self) -> bool:
        """Return whether anything was written to the log of alerts since the last time, so that each is looked at."""
        if not any(uri.startswith("alert:") for uri, _ in self._held):
            return False
        async with self._catalogue.services.alerts.open() as store:
            before, self._log_end = self._log_end, await store.head()
        return before != self._log_end

    async def _look(self, uri: str, principal: Principal, seen: Any) -> Any:
        """Return what is worth a notice in a resource, None where there is none now. What grows is read from `seen`."""
        found = readable(uri)
        assert found is not None
        kind, arguments = found
        operation = self._catalogue.unlisted(kind.operation)
        assert operation is not None
        more = True
        while more:
            if kind.grows and seen is not None:
                arguments["after"] = seen
            asked = Asked(operation.input.model_validate(arguments), principal, self._catalogue.services, "")
            try:
                body = (await operation.handler(asked)).model_dump(mode="json")
            except (NotFound, Declined):
                return None
            seen, more = kind.noticed(body), kind.grows and body["more"]
        return seen
