"""Decides whether an entry of a fault script fires: its conditions, its counter and its chance."""

from __future__ import annotations

from collections import deque
from random import Random

from chanflow.adapters.venues.emulator.faults.words import Entry
from chanflow.domain.time import NS_PER_S


class Trigger:
    """One entry's state. Its chance is its own, so that one entry's draws never shift another's."""

    def __init__(self, entry: Entry, seed: int, start_ns: int) -> None:
        self.entry = entry
        self.fired = 0
        self._seen = 0
        self._chance = Random(f"{seed}:{entry.number}")  # noqa: S311  (a replay, no secret)
        time_s = entry.when.time_s
        self.not_before_ns = start_ns if time_s is None else start_ns + round(time_s * NS_PER_S)
        self._recent: deque[int] = deque()

    @property
    def by_time_alone(self) -> bool:
        """Whether the entry waits for nothing but its time, and so fires once."""
        when = self.entry.when
        others = (when.endpoint, when.client_id, when.event, when.stream, when.request, when.rate)
        return when.time_s is not None and all(condition is None for condition in others)

    def on_request(self, method: str, path: str, client_ids: tuple[str, ...], number: int, now_ns: int) -> bool:
        """Return whether this request, the `number`th, makes the entry fire."""
        when = self.entry.when
        if when.event is not None or when.stream is not None:
            return False
        too_many = when.rate is None or self._too_many(now_ns)
        return (
            too_many
            and (when.endpoint is None or _matches(when.endpoint, method, path))
            and (when.request is None or when.request == number)
            and when.names_client_id(client_ids)
            and self._counts(now_ns)
        )

    def on_event(self, names: tuple[str, ...], client_id: str | None, now_ns: int) -> bool:
        """Return whether a user event, known by these names, makes the entry fire."""
        when = self.entry.when
        if when.event is None and when.client_id is None and not self.by_time_alone:
            return False
        return (
            (when.event is None or when.event == "any" or when.event in names)
            and when.names_client_id(() if client_id is None else (client_id,))
            and self._counts(now_ns)
        )

    def on_frame(self, stream: str, now_ns: int) -> bool:
        """Return whether a market frame makes the entry fire; `stream` is its full name: btcusdt@depth@100ms."""
        wanted = self.entry.when.stream
        if wanted is None:
            return self.by_time_alone and self._counts(now_ns)
        return _names(wanted, stream) and self._counts(now_ns)

    def _counts(self, now_ns: int) -> bool:
        if now_ns < self.not_before_ns:
            return False
        when = self.entry.when
        self._seen += 1
        if when.nth is not None:
            fires = self._seen == when.nth
        elif when.prob is not None:
            fires = self._chance.random() < when.prob
        else:
            fires = not self.by_time_alone or self.fired == 0
        self.fired += fires
        return fires

    def _too_many(self, now_ns: int) -> bool:
        rate = self.entry.when.rate
        assert rate is not None
        self._recent.append(now_ns)
        while self._recent[0] <= now_ns - rate.per_ns:
            self._recent.popleft()
        return len(self._recent) > rate.count


def _matches(endpoint: tuple[str, str], method: str, path: str) -> bool:
    wanted_method, wanted_path = endpoint
    if wanted_method not in ("*", method):
        return False
    return path.startswith(wanted_path[:-1]) if wanted_path.endswith("*") else path == wanted_path


def _names(wanted: str, stream: str) -> bool:
    """Return whether a stream is meant: by kind (depth), without speed (btcusdt@depth) or by its full name."""
    symbol, _, kind = stream.partition("@")
    word = kind.partition("@")[0]
    return wanted in (word, kind, stream, f"{symbol}@{word}") or (not symbol and wanted == stream)
