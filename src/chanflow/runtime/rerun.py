"""A whole run again, under another policy: the same market, the same commands or signals, another desk.

Nothing of it is kept: its journal lies in a scratch folder until its records are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chanflow.domain.errors import RecordingInvalid
from chanflow.review.journal import JournalWriter, Record, read_records
from chanflow.review.what_if import RunDiff, compare_runs
from chanflow.risk.ladder import Level
from chanflow.runtime.broker_run import open_desk
from chanflow.runtime.fee_schedule import FeeSchedule, Repriced
from chanflow.runtime.run import SIGNALS, VENUE, Progress, made_by_this_code, play, recording_of
from chanflow.runtime.settings import Settings
from chanflow.runtime.what_if import Policy
from chanflow.runtime.wiring import RunSpec, open_source

OnShare = Callable[[float], Any]


async def compare_again(
    segment: Path, records: Sequence[Record], policy: Policy, *, data: Path | None, on_share: OnShare = lambda _: None
) -> RunDiff:
    """Run a recorded run again as `policy` would have it, and compare it with the run as it was.

    Where the run did not end, or other code made it, it is run again as it was, too: only the policy may make a
    difference. `on_share` hears how much of the work is done, from 0 to 1. Raises RecordingInvalid where the recording
    is not to be had.
    """
    if records[0].body["source"]["kind"] == VENUE:
        raise RecordingInvalid(
            f"{segment} is of a desk at a real venue: its market is not in it, so it cannot run again"
        )
    whole = made_by_this_code(records[0]) and records[-1].kind == "end"
    runs = 1 if whole else 2
    before = records
    if not whole:
        before = await _again(segment, records, policy.recorded, None, None, data, lambda s: on_share(s / runs))
    after = await _again(
        segment, records, policy.supposed, policy.fees, policy.level, data, lambda s: on_share((runs - 1 + s) / runs)
    )
    return compare_runs(before, after)


async def _again(
    segment: Path, records: Sequence[Record], settings: Settings, fees: FeeSchedule | None, level: Level | None,
    data: Path | None, on_share: OnShare,
) -> tuple[Record, ...]:  # fmt: skip
    with TemporaryDirectory(prefix="chanflow-what-if-") as scratch:
        path = Path(scratch) / "journal.jsonl"
        with closing(JournalWriter(path)) as journal:
            if records[0].body["source"]["kind"] == SIGNALS:
                await _trade_signals(records, settings, fees, level, journal, on_share)
            else:
                await _play_market(segment, records, settings, fees, level, journal, data, on_share, Path(scratch))
        return await asyncio.to_thread(lambda: tuple(read_records(path)))


async def _play_market(
    segment: Path, records: Sequence[Record], settings: Settings, fees: FeeSchedule | None, level: Level | None,
    journal: JournalWriter, data: Path | None, on_share: OnShare, scratch: Path,
) -> None:  # fmt: skip
    head = records[0].body
    file = recording_of(segment, data, head["source"]) if head["source"]["kind"] == "wire" else None
    source = open_source(head["source"], file=file, settings=settings)

    def shown(progress: Progress) -> None:
        on_share((progress.now_ms - progress.start_ms) / max(1, progress.end_ms - progress.start_ms))

    await play(
        RunSpec(head["run_id"], head["seed"], head["level"], settings),
        source if fees is None else Repriced(source, fees), journal,
        bus_path=scratch / "bus.db", lake=None, on_progress=shown,
        given=[r for r in records if r.kind == "command"], level=level,
    )  # fmt: skip


async def _trade_signals(
    records: Sequence[Record], settings: Settings, fees: FeeSchedule | None, level: Level | None,
    journal: JournalWriter, on_share: OnShare,
) -> None:  # fmt: skip
    desk = open_desk(settings, str(records[0].body["source"]["venue"]), journal, fees=fees)
    if level is not None:
        desk.gate.level = level
    rows = [r.body for r in records if r.kind == "signal"]
    for number, row in enumerate(rows, 1):
        await desk.take(row)
        on_share(number / len(rows))
