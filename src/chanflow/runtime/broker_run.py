"""A run of the broker's desk: its journal in the data directory, and the folder of signals it follows.

One run goes on for ever under the same settings: what was traded is what its journals hold, so no signal is traded
twice, whatever happens to process and files. Other settings or other code begin a new run, with a new paper account,
which leaves alone what the runs before it have traded.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import chanflow
from chanflow.adapters.storage.signal_tail import FileLine, FilePlace, new_lines
from chanflow.domain.canonical import decimal_text, plain, sha256_of
from chanflow.domain.errors import Broken, InvalidArgument, JournalCorrupt, JournalDiverged
from chanflow.domain.signal import Signal
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.review.journal import JournalWriter, Record, file_sha256, read_records
from chanflow.runtime.broker_desk import BrokerDesk, DeskTally
from chanflow.runtime.broker_signals import BadLine, read_line
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.codec import decode
from chanflow.runtime.fee_schedule import FeeSchedule
from chanflow.runtime.home import Home, RunFolder
from chanflow.runtime.run import BESIDE_THE_OUTCOME, FORMAT, SIGNALS, Replayed, code_digest, made_by_this_code
from chanflow.runtime.settings import Settings, load_settings
from chanflow.runtime.venue_choice import PAPER, choose_venue

PREFIX = "broker"
SEED = 0
NOTED_OF_A_KIND = 5
MOST_AHEAD_NS = 60 * NS_PER_S
"""A signal may be known so long after now: clocks differ."""
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
        self._venue_name, self._clock = venue or PAPER, clock
        choose_venue(venue, settings, clock)
        self._settings, self._home, self._folder, self._on_note = settings, home, folder, on_note
        self._places: dict[int, FilePlace] = {}
        self._done: set[str] = set()
        self.tally = DeskTally()
        self.passed_over: Counter[str] = Counter()

    def run(
        self, *, once: bool, poll_s: float, stop: Event, on_progress: Callable[[DeskTally], object] = lambda _: None
    ) -> None:
        """Trade what is there, and unless `once` what comes, until `stop` is set. The caller holds the home's lock.

        Raises JournalUnwritable and BooksDisagree; what was recorded by then stays, whole.
        """
        folder, standing = self._journal()
        with closing(JournalWriter(folder.journal_path, standing=standing)) as journal:
            asyncio.run(self._follow(journal, once=once, poll_s=poll_s, stop=stop, on_progress=on_progress))

    async def _follow(
        self,
        journal: JournalWriter,
        *,
        once: bool,
        poll_s: float,
        stop: Event,
        on_progress: Callable[[DeskTally], object],
    ) -> None:
        desk = open_desk(self._settings, self._venue_name, journal)
        self.tally = desk.tally
        await _again(desk, journal, "this broker would act otherwise than its journal says: move the run away")
        while not stop.is_set():
            before = desk.tally.signals
            try:
                for each in new_lines(self._folder, self._places):
                    await self._take(desk, each)
                    if stop.is_set():
                        break
            except OSError as fault:
                self._on_note(f"{self._folder} cannot be read: {(fault.strerror or str(fault)).lower()}")
            await desk.router.reconcile()
            if once:
                return
            if desk.tally.signals != before:
                on_progress(desk.tally)
            stop.wait(poll_s)

    async def _take(self, desk: BrokerDesk, each: FileLine) -> None:
        self._places[each.inode] = each.place
        row = signal_row(each.line)
        if row is not None and not isinstance(row, BadLine) and self._is_ahead(row):
            # The desk's time is that of its signals: one from far ahead would make all others late.
            row = BadLine("bad_field", "is from the future")
        if isinstance(row, BadLine):
            self.passed_over[row.code] += 1
            if self.passed_over[row.code] <= NOTED_OF_A_KIND:
                self._on_note(f"passed over: {each.path.name} line {each.number} {row.why}")
        elif row is not None and row["signal_id"] not in self._done:
            self._done.add(row["signal_id"])
            await desk.take(row)

    def _is_ahead(self, row: Mapping[str, Any]) -> bool:
        newest_ms = max(row["ts_ms"], row["known_ms"])
        return bool(newest_ms * NS_PER_MS > self._clock.now_ns() + MOST_AHEAD_NS)

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
            self._done.update(str(r.body["signal_id"]) for r in records if r.kind == "signal")
            mine = folder.run_id == run_id and (not records or made_by_this_code(records[0]))
            found = (folder, records) if mine else found
        if found is None:
            return self._home.new_run(run_id), []
        self._on_note(f"going on with run {found[0].number}, which has {len(found[1])} records")
        return found


def open_desk(
    settings: Settings, venue_name: str, journal: JournalWriter, *, fees: FeeSchedule | None = None
) -> BrokerDesk:
    """Return a desk with its head journaled and its books open; `fees` are charged instead of its venue's own."""
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
    desk = BrokerDesk(settings, seed=SEED, venue=venue, journal=journal, clock=clock)
    desk.router.open_books()
    return desk


async def _again(desk: BrokerDesk, journal: JournalWriter, words: str) -> None:
    try:
        await desk.repeat()
    except JournalDiverged as fault:
        raise Broken(f"{words} ({fault})") from fault
    assert journal.expected is None


async def repeat_journal(path: Path, standing: Sequence[Record]) -> Replayed:
    """Run a broker's journal again and compare every record. Raises JournalDiverged naming the first that differs."""
    head = standing[0].body
    base = dict(load_settings(config=None, overrides=(), environ={"HOME": "/"}).settings)
    settings = Settings.model_validate({**base, **head["settings"]})
    journal = JournalWriter(None, standing=standing, free=frozenset({"code"}))
    try:
        desk = open_desk(settings, str(head["source"]["venue"]), journal)
    except InvalidArgument as fault:
        raise JournalCorrupt(f"{path}: {fault}") from fault
    await desk.repeat()
    return Replayed(len(standing), file_sha256(path), bool(journal.differing_head))


def signal_row(line: bytes | None) -> Mapping[str, Any] | BadLine | None:
    """Return the confirmed signal that a line spells as a journal keeps it, None for one that is not confirmed.

    The analyst reads the whole signal, so a line of another shape than this version's is passed over.
    """
    found = read_line(line)
    if found is None or isinstance(found, BadLine):
        return found
    assert line is not None
    try:
        row: Mapping[str, Any] = plain(decode(Signal, json.loads(line) | {"price": decimal_text(found.price)}))
    except (InvalidArgument, ValueError, TypeError) as fault:
        field = getattr(fault, "field", None)
        return BadLine("bad_field", f"is no signal of this version{f': see {field}' if field else ''}")
    return row
