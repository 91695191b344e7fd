"""Which alert goes where, and when: pure rules, told the time with every question.

A channel takes what is severe enough and was not told under the same key lately. What it took waits for the end of its
digest window, of quiet hours, for room under the limit of messages a minute, and after a failure for its next try; what
is ready then goes out together. Critical alerts wait for none of the first three. A channel that has failed for long
is dead: what waits in it is handed to the next one as well, and stays, so it is told there too once it works again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chanflow.domain.alert import MAX_BODY, MAX_TITLE, Alert, Message, Severity, line_of, rank, text_of
from chanflow.domain.time import NS_PER_S, rfc3339

MAX_JOINED = 50
"""So many alerts go into one message, at most."""

MINUTE_NS = 60 * NS_PER_S
DAY_NS = 86_400 * NS_PER_S
FIRST_PAUSE_NS, LONGEST_PAUSE_NS = NS_PER_S, 300 * NS_PER_S
MAX_KEYS = 10_000
"""So many keys a channel remembers; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A stretch of every UTC day, in ns after midnight. It may run over midnight; both ends equal is no stretch."""

    start_ns: int
    end_ns: int

    def until(self, now_ns: int) -> int | None:
        """Return when the stretch that holds `now_ns` ends, None outside of it."""
        of_day = now_ns % DAY_NS
        if self.start_ns <= self.end_ns:
            inside = self.start_ns <= of_day < self.end_ns
        else:
            inside = of_day >= self.start_ns or of_day < self.end_ns
        if not inside:
            return None
        return now_ns + (self.end_ns - of_day) % DAY_NS


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """What one channel asks of alerts."""

    name: str
    min_severity: Severity = "warning"
    quiet: QuietHours | None = None
    digest_ns: int = 0
    dedupe_ns: int = 3_600 * NS_PER_S
    per_minute: int = 10
    escalate_to: str | None = None
    escalate_after_ns: int = MINUTE_NS
    keep: int = 1_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that a channel has taken and not yet told. `number` is the alert's in the outbox."""

    number: int
    alert: Alert
    due_ns: int
    attempts: int = 0
    escalated: bool = False

    @property
    def critical(self) -> bool:
        """Whether it waits for nothing but the channel itself."""
        return self.alert.severity == "critical"


@dataclass(frozen=True, slots=True)
class Told:
    """When a channel last took a key, and how severe it was."""

    severity: Severity
    at_ns: int


@dataclass(slots=True)
class Tally:
    """What a channel has done since its state was made."""

    sent: int = 0
    failed: int = 0
    repeats: int = 0
    dropped: int = 0


@dataclass(slots=True)
class ChannelState:
    """One channel's waiting alerts and memory. Every method is told the time; none keeps it."""

    rule: ChannelRule
    waiting: dict[int, Waiting] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    sent_ns: list[int] = field(default_factory=list)
    failures: int = 0
    failing_since_ns: int | None = None
    retry_ns: int = 0
    joined: int = MAX_JOINED
    tally: Tally = field(default_factory=Tally)

    def wants(self, alert: Alert, now_ns: int) -> bool:
        """Return whether it is severe enough, and not told lately at this severity or above. Counts repeats."""
        if rank(alert.severity) < rank(self.rule.min_severity):
            return False
        before = self.told.get(alert.dedupe_key)
        if before is None or now_ns - before.at_ns >= self.rule.dedupe_ns:
            return True
        if rank(alert.severity) > rank(before.severity):
            return True
        self.tally.repeats += 1
        return False

    def due_ns(self, alert: Alert, now_ns: int) -> int:
        """Return when it may go: at once, or with the digest that is gathering."""
        if alert.severity == "critical":
            return now_ns
        gathering = [each.due_ns for each in self.waiting.values() if not each.critical and each.due_ns > now_ns]
        return min(gathering, default=now_ns + self.rule.digest_ns)

    def take(self, each: Waiting, now_ns: int) -> tuple[int, ...]:
        """Let it wait. Returns the numbers of those dropped for it: the least severe, and of these the oldest."""
        self.waiting[each.number] = each
        key = each.alert.dedupe_key
        self.told.pop(key, None)
        self.told[key] = Told(each.alert.severity, now_ns)
        while len(self.told) > MAX_KEYS:
            del self.told[next(iter(self.told))]
        if each.critical:
            self.retry_ns = min(self.retry_ns, now_ns)
        dropped = []
        while len(self.waiting) > self.rule.keep:
            least = min(self.waiting.values(), key=lambda w: (rank(w.alert.severity), w.number))
            del self.waiting[least.number]
            dropped.append(least.number)
        self.tally.dropped += len(dropped)
        return tuple(dropped)

    def ready(self, now_ns: int) -> tuple[Waiting, ...]:
        """Return what goes out now as one message, oldest first; nothing where nothing may go."""
        if now_ns < self.retry_ns:
            return ()
        fresh = [each for each in self.waiting.values() if each.critical and not each.attempts]
        others = self._may_go_ns(now_ns) <= now_ns
        batch = fresh or [each for each in self.waiting.values() if each.critical or (others and each.due_ns <= now_ns)]
        # What failed least goes first, so that one message nobody takes cannot hold up the others for ever.
        batch.sort(key=lambda each: (each.attempts, each.number))
        return tuple(sorted(batch[: self.joined], key=lambda each: each.number))

    def next_ns(self, now_ns: int) -> int | None:
        """Return when to ask again, None while there is nothing to wait for."""
        if not self.waiting:
            return None
        if any(each.critical for each in self.waiting.values()):
            at_ns = now_ns
        else:
            at_ns = max(self._may_go_ns(now_ns), min(each.due_ns for each in self.waiting.values()))
        times = [max(at_ns, self.retry_ns)]
        hands_on = self.rule.escalate_to is not None and any(not each.escalated for each in self.waiting.values())
        if self.failing_since_ns is not None and hands_on:
            times.append(self.failing_since_ns + self.rule.escalate_after_ns)
        return max(now_ns, min(times))

    def sent(self, batch: Sequence[Waiting], now_ns: int) -> None:
        """Note that a message went out."""
        for each in batch:
            self.waiting.pop(each.number, None)
        self.sent_ns = [at for at in self.sent_ns if now_ns - at < MINUTE_NS] + [now_ns]
        self.failures, self.failing_since_ns, self.retry_ns = 0, None, 0
        self.joined = min(MAX_JOINED, self.joined * 2)
        self.tally.sent += 1

    def failed(self, batch: Sequence[Waiting], now_ns: int) -> None:
        """Note that a message was not taken: the next try comes later each time, up to five minutes, and is smaller."""
        for each in batch:
            if each.number in self.waiting:
                self.waiting[each.number] = replace(each, attempts=each.attempts + 1)
        self.failing_since_ns = now_ns if self.failing_since_ns is None else self.failing_since_ns
        self.retry_ns = now_ns + min(LONGEST_PAUSE_NS, FIRST_PAUSE_NS << min(self.failures, 20))
        self.failures += 1
        self.joined = max(1, min(self.joined, len(batch)) // 2)
        self.tally.failed += 1

    def dead(self, now_ns: int) -> bool:
        """Return whether it has failed for so long that others must tell."""
        return self.failing_since_ns is not None and now_ns - self.failing_since_ns >= self.rule.escalate_after_ns

    def _may_go_ns(self, now_ns: int) -> int:
        """Return when what is not critical may go: after quiet hours, and with room under the limit a minute."""
        recent = [at for at in self.sent_ns if now_ns - at < MINUTE_NS]
        at_ns = now_ns if len(recent) < self.rule.per_minute else recent[-self.rule.per_minute] + MINUTE_NS
        quiet_ns = None if self.rule.quiet is None else self.rule.quiet.until(at_ns)
        return at_ns if quiet_ns is None else quiet_ns


@dataclass(frozen=True, slots=True)
class Route:
    """An alert's place in a channel: from when it may go, and whose it was dropped for."""

    channel: str
    waiting: Waiting
    dropped: tuple[int, ...] = ()


class AlertPolicy:
    """All channels together."""

    def __init__(self, states: Iterable[ChannelState]) -> None:
        self.channels: Mapping[str, ChannelState] = {state.rule.name: state for state in states}

    def routes(self, alert: Alert, now_ns: int, *, but: str | None = None) -> dict[str, int]:
        """Return the channels that want an alert, all of them but one, and when each may tell it."""
        return {
            name: state.due_ns(alert, now_ns)
            for name, state in self.channels.items()
            if name != but and state.wants(alert, now_ns)
        }

    def take(self, number: int, alert: Alert, routes: Mapping[str, int], now_ns: int) -> tuple[Route, ...]:
        """Let an alert wait in the channels that `routes` gave it."""
        placed = []
        for name, due_ns in routes.items():
            waiting = Waiting(number, alert, due_ns)
            placed.append(Route(name, waiting, self.channels[name].take(waiting, now_ns)))
        return tuple(placed)

    def escalate(self, name: str, now_ns: int) -> tuple[Route, ...]:
        """Hand what waits in a dead channel to the next as well, each once; what that one has or had is not repeated.

        The next channel need not want it: that it cannot be told elsewhere is reason enough.
        """
        state = self.channels[name]
        target = self.channels.get(state.rule.escalate_to or "")
        if target is None or target is state or not state.dead(now_ns):
            return ()
        placed = []
        for each in [each for each in state.waiting.values() if not each.escalated]:
            state.waiting[each.number] = replace(each, escalated=True)
            if _heard(target, each.alert, now_ns):
                continue
            handed = Waiting(each.number, each.alert, target.due_ns(each.alert, now_ns))
            placed.append(Route(target.rule.name, handed, target.take(handed, now_ns)))
        return tuple(placed)


def _heard(target: ChannelState, alert: Alert, now_ns: int) -> bool:
    before = target.told.get(alert.dedupe_key)
    if before is None or now_ns - before.at_ns >= target.rule.dedupe_ns:
        return False
    return rank(alert.severity) <= rank(before.severity)


def message_of(batch: Sequence[Waiting]) -> Message:
    """Return the words of one alert, or of several joined under the most severe of them."""
    worst = max((each.alert for each in batch), key=lambda alert: rank(alert.severity))
    if len(batch) == 1:
        told = f"{worst.body}\n\n" if worst.body else ""
        body = f"{told}{worst.source}, {_when(worst)}"
        return Message(worst.severity, line_of(f"[{worst.severity}] {worst.title}", MAX_TITLE + 16), body)
    title = line_of(f"[{worst.severity}] {len(batch)} alerts: {worst.title}", MAX_TITLE + 16)
    lines = [f"{_when(each.alert)} [{each.alert.severity}] {each.alert.title}" for each in batch]
    room = max(0, 2 * MAX_BODY - sum(len(line) + 1 for line in lines)) // len(batch)
    parts = [
        line + (f"\n  {body}" if (body := line_of(each.alert.body, max(1, room - 3))) and room > 3 else "")
        for line, each in zip(lines, batch, strict=True)
    ]
    return Message(worst.severity, title, text_of("\n".join(parts), 3 * MAX_BODY))


def _when(alert: Alert) -> str:
    return f"{rfc3339(alert.at_ns)[:19]}Z"
