"""Carries what alerts heard to webhooks, and over the desk's own channels.

A delivery was written with its event. An attempt is claimed first, made, and noted after: a process that is killed in
between leaves a claim that ends, and the delivery goes out again under the same id. So each arrives at least once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from chanflow.domain.alert import Alert, compose
from chanflow.domain.errors import ChanflowError, InvalidArgument, OutsideUnreachable
from chanflow.domain.time import NS_PER_S
from chanflow.monitor.webhook import MOST_FAILURES, Channel, headers_of, pause_ns
from chanflow.operations.alert_cursor import cursor_of
from chanflow.operations.fields import time_of_ns
from chanflow.operations.outcome import compact_json
from chanflow.runtime.alert_book import AlertBook

if TYPE_CHECKING:
    from chanflow.adapters.storage.alert_store import SqlAlerts
    from chanflow.adapters.storage.delivery_store import Due
    from chanflow.domain.time import Clock

POLL_NS = NS_PER_S
CLAIM_NS = 15 * NS_PER_S
"""An attempt takes five seconds at most; one that was not noted by then is made again."""
MOST_AT_ONCE, MOST_OF_ACCOUNT = 16, 4
"""So many attempts at once, and of one account: slow receivers of one hold up nobody else."""
LOOKED_AT = 256

Tell = Callable[[Alert, str], Awaitable[None]]
"""Takes an alert of the desk under an id that names it once; returns when it is kept."""

_log = logging.getLogger(__name__)


class AlertCourier:
    """Carries for one process. With `tell` it hands over to the desk's channels, without to webhooks.

    Belongs to the event loop that runs it.
    """

    def __init__(self, book: AlertBook, clock: Clock, tell: Tell | None = None) -> None:
        self._book, self._clock, self._tell = book, clock, tell
        self._channel: Channel = "webhook" if tell is None else "desk"
        self._chance = book.randomness.stream("alert deliveries")
        self._busy: Counter[str] = Counter()
        self._attempts: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Carry again and again until cancelled. What cannot be read or written is logged, and tried again."""
        try:
            while True:
                began_ns = self._clock.now_ns()
                try:
                    await self.begin()
                except ChanflowError:
                    _log.warning("deliveries could not be looked at", exc_info=True)
                await self._clock.sleep_until(began_ns + POLL_NS)
        finally:
            for attempt in self._attempts:
                attempt.cancel()
            await self.settled()

    async def begin(self) -> int:
        """Begin an attempt at each delivery that is due, as far as there is room; returns how many."""
        async with self._book.open() as store:
            due = await store.deliveries.due(self._channel, self._clock.now_ns(), LOOKED_AT)
        begun = 0
        for each in due:
            if self._busy.total() >= MOST_AT_ONCE:
                break
            if self._busy[each.account] >= MOST_OF_ACCOUNT:
                continue
            self._busy[each.account] += 1
            attempt = asyncio.create_task(self._attempt(each))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)
            begun += 1
        return begun

    async def settled(self) -> None:
        """Return once no attempt is under way."""
        await asyncio.gather(*self._attempts, return_exceptions=True)

    async def _attempt(self, due: Due) -> None:
        try:
            async with self._book.open() as store:
                now_ns = self._clock.now_ns()
                if not await store.deliveries.claim(due, self._channel, now_ns, now_ns + CLAIM_NS):
                    return
                if self._tell is None:
                    await self._send(store, due)
                else:
                    await self._tell(alert_of_event(due), due.id)
                    await store.deliveries.delivered(due, self._channel, None, self._clock.now_ns())
        except ChanflowError:
            _log.warning("delivery %s is made again, its attempt could not be noted", due.id, exc_info=True)
        finally:
            self._busy[due.account] -= 1

    async def _send(self, store: SqlAlerts, due: Due) -> None:
        status, error = await self._answer(due)
        now_ns = self._clock.now_ns()
        if error is None:
            await store.deliveries.delivered(due, self._channel, status, now_ns)
            return
        await store.deliveries.failed(
            due, self._channel, status=status, error=error, now_ns=now_ns,
            again_ns=now_ns + pause_ns(due.attempts + 1, self._chance.random()),
            target_again_ns=now_ns + pause_ns(due.failures + 1, self._chance.random()), most=MOST_FAILURES,
        )  # fmt: skip

    async def _answer(self, due: Due) -> tuple[int | None, str | None]:
        """Send once, and return the status of the answer, if one came, and why that is none of a delivery, if so."""
        try:
            assert due.sealed is not None
            webhook = self._book.safe().opened(due.alert_id, due.sealed)
            body = body_of_event(due)
            timestamp = self._clock.now_ns() // NS_PER_S
            headers = headers_of(webhook.secret, timestamp=timestamp, delivery=due.id, body=body)
            status = await self._book.outward.post(webhook.url, body, headers)
        except (InvalidArgument, OutsideUnreachable) as fault:
            return None, str(fault)
        except Exception as fault:  # noqa: BLE001  # counted as a failure, so that it ends; its words may hold the address
            _log.warning("delivery %s cannot be sent: %s", due.id, type(fault).__name__)
            return None, f"the desk cannot send it: {type(fault).__name__}"
        if 200 <= status < 300:
            return status, None
        redirect = "; no redirect is followed" if 300 <= status < 400 else ""
        return status, f"answered {status}, wanted is 2xx{redirect}"


def body_of_event(due: Due) -> bytes:
    """Return what is sent: the same bytes at every attempt."""
    return compact_json({
        "id": due.id, "alert_id": due.alert_id, "client_alert_id": due.client_alert_id, "kind": due.kind,
        "cursor": cursor_of(due.seq), "known_at": time_of_ns(due.known_ns), "data": due.body,
    }).encode()  # fmt: skip


def alert_of_event(due: Due) -> Alert:
    """Return an event as the desk tells it: a warning, since somebody asked for it; once, by its id."""
    body = due.body
    words = [str(body[name]) for name in ("symbol", "level", "type", "kind", "event") if body.get(name)]
    if body.get("price") is not None:
        words.append(f"at {body['price']}")
    cause = [str(body["cause"])] if body.get("cause") else []
    return compose(
        severity="warning", title=f"alert {due.client_alert_id}: {' '.join(words) or due.kind}",
        body="\n".join([*cause, f"known at {time_of_ns(due.known_ns)}, {due.alert_id}"]), dedupe_key=due.id,
        at_ns=due.logged_ns, source="alert",
    )  # fmt: skip
