"""A paper desk on the synthetic market that is given commands at chosen moments, as doors would."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from chanflow.domain.command import Command, CommandAnswer, TradeCommand
from chanflow.domain.time import NS_PER_S
from chanflow.market.synthetic import START_NS, SyntheticSource
from chanflow.review.journal import JournalWriter, Record, read_records
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.run import play
from chanflow.runtime.settings import load_settings
from chanflow.runtime.wiring import RunSpec

PRIOR = "risk.sizing.sigma_prior=1"
"""These markets last minutes, and volatility is measured after six hours: a guess stands in for it."""


class Killed(BaseException):
    """The process ends here."""


@dataclass
class HandDesk:
    """One run of a desk: `given` are commands by the second of the market at which a door brings them."""

    folder: Path
    given: Sequence[tuple[float, Command]] = ()
    seed: int = 7
    duration_s: int = 1_200
    kill_after: int | None = None
    overrides: tuple[str, ...] = ()
    answers: list[CommandAnswer | BaseException] = field(default_factory=list)
    router: Any = None

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def records(self, kind: str | None = None) -> list[Record]:
        return [r for r in read_records(self.journal, torn_tail=True) if kind in (None, r.kind)]

    def run(self) -> HandDesk:
        """Run to the end; a journal that stands is gone on with."""
        asyncio.run(self._run())
        return self

    async def _run(self) -> None:
        settings = load_settings(config=None, overrides=(PRIOR, *self.overrides), environ={"HOME": "/"}).settings
        spec = RunSpec(f"hand-{self.seed}", self.seed, "1m", settings)
        standing = self.records() if self.journal.exists() else []
        journal = _Mortal(self.journal, standing=standing, dies_after=self.kill_after)
        moment = START_NS
        queue = CommandQueue(SystemClock(), lambda: moment)
        waiting = [(START_NS + int(at_s * NS_PER_S), command) for at_s, command in self.given]
        asked: list[asyncio.Task[CommandAnswer]] = []

        async def pace(until_ns: int) -> None:
            nonlocal moment
            moment = until_ns
            while waiting and waiting[0][0] <= until_ns and not journal.behind:
                moment, command = waiting.pop(0)
                asked.append(asyncio.create_task(queue.submit(command)))
                await asyncio.sleep(0)
                if not waiting or waiting[0][0] != moment:
                    return

        try:
            pipeline, _ = await play(
                spec, SyntheticSource(self.seed, duration_s=self.duration_s), journal,
                bus_path=_fresh(self.folder / "bus.db"), lake=None, on_progress=lambda _: None, pace=pace, queue=queue,
            )  # fmt: skip
            self.router = pipeline.s.router
        finally:
            journal.close()
            self.answers = list(await asyncio.gather(*asked, return_exceptions=True))


class _Mortal(JournalWriter):
    """A journal that kills the run once it has written so many records."""

    def __init__(self, path: Path, *, standing: Sequence[Record], dies_after: int | None) -> None:
        super().__init__(path, standing=standing)
        self._dies_after = dies_after

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        if self._dies_after is not None and self.seq >= self._dies_after:
            raise Killed
        super().append(kind, body, correlation_id=correlation_id, durable=durable)


def _fresh(path: Path) -> Path:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path


def trade(own_id: str = "mine-0001", **changes: Any) -> TradeCommand:
    """A buy at market of the synthetic symbol, with exits far away."""
    values: dict[str, Any] = {
        "client_order_id": own_id, "symbol": "SIMUSDT", "side": "buy", "size_quote": Decimal(300),
        "order_type": "market", "stop_price": Decimal("95.00"), "take_profit_price": Decimal("110.00"),
    }  # fmt: skip
    return TradeCommand(**{**values, **changes})
