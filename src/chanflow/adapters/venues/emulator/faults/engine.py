"""The fault engine: asked at every hook of the emulator what goes wrong there. It does no I/O and reads no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal

from chanflow.adapters.venues.emulator.faults.log import FiringLog
from chanflow.adapters.venues.emulator.faults.triggers import Trigger
from chanflow.adapters.venues.emulator.faults.waiting import EventT, Waiting, ends_by_cancel, names_of
from chanflow.adapters.venues.emulator.faults.words import KINDS, Do, Entry, Hook, StreamClass
from chanflow.domain.time import NS_PER_MS, NS_PER_S

Answer = Literal["keep", "close", "never", "code", "refusal", "status", "unknown", "truncate", "garbage"]
"""What becomes of an answer: kept, the connection closes, none ever comes, an error code, a refusal (in a batch, of
each order), an HTTP status, 503 of unknown outcome, cut in half, no JSON."""

_ANSWERS: Final[dict[str, Answer]] = {
    "drop_ack": "close", "unknown_503": "unknown", "error": "code", "reject": "refusal", "http": "status",
    "truncate_body": "truncate", "garbage": "garbage", "slow": "keep",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """What the engine reads of a request; a batch has many client ids."""

    method: str
    path: str
    client_ids: tuple[str, ...]
    address: str
    now_ns: int


@dataclass(frozen=True, slots=True)
class Action:
    """What to do with a request: whether it is executed, what becomes of its answer, and how much later it leaves."""

    execute: bool
    answer: Answer
    code: int = 0
    status: int = 0
    retry_after_s: int | None = None
    hold_ns: int = 0


@dataclass(frozen=True, slots=True)
class TimedAction:
    """Something that befalls the venue."""

    entry: int
    do: Do
    at_ns: int


@dataclass(frozen=True, slots=True)
class _Ban:
    until_ns: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class _Freeze:
    until_ns: int
    entry: Entry


class Faults(Generic[EventT]):
    """One script on its way. Its times count from `start_ns`; the same seed and calls give the same answers."""

    def __init__(self, script: Sequence[Entry], *, seed: int, start_ns: int, log: FiringLog) -> None:
        self.has_entries = bool(script)
        self._log = log
        self._requests = 0
        triggers = [Trigger(entry, seed, start_ns) for entry in script]
        self._at: dict[Hook, list[Trigger]] = {
            hook: [t for t in triggers if KINDS[t.entry.do.kind].hook == hook] for hook in ("request", "event", "frame")
        }
        world = [t for t in triggers if KINDS[t.entry.do.kind].hook == "world"]
        self._asked = [t for t in world if not t.by_time_alone]
        self._timed = sorted((t for t in world if t.by_time_alone), key=lambda t: (-t.not_before_ns, -t.entry.number))
        self._befalling: list[TimedAction] = []
        self._waiting: Waiting[EventT] = Waiting()
        self._bans: dict[str, _Ban] = {}
        self._freeze: _Freeze | None = None
        self._closed: dict[StreamClass, int] = {}
        self._skew: tuple[int, int | None] = (0, None)

    # ── hooks ────────────────────────────────────────────────────────────────

    def on_request(self, seen: SeenRequest) -> Action | None:
        """Return what befalls a request, None if nothing does. Every entry counts it; the first that fires decides."""
        now_ns = seen.now_ns
        self._come(now_ns)
        self._requests += 1
        on = " ".join((seen.method, seen.path, *seen.client_ids))

        def fires(trigger: Trigger) -> bool:
            return trigger.on_request(seen.method, seen.path, seen.client_ids, self._requests, now_ns)

        fired = [trigger.entry for trigger in self._at["request"] if fires(trigger)]
        for trigger in self._asked:
            if fires(trigger):
                self._befall(trigger.entry, now_ns, on)
        if self.frozen(now_ns) and self._freeze is not None:
            self._log.note(self._freeze.entry, now_ns, on)
            return Action(self._freeze.entry.do.executed, "never")
        ban = self._bans.get(seen.address)
        if ban is not None and now_ns < ban.until_ns:
            return self._banned(ban, now_ns, on)
        return self._struck(fired[0], seen, on) if fired else None

    def on_user_event(self, event: EventT, now_ns: int) -> list[EventT]:
        """Return the events that leave now: this one, unless a fault keeps it, and those that waited for it."""
        self._come(now_ns)
        names, on = names_of(event), f"{event.name} {event.client_order_id or ''}".rstrip()
        fired = [t.entry for t in self._at["event"] if t.on_event(names, event.client_order_id, now_ns)]
        fired += [t.entry for t in self._at["frame"] if t.on_event(names, event.client_order_id, now_ns)]
        for trigger in self._asked:
            if trigger.entry.when.event is not None and trigger.on_event(names, event.client_order_id, now_ns):
                self._befall(trigger.entry, now_ns, on)
        freed = self._waiting.freed_by(event)
        leaving = [event]
        for entry in sorted(fired, key=lambda entry: entry.number):
            if entry.do.kind == "duplicate_ack" and "ack" not in names:
                continue
            self._log.note(entry, now_ns, on)
            leaving = self._kept(entry.do, event, now_ns)
            break
        leaving += freed
        if self._freeze is None or not self.frozen(now_ns):
            return leaving
        for late in leaving:
            self._waiting.later(late, self._freeze.until_ns)
        return []

    def on_frame(self, stream: str, now_ns: int) -> Literal["send", "skip"]:
        """Return whether a market frame is sent; `stream` is its full name, such as btcusdt@depth@100ms."""
        self._come(now_ns)
        fired = [trigger.entry for trigger in self._at["frame"] if trigger.on_frame(stream, now_ns)]
        for trigger in self._asked:
            if trigger.entry.when.stream is not None and trigger.on_frame(stream, now_ns):
                self._befall(trigger.entry, now_ns, stream)
        for entry in fired[:1]:
            self._log.note(entry, now_ns, stream)
        return "skip" if fired or self.frozen(now_ns) else "send"

    def due(self, now_ns: int) -> list[TimedAction]:
        """Return what has befallen the venue since the last call, in order."""
        self._come(now_ns)
        befalling, self._befalling = self._befalling, []
        return befalling

    def released(self, now_ns: int) -> list[EventT]:
        """Return the user events whose time has come."""
        self._come(now_ns)
        return [] if self.frozen(now_ns) else list(self._waiting.due(now_ns))

    def end(self) -> list[EventT]:
        """Return every event that still waits: the script is over."""
        return list(self._waiting.all())

    # ── states ───────────────────────────────────────────────────────────────

    def frozen(self, now_ns: int) -> bool:
        """Return whether the venue answers nobody; the freeze is forgotten once it is over."""
        if self._freeze is not None and now_ns >= self._freeze.until_ns:
            self._freeze = None
        return self._freeze is not None

    def closed(self, stream: StreamClass, now_ns: int) -> bool:
        """Return whether no socket of this class may open."""
        self._come(now_ns)
        return any(now_ns < self._closed.get(name, 0) for name in (stream, "all"))

    def skew_ns(self, now_ns: int) -> int:
        """Return by how much the venue's clock is ahead."""
        self._come(now_ns)
        skew_ns, until_ns = self._skew
        return skew_ns if until_ns is None or now_ns < until_ns else 0

    # ── within ───────────────────────────────────────────────────────────────

    def _come(self, now_ns: int) -> None:
        while self._timed and self._timed[-1].not_before_ns <= now_ns:
            trigger = self._timed.pop()
            self._befall(trigger.entry, trigger.not_before_ns, "time")

    def _befall(self, entry: Entry, now_ns: int, on: str) -> None:
        do = entry.do
        end_ns = now_ns + round(do.for_s * NS_PER_S)
        self._log.note(entry, now_ns, on)
        self._befalling.append(TimedAction(entry.number, do, now_ns))
        if do.kind == "freeze":
            self._freeze = _Freeze(end_ns, entry)
        elif do.kind == "disconnect":
            self._closed[do.stream] = end_ns
        elif do.kind == "clock_skew":
            self._skew = (do.ms * NS_PER_MS, end_ns if do.for_s else None)

    def _struck(self, entry: Entry, seen: SeenRequest, on: str) -> Action:
        do = entry.do
        self._log.note(entry, seen.now_ns, on)
        if do.then is not None and do.retry_after_s is not None:
            self._bans[seen.address] = _Ban(seen.now_ns + do.retry_after_s * NS_PER_S, entry)
        return Action(
            do.executed or do.kind == "slow", _ANSWERS[do.kind], code=do.code, status=do.status,
            retry_after_s=do.retry_after_s, hold_ns=do.ms * NS_PER_MS,
        )  # fmt: skip

    def _banned(self, ban: _Ban, now_ns: int, on: str) -> Action:
        self._log.note(ban.entry, now_ns, on, status=ban.entry.do.then)
        left_s = -((now_ns - ban.until_ns) // NS_PER_S)
        return Action(False, "status", status=ban.entry.do.then or 418, retry_after_s=left_s)

    def _kept(self, do: Do, event: EventT, now_ns: int) -> list[EventT]:
        """Return what leaves now of an event that a fault strikes, and keep what leaves later."""
        match do.kind:
            case "skip_frame":
                return []
            case "delay":
                self._waiting.later(event, now_ns + do.ms * NS_PER_MS)
                return []
            case "duplicate" if do.ms:
                self._waiting.later(event, now_ns + do.ms * NS_PER_MS)
                return [event]
            case "duplicate" | "duplicate_ack":
                return [event, event]
            case "after_cancel" if ends_by_cancel(event):
                return [event]
        self._waiting.hold(event, now_ns, until_cancel=do.kind == "after_cancel", longest_ms=do.ms)
        return []
