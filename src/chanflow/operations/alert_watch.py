"""Looks at closed bars for the alerts that callers set, and writes down what happened.

Each series (a symbol's bars of a level) is looked at once however many alerts wait for it. What its new bars told and
how far it was looked at are written in one transaction: a process that is killed before it looks again at the same
bars, one killed after it does not, and of two that look at once one writes. So each event is in the log once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio.to_thread

from chanflow.domain.errors import ChanflowError
from chanflow.domain.market_data import LEVEL_MS
from chanflow.domain.message import Envelope
from chanflow.domain.time import NS_PER_DAY, NS_PER_MS
from chanflow.domain.watch_alert import AlertKind, Happening, SeriesMark
from chanflow.monitor.alert_index import AlertIndex
from chanflow.operations.alert_happenings import told_by
from chanflow.operations.alert_quota import paused_ids
from chanflow.operations.bars import bars_known
from chanflow.operations.fields import Level
from chanflow.operations.services import Services
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.bus.port import Bus, Delivery

if TYPE_CHECKING:
    from chanflow.adapters.storage.alert_store import Change, SqlAlerts

POLL_NS = 1_000_000_000
"""How often bars are looked for."""
KEPT_NS = 7 * NS_PER_DAY
"""How long the log is kept."""
GROUP = "alerts_set"

_log = logging.getLogger(__name__)


class AlertWatch:
    """Watches for one desk. Belongs to the event loop that runs it."""

    def __init__(self, services: Services, book: AlertBook) -> None:
        self._services, self._book = services, book
        self._index = AlertIndex()
        self._change: Change | None = None
        self._forgot_ns = 0

    async def run(self) -> None:
        """Look again and again until cancelled. What cannot be read or written is logged, and tried again."""
        clock = self._services.clock
        while True:
            began_ns = clock.now_ns()
            try:
                await self.look()
            except ChanflowError:
                _log.warning("alerts could not be looked after", exc_info=True)
            await clock.sleep_until(began_ns + POLL_NS)

    async def look(self) -> None:
        """Look once at every series that has new bars."""
        async with self._book.open() as store:
            now_ns = self._services.clock.now_ns()
            await store.expire(now_ns)
            index = await self._refreshed(store)
            marks = await store.series()
            wanted = set(index.series) | {key for key, (_, until_ns) in marks.items() if until_ns > now_ns}
            for symbol, level in sorted(wanted & set(marks)):
                seen_ms = marks[symbol, level][0]
                if self._book.market_ns() // NS_PER_MS >= seen_ms + LEVEL_MS.get(level, 0):
                    await self._look_at(store, index, symbol, cast("Level", level), seen_ms)
            if now_ns - self._forgot_ns > NS_PER_DAY // 24:
                self._forgot_ns = now_ns
                await store.forget(now_ns - KEPT_NS)

    async def _refreshed(self, store: SqlAlerts) -> AlertIndex:
        """Return the alerts that are active, indexed anew only where one came or went, or a plan changed."""
        change = await store.change()
        if change != self._change:
            active = await store.active()
            self._index = AlertIndex(active, paused=paused_ids(active, change.owners, self._services))
            self._change = change
        return self._index

    async def _look_at(self, store: SqlAlerts, index: AlertIndex, symbol: str, level: Level, seen_ms: int) -> None:
        services = self._services
        try:
            bars = await bars_known(services.klines, symbol, level, as_of_ms=None, limit=services.structure_bars)
        except ChanflowError:
            return  # there are none now; what comes is told when it comes
        if not bars or bars[-1].close_ms <= seen_ms:
            return
        tell = partial(told_by, services, symbol, level, bars, seen_ms=seen_ms, index=index)
        happened = await anyio.to_thread.run_sync(tell, abandon_on_cancel=True)
        await self._write(store, index, happened, SeriesMark(symbol, level, bars[-1].close_ms), seen_ms)

    async def _write(
        self, store: SqlAlerts, index: AlertIndex, happened: list[Happening], mark: SeriesMark | None,
        before_ms: int | None,
    ) -> None:  # fmt: skip
        now_ns = self._services.clock.now_ns()
        rows = [(each, index.waiting(each, now_ns)) for each in happened]
        # A point is for whoever listens; what else nobody set an alert for is not kept.
        kept = [(each, ids) for each, ids in rows if ids or each.kind == "buy_sell_points"]
        await store.log(kept, mark=mark, before_ms=before_ms, now_ns=now_ns)
        if kept:
            self._book.changed()

    # ── what the desk itself tells ────────────────────────────────────────────

    def subscribe(self, bus: Bus) -> None:
        """Listen to signals and risk events. A message is acknowledged once it is in the log."""
        bus.subscribe("signal", group=GROUP, handler=self._hear)
        bus.subscribe("risk_event", group=GROUP, handler=self._hear)

    async def _hear(self, message: Envelope, _: Delivery) -> None:
        kind: AlertKind = "signal" if message.topic == "signal" else "risk"
        body: Mapping[str, Any] = message.payload
        if kind == "signal" and not body.get("confirm"):
            return
        symbol = str(body["symbol"]) if kind == "signal" else None
        told = {"event": kind, **body}
        happening = Happening(f"{kind}:{message.id}", kind, symbol, None, message.ts_ns, told)
        async with self._book.open() as store:
            index = await self._refreshed(store)
            if index.waits_for(kind):
                await self._write(store, index, [happening], None, None)
