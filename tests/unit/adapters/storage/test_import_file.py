"""Files of bars: columns, times, zones, intervals, gaps."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from made_rows import START_MS

from chanflow.adapters.storage.import_file import read_file
from chanflow.domain.errors import ChanflowError, InvalidArgument, RecordingInvalid

HEAD = "time,open,high,low,close,vol\n"


def csv(tmp_path: Path, *times: str, head: str = HEAD) -> Path:
    path = tmp_path / "bars.csv"
    path.write_text(head + "".join(f"{time},1,2,0.5,1.5,10\n" for time in times))
    return path


def opens(path: Path, **more: str) -> list[int]:
    asked = {"symbol": "BTCUSDT", "interval": None, "zone": None} | more
    return [ms - START_MS for ms in read_file(path, mapping={}, **asked).symbols[0].columns["open_ms"].tolist()]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "times",
    [
        ("1767571200", "1767571260"),
        ("1767571200000", "1767571260000"),
        ("1767571200000000", "1767571260000000"),
        ("2026-01-05 00:00:00", "2026-01-05 00:01:00"),
        ("2026-01-05T00:00:00Z", "2026-01-05T00:01:00Z"),
        ("2026-01-05T08:00:00+08:00", "2026-01-05T08:01:00+08:00"),
    ],
)
def test_times_are_understood_as_they_are_written(tmp_path: Path, times: tuple[str, str]) -> None:
    assert opens(csv(tmp_path, *times)) == [0, 60_000]


def test_times_without_a_zone_are_read_in_the_one_that_is_given(tmp_path: Path) -> None:
    path = csv(tmp_path, "2026-01-05 08:00:00", "2026-01-05 08:01:00")
    assert opens(path, zone="Asia/Shanghai") == [0, 60_000]


@pytest.mark.parametrize("day", ["20260105", "2026-01-05", "2026/01/05"])
def test_days_of_an_a_share_open_at_midnight_in_shanghai(tmp_path: Path, day: str) -> None:
    found = read_file(csv(tmp_path, day), mapping={}, symbol="600000.SH", interval="1d", zone=None)
    assert found.zone == "Asia/Shanghai"
    assert found.symbols[0].columns["open_ms"].tolist() == [START_MS - 8 * 3_600_000]


def test_columns_are_guessed_by_name_and_named_by_hand(tmp_path: Path) -> None:
    path = csv(tmp_path, "2026-01-05 00:00:00", "2026-01-05 00:01:00", head="when,o,high,low,close,vol\n")
    with pytest.raises(RecordingInvalid, match="no column for ts_ms: say which with --map ts_ms=COLUMN"):
        opens(path)
    found = read_file(path, mapping={"ts_ms": "when", "open": "o"}, symbol="X", interval=None, zone=None)
    assert found.mapping["volume"] == "vol"
    assert found.symbols[0].interval == "1m"


def test_a_gap_is_told_with_both_its_ends(tmp_path: Path) -> None:
    path = csv(tmp_path, *(f"2026-01-05 00:{minute:02d}:00" for minute in (0, 1, 2, 7, 8)))
    found = read_file(path, mapping={}, symbol="X", interval=None, zone=None).symbols[0]
    assert [(a - START_MS, b - START_MS) for a, b in found.holes] == [(120_000, 420_000)]


def test_a_parquet_of_many_symbols_is_read_by_symbol(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    prices = dict.fromkeys(("open", "high", "low", "close"), [1.0] * 4)
    pl.DataFrame({"ts_ms": [START_MS, START_MS + 60_000] * 2, "symbol": list("AABB"), **prices}).write_parquet(path)
    assert [each.symbol for each in read_file(path, mapping={}, symbol=None, interval=None, zone=None).symbols] == [
        "A", "B",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no CSV or Parquet"),
        ("PAR1 but not really", "is no CSV or Parquet"),
        (HEAD + "soon,1,2,0.5,1.5,1\n", "times of column time cannot be read"),
        (HEAD + "2026-01-05 00:00:00,one,2,0.5,1.5,1\n2026-01-05 00:01:00,1,2,1,1,1\n", "holds no numbers"),
        (HEAD + "2026-01-05 00:00:00,1,2,0.5,1.5,1\n", "which shows no interval"),
    ],
)
def test_a_file_that_cannot_be_understood_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(text)
    with pytest.raises(ChanflowError, match=words):
        opens(path)


@pytest.mark.parametrize("mapping", [{"wings": "vol"}, {"volume": "wings"}])
def test_a_mapping_of_what_is_not_there_is_refused(tmp_path: Path, mapping: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument, match="wings"):
        read_file(csv(tmp_path, "2026-01-05"), mapping=mapping, symbol="X", interval="1d", zone=None)


def test_an_unknown_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="timezone 'Mars/North' is not known"):
        opens(csv(tmp_path, "2026-01-05 00:00:00"), zone="Mars/North", interval="1m")
