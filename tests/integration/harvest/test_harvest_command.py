"""`chanflow harvest` as a process: killed at any instant, told to stop, and badly configured."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import polars as pl
import pytest
from fault_venue import FastClock, FaultVenue, Tape

from chanflow.adapters.storage.lake_check import LakeFinding, check_lake

ROOT = Path(__file__).parents[3]
CAPTURE = (
    Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared")))
    / "data" / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz"
)  # fmt: skip
TRIES = 5
"""A busy machine is late now and then; a harvest that takes its time is late every time."""
KILLS = int(os.environ.get("HARVEST_KILLS", "20"))

pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.fixture
async def venue() -> AsyncIterator[FaultVenue]:
    """The recorded market, as if it were now."""
    if not CAPTURE.exists():
        pytest.skip(f"MARKET DATA ABSENT: {CAPTURE} is not there; set CHANFLOW_TEST_DATA")
    first_ns = Tape.read(CAPTURE, span_s=0.1).start_ns
    clock = FastClock(time.time_ns())
    tape = Tape.read(CAPTURE, span_s=180.0, shift_ms=(clock.now_ns() - first_ns) // 1_000_000 + 500)
    async with FaultVenue({"BTCUSDT": tape}, clock) as found:
        found.play()
        yield found


async def command(*arguments: str, home: Path, environ: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chanflow", "harvest", *arguments, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, cwd=home, env={**os.environ, "CHANFLOW_HOME": str(home), **(environ or {})},
    )  # fmt: skip


def flags(venue: FaultVenue) -> Sequence[str]:
    return [word for name, url in venue.urls.items() for word in ("--url-override", f"{name}={url}")]


async def first_part(root: Path, pattern: str, before: int, child: asyncio.subprocess.Process) -> None:
    """Return when more files are there than before."""
    while len(list(root.glob(pattern))) <= before:  # noqa: ASYNC240
        assert child.returncode is None, (await child.communicate())[1].decode()
        await asyncio.sleep(0.01)


def findings(lake: Path) -> tuple[LakeFinding, ...]:
    """Return what is wrong with a lake; nothing, where nothing was published yet."""
    return check_lake(lake).findings if (lake / "_manifest").exists() else ()


def raw_times_ns(root: Path) -> list[int]:
    found = []
    for path in root.glob("_raw/BTCUSDT/*/*.gz"):
        lines = gzip.decompress(path.read_bytes()).split(b"\n")
        found += [int(line.partition(b" ")[0]) for line in lines if line and not line.startswith(b"#")]
    return sorted(found)


@pytest.mark.crash
async def test_killed_at_any_instant_it_leaves_whole_files_and_starts_again_by_itself(
    venue: FaultVenue, tmp_path: Path
) -> None:
    lake, chance = tmp_path / "lake", random.Random(4)
    arguments = ["--output", str(lake), "--rotate.max_sec", "2", "--layers", "rows,raw,book", *flags(venue)]
    lost_s = list[float]()
    for _ in range(KILLS):
        child = await command(*arguments, home=tmp_path)
        await first_part(lake, "_tmp/harvest/raw+*", 0, child)
        began_ns = time.time_ns()
        await asyncio.sleep(chance.uniform(0.1, 3.0))  # the instant itself, not a wait for something
        child.kill()
        killed_ns = time.time_ns()
        await child.communicate()
        unlisted = findings(lake)
        assert len(unlisted) <= 2, unlisted  # one of either thread
        assert {finding.what for finding in unlisted} <= {"no manifest line lists it"}
        for path in lake.glob("BTCUSDT/*/*.parquet"):
            pl.read_parquet(path)
        kept_before = raw_times_ns(lake)
        child = await command(*arguments, "--for", "1s", home=tmp_path)
        _, said = await child.communicate()
        assert child.returncode == 0, said.decode()
        assert findings(lake) == ()
        kept = [at for at in raw_times_ns(lake) if at <= killed_ns]
        assert len(kept) >= len(kept_before)
        lost_s.append((killed_ns - max([began_ns, *kept[-1:]])) / 1e9)
    assert sorted(lost_s)[KILLS // 2] <= 1.25, "a second, and what a loaded machine delays"
    assert max(lost_s) <= 30
    recovered = [
        json.loads(line) for path in lake.glob("_manifest/*") for line in path.read_text().splitlines()
        if '"recovered":true' in line
    ]  # fmt: skip
    assert recovered
    assert all(entry["gaps"][0]["reason"] == "killed" for entry in recovered)
    assert list((lake / "_tmp").iterdir()) == []


async def stopped(child: asyncio.subprocess.Process) -> tuple[float, bytes]:
    """Tell it to stop; returns how long it took, in s, and what it said."""
    child.send_signal(signal.SIGTERM)
    began = time.monotonic()
    _, said = await child.communicate()
    assert child.returncode == 0, said.decode()
    return time.monotonic() - began, said


async def test_told_to_stop_it_publishes_within_two_seconds_and_exits_with_0(venue: FaultVenue, tmp_path: Path) -> None:
    took_s = list[float]()
    while not took_s or (took_s[-1] >= 2.0 and len(took_s) < TRIES):
        lake, asked = tmp_path / f"lake{len(took_s)}", len(venue.asked)
        child = await command(*flags(venue), home=tmp_path, environ={"HARVEST_OUTPUT_DIR": str(lake)})
        await first_part(lake, "_tmp/harvest/raw+*", 0, child)
        await venue.connected(2)
        while len(venue.asked) == asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        took, said = await stopped(child)
        took_s.append(took)
    assert took_s[-1] < 2.0, took_s
    kinds = {str(path.relative_to(lake)).split("/")[0] for path in lake.glob("**/part-*")}
    assert kinds - {"_quarantine"} == {"BTCUSDT", "_raw"}  # a busy machine is late, and what is late is put aside
    assert check_lake(lake).findings == ()
    assert b"rows" in said
    assert "chanflow_harvest_frames_total" in (lake / "_metrics" / "harvest.prom").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--venue", "nyse"], "venue 'nyse' is none of binance-usdm"),
        (["--layers", "rows,cooked"], "layer 'cooked' is none of rows, raw, book"),
        (["--format", "csv"], "harvest.output.format is 'csv'"),
        (["--rotate.max_rows", "0"], "harvest.rotate.max_rows is '0'"),
        (["--for", "soon"], "span 'soon' is no whole number"),
        (["--url-override", "public"], "--url-override public is not NAME=URL"),
        (["--url-override", "public=ftp://x"], "begins with none of ws://, wss://"),
        (["--url-override", "private=ws://x"], "has no address 'private'"),
        (["--symbols", "../etc"], "symbols"),
        (["--symbols", "BTCUSDT,BTCUSDT"], "each symbol may be named once"),
        (["--from-wire", "absent.txt.gz"], "absent.txt.gz does not exist"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1].replace("/", "_"),
)
async def test_bad_configuration_is_one_sentence_and_exit_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    child = await command(*arguments, home=tmp_path)
    _, said = await child.communicate()
    assert child.returncode == 2, said.decode()
    assert says in said.decode()
    assert said.decode().count("\n") == 1


async def test_an_unknown_symbol_is_exit_2(venue: FaultVenue, tmp_path: Path) -> None:
    child = await command("--symbols", "NOPEUSDT", *flags(venue), home=tmp_path)
    _, said = await child.communicate()
    assert child.returncode == 2
    assert "trades no symbol NOPEUSDT" in said.decode()


async def test_told_to_stop_before_the_venue_answered_it_exits_with_0(tmp_path: Path) -> None:
    nowhere = ["--url-override", "rest=http://127.0.0.1:9"]
    took_s = list[float]()
    while not took_s or (took_s[-1] >= 2.0 and len(took_s) < TRIES):
        child = await command(*nowhere, home=tmp_path)
        assert child.stderr is not None
        assert b"does not tell its trading rules yet" in await child.stderr.readline()
        took_s.append((await stopped(child))[0])
    assert took_s[-1] < 2.0, took_s
