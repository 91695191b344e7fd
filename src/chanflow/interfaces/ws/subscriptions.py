"""The subscriptions of one socket, held to the plan of its caller."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from chanflow.domain.errors import ChanflowError
from chanflow.interfaces.ws import dialect
from chanflow.interfaces.ws.channels import TERMS
from chanflow.interfaces.ws.listening import Listening
from chanflow.interfaces.ws.outbox import Mark, Outbox
from chanflow.interfaces.ws.places import SYMBOLS_QUOTA, Places
from chanflow.interfaces.ws.switchboard import Switchboard
from chanflow.interfaces.ws.visit import TRY_AGAIN_LATER, Visit
from chanflow.interfaces.ws.wanted import wanted_by
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.outcome import Declined, QuotaUse


class Subscriptions:
    """What a socket listens to."""

    def __init__(
        self, catalogue: Catalogue, switchboard: Switchboard, places: Places, visit: Visit, outbox: Outbox
    ) -> None:
        self._catalogue, self._switchboard, self._places = catalogue, switchboard, places
        self._visit, self._outbox = visit, outbox
        self._listening: dict[str, Listening] = {}
        self._changing = asyncio.Lock()

    @property
    def standing(self) -> str:
        """Why a reader that is too slow is closed, and after what it may go on: what was sent last in each log."""
        last: dict[str, str] = {}
        for each in self._listening.values():
            if cursor := each.mark.cursor:
                last[cursor[0]] = min(cursor, last.get(cursor[0], cursor))
        return " ".join(["too slow; last cursor", *(last[log] for log in sorted(last))])

    async def add(self, call_id: Any, asked: dialect.Subscribe, request_id: str) -> None:
        """Begin a subscription and answer with where it begins.

        Raises Declined, CursorExpired; StorageUnwritable, StorageBusy, JournalCorrupt.
        """
        terms, visit = TERMS[asked.channel], self._visit
        refused = await self._catalogue.admit(visit.principal, terms.scope, door="ws", request_id=request_id)
        if refused is not None:
            self._outbox.put(dialect.refused(call_id, refused))
            return
        async with self._changing:
            most = self._places.plan(visit.principal).socket_subscriptions
            if len(self._listening) >= most:
                raise Declined("quota_exceeded", f"the plan allows {most} subscriptions a socket", field="channel")
            await self._switchboard.begin(asked.channel)
            wanted = await wanted_by(asked, self._catalogue.services)
            count = len(wanted.symbols) if terms.counted else 0
            seq, cursor = await self._start(asked)
            quota = await self._places.hold(visit.place, visit.principal, visit.place.symbols + count)
            listening = Listening(
                request_id, asked.channel, visit.principal.account, self._outbox, seq, Mark(cursor or ""), wanted, count
            )
            self._listening[request_id] = listening
            self._need()
        body = {"subscription_id": request_id, "cursor": cursor, "quota": _quota(quota)}
        answered = dialect.notification("subscribed", body) if call_id is None else dialect.result(call_id, body)
        self._outbox.put(answered)
        try:
            await self._switchboard.join(listening)
        except ChanflowError:
            visit.end(TRY_AGAIN_LATER, self.standing)

    async def _start(self, asked: dialect.Subscribe) -> tuple[int, str | None]:
        try:
            return await self._switchboard.start_at(asked.channel, asked.after)
        except ValueError as wrong:
            raise Declined("invalid_argument", str(wrong), field="after") from None

    async def drop(self, subscription_id: str) -> None:
        """End a subscription. Raises Declined where there is none of that id; StorageUnwritable, StorageBusy."""
        async with self._changing:
            found = self._listening.pop(subscription_id, None)
            if found is None:
                raise Declined("not_found", "there is no subscription of that id here", field="subscription_id")
            self._switchboard.leave(found)
            self._need()
            await self._places.hold(self._visit.place, self._visit.principal, self._visit.place.symbols - found.symbols)

    def leave_all(self) -> None:
        """Listen to nothing more."""
        for each in self._listening.values():
            self._switchboard.leave(each)

    def _need(self) -> None:
        self._visit.needed = frozenset(TERMS[each.channel].scope for each in self._listening.values())


def _quota(found: QuotaUse | None) -> dict[str, Any] | None:
    return None if found is None else {"name": SYMBOLS_QUOTA, **asdict(found)}
