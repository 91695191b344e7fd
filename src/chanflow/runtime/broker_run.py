"""A run of the broker's desk: its journal in the data directory, and the folder of signals it follows.

One run goes on for ever under the same settings: what was traded is what its journals hold, so no signal is traded
twice, whatever happens to process and files. Other settings or other code begin a new run, with a new paper account,
which leaves alone what the runs before it have traded.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import chanflow
from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import Broken, InvalidArgument, JournalCorrupt, JournalDiverged
from chanflow.domain.time import Clock
from chanflow.review.journal import JournalWriter, Record, file_sha256, read_records
from chanflow.runtime.alerts import Alerts
from chanflow.runtime.broker_desk import BrokerDesk, DeskTally
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.desk_door import DeskDoor, Doors
from chanflow.runtime.fee_schedule import FeeSchedule
from chanflow.runtime.halt_file import carry_halt, halt_text
from chanflow.runtime.home import Home, RunFolder
from chanflow.runtime.model_parts import MakeModel, Models, no_model, no_models
from chanflow.runtime.run import BESIDE_THE_OUTCOME, FORMAT, SIGNALS, Replayed, code_digest, made_by_this_code
from chanflow.runtime.settings import Settings, load_settings
from chanflow.runtime.signal_folder import SignalFolder
from chanflow.runtime.standing_orders import Sentinel
from chanflow.runtime.teller import Teller
from chanflow.runtime.thinking import Thinker
from chanflow.runtime.venue_choice import PAPER, choose_venue

PREFIX = "broker"
SEED = 0
START_NS = 0
"""The desk's clock stands here until the first signal tells the time."""

Note = Callable[[str], object]


class BrokerRun:
    """Follows a folder and trades what it says."""

    def __init__(
        self,
        settings: Settings,
        home: Home,
        folder: Path,
        *,
        venue: str | None,
        clock: Clock,
        on_note: Note = lambda _: None,
    ) -> None:
        """Raise InvalidArgument for a venue that cannot be reached; `clock` tells which signals cannot be yet."""
        self._clock = clock
        self.alerts: Alerts | None = None
        """Who tells people of it; nobody where none is set."""
        self.doors: Doors | None = None
        """What opens doors on it while it waits for signals; with `once` none are opened."""
        self.models: Models = no_models
        """What opens the models that decide; without, the rules do."""
        self._venue_name = venue or PAPER
        choose_venue(venue, settings, clock)
        self._settings, self._home, self._on_note = settings, home, on_note
        self._signals = SignalFolder(folder, clock, on_note=on_note)
        self.tally = DeskTally()

    @property
    def passed_over(self) -> Counter[str]:
        """How many lines were no signals, by what was wrong with them."""
        return self._signals.passed_over

    def run(
        self, *, once: bool, poll_s: float, stop: Event, on_progress: Callable[[DeskTally], object] = lambda _: None
    ) -> None:
        """Trade what is there, and unless `once` what comes, until `stop` is set. The caller holds the home's lock.

        Raises JournalUnwritable and BooksDisagree; what was recorded by then stays, whole.
        """
        folder, standing = self._journal()
        with closing(JournalWriter(folder.journal_path, standing=standing)) as journal:
            asyncio.run(
                told(
                    self.alerts, folder.path.name,
                    self._follow(folder, journal, once=once, poll_s=poll_s, stop=stop, on_progress=on_progress),
                )
            )  # fmt: skip

    async def _follow(
        self,
        folder: RunFolder,
        journal: JournalWriter,
        *,
        once: bool,
        poll_s: float,
        stop: Event,
        on_progress: Callable[[DeskTally], object],
    ) -> None:
        queue = CommandQueue(self._clock, self._clock.now_ns)
        async with AsyncExitStack() as stack:
            make_model = await stack.enter_async_context(self.models())
            desk = open_desk(
                self._settings, self._venue_name, journal, run_id=folder.path.name, alerts=self.alerts,
                sentinel=partial(halt_text, self._home.root), make_model=make_model,
            )  # fmt: skip
            stack.push_async_callback(desk.close)
            self.tally = desk.tally
            await _again(desk, journal, "this broker would act otherwise than its journal says: move the run away")
            queue.open()
            stack.callback(queue.close)
            if self.doors is not None and not once:
                await stack.enter_async_context(self.doors(DeskDoor(desk.router, desk.risk_view, queue)))
            while not stop.is_set():
                before = desk.tally.signals
                while await desk.orders.take(queue):
                    await desk.settle()
                await self._take_signals(desk, stop)
                await desk.router.reconcile()
                if once:
                    return
                if desk.tally.signals != before:
                    on_progress(desk.tally)
                await queue.sleep(asyncio.to_thread(_wait, stop, poll_s))

    async def _take_signals(self, desk: BrokerDesk, stop: Event) -> None:
        """Trade what has come. The halt file is looked for before each signal, and once where there is none."""
        if await desk.orders.heed_sentinel():
            await desk.settle()
        for row in self._signals.new():
            if await desk.orders.heed_sentinel():
                await desk.settle()
            await desk.take(row)
            if stop.is_set():
                return

    def _journal(self) -> tuple[RunFolder, list[Record]]:
        """Return the run's folder and what its journal holds; every run's signals are noted as traded."""
        shaping = {
            "settings": self._settings.model_dump(mode="json", exclude=BESIDE_THE_OUTCOME), "venue": self._venue_name
        }  # fmt: skip
        run_id = f"{PREFIX}-{sha256_of(shaping)[:8]}"
        found: tuple[RunFolder, list[Record]] | None = None
        for folder in self._home.runs():
            if not folder.run_id.startswith(f"{PREFIX}-") or not folder.journal_path.exists():
                continue
            records = list(read_records(folder.journal_path, torn_tail=True))
            self._signals.done(str(r.body["signal_id"]) for r in records if r.kind == "signal")
            mine = folder.run_id == run_id and (not records or made_by_this_code(records[0]))
            found = (folder, records) if mine else found
        if found is None:
            if (why := carry_halt(self._home, f"{PREFIX}-")) is not None:
                self._on_note(f"{why}; openings wait until the file HALT is removed and the desk is resumed")
            return self._home.new_run(run_id), []
        self._on_note(f"going on with run {found[0].number}, which has {len(found[1])} records")
        return found


async def told(alerts: Alerts | None, run_id: str, desk: Coroutine[Any, Any, None]) -> None:
    """Run a desk while alerts of it are told, a fault that ends it included."""
    if alerts is None:
        await desk
        return
    async with alerts.serving():
        await alerts.watch(desk, run_id=run_id)


def _wait(stop: Event, longest_s: float) -> None:
    stop.wait(longest_s)


def open_desk(
    settings: Settings, venue_name: str, journal: JournalWriter, *, fees: FeeSchedule | None = None,
    run_id: str = PREFIX, alerts: Alerts | None = None, sentinel: Sentinel = lambda: None,
    make_model: MakeModel = no_model, thinker: Thinker | None = None,
) -> BrokerDesk:  # fmt: skip
    """Return a desk with its head journaled and its books open; `fees` are charged instead of its venue's own.

    `run_id` names the run in `alerts`, `sentinel` returns what the halt file says. `thinker` answers in the place of
    the minds of `make_model`.
    """
    clock = SimulatedClock(START_NS)
    journal.use_clock(clock)
    dumped = settings.model_dump(mode="json", exclude=BESIDE_THE_OUTCOME)
    journal.append(
        "head",
        {
            "format": FORMAT, "run_id": PREFIX, "segment": 1, "previous": None, "seed": SEED, "level": None,
            "source": {"kind": SIGNALS, "venue": venue_name}, "instrument": None, "settings": dumped,
            "settings_hash": sha256_of(dumped), "code": {"version": chanflow.__version__, "sha256": code_digest()},
        },
        durable=True,
    )  # fmt: skip
    venue = choose_venue(venue_name, settings, clock, fees=fees)
    teller = Teller(journal, clock, run_id=run_id, alerts=alerts)
    desk = BrokerDesk(
        settings, seed=SEED, venue=venue, journal=journal, clock=clock, teller=teller, sentinel=sentinel,
        make_model=make_model, thinker=thinker,
    )  # fmt: skip
    desk.router.open_books()
    return desk


async def _again(desk: BrokerDesk, journal: JournalWriter, words: str) -> None:
    try:
        await desk.repeat()
    except JournalDiverged as fault:
        raise Broken(f"{words} ({fault})") from fault
    assert journal.expected is None


async def repeat_journal(
    path: Path, standing: Sequence[Record], make_model: MakeModel = no_model
) -> Replayed:  # fmt: skip
    """Run a broker's journal again and compare every record. Raises JournalDiverged naming the first that differs."""
    head = standing[0].body
    base = dict(load_settings(config=None, overrides=(), environ={"HOME": "/"}).settings)
    settings = Settings.model_validate({**base, **head["settings"]})
    journal = JournalWriter(None, standing=standing, free=frozenset({"code"}))
    try:
        desk = open_desk(settings, str(head["source"]["venue"]), journal, make_model=make_model)
    except InvalidArgument as fault:
        raise JournalCorrupt(f"{path}: {fault}") from fault
    await desk.repeat()
    return Replayed(len(standing), file_sha256(path), bool(journal.differing_head))
