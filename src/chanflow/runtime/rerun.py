"""A whole run again, under another policy: the same market, the same commands or signals, another desk.

Nothing of it is kept: its journal lies in a scratch folder until its records are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.sections import Memory
from chanflow.domain.errors import InvalidArgument, RecordingInvalid
from chanflow.domain.market_state import MarketState
from chanflow.domain.question import Question
from chanflow.domain.time import parse_rfc3339, rfc3339
from chanflow.review.journal import JournalWriter, Record, read_records
from chanflow.review.what_if import RunDiff, compare_runs
from chanflow.risk.ladder import Level
from chanflow.runtime.broker_run import open_desk
from chanflow.runtime.codec import decode
from chanflow.runtime.deliberation import Wake
from chanflow.runtime.fee_schedule import FeeSchedule, Repriced
from chanflow.runtime.model_parts import MakeModel, ModelParts, no_model
from chanflow.runtime.point_measures import recorded
from chanflow.runtime.run import SIGNALS, VENUE, Progress, made_by_this_code, play, recording_of
from chanflow.runtime.settings import Settings
from chanflow.runtime.strategies import asks_models, without_models
from chanflow.runtime.thinking import FrozenThinking
from chanflow.runtime.what_if import Policy, settings_of
from chanflow.runtime.wiring import RunSpec, open_source

OnShare = Callable[[float], Any]


class _AskedOtherwise(Exception):
    """A model was asked what it was not asked then: the run goes no further."""


async def compare_again(
    segment: Path, records: Sequence[Record], policy: Policy, *, data: Path | None, on_share: OnShare = lambda _: None,
    make_model: MakeModel = no_model,
) -> RunDiff:  # fmt: skip
    """Run a recorded run again as `policy` would have it, and compare it with the run as it was.

    A model answers as it did then. At the first prompt whose content would differ the comparison stops and says so,
    since nobody knows what the model would have answered.

    Where the run did not end, or other code made it, it is run again as it was, too: only the policy may make a
    difference. `on_share` hears how much of the work is done, from 0 to 1. Raises RecordingInvalid where the recording
    is not to be had.
    """
    _require_market(segment, records)
    whole = made_by_this_code(records[0]) and records[-1].kind == "end"
    runs = 1 if whole else 2
    before = records
    if not whole:
        before, _ = await _again(
            segment, records, policy.recorded, None, None, data, lambda s: on_share(s / runs), make_model
        )
    after, differs = await _again(
        segment, records, policy.supposed, policy.fees, policy.level, data,
        lambda s: on_share((runs - 1 + s) / runs), make_model,
    )  # fmt: skip
    if differs is None:
        return compare_runs(before, after)
    until_ns = differs.as_of_ns
    diff = compare_runs(*([r for r in run if parse_rfc3339(r.at) <= until_ns] for run in (before, after)))
    why = f"from {rfc3339(until_ns)} on the model would have been asked something else (decision {differs.question_id})"
    return replace(diff, stopped=why)


async def run_by_rules(
    segment: Path, records: Sequence[Record], *, data: Path | None, on_share: OnShare = lambda _: None
) -> tuple[Record, ...]:
    """Run a recorded run's market again with the rules in its model's place: the same gate, fees, commands and seed.

    Returns the records of that run, which is kept nowhere. Raises InvalidArgument where the rules decided already,
    RecordingInvalid where the recording is not to be had.
    """
    _require_market(segment, records)
    recorded = settings_of(records[0])
    if not asks_models(recorded):
        raise InvalidArgument(f"{segment.name} was decided by the rules already: there is nothing to put beside it")
    again, _ = await _again(segment, records, without_models(recorded), None, None, data, on_share, no_model)
    return again


def _require_market(segment: Path, records: Sequence[Record]) -> None:
    if records[0].body["source"]["kind"] == VENUE:
        raise RecordingInvalid(
            f"{segment} is of a desk at a real venue: its market is not in it, so it cannot run again"
        )


async def _again(
    segment: Path, records: Sequence[Record], settings: Settings, fees: FeeSchedule | None, level: Level | None,
    data: Path | None, on_share: OnShare, make_model: MakeModel,
) -> tuple[tuple[Record, ...], Question | None]:  # fmt: skip
    frozen, make_model = FrozenThinking(records), remembering(make_model, records)
    with TemporaryDirectory(prefix="chanflow-what-if-") as scratch:
        path = Path(scratch) / "journal.jsonl"
        with closing(JournalWriter(path)) as journal:
            if records[0].body["source"]["kind"] == SIGNALS:
                await _trade_signals(records, settings, fees, level, journal, on_share, frozen, make_model)
            else:
                await _play_market(
                    segment, records, settings, fees, level, journal, data, on_share, Path(scratch), frozen, make_model
                )
        return await asyncio.to_thread(lambda: tuple(read_records(path))), frozen.differs


async def _play_market(
    segment: Path, records: Sequence[Record], settings: Settings, fees: FeeSchedule | None, level: Level | None,
    journal: JournalWriter, data: Path | None, on_share: OnShare, scratch: Path, frozen: FrozenThinking,
    make_model: MakeModel,
) -> None:  # fmt: skip
    head = records[0].body
    file = recording_of(segment, data, head["source"]) if head["source"]["kind"] == "wire" else None
    source = open_source(head["source"], file=file, settings=settings)

    def shown(progress: Progress) -> None:
        if frozen.differs is not None:
            raise _AskedOtherwise
        on_share((progress.now_ms - progress.start_ms) / max(1, progress.end_ms - progress.start_ms))

    with suppress(_AskedOtherwise):
        await play(
            RunSpec(head["run_id"], head["seed"], head["level"], settings),
            source if fees is None else Repriced(source, fees), journal,
            bus_path=scratch / "bus.db", lake=None, on_progress=shown,
            given=[r for r in records if r.kind == "command"], level=level, make_model=make_model, thinker=frozen,
            measure=lambda _symbol, level: recorded(records).get(level, ()),
        )  # fmt: skip


def remembering(make_model: MakeModel, records: Sequence[Record]) -> MakeModel:
    """Return what makes the models of a run that is run again: they remember what its records say they did."""
    told = {r.body["decision_id"]: r.body["memory"] for r in records if r.kind == "memory_used"}

    async def remember(wake: Wake, _briefing: Briefing, _state: MarketState | None) -> Memory | None:
        memory = told.get(wake.decision_id)
        return None if memory is None else decode(Memory, memory)

    def made(settings: Settings, symbol: str) -> ModelParts | None:
        parts = make_model(settings, symbol)
        return None if parts is None else replace(parts, remember=remember)

    return made


async def _trade_signals(
    records: Sequence[Record], settings: Settings, fees: FeeSchedule | None, level: Level | None,
    journal: JournalWriter, on_share: OnShare, frozen: FrozenThinking, make_model: MakeModel,
) -> None:  # fmt: skip
    venue = str(records[0].body["source"]["venue"])
    desk = open_desk(settings, venue, journal, fees=fees, make_model=make_model, thinker=frozen)
    if level is not None:
        desk.risk.steps.suppose(level)
    inputs = [r for r in records if r.kind in ("signal", "command")]
    for number, record in enumerate(inputs, 1):
        if record.kind == "signal":
            await desk.take(record.body)
        else:
            await desk.repeat_command(record)
        if frozen.differs is not None:
            return
        on_share(number / len(inputs))
