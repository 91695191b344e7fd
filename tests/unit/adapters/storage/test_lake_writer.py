"""Files in the lake are whole, dated, listed, and the same for the same rows."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from made_rows import DAY_MS, START_MS, joined, sliced, trade_columns

from chanflow.adapters.storage.lake import LakeWriter
from chanflow.adapters.storage.publish import manifest_entries
from chanflow.domain.errors import InvalidArgument, StorageUnwritable

HERE = Path(__file__).parent


def writer(root: Path, *, writer_id: str = "desk", rotate_rows: int = 200_000, rotate_s: float = 3_600.0) -> LakeWriter:
    return LakeWriter(root, "sim", "SIMUSDT", writer_id=writer_id, rotate_rows=rotate_rows, rotate_s=rotate_s)


def visible(root: Path) -> dict[str, str]:
    """Return the published files and their SHA-256."""
    files = sorted(root.glob("SIMUSDT/date=*/*"))
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def listed(root: Path) -> list[dict[str, object]]:
    return [
        entry for path in sorted((root / "_manifest").glob("*.jsonl")) for entry in manifest_entries(path.read_bytes())
    ]


def test_a_part_is_named_for_the_known_time_of_its_first_row_and_listed_with_its_hash(tmp_path: Path) -> None:
    lake = writer(tmp_path)
    lake.add(trade_columns(500))
    lake.close()

    files = visible(tmp_path)
    assert list(files) == [f"SIMUSDT/date=2026-01-05/part-{START_MS}.parquet"]
    assert listed(tmp_path) == [
        {
            "path": f"SIMUSDT/date=2026-01-05/part-{START_MS}.parquet",
            "layer": "rows",
            "symbol": "SIMUSDT",
            "rows": 500,
            "first_ts_ms": START_MS,
            "last_ts_ms": START_MS + 49_900,
            "first_seq": 1,
            "last_seq": 500,
            "sha256": next(iter(files.values())),
            "bytes": (tmp_path / next(iter(files))).stat().st_size,
            "writer": "desk",
            "schema_version": 3,
            "dq": {"ok": 500, "codes": {}},
        }
    ]


def test_nothing_is_visible_before_a_part_is_whole(tmp_path: Path) -> None:
    lake = writer(tmp_path)
    lake.add(trade_columns(500))
    assert visible(tmp_path) == {}
    lake.close()
    assert len(visible(tmp_path)) == 1


def test_a_part_ends_at_its_row_bound(tmp_path: Path) -> None:
    lake = writer(tmp_path, rotate_rows=200)
    lake.add(trade_columns(500))
    lake.close()
    assert [entry["rows"] for entry in listed(tmp_path)] == [200, 200, 100]


def test_a_part_ends_at_its_span_of_event_time(tmp_path: Path) -> None:
    lake = writer(tmp_path, rotate_s=10.0)
    lake.add(trade_columns(250, step_ms=100))
    lake.close()
    assert [entry["rows"] for entry in listed(tmp_path)] == [100, 100, 50]


def test_how_rows_are_batched_leaves_no_trace(tmp_path: Path) -> None:
    columns = joined(
        trade_columns(700, start_ms=START_MS + DAY_MS - 40_000),
        trade_columns(20, start_ms=START_MS + DAY_MS - 3_000, first_id=701),
        trade_columns(900, start_ms=START_MS + DAY_MS + 30_000, first_id=721),
    )
    roots = [tmp_path / str(size) for size in (1, 7, 113, 5_000)]
    for root in roots:
        lake = writer(root, rotate_rows=250)
        size = int(root.name)
        for start in range(0, len(columns["ts_ms"]), size):
            lake.add(sliced(columns, start, start + size))
        lake.close()
    assert len(visible(roots[0])) == 7
    assert all(visible(root) == visible(roots[0]) for root in roots[1:])


def test_no_file_holds_two_dates_and_a_late_row_goes_to_its_own(tmp_path: Path) -> None:
    midnight = START_MS + DAY_MS
    lake = writer(tmp_path)
    lake.add(trade_columns(100, start_ms=midnight - 10_000))
    lake.add(trade_columns(100, start_ms=midnight, first_id=101))
    lake.add(trade_columns(1, start_ms=midnight - 1, first_id=201))
    lake.close()

    days = [pl.read_parquet(tmp_path / name)["ts_ms"] // DAY_MS for name in visible(tmp_path)]
    assert [day.n_unique() for day in days] == [1, 1]
    assert [day.len() for day in days] == [101, 100]


def test_a_date_is_published_a_minute_after_midnight(tmp_path: Path) -> None:
    midnight = START_MS + DAY_MS
    lake = writer(tmp_path)
    lake.add(trade_columns(1, start_ms=midnight - 10_000))
    lake.add(trade_columns(1, start_ms=midnight + 59_999, first_id=2))
    assert visible(tmp_path) == {}
    lake.add(trade_columns(1, start_ms=midnight + 60_000, first_id=3))
    assert list(visible(tmp_path)) == [f"SIMUSDT/date=2026-01-05/part-{midnight - 10_000}.parquet"]
    lake.discard()


def test_a_repeated_run_writes_and_lists_nothing_twice(tmp_path: Path) -> None:
    for _ in range(2):
        lake = writer(tmp_path, rotate_rows=200)
        lake.add(trade_columns(500))
        lake.close()
    assert len(visible(tmp_path)) == 3
    assert len(listed(tmp_path)) == 3


def test_another_part_of_the_same_name_takes_the_next_number(tmp_path: Path) -> None:
    for first_id in (1, 1_001, 2_001):
        lake = writer(tmp_path)
        lake.add(trade_columns(50, first_id=first_id))
        lake.close()
    stem = f"SIMUSDT/date=2026-01-05/part-{START_MS}"
    assert list(visible(tmp_path)) == [f"{stem}-1.parquet", f"{stem}-2.parquet", f"{stem}.parquet"]


def test_a_run_that_goes_further_replaces_the_part_an_early_stop_left(tmp_path: Path) -> None:
    for count in (120, 500, 300):
        lake = writer(tmp_path)
        lake.add(trade_columns(count))
        lake.close()
    files = visible(tmp_path)
    assert len(files) == 1
    assert pl.read_parquet(tmp_path / next(iter(files))).height == 500
    assert listed(tmp_path)[-1]["sha256"] == next(iter(files.values()))


def test_a_part_left_unlisted_by_a_kill_is_listed_by_the_next_run(tmp_path: Path) -> None:
    lake = writer(tmp_path)
    lake.add(trade_columns(50))
    lake.close()
    manifest = tmp_path / "_manifest" / "2026-01-05.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole[:40])

    lake = writer(tmp_path)
    lake.add(trade_columns(50))
    lake.close()
    assert listed(tmp_path) == [json.loads(whole)]


def test_the_gates_codes_go_with_the_rows_they_were_given_for(tmp_path: Path) -> None:
    lake = writer(tmp_path)
    lake.add(trade_columns(2))
    lake.add(trade_columns(1, first_id=3), dq_codes=("stale", "crossed"))
    lake.close()
    frame = pl.read_parquet(tmp_path / next(iter(visible(tmp_path))))
    assert frame["dq_ok"].to_list() == [True, True, False]
    assert frame["dq_codes"].to_list() == [[], [], ["stale", "crossed"]]


@pytest.mark.parametrize("name", ["", "..", ".", "../../etc", "a/b", "_tmp", "BTCUSDT\n", "B" * 33, "BTC USDT", "ÀB"])
def test_a_name_that_is_no_plain_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgument, match="symbol"):
        LakeWriter(tmp_path, "sim", name, writer_id="desk")
    with pytest.raises(InvalidArgument, match="writer_id"):
        LakeWriter(tmp_path, "sim", "SIMUSDT", writer_id=name)
    assert list(tmp_path.iterdir()) == []


def test_a_second_living_writer_of_one_name_is_refused_and_the_first_keeps_its_folder(tmp_path: Path) -> None:
    first = writer(tmp_path)
    with pytest.raises(StorageUnwritable, match="belongs to a living writer"):
        writer(tmp_path)
    other = writer(tmp_path, writer_id="other")
    first.add(trade_columns(10))
    first.close()
    other.discard()
    assert len(visible(tmp_path)) == 1
    assert list((tmp_path / "_tmp").iterdir()) == []


def test_an_output_directory_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("")
    with pytest.raises(StorageUnwritable, match=r"cannot write .*lake/_tmp/desk: Not a directory; free space"):
        writer(tmp_path / "lake")


CHILD = """
import sys, resource
from pathlib import Path
sys.path.insert(0, {here!r})
from made_rows import trade_columns, START_MS
from chanflow.adapters.storage.lake import LakeWriter
from chanflow.domain.errors import StorageUnwritable
lake = LakeWriter(Path({root!r}), "sim", "SIMUSDT", writer_id="desk", rotate_rows=2_000)
{body}
"""


def child(root: Path, body: str) -> subprocess.Popen[str]:
    text = CHILD.format(here=str(HERE), root=str(root), body=body)
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_full_disk_is_one_sentence_and_leaves_no_file(tmp_path: Path) -> None:
    body = """
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    lake.add(trade_columns(2_000))
except StorageUnwritable as fault:
    print(fault)
"""
    run = child(tmp_path, body)
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    folder = tmp_path / "SIMUSDT" / "date=2026-01-05"
    assert out.strip() == f"cannot write {folder}: File too large; free space or choose another directory"
    assert visible(tmp_path) == {}
    assert listed(tmp_path) == []
    assert [path.name for path in (tmp_path / "_tmp" / "desk").iterdir()] == [".lock"]


def test_after_a_full_disk_the_same_writer_may_try_again(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    lake = writer(tmp_path)
    lake.add(trade_columns(2_000))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        with pytest.raises(StorageUnwritable, match="File too large"):
            lake.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    lake.close()
    assert [entry["rows"] for entry in listed(tmp_path)] == [2_000]


@pytest.mark.crash
@pytest.mark.parametrize("lines_before_kill", [1, 2, 5, 9])
def test_a_killed_writer_leaves_whole_files_and_the_next_start_is_clean(tmp_path: Path, lines_before_kill: int) -> None:
    body = """
for part in range(1_000):
    lake.add(trade_columns(2_000, start_ms=START_MS + part * 40_000, step_ms=20, first_id=1 + part * 2_000))
    print(part, flush=True)
"""
    run = child(tmp_path, body)
    assert run.stdout is not None
    for _ in range(lines_before_kill):
        run.stdout.readline()
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=300)

    before = visible(tmp_path)
    assert len(before) >= lines_before_kill
    assert all(pl.read_parquet(tmp_path / name).height == 2_000 for name in before)
    hashes = {str(entry["path"]): entry["sha256"] for entry in listed(tmp_path)}
    assert hashes.items() <= before.items()
    assert len(before) - len(hashes) <= 1

    (tmp_path / "_tmp" / "desk" / "left.parquet").write_bytes(b"half")
    lake = writer(tmp_path, rotate_rows=2_000)
    assert [path.name for path in (tmp_path / "_tmp" / "desk").iterdir()] == [".lock"]
    for part in range(len(before) + 1):
        lake.add(trade_columns(2_000, start_ms=START_MS + part * 40_000, step_ms=20, first_id=1 + part * 2_000))
    lake.close()
    after = visible(tmp_path)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1
    assert {str(entry["path"]): entry["sha256"] for entry in listed(tmp_path)} == after
    assert len(listed(tmp_path)) == len(after)
