from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_features import lines, row, wavy

from chanflow.adapters.storage import feature_files as module
from chanflow.adapters.storage.feature_files import FeatureFile, Item, Place, feature_files
from chanflow.domain.errors import RecordingInvalid
from chanflow.signals.feature_row import BadRow


def read(path: Path, since: Place = Place(), *, growing: bool = False) -> list[Item]:  # noqa: B008
    return [item for item, _ in FeatureFile(path, path.name).read(since, growing=growing)]


def ends(path: Path, **options: Any) -> Place:
    return [place for _, place in FeatureFile(path, path.name).read(Place(), growing=False)][-1]


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
    return path


def test_both_kinds_of_file_give_the_same_rows(tmp_path: Path) -> None:
    rows = wavy(120)
    (tmp_path / "a.jsonl").write_text(lines(rows))
    assert read(tmp_path / "a.jsonl") == rows == read(parquet(tmp_path / "a.parquet", rows))


def test_a_folder_is_searched_in_the_order_of_dates_and_parts(tmp_path: Path) -> None:
    for name in (
        "ETHUSDT/date=2026-01-06/part-1.parquet", "BTCUSDT/date=2026-01-06/part-2.parquet",
        "BTCUSDT/date=2026-01-06/part-1.parquet", "BTCUSDT/date=2026-01-05/part-9.parquet",
        "BTCUSDT/date=2026-01-05/_tmp/part-0.parquet", ".hidden/part-0.parquet", "_manifest/x.jsonl", "old.jsonl",
        "BTCUSDT/date=2026-01-05/.draft.parquet", "readme.txt",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    found = feature_files(tmp_path)
    assert [(file.key, file.symbol) for file in found] == [
        ("old.jsonl", None),
        ("BTCUSDT/date=2026-01-05/part-9.parquet", "BTCUSDT"),
        ("BTCUSDT/date=2026-01-06/part-1.parquet", "BTCUSDT"),
        ("ETHUSDT/date=2026-01-06/part-1.parquet", "ETHUSDT"),
        ("BTCUSDT/date=2026-01-06/part-2.parquet", "BTCUSDT"),
    ]


def test_a_row_without_a_symbol_takes_it_from_its_folder(tmp_path: Path) -> None:
    bare = {name: value for name, value in row().items() if name != "symbol"}
    parquet(tmp_path / "ETHUSDT" / "date=2026-01-05" / "part-1.parquet", [bare])
    (file,) = feature_files(tmp_path)
    assert [item["symbol"] for item, _ in file.read(Place(), growing=False)] == ["ETHUSDT"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"not json\n", "line 2 is no JSON"),
        (b"[1]\n", "line 2 is no JSON object"),
        (b"\xff\xfe\n", "line 2 is no JSON"),
        (b"[" * 100_000 + b"\n", "line 2 is no JSON"),
        (b'{"ts_ms": ' + b"9" * 5_000 + b"}\n", "line 2 is no JSON"),
        (b"x" * (module.MAX_LINE_BYTES + 1) + b"\n", "line 2 is longer than 1048576 bytes"),
        (b"x" * (3 * module.MAX_LINE_BYTES) + b"\n", "line 2 is longer than 1048576 bytes"),
    ],
    ids=["text", "list", "bytes", "deep", "digits", "long", "longer"],
)
def test_a_line_that_is_no_row_is_named_and_the_next_is_read(tmp_path: Path, line: bytes, words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps(row()).encode() + b"\n" + line + b"\n" + json.dumps(row(1)).encode())
    first, bad, last = read(path)
    assert bad == BadRow((words,))
    assert (first, last) == (row(), row(1))


def test_a_growing_file_keeps_its_unfinished_line_for_later(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines(wavy(3))[:-9])
    assert read(path, growing=True) == wavy(2)
    place = [place for _, place in FeatureFile(path, "a").read(Place(), growing=True)][-1]
    path.write_text(lines(wavy(5)))
    assert read(path, place, growing=True) == wavy(5)[2:]


def test_a_file_of_lines_that_was_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines(wavy(3)))
    place = ends(path)
    path.write_text(lines(wavy(1)))
    with pytest.raises(RecordingInvalid, match="was cut or replaced"):
        read(path, place)


def test_a_parquet_file_is_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE_ROWS", 7)
    path = parquet(tmp_path / "a.parquet", wavy(50))
    assert read(path) == wavy(50)
    assert ends(path) == Place(50, path.stat().st_size)
    assert read(path, Place(45)) == wavy(50)[45:]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"\0" * 200 + b"PAR1", b"hello world"])
def test_what_is_no_parquet_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(data)
    with pytest.raises(RecordingInvalid, match=r"a\.parquet is no Parquet file that can be read"):
        read(path)


def test_a_file_without_the_columns_says_which(tmp_path: Path) -> None:
    rows = [{"ts_ms": 1, "z_ofi": 1.0, "cvd_z": 1.0, "mid": 1.0}]
    with pytest.raises(RecordingInvalid, match="has no column spread_bps, lag_sec: make it with"):
        read(parquet(tmp_path / "a.parquet", rows))


@pytest.mark.parametrize("name", ["nothing", "a.csv"])
def test_what_is_no_file_of_features_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(RecordingInvalid):
        feature_files(tmp_path / name)
