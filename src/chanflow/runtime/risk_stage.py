"""The gate as a process of its own: proposals from a bus in, approvals and refusals out.

It judges by what it was told last: `account_state` (an account), `market_state` (an instrument and its market, per
symbol) and `risk_state` (where the desk stands, as its guardian says). What was never told refuses, and so does what is
too old: an account after 5 s, a mark after 2 s, the guardian's word after 15 s.

Delivery is at least once. The verdict, and that the proposal was judged, are committed with the acknowledgement: all of
it or none. A proposal is judged once, over restarts and whatever number of messages it comes in; a later one with its
id is refused. What a process approved shortly before its end may still be sent, so the next one waits that long.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid5

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.canonical import plain
from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.instrument import Instrument
from chanflow.domain.message import Envelope, Topic
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import ApprovedOrder, Reason, Refused, approved_payload
from chanflow.domain.time import NS_PER_S, Clock, Randomness
from chanflow.execution.heartbeat import Heartbeat
from chanflow.risk.gate import Gate
from chanflow.risk.market_view import MarketView
from chanflow.risk.mode import hold_for
from chanflow.risk.state import RiskState
from chanflow.runtime.bus.port import Bus, Delivery, Transaction
from chanflow.runtime.bus.schema import connect
from chanflow.runtime.bus.sqlite import SqliteBus
from chanflow.runtime.codec import decode
from chanflow.runtime.home import held_alone
from chanflow.runtime.settings import Settings
from chanflow.runtime.wiring import limits_of

GROUP = "risk"
KEY_NAME = "gate.key"
KEY_BYTES = 32
MOST_VERDICTS = 256
"""So many verdicts are kept for messages that come again; each is committed long before."""
_TABLE = """CREATE TABLE IF NOT EXISTS risk_judged(
    proposal_id TEXT PRIMARY KEY, at_ns INTEGER NOT NULL, approved INTEGER NOT NULL) WITHOUT ROWID"""


@dataclass(frozen=True, slots=True)
class MarketState:
    """The payload of `market_state`: an instrument's rules, and its market at one moment."""

    instrument: Instrument
    view: MarketView


@dataclass(frozen=True, slots=True)
class RiskStanding:
    """The payload of `risk_state`: where the desk stands, and when its guardian last looked, in Unix ns."""

    state: RiskState
    looked_ns: int


class RiskStage:
    """Judges proposals of one account on one bus. One process a bus: what it approved is known to it alone."""

    def __init__(self, gate: Gate, clock: Clock, *, judged: Iterable[str]) -> None:
        """`judged` are the proposals that earlier processes have judged."""
        self._gate, self._clock = gate, clock
        self._judged = set(judged)
        self._account: AccountSnapshot | None = None
        self._markets: dict[str, MarketState] = {}
        self._told = gate.state
        self._heartbeat = Heartbeat()
        self._verdicts: dict[str, tuple[Envelope, ...]] = {}
        """Verdicts by message, until they are committed: one that is delivered again gets the same."""

    def subscribe(self, bus: Bus) -> None:
        """Serve the stage's topics from now on, one message at a time."""
        bus.subscribe("account_state", group=GROUP, handler=self._take_account)
        bus.subscribe("market_state", group=GROUP, handler=self._take_market)
        bus.subscribe("risk_state", group=GROUP, handler=self._take_standing)
        bus.subscribe("trade_proposal", group=GROUP, handler=self._judge)

    # ── what it is told ───────────────────────────────────────────────────────

    async def _take_account(self, message: Envelope, _: Delivery) -> None:
        self._account = decode(AccountSnapshot, message.payload)

    async def _take_market(self, message: Envelope, _: Delivery) -> None:
        told = decode(MarketState, message.payload)
        self._markets[told.instrument.symbol] = told
        self._gate.add_instrument(told.instrument)

    async def _take_standing(self, message: Envelope, _: Delivery) -> None:
        told = decode(RiskStanding, message.payload)
        self._told, self._heartbeat.last_ns = told.state, told.looked_ns

    # ── judging ───────────────────────────────────────────────────────────────

    async def _judge(self, message: Envelope, delivery: Delivery) -> None:
        proposal = decode(TradeProposal, message.payload)
        if proposal.action in ("hold", "abstain"):
            return
        name, now_ns = str(message.id), self._clock.now_ns()
        if name not in self._verdicts:
            verdicts = self._verdicts_on(proposal, now_ns)
            self._verdicts[name] = tuple(
                _envelope(message, verdict, number, now_ns) for number, verdict in enumerate(verdicts)
            )
            for old in list(self._verdicts)[:-MOST_VERDICTS]:
                del self._verdicts[old]
        found = self._verdicts[name]
        approved = any(each.topic == "approved_order" for each in found)
        for each in found:
            delivery.publish(each)
        delivery.also(lambda tx: _note(tx, proposal.proposal_id, now_ns, approved=approved))

    def _verdicts_on(self, proposal: TradeProposal, now_ns: int) -> tuple[ApprovedOrder | Refused, ...]:
        """Return a verdict for each leg; a refusal of the whole where it was judged before or no account is known."""
        if proposal.proposal_id in self._judged:
            return (_refused(proposal, now_ns, Reason("seen_before", "the proposal was judged already")),)
        self._judged.add(proposal.proposal_id)
        if self._account is None:
            why = "account_age_s is unknown: no account was told on this bus"
            return (_refused(proposal, now_ns, Reason("account_age_s", why)),)
        self._heed_guardian(now_ns)
        market = self._markets.get(proposal.symbol)
        view = MarketView(None, None, book_ok=False) if market is None else market.view
        return self._gate.judge_legs(proposal, self._account, view, now_ns=now_ns)

    def _heed_guardian(self, now_ns: int) -> None:
        told, why = self._told, self._heartbeat.missing(now_ns)
        mode = told.mode if why is None else hold_for(told.mode, "risk", why, now_ns)
        self._gate.state = replace(told, mode=mode)


# ── what outlives a process ───────────────────────────────────────────────────


def read_judged(path: Path) -> tuple[list[str], int]:
    """Return the proposals judged on the bus in `path`, and when one was last approved, in Unix ns, 0 for never.

    Raises StorageUnwritable.
    """
    import sqlite3

    try:
        with closing(connect(path)) as db:
            db.execute(_TABLE)
            rows = db.execute("SELECT proposal_id, at_ns, approved FROM risk_judged").fetchall()
    except sqlite3.Error as fault:
        raise StorageUnwritable(f"the bus {path} cannot be opened: {fault}") from fault
    return [name for name, _, _ in rows], max((at for _, at, approved in rows if approved), default=0)


def gate_key_of(root: Path, randomness: Randomness) -> bytes:
    """Return the key that signs this directory's approvals, drawn at the first asking and readable by its owner alone.

    Raises StorageUnwritable.
    """
    path = root / KEY_NAME
    try:
        root.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = path.read_bytes()
        else:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
                file.write(key := randomness.stream("gate").randbytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
    except OSError as fault:
        raise StorageUnwritable(f"{path} cannot be kept: {fault.strerror}") from fault
    if len(key) != KEY_BYTES:
        raise StorageUnwritable(f"{path} has {len(key)} bytes, {KEY_BYTES} are needed: remove it to draw another key")
    return key


async def serve_risk(
    settings: Settings, home: Path, bus_path: Path, *, clock: Clock, randomness: Randomness, stop: asyncio.Event,
    on_note: Callable[[str], None],
) -> None:  # fmt: skip
    """Judge what comes on the bus in `bus_path` until `stop` is set. The key of `home` signs.

    Raises DeskBusy where another process judges there, StorageUnwritable.
    """
    with held_alone(Path(f"{bus_path}.risk-lock"), lambda pid: f"process {pid} judges on {bus_path}: stop it first"):
        judged, approved_ns = read_judged(bus_path)
        gate = Gate(
            instruments={}, limits=limits_of(settings.risk), key=gate_key_of(home, randomness), level="L0",
            mode=settings.execution.mode, quiet_may_open=settings.risk.quiet_may_open,
        )  # fmt: skip
        # The room that the last process gave away is unknown here until its approvals have lapsed.
        await clock.sleep_until(approved_ns + int(gate.limits.approval_ttl_s * NS_PER_S))
        bus = SqliteBus(
            bus_path, clock=clock, jitter=randomness.stream("bus"), retention_s=settings.bus.retention_s,
            on_death=lambda dead: on_note(f"a {dead.topic} is given up: {dead.error}"),
        )  # fmt: skip
        RiskStage(gate, clock, judged=judged).subscribe(bus)
        await bus.open()
        try:
            async with bus.serving():
                on_note(f"judging what comes on {bus_path}; {len(judged)} proposals were judged before; Ctrl-C ends it")
                await stop.wait()
        finally:
            await bus.close()


def _note(tx: Transaction, proposal_id: str, now_ns: int, *, approved: bool) -> None:
    tx.execute("INSERT OR IGNORE INTO risk_judged VALUES (?, ?, ?)", (proposal_id, now_ns, int(approved)))


def _refused(proposal: TradeProposal, now_ns: int, reason: Reason) -> Refused:
    return Refused(proposal.proposal_id, proposal.decision_id, proposal.symbol, now_ns, (reason,), ())


def _envelope(cause: Envelope, verdict: ApprovedOrder | Refused, number: int, now_ns: int) -> Envelope:
    refused = isinstance(verdict, Refused)
    topic: Topic = "refusal" if refused else "approved_order"
    payload: Any = plain(verdict) if isinstance(verdict, Refused) else plain(approved_payload(verdict))
    return Envelope(
        uuid5(cause.id, f"verdict:{number}"), topic, 1, now_ns, now_ns, cause.correlation_id, cause.id, GROUP,
        cause.key, payload,
    )  # fmt: skip
