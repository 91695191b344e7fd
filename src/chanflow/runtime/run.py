"""A run: a market, a seed and settings in; a journal, a lake and a report out. Fresh, resumed or replayed.

A deterministic run is resumed by running it again: the records that stand are compared, one by one, with what the
run gives now, and writing goes on where they end. So a killed run ends with the journal it would have had. A replay
is the same with nothing to write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import chanflow
from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import (
    Broken,
    InvalidArgument,
    JournalCorrupt,
    JournalDiverged,
    NotFound,
    RecordingInvalid,
    SettingsInvalid,
)
from chanflow.domain.market_data import LEVEL_MS, LEVEL_UP, Bar
from chanflow.domain.time import NS_PER_MS, parse_rfc3339
from chanflow.market.ports import MarketSource
from chanflow.market.sink import RowSink
from chanflow.review.journal import JournalWriter, Record, file_sha256, read_records
from chanflow.risk.ladder import Level
from chanflow.runtime.answers import AnswerDesk
from chanflow.runtime.bus.port import Bus, Dead
from chanflow.runtime.certificates import CertificateShelf
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.commands import CommandDesk
from chanflow.runtime.home import Home, RunFolder, publish
from chanflow.runtime.level_views import levels_around
from chanflow.runtime.model_parts import Follow, MakeModel, ModelParts, no_model
from chanflow.runtime.pipeline import WATERMARK_NS, Pipeline
from chanflow.runtime.point_measures import Measure, measure_by, measures_of_run, nothing_measured
from chanflow.runtime.strategies import strategy_for
from chanflow.runtime.thinking import NoThinking, Thinker, Thinking
from chanflow.runtime.wiring import RunSpec, build_pipeline, open_bus, open_source

if TYPE_CHECKING:
    from chanflow.runtime.settings import Settings

FORMAT = "chanflow.journal/1"

BESIDE_THE_OUTCOME = {"alerts", "http", "bus", "lake", "cassette"}
"""Sections of the settings that change no decision; a journal does not name them."""

VENUE = "venue"
"""The source of a journal whose orders went to a real venue."""
SIGNALS = "signals"
"""The kind of source that is no market: a broker's journal holds all of its input itself."""

OnProgress = Callable[["Progress"], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. Times in Unix ms of the market's own time."""

    now_ms: int
    start_ms: int
    end_ms: int
    price: float | None
    equity_quote: Decimal
    pipeline: Pipeline
    repeating: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that came to its end."""

    folder: RunFolder
    journal_sha256: str
    resumed_at: int
    bars: tuple[Bar, ...]


@cache
def code_digest() -> str:
    """Return the SHA-256 of the package's Python sources and the compiled core's source digest."""
    import chanflow_native

    root = Path(chanflow.__file__).parent
    digest = hashlib.sha256(chanflow_native.__source_digest__.encode())
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def head_of(spec: RunSpec, source: MarketSource) -> dict[str, Any]:
    """Return the body of a journal's first record: all that a re-run needs, and no path of any machine."""
    # As text they keep the digits they were written with, which messages and checks show.
    settings = spec.settings.model_dump(mode="json", exclude=BESIDE_THE_OUTCOME)
    return {
        "format": FORMAT,
        "run_id": spec.run_id,
        "segment": 1,
        "previous": None,
        "seed": spec.seed,
        "level": spec.level,
        "source": source.describe(),
        "instrument": source.instrument,
        "settings": settings,
        "settings_hash": sha256_of(settings),
        "code": {"version": chanflow.__version__, "sha256": code_digest()},
    }


def name_run(kind: str, seed: int, level: str, source: MarketSource, settings: Settings) -> str:
    """Return a run's id: the same for the same market, seed and settings."""
    shaping = settings.model_dump(exclude={"alerts", "http", "bus", "cassette"})
    what = {"seed": seed, "level": level, "source": source.describe(), "settings": shaping}
    return f"{kind}-{seed}-{sha256_of(what)[:8]}"


async def play(
    spec: RunSpec,
    source: MarketSource,
    journal: JournalWriter,
    *,
    bus_path: Path,
    lake: RowSink | None,
    on_progress: OnProgress,
    pace: Callable[[int], Any] | None = None,
    queue: CommandQueue | None = None,
    on_bus: Callable[[Bus], None] = lambda _: None,
    given: Sequence[Record] = (),
    level: Level | None = None,
    make_model: MakeModel = no_model,
    thinker: Thinker | None = None,
    follow: Follow | None = None,
    measure: Measure = nothing_measured,
) -> tuple[Pipeline, list[Bar]]:
    """Run the market from beginning to end through the desk. Returns the pipeline at the end, and the bars.

    `pace(now_ns)` is awaited before each step, so that a desk can keep to the time of day; `queue` brings commands.
    `make_model` gives the model that decides, where one does; a run without `queue` keeps no time of day and waits for
    its replies. `thinker` answers in the place of its mind.
    `on_bus` may subscribe to what the stages say, after them; nothing it does changes the run.
    `follow` listens to the journal, in the place of what the model brings. `measure` tells what certificates measured.
    `given` are `command` records of another run, acted on at their moments; `level` is where the ladder begins
    instead of where the settings say.
    """
    clock = SimulatedClock(source.start_ns)
    journal.use_clock(clock)
    journal.append("head", head_of(spec, source), durable=True)
    bars: list[Bar] = []
    dead: list[Dead] = []
    bus = open_bus(bus_path, clock, spec, dead.append)
    await bus.open()
    try:
        model = _model_of(spec, source.instrument.symbol, make_model)
        if (follows := follow or (None if model is None else model.follow)) is not None:
            journal.listen(follows)
        pipeline = build_pipeline(
            spec, source=source, journal=journal, clock=clock, bus=bus, lake=lake, on_bar=bars.append, model=model
        )
        pipeline.measures = measures_of_run(
            journal, measure, pipeline.symbol, [level for _, level in levels_around(spec.level)], source.start_ns
        )
        on_bus(bus)
        await pipeline.open()
        if level is not None:
            pipeline.risk.steps.suppose(level)
        if model is not None:
            await pipeline.risk.note_analyst(model.analyst.hash, keep=model.keep)
        end_ns = source.end_ns + WATERMARK_NS
        async with AsyncExitStack() as stack:
            commands = stack.enter_context(_taking_commands(pipeline, journal, queue, given))
            answers = _taking_answers(pipeline, journal, queue, model, thinker)
            if answers is not None:
                stack.push_async_callback(answers.close)
            while clock.now_ns() < end_ns:
                await _move(pipeline, commands, answers, end_ns, pace)
                if dead:
                    raise Broken(f"{dead[0].group} could not handle a {dead[0].topic}: {dead[0].error}")
                on_progress(_progress(pipeline, source, journal))
                commands.answer()
        await pipeline.close()
    finally:
        await bus.close()
    return pipeline, bars


@contextmanager
def _taking_commands(
    pipeline: Pipeline, journal: JournalWriter, queue: CommandQueue | None, given: Sequence[Record]
) -> Iterator[CommandDesk]:
    """Let commands in while the block runs, and leave nobody without an answer after it."""
    commands = CommandDesk(pipeline, journal, queue, given)
    if queue is not None:
        queue.open()
    try:
        yield commands
    finally:
        if queue is not None:
            queue.close()
        commands.close()


def _model_of(spec: RunSpec, symbol: str, make_model: MakeModel) -> ModelParts | None:
    """Return the model that decides on the run's symbol, None where the rules do.

    Raises SettingsInvalid where the symbol's strategy cannot be run so.
    """
    strategy, model = strategy_for(spec.settings, symbol), make_model(spec.settings, symbol)
    if strategy.analyst == "llm" and model is None:
        raise SettingsInvalid(f"strategy {strategy.name} is decided by a model, and this run was given none")
    if strategy.level not in (None, spec.level):
        raise SettingsInvalid(f"strategy {strategy.name} decides at {strategy.level}, and this run is at {spec.level}")
    return model


def _taking_answers(
    pipeline: Pipeline, journal: JournalWriter, queue: CommandQueue | None, model: ModelParts | None,
    thinker: Thinker | None,
) -> AnswerDesk | None:  # fmt: skip
    """Return who takes the replies to a model's questions, None where the rules decide."""
    room = pipeline.room
    if room is None or model is None:
        return None
    if thinker is None and model.mind is not None:
        wake = queue.wake if queue is not None else None
        thinker = Thinking(model.mind, latency_ms=model.latency_ms, on_reply=wake or (lambda: None))
    market_ns = None if queue is None else queue.market_ns
    answers = AnswerDesk(room, journal, thinker or NoThinking(), market_ns=market_ns)
    room.ask = answers.ask
    room.from_ns = 0 if queue is None else queue.from_ns
    return answers


async def _move(
    pipeline: Pipeline, commands: CommandDesk, answers: AnswerDesk | None, end_ns: int,
    pace: Callable[[int], Any] | None,
) -> None:  # fmt: skip
    """Act on one command, take one reply, or take the market one step on."""
    if await commands.repeat() or (answers is not None and await answers.repeat()):
        return
    if answers is not None:
        await answers.settle()
    until_ns = min(pipeline.next_wake_ns(pipeline.s.clock.now_ns()), end_ns)
    if pace is not None:
        await pace(until_ns)
    if await commands.take(until_ns) or (answers is not None and await answers.take(until_ns)):
        return
    await pipeline.step(until_ns)


def _progress(pipeline: Pipeline, source: MarketSource, journal: JournalWriter) -> Progress:
    return Progress(
        now_ms=pipeline.s.clock.now_ns() // NS_PER_MS,
        start_ms=source.start_ns // NS_PER_MS,
        end_ms=source.end_ns // NS_PER_MS,
        price=pipeline.last_price,
        equity_quote=pipeline.s.router.equity_quote,
        pipeline=pipeline,
        repeating=journal.behind,
    )


async def run(
    spec: RunSpec,
    source: MarketSource,
    home: Home,
    *,
    lake_for: Callable[[RunFolder], RowSink],
    file: Path | None = None,
    on_progress: OnProgress = lambda _: None,
    on_note: Callable[[str], None] = lambda _: None,
    pace: Callable[[int], Any] | None = None,
    queue: CommandQueue | None = None,
    on_bus: Callable[[Bus], None] = lambda _: None,
    make_model: MakeModel = no_model,
    follow: Follow | None = None,
) -> Finished:
    """Run `spec` in `home`, or go on with the newest run of the same id that did not end. The caller holds the lock.

    Raises JournalUnwritable, StorageUnwritable or BooksDisagree; what was recorded by then stays, whole.
    """
    folder, standing = _unfinished(home, spec.run_id, on_note)
    if folder is None:
        folder = home.new_run(spec.run_id)
        if file is not None:
            _note_recording(folder, file)
    else:
        on_note(f"going on with run {folder.number}, which was interrupted after record {len(standing) - 1}")
    journal = JournalWriter(folder.journal_path, standing=standing)
    lake = lake_for(folder)
    try:
        with _scratch_bus(folder) as bus_path:
            _, bars = await play(
                spec, source, journal, bus_path=bus_path, lake=lake, on_progress=on_progress, pace=pace, queue=queue,
                on_bus=on_bus, make_model=make_model, follow=follow, measure=measure_by(CertificateShelf(home)),
            )  # fmt: skip
        lake.close()
    except JournalDiverged as error:
        raise Broken(
            f"the interrupted run in {folder.path} cannot be resumed, this desk would act otherwise ({error}); "
            "move it away and start again"
        ) from error
    except BaseException:
        lake.discard()
        raise
    finally:
        journal.close()
    return Finished(folder, file_sha256(folder.journal_path), len(standing), tuple(bars))


def interrupted(home: Home, prefix: str, settings: Settings) -> tuple[dict[str, Any], int] | None:
    """Return the head of the newest run whose id begins with `prefix`, and its last time in Unix ns.

    None where that run ended, or other settings or other code made it.
    """
    mine = [folder for folder in home.runs() if folder.run_id.startswith(prefix)]
    if not mine or not mine[-1].journal_path.exists():
        return None
    try:
        records = list(read_records(mine[-1].journal_path, torn_tail=True))
    except JournalCorrupt:
        return None
    if not records or records[-1].kind == "end" or not made_by_this_code(records[0]):
        return None
    head = records[0].body
    same = head["settings"] == settings.model_dump(mode="json", exclude=BESIDE_THE_OUTCOME)
    return (head, parse_rfc3339(records[-1].at)) if same else None


def made_by_this_code(head: Record) -> bool:
    """Return whether the code that runs made the journal of this head."""
    return bool(head.body.get("code") == {"version": chanflow.__version__, "sha256": code_digest()})


def _note_recording(folder: RunFolder, file: Path) -> None:
    """Remember where the recording lies, beside the journal: a path has no place in it."""
    publish(folder.path / "recording.json", json.dumps({"path": str(file.absolute())}).encode())


def _unfinished(home: Home, run_id: str, on_note: Callable[[str], None]) -> tuple[RunFolder | None, list[Record]]:
    """Return the newest run of this id if it did not end, with the whole records that stand."""
    mine = [folder for folder in home.runs() if folder.run_id == run_id]
    if not mine or not mine[-1].journal_path.exists():
        return (mine[-1], []) if mine and not mine[-1].report_path.exists() else (None, [])
    folder = mine[-1]
    try:
        records = list(read_records(folder.journal_path, torn_tail=True))
    except JournalCorrupt as error:
        on_note(f"the last run's journal is left as it is: {error}")
        return None, []
    if records and records[-1].kind == "end":
        return None, []
    if records and not made_by_this_code(records[0]):
        on_note(f"run {folder.number} was interrupted, but other code made it: it is left as it is, a new one starts")
        return None, []
    return folder, records


@contextmanager
def _scratch_bus(folder: RunFolder) -> Iterator[Path]:
    """Give a run its message log. What an interrupted run left in it is in the journal too, and is told again."""
    for suffix in ("", "-wal", "-shm"):
        folder.bus_path.with_name(folder.bus_path.name + suffix).unlink(missing_ok=True)
    yield folder.bus_path


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay that gave every record again."""

    records: int
    journal_sha256: str
    other_code: bool


async def replay(
    path: Path, *, data: Path | None, on_progress: OnProgress = lambda _: None, make_model: MakeModel = no_model
) -> Replayed:
    """Run a journal's run again and compare every record. No model is asked: its replies are in the journal.

    Raises JournalCorrupt for an altered file, JournalDiverged naming the first record that comes out otherwise or for
    a journal without an end, RecordingInvalid where the recording is not to be had.
    """
    from chanflow.runtime.settings import Settings, load_settings

    segment = segment_of(path)
    standing = list(read_records(segment))
    if not standing or standing[0].kind != "head" or standing[0].body.get("format") != FORMAT:
        raise JournalCorrupt(f"{segment} does not begin with the head of a {FORMAT} journal")
    head = standing[0].body
    if head["source"]["kind"] == VENUE:
        raise InvalidArgument(
            f"{segment} is of a desk at {head['source']['venue']}: its market is not in the journal, so it cannot be "
            "replayed; starting its broker again reads every order and entry of it anew",
            field="journal",
        )
    if head["source"]["kind"] == SIGNALS:
        from chanflow.runtime.broker_run import repeat_journal

        return await repeat_journal(segment, standing, make_model)
    base = dict(load_settings(config=None, overrides=(), environ={"HOME": "/"}).settings)
    settings = Settings.model_validate({**base, **head["settings"]})
    spec = RunSpec(head["run_id"], head["seed"], head["level"], settings)
    file = recording_of(segment, data, head["source"]) if head["source"]["kind"] == "wire" else None
    source = open_source(head["source"], file=file, settings=settings)
    journal = JournalWriter(None, standing=standing, free=frozenset({"code"}))
    with TemporaryDirectory(prefix="chanflow-replay-") as scratch:
        await play(
            spec, source, journal, bus_path=Path(scratch) / "bus.db", lake=None, on_progress=on_progress,
            make_model=make_model, thinker=NoThinking(),
        )  # fmt: skip
    if journal.behind:
        left = standing[journal.seq]
        raise JournalDiverged(f"record {left.seq} ({left.kind} at {left.at}): the re-run ends before it")
    if standing[-1].kind != "end":
        raise JournalDiverged(f"the journal has no end: its run was interrupted after record {standing[-1].seq}")
    return Replayed(len(standing), file_sha256(segment), bool(journal.differing_head))


def segment_of(path: Path) -> Path:
    """Return the journal file that `path` names: itself, or the newest in a run's folder."""
    if not path.is_dir():
        return path
    found = sorted(path.rglob("journal-*.jsonl"))
    if not found:
        raise NotFound(f"there is no journal in {path}")
    return found[-1]


def recording_of(segment: Path, data: Path | None, described: dict[str, Any]) -> Path:
    """Return where the recording lies: `data` (a file, or a folder that holds it), or where the run found it."""
    name = str(described["file"])
    if data is not None:
        return data / name if data.is_dir() else data
    note = segment.parent.parent / "recording.json"
    try:
        return Path(json.loads(note.read_text("utf-8"))["path"])
    except (OSError, ValueError, KeyError) as error:
        raise RecordingInvalid(f"the journal was made from {name}: say where it is with --data") from error


def level_for(source: MarketSource, wanted: str, *, exact: bool) -> str:
    """Return the bar level of a run: the wanted one, or, unless `exact`, the coarsest that gives 200 bars.

    Raises InvalidArgument for an unknown level.
    """
    if wanted not in LEVEL_UP:
        raise InvalidArgument(f"level is {wanted!r}, known are {', '.join(LEVEL_UP)}", field="level")
    if exact:
        return wanted
    span_ms = (source.end_ns - source.start_ns) // NS_PER_MS
    usable = [level for level in LEVEL_UP if LEVEL_MS[level] <= LEVEL_MS[wanted] and span_ms // LEVEL_MS[level] >= 200]
    return usable[-1] if usable else next(iter(LEVEL_UP))


__all__ = ["Finished", "Progress", "Replayed", "interrupted", "level_for", "name_run", "play", "replay", "run"]
