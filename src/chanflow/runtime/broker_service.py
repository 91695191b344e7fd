"""The mock broker: watches a folder of signals and writes one order for each that is taken, exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event

from chanflow.adapters.storage.order_log import OrderLog
from chanflow.adapters.storage.signal_tail import FileLine, FilePlace, new_lines
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import NS_PER_MS
from chanflow.runtime.broker_signals import BadLine, BrokerSignal, is_sampled, read_line
from chanflow.runtime.mock_fill import line_of_order, mock_order

BATCH_LINES = 500
NOTED_OF_A_KIND = 5
"""So many bad lines of one kind are named; the others are counted."""


@dataclass(slots=True)
class BrokerTally:
    """What a broker has done since it started."""

    lines: int = 0
    confirmed: int = 0
    orders: int = 0
    repeated: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)

    def line(self, elapsed_s: float) -> str:
        """Return the line that every run ends with."""
        counts = f"lines={self.lines} confirmed={self.confirmed} orders={self.orders} repeated={self.repeated}"
        return f"{counts} passed_over={self.passed_over.total()} elapsed={elapsed_s:.2f}s"


@dataclass(frozen=True, slots=True)
class MockRules:
    """Which signals are ordered, and how long the simulated venue takes."""

    seed: int
    sample_rate: float
    order_latency_ms: int
    response_latency_ms: int

    def __post_init__(self) -> None:
        if not 0 <= self.sample_rate <= 1:
            raise InvalidArgument(f"sample_rate is {self.sample_rate}, allowed is 0 to 1", field="sample_rate")


class MockBroker:
    """One folder of signals, one log of orders."""

    def __init__(
        self,
        folder: Path,
        log: OrderLog,
        rules: MockRules,
        *,
        on_note: Callable[[str], object] = lambda _: None,
        on_progress: Callable[[BrokerTally], object] = lambda _: None,
    ) -> None:
        self._folder, self._log, self._rules = folder, log, rules
        self._on_note, self._on_progress = on_note, on_progress
        self._unreadable = ""
        self.tally = BrokerTally()

    def watch(self, *, once: bool, poll_s: float, stop: Event) -> None:
        """Order what is there, and unless `once` what comes, until `stop` is set. Raises SinkUnwritable."""
        while not stop.is_set():
            worked = self._pass(stop)
            if once:
                return
            if worked:
                self._on_progress(self.tally)
            stop.wait(poll_s)

    def _pass(self, stop: Event) -> bool:
        """Read every file to its end. Returns whether there was anything new."""
        lines, worked = self._lines(), False
        while not stop.is_set() and (batch := list(islice(lines, BATCH_LINES))):
            self._order(batch)
            worked = True
        return worked

    def _lines(self) -> Iterator[FileLine]:
        try:
            yield from new_lines(self._folder, self._log.places())
            self._unreadable = ""
        except OSError as fault:
            words = f"{self._folder} cannot be read: {(fault.strerror or str(fault)).lower()}"
            if words != self._unreadable:
                self._on_note(words)
            self._unreadable = words

    def _order(self, batch: list[FileLine]) -> None:
        """Keep the orders of a batch of lines together with the places behind them."""
        taken: dict[str, BrokerSignal] = {}
        places: dict[int, FilePlace] = {}
        for each in batch:
            places[each.inode] = each.place
            self.tally.lines += 1
            signal = self._read(each)
            if signal is None or not is_sampled(signal, seed=self._rules.seed, sample_rate=self._rules.sample_rate):
                continue
            if signal.signal_id in taken or self._log.has(signal.signal_id):
                self.tally.repeated += 1
                continue
            taken[signal.signal_id] = signal
        lines = asyncio.run(self._fill(list(taken.values()))) if taken else []
        self._log.keep(lines, list(taken), places)
        self.tally.orders += len(lines)

    async def _fill(self, signals: list[BrokerSignal]) -> list[bytes]:
        orders = [
            await mock_order(
                signal, self._log.orders + number,
                order_latency_ns=self._rules.order_latency_ms * NS_PER_MS,
                response_latency_ns=self._rules.response_latency_ms * NS_PER_MS,
            )
            for number, signal in enumerate(signals, 1)
        ]  # fmt: skip
        return [line_of_order(order) for order in orders]

    def _read(self, each: FileLine) -> BrokerSignal | None:
        found = read_line(each.line)
        if isinstance(found, BadLine):
            self.tally.passed_over[found.code] += 1
            if self.tally.passed_over[found.code] <= NOTED_OF_A_KIND:
                self._on_note(f"passed over: {each.path.name} line {each.number} {found.why}")
            return None
        self.tally.confirmed += found is not None
        return found
