"""Answers that rest on stored bars alone, kept as long as those have not changed.

Such an answer follows from its arguments and the data; only its age moves, and is told anew each time. Whether the data
changed is looked at when the last look is 50 ms old, or twenty times as old as it took: so an answer may be so much
behind the newest file, and looking costs a twentieth of the time at most. The same question asked by many at once is
worked out once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import anyio.to_thread
from pydantic import PrivateAttr

from chanflow.domain.errors import ChanflowError
from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.operations.operation import Answer, AnyOperation, Arguments
from chanflow.operations.outcome import Done, Usage, body_of, compact_json
from chanflow.operations.services import DataVersions

LOOK_AFTER_NS = 50 * NS_PER_MS
_LOOKS_COST = 20
_MOST_BYTES = 64 << 20
_MOST_SYMBOLS = 10_000

OverBarsT = TypeVar("OverBarsT", bound="OverBars")


class OverBars(Answer):
    """Base of answers that follow from closed bars, with `known_at` and `stale_ms`: they remember the newest."""

    _newest: tuple[int, int] | None = PrivateAttr(default=None)

    def over(self, newest: Bar | None) -> Self:
        """Return the answer, which now knows the newest bar that it rests on."""
        self._newest = None if newest is None else (newest.close_ms, newest.interval_ms)
        return self

    @property
    def dated(self) -> bool:
        """Whether it rests on a bar: one that rests on none says when that was so, and is not kept."""
        return self._newest is not None

    def stale_at(self, now_ns: int) -> int | None:
        """Return the age of the newest bar in ms at a moment, None while no newer one can have closed."""
        if self._newest is None:
            return None
        close_ms, interval_ms = self._newest
        age_ms = now_ns // NS_PER_MS - close_ms
        return age_ms if age_ms >= interval_ms else None


@dataclass(slots=True)
class _Look:
    at_ns: int
    cost_ns: int
    version: Hashable


@dataclass(frozen=True, slots=True)
class _Kept:
    version: Hashable
    result: OverBars
    body: dict[str, Any]
    size: int


Work = Callable[[], Awaitable[Answer]]


class AnswerCache:
    """Keeps answers of one process. Belongs to one event loop."""

    def __init__(self, versions: DataVersions, clock: Clock, *, most_bytes: int = _MOST_BYTES) -> None:
        self._versions, self._clock, self._most_bytes = versions, clock, most_bytes
        self._looks: dict[str, _Look] = {}
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._size = 0
        self._working: dict[tuple[str, str, Hashable], asyncio.Task[Answer]] = {}

    async def answer(self, operation: AnyOperation, args: Arguments, symbol: str, work: Work) -> Done:
        """Return the answer to a question about a symbol, worked out unless it is kept. Raises what the work does."""
        try:
            version = await self._version(symbol)
        except ChanflowError:
            return Done(await work(), Usage())
        key = (operation.name, args.model_dump_json())
        kept = self._kept.get(key)
        if kept is not None and kept.version == version:
            self._kept.move_to_end(key)
            return self._aged(kept)
        result = await self._worked_out((*key, version), work)
        if not isinstance(result, OverBars) or not result.dated:
            return Done(result, Usage())
        return self._aged(self._keep(key, version, result))

    async def _worked_out(self, key: tuple[str, str, Hashable], work: Work) -> Answer:
        task = self._working.get(key)
        if task is None:
            task = self._working[key] = asyncio.ensure_future(_result(work))
            task.add_done_callback(lambda done: self._ended(key, done))
        # Who gives up leaves the work to those who have not.
        return await asyncio.shield(task)

    def _ended(self, key: tuple[str, str, Hashable], task: asyncio.Task[Answer]) -> None:
        self._working.pop(key, None)
        if not task.cancelled():
            task.exception()

    def _keep(self, key: tuple[str, str], version: Hashable, result: OverBars) -> _Kept:
        body = body_of(Done(result, Usage()))
        kept = _Kept(version, result, body, len(compact_json(body)))
        if (before := self._kept.pop(key, None)) is not None:
            self._size -= before.size
        self._kept[key] = kept
        self._size += kept.size
        while self._size > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size
        return kept

    def _aged(self, kept: _Kept) -> Done:
        stale_ms = kept.result.stale_at(self._clock.now_ns())
        if stale_ms == kept.body["stale_ms"]:
            return Done(kept.result, Usage(), kept.body)
        result = kept.result.model_copy(update={"stale_ms": stale_ms})
        return Done(result, Usage(), {**kept.body, "stale_ms": stale_ms})

    async def _version(self, symbol: str) -> Hashable:
        look, began_ns = self._looks.get(symbol), self._clock.monotonic_ns()
        if look is not None and began_ns - look.at_ns < max(LOOK_AFTER_NS, _LOOKS_COST * look.cost_ns):
            return look.version
        version = await anyio.to_thread.run_sync(self._versions.version, symbol)
        if len(self._looks) >= _MOST_SYMBOLS:
            self._looks.clear()
        # The moment before the look: what changed meanwhile is seen by the next.
        self._looks[symbol] = _Look(began_ns, self._clock.monotonic_ns() - began_ns, version)
        return version


async def _result(work: Work) -> Answer:
    return await work()
