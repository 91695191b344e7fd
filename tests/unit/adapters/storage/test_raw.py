"""Raw frames: whole members, one file a span, and what a kill leaves."""

from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path

import pytest

from chanflow.adapters.storage.lake_check import check_lake
from chanflow.adapters.storage.publish import Publisher, manifest_entries
from chanflow.adapters.storage.raw import RawWriter
from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.time import NS_PER_S

START_NS = 1_767_571_200 * NS_PER_S
HEAD, STANDING = b"# {}\n", b"# 0 socket 1\n"


def lines(first: int, count: int, *, step_ns: int = NS_PER_S // 10) -> list[tuple[int, bytes]]:
    return [
        (at, b'%d {"n":%d}\n' % (at, n)) for n, at in ((n, START_NS + n * step_ns) for n in range(first, first + count))
    ]


def fill(raw: RawWriter, made: list[tuple[int, bytes]]) -> None:
    for at, line in made:
        raw.write(line, first_ns=at, last_ns=at, frames=1, standing=STANDING)


def writer(root: Path, **bounds: float) -> tuple[Publisher, RawWriter]:
    publisher = Publisher(root, "harvest")
    rotate_bytes = int(bounds.get("rotate_bytes", 1 << 30))
    return publisher, RawWriter(
        publisher, "BTCUSDT", head=HEAD, rotate_s=bounds.get("rotate_s", 60.0), rotate_bytes=rotate_bytes
    )


def listed(root: Path) -> list[dict[str, object]]:
    return [entry for path in sorted(root.glob("_manifest/*")) for entry in manifest_entries(path.read_bytes())]


def test_a_file_holds_its_frames_behind_a_head_and_is_listed(tmp_path: Path) -> None:
    publisher, raw = writer(tmp_path)
    made = lines(0, 50)
    fill(raw, made)
    raw.close()
    publisher.release()
    (path,) = tmp_path.glob("_raw/BTCUSDT/date=2026-01-05/*")
    assert path.name == f"part-{START_NS // 1_000_000}.txt.gz"
    assert gzip.decompress(path.read_bytes()) == HEAD + STANDING + b"".join(line for _, line in made)
    (entry,) = listed(tmp_path)
    assert (entry["layer"], entry["rows"], entry["bytes"]) == ("raw", 50, path.stat().st_size)
    assert check_lake(tmp_path).findings == ()


def test_a_file_ends_with_its_span_and_with_its_date(tmp_path: Path) -> None:
    publisher, raw = writer(tmp_path, rotate_s=2.0)
    fill(raw, lines(0, 50))
    fill(raw, lines(863_995, 10))
    raw.close()
    publisher.release()
    assert [entry["rows"] for entry in listed(tmp_path)] == [20, 20, 10, 5, 5]


def test_what_a_kill_leaves_is_cut_behind_its_last_whole_member_and_published(tmp_path: Path) -> None:
    publisher, raw = writer(tmp_path)
    fill(raw, lines(0, 25))
    assert publisher._lock is not None
    os.close(publisher._lock)  # as the end of the process does
    (staged,) = tmp_path.glob("_tmp/harvest/raw+*")
    staged.write_bytes(staged.read_bytes() + b"\x1f\x8b\x08half a member")
    Publisher(tmp_path, "harvest").release()
    (path,) = tmp_path.glob("_raw/BTCUSDT/*/*")
    kept = gzip.decompress(path.read_bytes()).split(b"\n")
    assert b'{"n":19}' in kept[-2]
    (entry,) = listed(tmp_path)
    assert entry["recovered"] is True
    (gap,) = entry["gaps"]  # type: ignore[misc]
    assert gap["reason"] == "killed"
    assert gap["from_ms"] == (START_NS + 19 * NS_PER_S // 10) // 1_000_000
    assert check_lake(tmp_path).findings == ()


def test_a_file_renamed_but_not_listed_is_listed_at_the_next_start(tmp_path: Path) -> None:
    publisher, raw = writer(tmp_path)
    fill(raw, lines(0, 5))
    raw.close()
    (manifest,) = tmp_path.glob("_manifest/*")
    line = manifest.read_text()
    manifest.unlink()
    publisher.staged("left.line").write_text(line)
    assert publisher._lock is not None
    os.close(publisher._lock)
    Publisher(tmp_path, "other").release()
    assert manifest.read_text() == line


def test_a_full_disk_is_one_sentence_and_leaves_whole_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher, raw = writer(tmp_path)
    fill(raw, lines(0, 10))
    real = os.write

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageUnwritable, match="No space left on device; free space"):
        fill(raw, lines(10, 30))
    monkeypatch.setattr(os, "write", real)
    raw.close()
    publisher.release()
    (path,) = tmp_path.glob("_raw/BTCUSDT/*/*")
    assert b'{"n":8}' in gzip.decompress(path.read_bytes())
    assert check_lake(tmp_path).findings == ()


def test_a_lake_is_examined_file_by_file(tmp_path: Path) -> None:
    publisher, raw = writer(tmp_path, rotate_s=1.0)
    fill(raw, lines(0, 40))
    raw.close()
    publisher.release()
    first, second, third, _ = sorted(tmp_path.glob("_raw/BTCUSDT/*/*"))
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    second.unlink()
    (tmp_path / "_raw" / "BTCUSDT" / "date=2026-01-05" / "part-1.txt.gz").write_bytes(b"")
    third.write_bytes(b"")
    report = check_lake(tmp_path)
    assert report.right == 1
    assert [finding.what.split(",")[0] for finding in report.findings] == [
        "no manifest line lists it",
        next(finding.what.split(",")[0] for finding in report.findings if "SHA-256" in finding.what),
        "a manifest line lists it",
        "it has 0 bytes",
    ]
    assert json.dumps(listed(tmp_path))
