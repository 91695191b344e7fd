"""The emulated exchange as the far end of a pipe: real doors, real faults, the tape's time, and no socket.

It outlives the desks that trade there. `Venue.serve` answers one desk until that is gone; time moves only as far as the
desk lets it, and never past something that the desk would hear.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any

from chanflow.adapters.venues.emulator.books import books
from chanflow.adapters.venues.emulator.exchange import SLICE_NS, Exchange, ExchangeSettings
from chanflow.adapters.venues.emulator.faults.script import parse_script
from chanflow.adapters.venues.emulator.mishaps import Mishaps
from chanflow.adapters.venues.emulator.order_sockets import OrderSockets
from chanflow.adapters.venues.emulator.rest import Request
from chanflow.adapters.venues.emulator.streams import address
from chanflow.adapters.venues.emulator.tape.opening import open_tape
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.runtime.clock import SimulatedClock

SYMBOL = "BTCUSDT"
KEY = "desk"
BALANCE = Decimal(1_000_000)
TIMEOUT_NS = 10 * NS_PER_S
"""After so long a client gives up waiting."""


@dataclass
class Pipes:
    """Stands where the exchange's socket server does: what it would send to the one client waits here."""

    frames: deque[tuple[str, Any]] = field(default_factory=deque)
    key: str | None = None
    barred_until_ns: int = 0
    now_ns: int = 0

    def push(self, frames: Sequence[Any]) -> None:
        """The desk of a kill case listens to no market stream."""

    def push_user(self, key: str, payload: Mapping[str, Any]) -> bool:
        if key == self.key:
            self.frames.append(("frame", dict(payload)))
        return key == self.key

    def advance(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def disconnect(self, kind: str | None = None, *, until_ns: int | None = None) -> int:
        if kind in (None, "private") and self.key is not None:
            self.key = None
            self.frames.append(("closed", "the venue closed the connection"))
        self.barred_until_ns = until_ns or self.barred_until_ns
        return 1


@dataclass
class Bare:
    """Since when the account held more than its stops cover, and all such spans."""

    since_ns: int | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)

    def look(self, now_ns: int, *, is_bare: bool) -> None:
        if is_bare and self.since_ns is None:
            self.since_ns = now_ns
        elif not is_bare and self.since_ns is not None:
            self.spans.append((self.since_ns, now_ns))
            self.since_ns = None


class Venue:
    """One exchange with one account that matters, under a fault script."""

    def __init__(self, seed: int) -> None:
        settings = ExchangeSettings(speed="step", seed=seed, balance=BALANCE, warm_ns=2 * NS_PER_S)
        self.exchange = Exchange(
            lambda start_ns: open_tape("synthetic", symbols=[SYMBOL], seed=seed, start_ns=start_ns),
            SimulatedClock(0), settings,
        )  # fmt: skip
        self.pipes = Pipes()
        self.exchange.streams = self.pipes  # type: ignore[assignment]
        self.mishaps = Mishaps(self.exchange, OrderSockets(self.exchange), seed=seed)
        self.exchange.run_to(self.exchange.now_ns + settings.warm_ns)
        self.exchange.after_slice.append(lambda now_ns: self._look())
        self.bare = Bare()
        self.silent: list[tuple[int, int]] = []
        """Spans in which the venue takes requests and answers none."""
        self.deaf_until_ns = 0
        """Until when a desk may miss what happens; its checks find that out afterwards."""

    @property
    def now_ns(self) -> int:
        return self.exchange.now_ns

    def script(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Let these faults happen from now on."""
        self.mishaps.start(parse_script(list(entries)))
        for entry in entries:
            if entry["do"] not in ("freeze", "disconnect"):
                continue
            from_ns = self.now_ns + int(entry["when"]["time"] * NS_PER_S)
            self.deaf_until_ns = from_ns + int(entry["for_s"] * NS_PER_S)
            if entry["do"] == "freeze":
                self.silent.append((from_ns, self.deaf_until_ns))

    # ── one desk ──────────────────────────────────────────────────────────────

    def serve(self, desk: Connection, bus: dict[str, Any]) -> None:
        """Answer a desk until its end of the pipe is closed; `bus` holds what is on its way to it."""
        self.pipes.key, self.pipes.frames = None, deque()
        while True:
            try:
                what, *asked = desk.recv()
            except EOFError:
                return
            desk.send(getattr(self, f"_{what}")(bus, *asked))

    def _time(self, _: Any) -> int:
        return self.now_ns

    def _until(self, _: Any, until_ns: int) -> tuple[int, list[tuple[str, Any]]]:
        """Let time come to `until_ns`, or to the first thing that the desk hears before."""
        while not self.pipes.frames and self.now_ns < until_ns:
            self.exchange.run_to(min(until_ns, (self.now_ns // SLICE_NS + 1) * SLICE_NS))
        told = list(self.pipes.frames)
        self.pipes.frames.clear()
        return self.now_ns, told

    def _request(self, _: Any, request: Request) -> tuple[int, int, dict[str, str], bytes]:
        """Answer as the door does; a lost answer has status 0. Returns with it the time at which it is there."""
        reply = self.exchange.around(request, self.exchange.answer)
        self._look()
        if reply.silent:
            return self.now_ns + TIMEOUT_NS, 0, {}, b"TimeoutError"
        if reply.response is None:
            return self.now_ns + reply.hold_ns, 0, {}, b"ServerDisconnectedError"
        answer = reply.response
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return self.now_ns + reply.hold_ns, answer.status, headers, answer.body

    def _open(self, _: Any, url: str) -> str | None:
        """Open the user stream; returns why not, or None."""
        if self.now_ns < self.pipes.barred_until_ns:
            return "the venue takes no connections"
        if any(a <= self.now_ns < b for a, b in self.silent):
            return "the venue does not answer"
        asked = address(url.split("//", 1)[1][url.split("//", 1)[1].index("/") :], legacy=False)
        if asked is None:
            return "no such stream"
        self.pipes.key = url.rpartition("=")[2]
        return None

    def _market(self, _: Any) -> str:
        state = self.exchange.markets.states[SYMBOL]
        return state.mark_text(state.mark)

    def _jump(self, _: Any, bps: int) -> None:
        self.mishaps.jump(SYMBOL, bps=bps)

    def _put(self, bus: dict[str, Any], name: str, value: Any) -> None:
        bus[name] = value

    def _get(self, bus: dict[str, Any]) -> dict[str, Any]:
        return dict(bus)

    # ── the truth ─────────────────────────────────────────────────────────────

    def _account(self) -> Any:
        return next((a for a in self.exchange.world.accounts if a.key == KEY), None)

    def _look(self) -> None:
        """Note whether stops cover what is held; one that has gone off covers until its order has ended."""
        account = self._account()
        if account is None:
            return
        held = sum(book.position for book in account.books.values())
        closing = "SELL" if held > 0 else "BUY"
        covered = sum(
            algo.asked.qty for algo in account.open_algos.values()
            if algo.asked.kind == "STOP_MARKET" and algo.asked.side == closing
        ) + sum(
            algo.order.leaves for algo in account.algos
            if algo.asked.kind == "STOP_MARKET" and algo.order is not None and algo.order.is_open
        )  # fmt: skip
        self.bare.look(self.now_ns, is_bare=abs(held) > covered)

    def truth(self) -> dict[str, Any]:
        """Return the account as the venue has it."""
        told = books(self.exchange.world, KEY)["accounts"]
        return dict(told[0]) if told else {"orders": [], "algos": [], "trades": [], "positions": [], "wallet": None}

    def naked_ns(self, alive: Sequence[tuple[int, int]]) -> int:
        """Return the longest time that a position was bare while a desk ran and the venue answered."""
        spans = [*self.bare.spans]
        if self.bare.since_ns is not None:
            spans.append((self.bare.since_ns, self.now_ns))
        longest = 0
        for since_ns, until_ns in spans:
            for born_ns, died_ns in alive:
                a, b = max(since_ns, born_ns), min(until_ns, died_ns)
                heard = b - a - sum(max(0, min(b, t) - max(a, s)) for s, t in self.silent)
                longest = max(longest, heard)
        return longest


def pass_time(venue: Venue, ms: int) -> None:
    """Let time pass while nobody trades."""
    venue.exchange.run_to(venue.now_ns + ms * NS_PER_MS)
