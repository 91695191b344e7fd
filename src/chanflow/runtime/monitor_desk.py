"""The monitor on the bus: what it is asked to watch, what it sees, and what it tells when a trigger fires.

A registration is on disk before its message is acknowledged. A trigger that fires is marked in the transaction that
publishes it: after a crash it has fired, or is armed again and looked at anew, and never both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from chanflow.domain.journal import Journal
from chanflow.domain.message import Envelope, Topic
from chanflow.domain.time import Clock
from chanflow.domain.trigger import SAFETY_KINDS
from chanflow.monitor.ports import TriggerStore
from chanflow.monitor.watch import Fired, Watch
from chanflow.runtime.bus.port import Bus, Delivery
from chanflow.runtime.bus.sqlite import SqliteBus
from chanflow.runtime.registration import register, safety_event


class MonitorDesk:
    """Joins watch, store and bus. `envelope` makes a message of a topic, a payload and what it belongs to."""

    def __init__(
        self, watch: Watch, store: TriggerStore, *, bus: SqliteBus, journal: Journal, clock: Clock,
        envelope: Callable[[Topic, Any, str], Envelope], price: Callable[[], Decimal | None],
    ) -> None:  # fmt: skip
        self.watch = watch
        self._store, self._bus, self._journal, self._clock = store, bus, journal, clock
        self._envelope, self._price = envelope, price

    def subscribe(self, bus: Bus) -> None:
        """Take registrations from now on."""
        bus.subscribe("register_triggers", group="monitor", handler=self._register, on_dead="block")

    async def open(self) -> None:
        """Arm again what an earlier process left armed; what it published as fired stays fired."""
        standing = await self._bus.within(self._store.load)
        for position_id, trigger_id in standing.fired:
            self.watch.forget(position_id, trigger_id)
        for body in standing.registered:
            register(self.watch, body, price=None, now_ns=self._clock.now_ns())
        for symbol, price in standing.prices.items():
            self.watch.remember(symbol, price)

    async def _register(self, message: Envelope, delivery: Delivery) -> None:
        now_ns = self._clock.now_ns()
        register(self.watch, message.payload, price=self._price(), now_ns=now_ns, journal=self._journal)
        delivery.also(self._store.armed(message.payload))
        if (price := self._price()) is not None:
            delivery.also(self._store.seen(message.key, price))

    async def tell(self, fired: Iterable[Fired]) -> bool:
        """Publish what fired, each once; a safety trigger also as a risk event. Returns whether there was any."""
        told = False
        for each in fired:
            messages = [self._envelope("re_analysis_trigger", each, each.position_id)]
            if each.kind in SAFETY_KINDS:
                messages.append(self._envelope("risk_event", safety_event(each), each.position_id))
            for message in messages:
                self._journal.append(message.topic, message.payload, correlation_id=message.correlation_id)
            await self._bus.publish(*messages, also=[self._store.fired(each)])
            told = True
        return told

    async def seen(self, symbol: str, price: Decimal) -> None:
        """Keep a symbol's last trade, so that a crossing while nobody looks is noticed afterwards."""
        if self.watch.armed(symbol):
            await self._bus.within(self._store.seen(symbol, price))

    async def disarm(self, position_id: str) -> None:
        """Forget a position that is no more."""
        self.watch.disarm(position_id)
        self._journal.append("triggers_disarmed", {"position_id": position_id})
        await self._bus.within(self._store.disarmed(position_id))
