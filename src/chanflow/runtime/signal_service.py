"""The signal service: rows of features in, decisions into a sink. In one go, from a pipe, or watching a folder.

Decisions are a function of the rows and the settings, so a run that was cut short goes on by making again what it may
have kept already: those decisions are compared with the sink's, and writing begins where it ends. A watched folder's
place is noted in `{out}/.position.json` with what the algorithm remembers, so that not all is made again.
"""

from __future__ import annotations

import json
import os
import select
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from chanflow.adapters.storage.feature_files import (
    MAX_LINE_BYTES,
    FeatureFile,
    Item,
    Place,
    feature_files,
    item_of_line,
)
from chanflow.adapters.storage.signal_rows import row_of
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import InvalidArgument, RecordingInvalid, SinkUnwritable, StorageUnwritable
from chanflow.domain.signal import Signal
from chanflow.runtime.home import publish
from chanflow.runtime.wiring import signals_hash
from chanflow.signals.activity import MarketTrigger
from chanflow.signals.core_algorithm import CoreAlgorithm, CoreConfig
from chanflow.signals.feature_row import BadRow
from chanflow.signals.mode import ModeConfig, Parameters
from chanflow.signals.ports import SignalSink
from chanflow.signals.schedule import Schedule

if TYPE_CHECKING:
    from chanflow.runtime.signal_settings import ParameterSettings, SignalsSettings

POSITION_FORMAT = "chanflow.position/1"
NOTE_ROWS = 50_000
"""The place is noted after so many rows of one file, and after each file."""
PIPE_BYTES = 1 << 16
IDLE_S = 0.5
"""A pipe that is silent so long has its decisions kept."""


def core_config(signals: SignalsSettings) -> CoreConfig:
    """Return what the settings ask of the core algorithm."""
    core, mode = signals.core, signals.mode
    return CoreConfig(
        expiry_ms=core.expiry_s * 1_000,
        min_gap_ms=core.min_gap_ms,
        max_lag_s=core.max_lag_s,
        max_spread_bps=core.max_spread_bps,
        trend_z=core.trend_z,
        revert_z=core.revert_z,
        allow_quiet_regime=core.allow_quiet_regime,
        mode=ModeConfig(
            setting=mode.setting,
            combine=mode.combine,
            enter_ticks=mode.enter_ticks,
            leave_ticks=mode.leave_ticks,
            trigger=MarketTrigger(**mode.market.model_dump()),
            schedule=Schedule(**mode.schedule.model_dump()),
            sets={
                "A_H": _parameters(mode.a_h),
                "A_L": _parameters(mode.a_l),
                "Q_H": _parameters(mode.q_h),
                "Q_L": _parameters(mode.q_l),
            },
        ),
    )


def _parameters(asked: ParameterSettings) -> Parameters:
    return Parameters(asked.min_consistency, asked.buy_score, asked.strong_score, asked.cooldown_s * 1_000)


@dataclass(slots=True)
class Tally:
    """What a service has done since it started. `codes` counts what it emitted, by decision code."""

    processed: int = 0
    emitted: int = 0
    confirmed: int = 0
    codes: Counter[str] = field(default_factory=Counter)

    def line(self, elapsed_s: float) -> str:
        """Return the line that every run ends with."""
        counts = f"processed={self.processed} emitted={self.emitted} confirmed={self.confirmed}"
        return f"{counts} elapsed={elapsed_s:.2f}s"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are looked at: those of `symbols` (all while empty) from `since_ms` on."""

    symbols: frozenset[str] = frozenset()
    since_ms: int | None = None

    def has(self, item: Item) -> bool:
        """Return whether a row is looked at; what is no row is, since nobody knows what it was."""
        if isinstance(item, BadRow):
            return True
        symbol, ts_ms = item.get("symbol"), item.get("ts_ms")
        if self.symbols and isinstance(symbol, str) and symbol not in self.symbols:
            return False
        return self.since_ms is None or not isinstance(ts_ms, int | float) or ts_ms >= self.since_ms


class SignalService:
    """One run: an algorithm, its sink, and the count of what they did."""

    def __init__(
        self,
        settings: SignalsSettings,
        sink: SignalSink,
        *,
        run_id: str,
        wanted: Wanted,
        on_signal: Callable[[Signal], object] = lambda _: None,
        on_note: Callable[[str], object] = lambda _: None,
        on_progress: Callable[[Tally], object] = lambda _: None,
    ) -> None:
        self._hash = signals_hash(settings)
        self._core = CoreAlgorithm(core_config(settings), run_id=run_id, config_hash=self._hash)
        self._sink, self._run_id, self._wanted = sink, run_id, wanted
        self._on_signal, self._on_note, self._on_progress = on_signal, on_note, on_progress
        self._standing = sink.rows
        """How many decisions were kept before this service began."""
        self._made = 0
        """How many decisions the run has made, those of earlier processes included."""
        self._known: Iterator[Mapping[str, Any]] = self._kept(0)
        self.tally = Tally()

    def _kept(self, start: int) -> Iterator[Mapping[str, Any]]:
        while rows := self._sink.kept(start):
            yield from rows
            start += len(rows)

    def take(self, item: Item) -> None:
        """Decide on a row. Raises SinkUnwritable, and InvalidArgument where the run has kept another decision."""
        if not self._wanted.has(item):
            return
        signal = self._core.refuse(item) if isinstance(item, BadRow) else self._core.decide(item)
        self._made += 1
        if self._made <= self._standing:
            self._compare(signal)
            return
        self._sink.write(signal)
        self.tally.processed += 1
        self.tally.emitted += 1
        self.tally.confirmed += signal.confirm
        self.tally.codes[signal.decision_code] += 1
        self._on_signal(signal)

    def _compare(self, signal: Signal) -> None:
        kept, made = next(self._known, None), row_of(signal)
        if kept != made:
            raise InvalidArgument(
                f"run {self._run_id} has kept another decision than {signal.signal_id} as number {self._made - 1}: its "
                "input or settings were others; use another --run-id",
                field="run_id",
            )

    def read_files(self, root: Path, *, symbol: str | None) -> None:
        """Decide on every row of a file or folder. Raises RecordingInvalid, and as `take` does."""
        for file in feature_files(root, symbol=symbol):
            for item, _ in file.read(Place(), growing=False):
                self.take(item)
        self._sink.flush()

    def read_pipe(self, descriptor: int, *, symbol: str | None) -> None:
        """Decide on every line of a pipe until it ends; while it is silent, what was decided is kept."""
        file = FeatureFile(Path("-"), "-", symbol)
        for number, line in enumerate(_piped(descriptor, self._sink.flush), 1):
            if line is None or line.strip():
                item = item_of_line(line, number)
                self.take(file.with_symbol(item))
        self._sink.flush()

    def watch(self, root: Path, position: Path, *, symbol: str | None, poll_s: float, stop: Event) -> None:
        """Decide on every row of a folder once, over restarts too, until `stop` is set.

        Raises RecordingInvalid where a place was noted under other settings; a file that cannot be read is told of
        once, and looked at again when it has changed.
        """
        places, reading = self._resume(position)
        spoilt: dict[str, int | None] = {}
        while not stop.is_set():
            worked = False
            # What was being read when the last process ended comes first: the sink may have some of it already.
            for file in sorted(feature_files(root, symbol=symbol), key=lambda each: each.key != reading):
                if stop.is_set():
                    break
                try:
                    worked |= self._read_on(file, places, spoilt, position, stop)
                except RecordingInvalid as fault:
                    spoilt[file.key] = file.size
                    self._on_note(f"passed over: {fault}")
            reading = None
            self._sink.flush()
            if worked:
                self._on_progress(self.tally)
            stop.wait(poll_s)

    def _read_on(
        self, file: FeatureFile, places: dict[str, Place], spoilt: dict[str, int | None], position: Path, stop: Event
    ) -> bool:
        """Read what a file has more than before, and note the place. Returns whether there was any."""
        since = place = places.get(file.key, Place())
        if file.size in (since.size, spoilt.get(file.key), None):
            return False
        try:
            rows = file.read(since, growing=True)
            if (first := next(rows, None)) is None:
                return False
            self._note(position, places, reading=file.key)
            for item, place in chain((first,), rows):
                self.take(item)
                if (place.rows - since.rows) % NOTE_ROWS == 0:
                    self._note(position, {**places, file.key: place}, reading=file.key)
                if stop.is_set():
                    break
        except RecordingInvalid:
            places[file.key] = place
            raise
        places[file.key] = place
        self._note(position, places)
        return True

    def _note(self, position: Path, places: Mapping[str, Place], *, reading: str | None = None) -> None:
        """Note the place, once everything decided before it is kept, and the file that is read from there on."""
        self._sink.flush()
        noted = {
            "format": POSITION_FORMAT,
            "run_id": self._run_id,
            "config_hash": self._hash,
            "made": self._made,
            "reading": reading,
            "files": {key: [place.rows, place.size] for key, place in sorted(places.items())},
            "state": self._core.save(),
        }
        try:
            position.parent.mkdir(parents=True, exist_ok=True)
            publish(position, canonical_json(noted).encode())
        except (OSError, StorageUnwritable) as fault:
            raise SinkUnwritable(f"{position} cannot be written ({fault}); no decision is lost, start again") from fault

    def _resume(self, position: Path) -> tuple[dict[str, Place], str | None]:
        noted = read_position(position)
        if noted is None:
            return {}, None
        if noted.get("config_hash") != self._hash:
            raise RecordingInvalid(f"{position} was noted under other settings: use another --out, or remove it")
        try:
            places = {key: Place(int(rows), int(size)) for key, (rows, size) in noted["files"].items()}
            self._core.load(noted["state"])
            self._made, reading = int(noted["made"]), noted["reading"]
        except (AttributeError, KeyError, TypeError, ValueError) as fault:
            raise RecordingInvalid(f"{position} is damaged: use another --out, or remove it and the sink") from fault
        if self._sink.keeps and self._standing < self._made:
            raise RecordingInvalid(
                f"the sink has {self._standing} rows, {position} speaks of {self._made}: use another --out"
            )
        self._known = self._kept(self._made)
        return places, reading


def read_position(position: Path) -> dict[str, Any] | None:
    """Return what was noted, None where nothing was. Raises RecordingInvalid for a damaged file."""
    try:
        noted = json.loads(position.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        raise RecordingInvalid(f"{position} cannot be read: use another --out, or remove it and the sink") from fault
    if not isinstance(noted, dict) or noted.get("format") != POSITION_FORMAT:
        raise RecordingInvalid(f"{position} is no {POSITION_FORMAT}: use another --out")
    return noted


def _piped(descriptor: int, on_idle: Callable[[], object]) -> Iterator[bytes | None]:
    """Yield the lines of a pipe, None for one that is too long; `on_idle` is called while it is silent."""
    buffer, skipping = bytearray(), False
    while True:
        if not select.select([descriptor], [], [], IDLE_S)[0]:
            on_idle()
            continue
        try:
            chunk = os.read(descriptor, PIPE_BYTES)
        except OSError as fault:
            raise RecordingInvalid(
                f"standard input cannot be read: {(fault.strerror or str(fault)).lower()}"
            ) from fault
        if not chunk:
            break
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            buffer += end
            yield None if skipping or len(buffer) > MAX_LINE_BYTES else bytes(buffer)
            buffer.clear()
            skipping = False
        buffer += rest
        if len(buffer) > MAX_LINE_BYTES:
            buffer.clear()
            skipping = True
    if skipping or buffer:
        yield None if skipping else bytes(buffer)
