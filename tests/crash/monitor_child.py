"""A desk that is killed: `monitor_child.py FOLDER`.

It registers one position with a trigger of every kind, goes through a market that fires each of them, and counts for
each how often the analyst was woken. It does so once whole, and then for each transaction of that run: killed (kill -9)
before it commits, and gone on with by another process. Prints a line of JSON: how many there were, and what came out
wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from made_desk import NOW, account, position
from made_watch import ALL, LONG, SECOND, quoted, traded, trigger

from chanflow.adapters.storage.trigger_store import SqliteTriggers
from chanflow.domain.canonical import plain
from chanflow.domain.flow import FlowBin, FlowDivergence
from chanflow.domain.journal import Journal
from chanflow.domain.message import Envelope, Topic
from chanflow.domain.order import OrderEvent, OrderState
from chanflow.domain.structure import StructureNews
from chanflow.domain.trigger import SAFETY_KINDS
from chanflow.monitor.watch import Fired, Watch
from chanflow.runtime.bus import Delivery, SqliteBus, Transaction, schema
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.monitor_desk import MonitorDesk

D = Decimal
SYMBOL = LONG.symbol
LEASES_OVER_NS = NOW + 31 * SECOND
"""When the next process starts: what the killed one was at work on may be taken up again."""
TRIGGERS = [
    trigger("price_cross", D(103), "up", name="price_cross"),
    trigger("price_move", 0.04, 60, name="price_move"),
    trigger("mark_distance_to_stop", 0.25, name="mark_distance_to_stop"),
    trigger("profit_giveback", 1.0, 0.4, name="profit_giveback"),
    trigger("structure_event", "5m", "center_left", name="structure_event"),
    trigger("divergence", "cvd", "bear", name="divergence"),
    trigger("flow", "z_ofi", ">", 1.0, 1, name="flow"),
    trigger("spread", ">", 50.0, name="spread"),
    trigger("volatility", 2.0, name="volatility"),
    trigger("funding", ">", 0.001, name="funding"),
    trigger("time_at", NOW + 60 * SECOND, name="time_at"),
    trigger("position_age", 61, name="position_age"),
    trigger("candle_close", "5m", name="candle_close"),
    trigger("order_state", "o1", "filled", name="order_state"),
    trigger("data_stale", 30_000, name="data_stale"),
    trigger("protective_missing", name="protective_missing"),
    trigger("drawdown", 0.05, name="drawdown"),
]
BARE = account(positions=(position(protected=False),))
FILLED = OrderEvent("o1", SYMBOL, "entry", OrderState.FILLED, D(1), D(0), NOW)
TURN = FlowBin(0, None, 2.0, None, (FlowDivergence("cvd", "bear", NOW // 10**6, NOW // 10**6 - 5_000),))
LEFT = StructureNews("center_left", "center#3")

STEPS: list[Callable[[Watch, int], list[Fired]]] = [
    lambda w, at: w.on_touch(SYMBOL, traded(104.0), now_ns=at, quoted_ns=at),
    lambda w, at: w.on_touch(SYMBOL, quoted(102.0, 102.2), now_ns=at, quoted_ns=at),
    lambda w, at: w.on_touch(SYMBOL, quoted(97.0, 98.9), now_ns=at, quoted_ns=at),
    lambda w, at: w.on_touch(SYMBOL, traded(99.0, 99.1, 95.0), now_ns=at, quoted_ns=at),
    lambda w, at: w.on_structure(SYMBOL, "5m", LEFT, now_ns=at) + w.on_candle(SYMBOL, "5m", at // 10**6, now_ns=at),
    lambda w, at: w.on_bin(SYMBOL, TURN, now_ns=at) + w.on_order(FILLED, now_ns=at),
    lambda w, at: w.on_volatility(SYMBOL, 2.5, now_ns=at) + w.on_funding(SYMBOL, 0.002, now_ns=at),
    lambda w, at: w.on_account(BARE, now_ns=at) + w.on_account(BARE, now_ns=at + 6 * SECOND),
    lambda w, at: w.on_account(replace(BARE, equity_quote=D(9_000)), now_ns=at),
    lambda w, at: w.on_touch(SYMBOL, quoted(97.0, 98.9), now_ns=at, quoted_ns=at) + w.on_touch(
        SYMBOL, quoted(97.0, 98.9), now_ns=at + 120 * SECOND
    ),
]  # fmt: skip


class Silent(Journal):
    """Keeps nothing: what must survive is in the database."""

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        pass


class Desk:
    """A monitor, an analyst that counts, and the step at which the market is."""

    def __init__(self, path: Path, start_ns: int) -> None:
        self.start_ns = start_ns
        self.clock = SimulatedClock(start_ns)
        self.bus = SqliteBus(path, clock=self.clock, jitter=Random(1))
        self.watch = Watch(ALL)
        self.monitor = MonitorDesk(
            self.watch, SqliteTriggers(), bus=self.bus, journal=Silent(), clock=self.clock,
            envelope=envelope, price=lambda: D(100),
        )  # fmt: skip
        self.monitor.subscribe(self.bus)
        for topic in ("re_analysis_trigger", "risk_event"):
            self.bus.subscribe(topic, group="analyst", handler=self.woken, max_attempts=50)

    async def woken(self, message: Envelope, delivery: Delivery) -> None:
        name = str(message.payload.get("trigger_id") or message.payload["key"])
        delivery.also(lambda tx: _run(tx, "INSERT INTO woken VALUES (?)", name))

    async def run(self) -> None:
        await self.bus.open()
        await self.bus.within(lambda tx: _run(tx, "CREATE TABLE IF NOT EXISTS woken(name TEXT)"))
        await self.bus.within(lambda tx: _run(tx, "CREATE TABLE IF NOT EXISTS step(at INTEGER)"))
        await self.monitor.open()
        done = await self.bus.within(lambda tx: tx.execute("SELECT count(*) FROM step").fetchall()[0][0])
        if done == 0:
            # Published under one id, so that it is one message however often it is said.
            await self.bus.publish(replace(envelope("register_triggers", REGISTRATION, SYMBOL), id=UUID(int=1)))
        await self.bus.drain()
        for at, step in enumerate(STEPS[done:], start=done):
            self.clock.advance_to(self.start_ns + at * SECOND)
            await self.monitor.tell(step(self.watch, self.clock.now_ns()))
            await self.bus.drain()
            if at == 0:
                await self.monitor.seen(SYMBOL, D(104))
            await self.bus.within(lambda tx, at=at: _run(tx, "INSERT INTO step VALUES (?)", at))  # type: ignore[misc]
        await self.bus.close()


REGISTRATION = {
    "position_id": LONG.position_id, "symbol": SYMBOL, "side": "long", "entry": LONG.entry_price, "size": D(1),
    "stop": LONG.stop_price, "opened_ns": NOW, "decision_id": "d1", "triggers": tuple(TRIGGERS),
}  # fmt: skip


def envelope(topic: Topic, payload: Any, correlation: str) -> Envelope:
    return Envelope(
        UUID(bytes=os.urandom(16)), topic, 1, NOW, NOW, correlation, None, "monitor", SYMBOL, plain(payload)
    )  # fmt: skip


def _run(tx: Transaction, sql: str, *row: Any) -> None:
    tx.execute(sql, row)


def life(path: Path, kill_at: int | None, start_ns: int = NOW) -> int:
    """Let a process live, until it ends or comes to a point. Returns how many points it passed, 0 if killed."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def counted(statement: str) -> None:
            nonlocal count
            count += statement.startswith("COMMIT")
            if kill_at is not None and count >= kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        real = schema.connect

        def connect(where: Path) -> sqlite3.Connection:
            connection = real(where)
            connection.execute("PRAGMA synchronous=OFF")  # a killed process loses no write that the system has taken
            connection.set_trace_callback(counted)
            return connection

        schema.connect = connect
        try:
            asyncio.run(Desk(path, start_ns).run())
            os.write(write_end, str(count).encode())
            os._exit(0)
        except BaseException as fault:  # noqa: BLE001  # the parent tells of it
            sys.stderr.write(f"{fault!r}\n")
            os._exit(1)
    os.close(write_end)
    said = os.read(read_end, 20)
    os.close(read_end)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return 0
    assert status == 0, "the desk failed"
    return int(said)


def wrong(path: Path) -> list[str]:
    """Return what was woken otherwise than once."""
    connection = sqlite3.connect(path)
    counts = dict(connection.execute("SELECT name, count(*) FROM woken GROUP BY name").fetchall())
    connection.close()
    due = {t.trigger_id for t in TRIGGERS} | {f"trigger:{t.trigger_id}" for t in TRIGGERS if t.kind in SAFETY_KINDS}
    return sorted(f"{name}: {counts.get(name, 0)} times" for name in due | set(counts) if counts.get(name, 0) != 1)


def main(folder: Path) -> None:
    whole = folder / "whole.db"
    points = life(whole, None)
    faults = {0: found} if (found := wrong(whole)) else {}
    killed = 0
    for at in range(1, points + 1):
        path = folder / f"killed-{at}.db"
        killed += life(path, at) == 0
        life(path, None, LEASES_OVER_NS)
        if found := wrong(path):
            faults[at] = found
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    print(json.dumps({"points": points, "killed": killed, "faults": faults}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
