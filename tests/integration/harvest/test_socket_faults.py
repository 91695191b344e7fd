"""A real socket replays a recorded market and breaks in every way we know: the book served is never wrong."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from fault_venue import FastClock, Faults, FaultVenue, Tape

from chanflow.adapters.storage import raw
from chanflow.adapters.storage.lake_check import check_lake
from chanflow.domain.errors import StorageUnwritable, VenueUnreachable
from chanflow.domain.time import NS_PER_S
from chanflow.market import sockets
from chanflow.market.harvest_metrics import HarvestMetrics
from chanflow.market.sockets import SocketLimits
from chanflow.runtime.clock import SeededRandomness
from chanflow.runtime.harvest import HarvestSpec, harvest, harvest_recorded

ROOT = Path(__file__).parents[3]
CAPTURE = (
    Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared")))
    / "data" / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz"
)  # fmt: skip
FACTOR = 10.0
SPAN_S = 24.0
TRUE_GAPS = {"chain", "crossed", "reset"}

pytestmark = [pytest.mark.slow, pytest.mark.golden, pytest.mark.server]


@dataclass
class Outcome:
    venue: FaultVenue
    metrics: HarvestMetrics
    root: Path
    spec: HarvestSpec
    told: list[str]

    def rows(self, symbol: str) -> pl.DataFrame:
        """Return what was recorded; a busy machine is late at ten times the speed, and such rows are put aside."""
        rows = pl.concat(pl.read_parquet(path) for path in sorted(self.root.glob(f"{symbol}/*/*.parquet")))
        aside = [pl.read_parquet(path) for path in sorted(self.root.glob(f"_quarantine/{symbol}/*/*.parquet"))]
        late = [
            frame.filter(pl.col("dq_codes").list.set_difference(["latency", "stale"]).list.len() == 0)
            for frame in aside
        ]
        return pl.concat([rows, *late]).sort("known_ns", "seq_last")

    def manifest(self, *, layer: str = "rows") -> list[dict[str, object]]:
        lines = [line for path in self.root.glob("_manifest/*") for line in path.read_text().splitlines()]
        return [entry for line in sorted(lines) if (entry := json.loads(line))["layer"] == layer]

    def book_gaps(self, symbol: str) -> list[dict[str, object]]:
        gaps = [gap for entry in self.manifest() if entry["symbol"] == symbol for gap in entry["gaps"]]  # type: ignore[attr-defined]
        return [gap for gap in gaps if gap["reason"] in TRUE_GAPS]

    def wrong(self, symbol: str) -> int:
        books = self.rows(symbol).filter(pl.col("kind") == "book")
        assert books.height > 50
        best = self.venue.best[symbol]
        return sum(
            (row["bid"], row["bid_qty"], row["ask"], row["ask_qty"]) != best[row["seq_last"]]
            for row in books.iter_rows(named=True)
        )


@pytest.fixture(scope="module")
def tape() -> Tape:
    if not CAPTURE.exists():
        pytest.skip(f"MARKET DATA ABSENT: {CAPTURE} is not there; set CHANFLOW_TEST_DATA")
    return Tape.read(CAPTURE, span_s=SPAN_S)


async def run(tape: Tape, root: Path, faults: Faults, **more: object) -> Outcome:
    """Harvest two symbols of the same market; only the first one's socket has faults."""
    clock = FastClock(tape.start_ns - 15 * NS_PER_S, FACTOR)
    tapes = {"BTCUSDT": tape, "ETHUSDT": tape.of("ETHUSDT")}
    told: list[str] = []
    refusals, page = more.pop("refusals", []), int(str(more.pop("page", 1_000)))
    async with FaultVenue(tapes, clock, {"BTCUSDT": faults}, refusals=list(refusals), page=page) as venue:  # type: ignore[call-overload]
        spec = HarvestSpec("binance-usdm", tuple(tapes), root, urls=venue.urls, max_s=10.0)
        stop = asyncio.Event()
        running = asyncio.create_task(
            harvest(
                spec,
                clock=clock,
                randomness=SeededRandomness(7),
                stop=stop,
                tell=told.append,
                **more,  # type: ignore[arg-type]
            )
        )
        await venue.connected(4)
        venue.play()
        played = asyncio.create_task(venue.played.wait())
        await asyncio.wait({running, played}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        metrics = await running
        return Outcome(venue, metrics, root, spec, told)


def at(tape: Tape, *parts: float) -> frozenset[int]:
    """Return the depth frames at shares of the tape."""
    return frozenset(tape.diffs[int(len(tape.diffs) * part)] for part in parts)


def ids(tape: Tape, position: int) -> tuple[int, int]:
    data = json.loads(tape.frames[position][1])["data"]
    return data["pu"], data["u"]


async def test_a_dropped_diff_is_a_gap_with_its_bounds_and_the_book_comes_back(tape: Tape, tmp_path: Path) -> None:
    lost = at(tape, 0.6)
    found = await run(tape, tmp_path / "lake", Faults(drop=lost))
    (gap,) = found.book_gaps("BTCUSDT")
    assert gap["reason"] == "chain"
    assert gap["from_u"] == ids(tape, min(lost))[0]
    assert int(str(gap["from_ms"])) < int(str(gap["to_ms"]))
    assert found.metrics.resyncs == 1
    assert found.metrics.recovery_s["BTCUSDT"] > 0
    assert found.wrong("BTCUSDT") == 0
    assert found.venue.opened == {"public": 2, "market": 2}


@pytest.mark.parametrize(
    ("kind", "says"),
    [("close", "the venue closed it"), ("cut", "the connection broke"), ("mute", "silent for")],
)
async def test_a_lost_socket_is_opened_anew_and_costs_the_other_symbol_nothing(
    tape: Tape, tmp_path: Path, kind: str, says: str
) -> None:
    found = await run(tape, tmp_path / "lake", Faults(**{kind: at(tape, 0.5)}))
    assert any("public BTCUSDT" in line and says in line for line in found.told), found.told
    assert found.venue.opened["public"] == 3
    (gap,) = found.book_gaps("BTCUSDT")
    assert gap["reason"] == "reset"
    assert (found.wrong("BTCUSDT"), found.wrong("ETHUSDT")) == (0, 0)
    assert found.book_gaps("ETHUSDT") == []
    trades = found.rows("ETHUSDT").filter(pl.col("kind") == "trade")["seq_last"]
    assert (trades.diff().drop_nulls() == 1).all()


async def test_repeated_and_swapped_frames_never_make_a_wrong_book(tape: Tape, tmp_path: Path) -> None:
    found = await run(tape, tmp_path / "lake", Faults(repeat=at(tape, 0.5, 0.55), swap=at(tape, 0.7)))
    assert found.wrong("BTCUSDT") == 0
    assert found.rows("BTCUSDT")["row_id"].is_unique().all()


async def test_what_comes_late_is_put_aside_and_the_book_stays_right(tape: Tape, tmp_path: Path) -> None:
    found = await run(tape, tmp_path / "lake", Faults(delay=at(tape, 0.5)))
    late = found.rows("BTCUSDT").filter(~pl.col("dq_ok"))
    assert late.height > 20
    assert set(late["dq_codes"].explode()) <= {"latency", "stale"}
    kept = pl.concat(pl.read_parquet(path) for path in found.root.glob("BTCUSDT/*/*.parquet"))
    assert kept["lag_ms"].max() <= 1_500  # type: ignore[operator]
    assert late["lag_ms"].max() > 3_000  # type: ignore[operator]
    assert found.book_gaps("BTCUSDT") == []
    assert (found.wrong("BTCUSDT"), found.wrong("ETHUSDT")) == (0, 0)


async def test_a_reader_that_stalls_holds_the_venue_back_and_misses_nothing(
    tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, pause = raw.RawWriter.write, sockets.Link._pause
    paused, written = list[int](), 0

    def stalling(self: raw.RawWriter, text: bytes, **more: object) -> None:
        nonlocal written
        written += 1
        if written % 200 == 0:
            time.sleep(0.25)  # the disk itself
        real(self, text, **more)  # type: ignore[arg-type]

    def noted(link: sockets.Link) -> None:
        paused.append(link.number)
        pause(link)

    monkeypatch.setattr(raw.RawWriter, "write", stalling)
    monkeypatch.setattr(sockets.Link, "_pause", noted)
    monkeypatch.setattr(sockets, "MAX_UNREAD_BYTES", 16 << 10)
    found = await run(tape, tmp_path / "lake", Faults())
    assert paused
    assert found.venue.opened == {"public": 2, "market": 2}
    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert found.book_gaps(symbol) == []
        trades = found.rows(symbol).filter(pl.col("kind") == "trade")["seq_last"]
        assert (trades.sort().diff().drop_nulls() == 1).all()
        assert found.wrong(symbol) == 0


async def test_a_garbage_frame_is_a_dead_letter_and_stops_nothing(tape: Tape, tmp_path: Path) -> None:
    found = await run(tape, tmp_path / "lake", Faults(garbage=at(tape, 0.5)))
    (path,) = (tmp_path / "lake").glob("_deadletter/BTCUSDT/*/*.jsonl")
    letter = json.loads(path.read_text())
    assert letter["frame"].endswith('"E":NaN')
    assert letter["error"]
    assert found.book_gaps("BTCUSDT") == []
    assert found.wrong("BTCUSDT") == 0


@pytest.mark.parametrize(("status", "after", "least_s"), [(429, "3", 3.0), (418, "5", 5.0), (429, None, 10.0)])
async def test_a_refused_snapshot_stops_the_queue_until_the_venues_time(
    tape: Tape, tmp_path: Path, status: int, after: str | None, least_s: float
) -> None:
    found = await run(tape, tmp_path / "lake", Faults(), refusals=[(status, after)])
    (first, _), (second, _) = found.venue.asked[:2]
    assert (second - first) / NS_PER_S >= least_s
    assert found.metrics.snapshot_refusals == 1
    assert (found.wrong("BTCUSDT"), found.wrong("ETHUSDT")) == (0, 0)


async def test_a_connection_is_replaced_with_no_gap_and_no_row_twice(tape: Tape, tmp_path: Path) -> None:
    limits = SocketLimits(overlap_after_s=25.0, life_s=50.0)
    found = await run(tape, tmp_path / "lake", Faults(), limits=limits)
    assert found.venue.opened["public"] >= 4
    assert any("handed over" in line for line in found.told)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        rows = found.rows(symbol)
        assert found.book_gaps(symbol) == []
        assert rows["row_id"].is_unique().all()
        assert (rows.filter(pl.col("kind") == "trade")["seq_last"].diff().drop_nulls() == 1).all()
        assert found.wrong(symbol) == 0


async def test_the_raw_layer_makes_the_same_files_again(tape: Tape, tmp_path: Path) -> None:
    faults = Faults(drop=at(tape, 0.5), close=at(tape, 0.7))
    live = await run(tape, tmp_path / "live", faults, limits=SocketLimits(overlap_after_s=25.0))
    again = replace(live.spec, output_dir=tmp_path / "again", layers=("rows",))
    raw = sorted((tmp_path / "live").glob("_raw/*/*/*.gz"))
    assert len(raw) > 2
    harvest_recorded(again, raw, max_bytes=1 << 30, tell=lambda _: None)
    for layer in ("rows", "quarantine"):
        assert replace(live, root=tmp_path / "again").manifest(layer=layer) == live.manifest(layer=layer)
    assert len(live.manifest()) > 4


async def test_missed_aggregate_trades_are_asked_for_and_come_once(tape: Tape, tmp_path: Path) -> None:
    found = await run(tape, tmp_path / "lake", Faults(lost_trades=frozenset([20, 21, 22, 23, 24, 40])), page=2)
    told = found.venue.trades["BTCUSDT"]
    first = int(str(told[0]["a"]))
    assert len(told) > 50
    trades = found.rows("BTCUSDT").filter(pl.col("kind") == "agg_trade")
    assert trades["seq_last"].sort().to_list() == [one["a"] for one in told]
    late = trades.filter(trades["seq_last"].is_in([first + at for at in (20, 21, 22, 23, 24, 40)]))
    assert late["dq_ok"].all()
    assert late["ts_ms"].to_list() == [told[at]["T"] for at in (20, 21, 22, 23, 24, 40)]
    gaps = [gap for entry in found.manifest() for gap in entry["gaps"] if gap["reason"] == "agg_trade_ids"]  # type: ignore[attr-defined]
    assert [(gap["from_u"] - first, gap["to_u"] - first) for gap in gaps] == [(19, 25), (39, 41)]
    assert found.venue.trades_asked == [("BTCUSDT", first + at) for at in (20, 22, 24, 40)]
    assert found.metrics.filled == 6
    again = replace(found.spec, output_dir=tmp_path / "again", layers=("rows",))
    harvest_recorded(again, sorted(found.root.glob("_raw/*/*/*.gz")), max_bytes=1 << 30, tell=lambda _: None)
    assert replace(found, root=tmp_path / "again").manifest() == found.manifest()


async def test_no_open_socket_for_long_ends_the_harvest_and_publishes_what_there_is(tape: Tape, tmp_path: Path) -> None:
    clock = FastClock(tape.start_ns - 5 * NS_PER_S, 20.0)
    async with FaultVenue({"BTCUSDT": tape}, clock) as venue:
        spec = HarvestSpec("binance-usdm", ("BTCUSDT",), tmp_path / "lake", urls=venue.urls)
        running = asyncio.create_task(
            harvest(spec, clock=clock, randomness=SeededRandomness(7), stop=asyncio.Event(), tell=lambda _: None)
        )
        await venue.connected(2)
        venue.play()
        await venue.played.wait()
        gone_ns = clock.now_ns()
    with pytest.raises(VenueUnreachable, match="no socket of binance-usdm could be opened for 120 s"):
        await running
    assert (clock.now_ns() - gone_ns) / NS_PER_S >= 118  # it looks once a second
    assert check_lake(tmp_path / "lake").right >= 2


async def test_a_full_disk_is_one_sentence_and_nothing_half_published(
    tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = os.write, 0

    def filling(file: int, data: bytes) -> int:
        nonlocal written
        written += len(data)
        if written > 60_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data)

    monkeypatch.setattr(raw.os, "write", filling)
    with pytest.raises(StorageUnwritable, match="No space left on device; free space or choose another directory"):
        await run(tape, tmp_path / "lake", Faults())
    monkeypatch.undo()
    assert check_lake(tmp_path / "lake").findings == ()
    assert not list((tmp_path / "lake").glob("_tmp/*"))
