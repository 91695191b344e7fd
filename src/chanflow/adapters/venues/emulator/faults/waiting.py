"""User events that are not to leave at once: those with a time of their own, and those that wait for another event."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from chanflow.domain.time import NS_PER_MS

_ENDED: Final = ("CANCELED", "EXPIRED", "EXPIRED_IN_MATCH")
_EXECUTION_WORDS: Final = {"NEW": "ack", "TRADE": "fill", "CANCELED": "cancel"}


class SeenEvent(Protocol):
    """What is read of a user event; of the payload, execution type and state of an order."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def account(self) -> int: ...  # noqa: D102
    @property
    def payload(self) -> Any: ...  # noqa: D102
    @property
    def client_order_id(self) -> str | None: ...  # noqa: D102


EventT = TypeVar("EventT", bound=SeenEvent)


def names_of(event: SeenEvent) -> tuple[str, ...]:
    """Return the words by which a script may call an event: its name, and for orders ack, fill or cancel."""
    execution = _order(event).get("x")
    return (event.name,) if execution not in _EXECUTION_WORDS else (event.name, _EXECUTION_WORDS[execution])


def ends_by_cancel(event: SeenEvent) -> bool:
    """Return whether an event says that an order is over without being filled."""
    return _order(event).get("X") in _ENDED


def _order(event: SeenEvent) -> dict[str, Any]:
    order = event.payload.get("o") if event.name == "ORDER_TRADE_UPDATE" else None
    return order if isinstance(order, dict) else {}


@dataclass(frozen=True, slots=True)
class _Held(Generic[EventT]):
    event: EventT
    until_cancel: bool
    limit_ns: int


class Waiting(Generic[EventT]):
    """The queue of both. What comes out was asked about already: no fault strikes it a second time."""

    def __init__(self) -> None:
        self._late: list[tuple[int, int, EventT]] = []
        self._held: list[_Held[EventT]] = []
        self._pushed = 0

    def later(self, event: EventT, at_ns: int) -> None:
        """Let an event leave at a time."""
        self._pushed += 1
        heapq.heappush(self._late, (at_ns, self._pushed, event))

    def hold(self, event: EventT, now_ns: int, *, until_cancel: bool, longest_ms: int) -> None:
        """Let an event wait for its order's cancellation, or for the account's next event, but no longer than that."""
        self._held.append(_Held(event, until_cancel, now_ns + longest_ms * NS_PER_MS))

    def freed_by(self, event: EventT) -> list[EventT]:
        """Return the events that waited for this one and now follow it."""
        freed = [held for held in self._held if _frees(event, held)]
        self._held = [held for held in self._held if held not in freed]
        return [held.event for held in freed]

    def due(self, now_ns: int) -> Iterator[EventT]:
        """Yield the events whose time has come, in order of their times."""
        for held in [held for held in self._held if held.limit_ns <= now_ns]:
            self._held.remove(held)
            self.later(held.event, held.limit_ns)
        while self._late and self._late[0][0] <= now_ns:
            yield heapq.heappop(self._late)[2]

    def all(self) -> Iterator[EventT]:
        """Yield every event, late ones by their times, and keep none."""
        for held in self._held:
            self.later(held.event, held.limit_ns)
        self._held = []
        while self._late:
            yield heapq.heappop(self._late)[2]


def _frees(event: SeenEvent, held: _Held[Any]) -> bool:
    if held.event.account != event.account:
        return False
    if not held.until_cancel:
        return True
    return event.client_order_id == held.event.client_order_id and ends_by_cancel(event)
