"""Carries states of which only the newest counts: bars, structure, jobs, the desk's health.

Each state is looked at once a second however many sockets asked for it, and encoded once when it changed. A socket
that reads slowly finds the newest where an older one waited.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.interfaces.ws.channels import Channel
from chanflow.interfaces.ws.listening import Listening
from chanflow.operations.fields import Level

POLL_NS = NS_PER_S

_log = logging.getLogger(__name__)


class StateKey(NamedTuple):
    """One state: of a symbol's bars at a level, of an account's job, of the desk."""

    channel: Channel
    name: str = ""
    level: Level = "30m"
    account: str = ""


Look = Callable[[StateKey, Any], Awaitable[tuple[Any, dict[str, Any]] | None]]
"""Gives a state's version and body, None where it is as in the version that is given, or is not known."""


class StateHub:
    """The sockets' side of states, for one process. Belongs to the event loop that runs it."""

    def __init__(self, look: Look, clock: Clock) -> None:
        self._look, self._clock = look, clock
        self._listening: dict[StateKey, set[Listening]] = {}
        self._known: dict[StateKey, tuple[Any, str]] = {}
        self._looking: dict[StateKey, asyncio.Lock] = {}

    async def run(self) -> None:
        """Look until cancelled. What cannot be read is passed over, and looked at again."""
        while True:
            began_ns = self._clock.now_ns()
            await self.carry()
            await self._clock.sleep_until(began_ns + POLL_NS)

    async def carry(self) -> None:
        """Look once at every state that somebody asked for."""
        for key in list(self._listening):
            try:
                await self._look_at(key)
            except ChanflowError:
                _log.warning("the state %s of a channel could not be read", key.channel, exc_info=True)

    async def _look_at(self, key: StateKey) -> None:
        async with self._looking.setdefault(key, asyncio.Lock()):
            known = self._known.get(key)
            found = await self._look(key, None if known is None else known[0])
            if found is None or key not in self._listening:
                return
            version, body = found
            tail = f'null,"data":{json.dumps(body, allow_nan=False, separators=(",", ":"))}}}}}'
            self._known[key] = (version, tail)
            for to in self._listening[key]:
                to.outbox.put_latest((to.subscription_id, key), to.head, tail)

    async def join(self, to: Listening) -> None:
        """Give a subscription each of its states as it is now, then whenever it changed."""
        for key in keys_of(to):
            if to.left:
                return
            self._listening.setdefault(key, set()).add(to)
            if (known := self._known.get(key)) is not None:
                to.outbox.put_latest((to.subscription_id, key), to.head, known[1])
            else:
                await self._look_at(key)

    def leave(self, to: Listening) -> None:
        """Give a subscription nothing more; what nobody asks for is looked at no more."""
        to.left = True
        for key in keys_of(to):
            listening = self._listening.get(key, set())
            listening.discard(to)
            if not listening:
                self._listening.pop(key, None)
                self._known.pop(key, None)
                self._looking.pop(key, None)


def keys_of(to: Listening) -> list[StateKey]:
    """Return the states that a subscription is about."""
    if to.channel == "jobs":
        return [StateKey("jobs", to.wanted.job, account=to.account)]
    if to.channel == "health":
        return [StateKey("health")]
    return [StateKey(to.channel, symbol, to.wanted.level) for symbol in to.wanted.symbols]
