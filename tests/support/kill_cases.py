"""The kill matrix: a desk is killed at a point of its order path, under a fault, and started again; then books are held
against each other. The oracle is the emulated exchange's own.

A point is the n-th call of a port: an append to the journal, a command or a question to the venue, before and after; an
event as it arrives and once it was heard. Nothing in the desk knows of them.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from multiprocessing import Pipe
from random import Random
from typing import Any

from kill_desk import Desk, Plan
from kill_venue import Venue, pass_time

from chanflow.domain.errors import InvalidArgument

ENDINGS = ("stop", "close", "target")
DOWN_MS = 1_000
"""How long the desk is down after it was killed."""
LIVES = 6
LONGEST_BARE_NS = 5_000_000_000

POINTS: tuple[str, ...] = (
    "before approval", "after approval",
    *(f"{when} record order_intent {leg}" for leg in ("entry", "stop", "take_profit", "exit") for when in
      ("before", "after")),
    *(f"{when} submit {leg}" for leg in ("entry", "stop", "take_profit", "exit") for when in ("before", "after")),
    *(f"{when} record {kind}" for kind in
      ("order_sent", "order_outcome", "cancel_intent", "cancel_sent", "cancel_outcome", "venue_event accepted",
       "venue_event fill", "venue_event triggered", "venue_event canceled", "ledger", "account", "trade_closed",
       "protection_moved", "fill_cursor", "reconciliation", "inquiry", "verdict")
      for when in ("before", "after")),
    *(f"{when} cancel" for when in ("before", "after")),
    *(f"event {kind} {when}" for kind in ("accepted", "fill", "triggered", "linked", "canceled") for when in
      ("arrives", "heard")),
    *(f"after question {name}" for name in ("order", "open_orders", "fills", "funding", "positions", "balances")),
)  # fmt: skip
"""The marked points, by name."""


def _both(do: str, random: Random, *, entry: bool = True, **more: Any) -> list[dict[str, Any]]:
    """Return a fault at the entry, at one of the first stops or targets, and at the first cancel of one."""
    ends = [("POST /fapi/v1/order", 1), ("POST /fapi/v1/algoOrder", random.randint(1, 3)),
            ("DELETE /fapi/v1/algoOrder", 1)]  # fmt: skip
    return [{"when": {"endpoint": end, "nth": nth}, "do": do, **more} for end, nth in ends[0 if entry else 1 :]]


FAULTS: Mapping[str, Callable[[Random], list[dict[str, Any]]]] = {
    "none": lambda r: [],
    "drop_ack": lambda r: _both("drop_ack", r),
    "unknown, executed": lambda r: _both("unknown_503", r, executed=True),
    "unknown, not executed": lambda r: _both("unknown_503", r, entry=r.random() < 0.3, executed=False),
    "delay past cancel": lambda r: [
        {"when": {"event": "fill"}, "do": "after_cancel", "ms": 4_000},
        {"when": {"event": "ALGO_UPDATE"}, "do": "delay", "ms": 4_000},
    ],
    "duplicate": lambda r: [{"when": {"event": "any"}, "do": "duplicate", "ms": r.choice([0, 50, 900])}],
    "disconnect": lambda r: [
        {"when": {"time": r.choice([0.1, 0.3, 3.0, 6.0])}, "do": "disconnect", "stream": "private", "for_s": 8}
    ],
    "-1021": lambda r: _both("error", r, code=-1021),
    "429": lambda r: [
        {"when": {"endpoint": r.choice(["POST", "DELETE"]) + " /fapi/v1/algoOrder", "nth": 1}, "do": "http",
         "status": 429, "retry_after": 3, "then": 418}
    ],
    "skew": lambda r: [{"when": {"time": r.choice([0.1, 2.0, 5.0])}, "do": "clock_skew", "ms": 1_800}],
    "freeze": lambda r: [
        {"when": {"time": r.choice([0.35, 1.0, 4.0, 6.2])}, "do": "freeze", "for_s": 20, "executed": True}
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One cell of the matrix, with its seed; the seed says how the desk leaves, and which occurrence is meant."""

    point: str
    fault: str
    seed: int
    nth: int = 1

    @property
    def ending(self) -> str:
        return ENDINGS[self.seed % len(ENDINGS)]


@dataclass
class Verdict:
    """What came of a case."""

    case: Case
    killed: bool = False
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    naked: list[str] = field(default_factory=list)
    ledger: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seen: Mapping[str, int] = field(default_factory=dict)
    took_s: float = 0.0

    @property
    def wrong(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.naked, *self.ledger, *self.broken]


def play(venue: Venue, case: Case) -> Verdict:
    """Play one case against a venue of its own."""
    begun = time.monotonic()
    verdict = Verdict(case)
    venue.script(FAULTS[case.fault](Random(case.seed)))
    bus: dict[str, Any] = {"deaf_until_ns": venue.deaf_until_ns}
    alive: list[tuple[int, int]] = []
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        plan = Plan(case.ending, folder, case.point, case.nth)
        for life in range(LIVES):
            born_ns = venue.now_ns
            status = _life(venue, plan, bus, armed=life == 0)
            alive.append((born_ns, venue.now_ns))
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
                break
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and life == 0:
                verdict.killed = True
            pass_time(venue, DOWN_MS)
        if "belief" not in bus:
            verdict.broken.append(f"broken: the desk never came to rest: {bus.get('crash', '')[-900:]}")
        else:
            _judge(venue, bus, alive, verdict)
    verdict.took_s = time.monotonic() - begun
    return verdict


def _life(venue: Venue, plan: Plan, bus: dict[str, Any], *, armed: bool) -> int:
    """Let one process of the desk live against the venue; returns how it ended, as `waitpid` tells it."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            ours.close()
            desk = Desk(theirs, plan, armed=armed)
            try:
                desk.live()
                code = 0
            except BaseException:  # noqa: BLE001 - told to the parent
                desk._link("put", "crash", traceback.format_exc())
        finally:
            os._exit(code)
    theirs.close()
    venue.serve(ours, bus)
    ours.close()
    return os.waitpid(pid, 0)[1]


# ── the oracle ────────────────────────────────────────────────────────────────


def _judge(venue: Venue, bus: Mapping[str, Any], alive: Sequence[tuple[int, int]], verdict: Verdict) -> None:
    truth, belief = venue.truth(), bus["belief"]
    verdict.seen = belief["seen"]
    verdict.lost = list(_lost(truth, belief))
    verdict.doubled = list(_doubled(truth, bus))
    naked_ns = venue.naked_ns(alive)
    if naked_ns > LONGEST_BARE_NS:
        verdict.naked.append(f"naked: for {naked_ns / 1e9:.3f} s")
    verdict.ledger = list(_ledger(truth, belief))
    if belief["halted"] or belief["blocked"]:
        verdict.broken.append(f"broken: halted {belief['halted']}, blocked {belief['blocked']}")


def _lost(truth: Mapping[str, Any], belief: Mapping[str, Any]) -> Iterator[str]:
    orders = {o["client_id"]: o for o in truth["orders"]}
    algos = {a["client_id"]: a for a in truth["algos"]}
    known = belief["orders"]
    for name in orders | algos:
        if name not in known:
            yield f"lost: {name} is not in the desk's books"
    for name, (leg, state, filled, ended) in known.items():
        there, algo = orders.get(name), algos.get(name)
        if there is None and algo is None:
            if not ended or Decimal(filled):
                yield f"lost: {leg} {name} is {state}, the venue never had it"
            continue
        status = (there or algo)["status"]
        child = next((o for o in truth["orders"] if algo and o["algo_id"] == algo["algo_id"]), there)
        has = Decimal(child["filled"]) if child else Decimal(0)
        over = status not in ("NEW", "PARTIALLY_FILLED") and (child is None or child["status"] not in _OPEN)
        if has != Decimal(filled) or over != ended:
            yield f"lost: {leg} {name} is {state} {filled}, the venue's is {status} {has}"


_OPEN = ("NEW", "PARTIALLY_FILLED")


def _doubled(truth: Mapping[str, Any], bus: Mapping[str, Any]) -> Iterator[str]:
    names = [o["client_id"] for o in (*truth["orders"], *truth["algos"])]
    for name in sorted({n for n in names if names.count(n) > 2}):
        yield f"doubled: {name} is there {names.count(name)} times"
    plain = [o["client_id"] for o in truth["orders"] if not o["algo_id"]]
    for name in sorted({n for n in plain if plain.count(n) > 1}):
        yield f"doubled: {name} was sent {plain.count(name)} times"
    bought = sum((Decimal(t["qty"]) for t in truth["trades"] if t["side"] == "BUY"), Decimal(0))
    approved = Decimal(bus["entry"]["terms"]["qty_base"]) if "entry" in bus else Decimal(0)
    if bought > approved:
        yield f"doubled: {bought} bought, {approved} approved"
    held = Decimal(0)
    for trade in truth["trades"]:
        held += Decimal(trade["qty"]) * (1 if trade["side"] == "BUY" else -1)
        if held < 0:
            yield f"doubled: the position went to {held}"
            return


def _ledger(truth: Mapping[str, Any], belief: Mapping[str, Any]) -> Iterator[str]:
    if truth["wallet"] is not None and Decimal(truth["wallet"]) != Decimal(belief["wallet"]):
        yield f"ledger: {belief['wallet']} here, {truth['wallet']} at the venue"
    held = sum((Decimal(p["qty"]) for p in truth["positions"]), Decimal(0))
    if held != Decimal(belief["held"]):
        yield f"ledger: {belief['held']} held here, {held} at the venue"
    theirs = sorted((str(t["trade_id"]), Decimal(t["qty"]), Decimal(t["price"])) for t in truth["trades"])
    if theirs != sorted((ref, Decimal(qty), Decimal(price)) for ref, qty, price in belief["fills"]):
        yield f"ledger: {len(belief['fills'])} fills here, {len(theirs)} at the venue, or other figures"
    if not belief["same_again"]:
        yield "ledger: the journal does not give the same books again"


# ── many of them ──────────────────────────────────────────────────────────────


def forked(work: Callable[[], Any], *, timeout_s: float = 120.0) -> Any:
    """Return what `work` gives in a process of its own, all being loaded; raises RuntimeError if it dies."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read)
            signal.alarm(int(timeout_s))
            with os.fdopen(write, "wb") as out:
                pickle.dump(work(), out)
            code = 0
        except BaseException:  # noqa: BLE001 - the parent sees that nothing came
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        text = told.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise RuntimeError(f"a case ended with status {status}")
    return pickle.loads(text)


def run_seed(
    seed: int, points: Sequence[str], faults: Sequence[str], done: Collection[tuple[str, str, int]] = ()
) -> Iterator[Verdict]:
    """Yield the verdict of each point under each fault that is not done, each against its own copy of one market.

    First each fault is played without a kill: that says which points there are, and how often; which time is meant is
    drawn from the seed.
    """
    venue = Venue(seed)
    for fault in faults:
        plain: Verdict = forked(partial(play, venue, Case("", fault, seed)))
        yield plain
        random = Random(f"{seed} {fault}")
        for point in points:
            nth = random.randint(1, max(1, plain.seen.get(point, 0)))
            if point in plain.seen and (point, fault, seed) not in done:
                yield forked(partial(play, venue, Case(point, fault, seed, nth)))


def run_one(case: Case) -> Verdict:
    """Return the verdict of one case alone."""
    verdict: Verdict = forked(partial(play, Venue(case.seed), case))
    return verdict


def preload() -> None:
    """Load what the desk loads late, so that each case begins with it."""
    from ccxt.async_support import binanceusdm  # noqa: F401

    from chanflow.domain.opinion import Trigger
    from chanflow.domain.order import Check, OrderTerms
    from chanflow.runtime.codec import decode

    for kind in (OrderTerms, tuple[Trigger, ...], tuple[Check, ...]):
        with contextlib.suppress(InvalidArgument):
            decode(kind, None)  # type: ignore[arg-type]
