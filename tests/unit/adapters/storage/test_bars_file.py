"""Bars in files: every accepted form gives the same columns, every fault is one sentence with its place and value."""

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chanflow.adapters.storage import bars_file
from chanflow.adapters.storage.bars_file import BarColumns, read_bars
from chanflow.domain.errors import RecordingInvalid

T0 = 1_704_067_200_000
PLAIN = f"ts_ms,open,high,low,close,volume\n{T0},1,2,0.5,1.5,10\n{T0 + 60_000},1.5,3,1.25,2.5,20\n"


def written(tmp_path: Path, text: str | bytes, name: str = "bars.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def told(path: Path, *, repair: bool = False) -> str:
    with pytest.raises(RecordingInvalid) as fault:
        read_bars(path, repair=repair)
    message = str(fault.value)
    assert str(path) in message
    assert "\n" not in message
    return message.replace(str(path), "FILE")


def assert_plain(bars: BarColumns) -> None:
    assert bars.ts_ms.tolist() == [T0, T0 + 60_000]
    assert bars.ts_ms.dtype == np.int64
    rows = [column.tolist() for column in (bars.open, bars.high, bars.low, bars.close)]
    assert rows == [[1, 1.5], [2, 3], [0.5, 1.25], [1.5, 2.5]]
    assert bars.volume is not None
    assert bars.volume.tolist() == [10, 20]
    assert bars.amount is None


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\n\n"),
        PLAIN.rstrip("\n"),
        "\ufeff" + PLAIN,
        PLAIN.replace("ts_ms,open", "TS_MS, Open "),
        PLAIN.replace("ts_ms,open", '"ts_ms","open"'),
        PLAIN.replace(str(T0), f"{T0}.0"),
        PLAIN.replace(",1,2,0.5", ', 1 ,"2",5e-1'),
        PLAIN.replace("volume", "volume,note").replace("10\n", "10,a\n").replace("20\n", "20,\n"),
        "\n".join(",".join([*line.split(",")[1:], line.split(",")[0]]) for line in PLAIN.split()),
    ],
)
def test_a_csv_may_be_written_in_many_ways(tmp_path: Path, text: str) -> None:
    assert_plain(read_bars(written(tmp_path, text)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"),
        ("2024-01-01 00:00:00", "2024-01-01 00:01"),
        ("2024-01-01T08:00:00+08:00", "2024-01-01T08:01:00+08:00"),
        ("2024-01-01", "20240101T000100"),
        (str(T0 // 1_000), str(T0 // 1_000 + 60)),
        (f"{T0 // 1_000}.0", f"{T0 // 1_000 + 60}.0"),
        (str(T0), str(T0 + 60_000)),
    ],
)
@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_time_may_be_written_in_many_ways(tmp_path: Path, first: str, second: str, blank: str) -> None:
    text = PLAIN.replace("ts_ms", "time").replace(str(T0), first).replace(str(T0 + 60_000), second) + blank
    assert_plain(read_bars(written(tmp_path, text)))


def test_eight_figures_are_a_date(tmp_path: Path) -> None:
    bars = read_bars(written(tmp_path, "time,open,high,low,close\n20240101,1,1,1,1\n20240102,1,1,1,1\n"))
    assert bars.ts_ms.tolist() == [T0, T0 + 86_400_000]


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    assert_plain(read_bars(written(tmp_path, gzip.compress(PLAIN.encode()), "bars.csv.gz")))
    assert_plain(read_bars(written(tmp_path, gzip.compress(PLAIN[:60].encode()) + gzip.compress(PLAIN[60:].encode()))))


@pytest.mark.parametrize(
    "times",
    [
        pl.Series("ts_ms", [T0, T0 + 60_000]),
        pl.Series("ts_ms", [float(T0), float(T0 + 60_000)]),
        pl.Series("ts_ms", [T0, T0 + 60_000], dtype=pl.UInt64),
        pl.Series("time", [T0 // 1_000, T0 // 1_000 + 60]),
        pl.Series("time", ["2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"]),
        pl.Series("time", [datetime(2024, 1, 1), datetime(2024, 1, 1, 0, 1)]),  # noqa: DTZ001
        pl.Series("time", [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 1, tzinfo=UTC)]),
    ],
)
def test_parquet_is_read_like_csv(tmp_path: Path, times: pl.Series) -> None:
    frame = pl.DataFrame(
        {"open": [1.0, 1.5], "high": [2, 3], "low": [0.5, 1.25], "close": [1.5, 2.5], "Volume": [10, 20], "x": "y"}
    ).with_columns(times)
    frame.write_parquet(tmp_path / "bars.parquet")
    assert_plain(read_bars(tmp_path / "bars.parquet"))


def test_a_parquet_date_is_its_midnight(tmp_path: Path) -> None:
    prices = {name: [1.0, 2.0] for name in ("open", "high", "low", "close")}
    pl.DataFrame({"time": [date(2024, 1, 1), date(2024, 1, 2)], **prices}).write_parquet(tmp_path / "d.parquet")
    assert read_bars(tmp_path / "d.parquet").ts_ms.tolist() == [T0, T0 + 86_400_000]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n \n", b"ts_ms,open,high,low,close\n", gzip.compress(b"", mtime=0)],
    ids=["none", "blank", "head", "packed"],
)
def test_an_empty_file_holds_no_bars(tmp_path: Path, data: bytes) -> None:
    bars = read_bars(written(tmp_path, data))
    assert (len(bars), len(bars.close), bars.widened) == (0, 0, 0)


def test_a_column_of_nothing_is_absent(tmp_path: Path) -> None:
    assert read_bars(written(tmp_path, PLAIN.replace(",10\n", ",\n").replace(",20\n", ",\n"))).volume is None
    assert read_bars(written(tmp_path, PLAIN.replace(",10\n", ",\n").replace(",20\n", ", \n"))).volume is None


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("1.5,10", "abc,10", "FILE line 2: close 'abc' is no finite number"),
        ("1.5,10", ",10", "FILE line 2: close (empty) is no finite number"),
        ("1.5,10", "nan,10", "FILE line 2: close 'nan' is no finite number"),
        ("3,1.25", "1e999,1.25", "FILE line 3: high '1e999' is no finite number"),
        ("3,1.25", "1_0,1.25", "FILE line 3: high '1_0' is no finite number"),
        ("3,1.25", "0x3,1.25", "FILE line 3: high '0x3' is no finite number"),
        ("3,1.25", "\x00\x1b[31m3,1.25", r"FILE line 3: high '\x00\x1b[31m3' is no finite number"),
        (",20", ",", "FILE line 3: volume is empty; fill it in, or leave the column out"),
        (",20", ",20,7", "FILE line 3 has 7 fields, the header has 6: a comma must only part fields"),
        (",1.25,2.5,20", "", "FILE line 3 has 3 fields, the header has 6: a comma must only part fields"),
        ("open", "one", ("FILE has no column open; its first line says 'ts_ms,one,high,low,close,volume', needed are "
         "ts_ms (or time), open, high, low, close")),
        ("volume", "Open", "FILE has 2 columns named open: keep one"),
        (f"\n{T0},", "\nsoon,", "FILE line 2: ts_ms 'soon' is no whole number of milliseconds since 1970"),
        (f"\n{T0},", "\n1e300,", "FILE line 2: ts_ms '1e300' lies outside the years 1 to 9999"),
        (f"\n{T0},", f"\n{1 << 62},", f"FILE bar 0: ts_ms {1 << 62} lies outside the years 1 to 9999"),
        (str(T0 + 60_000), str(T0), f"FILE bar 1: ts_ms {T0} must be later than {T0} of the bar before"),
        ("1.5,3,", "1.5,2,", ("FILE bar 1: high 2.0 and low 1.25 do not bound open 1.5 and close 2.5; "
         "--repair widens such bars")),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place_and_value(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert told(written(tmp_path, PLAIN.replace(old, new))) == sentence


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("2024-01-01", "noon", "line 3: time 'noon' is no time: write it as 2024-01-31T09:30:00Z, or as ms since 1970"),
        ("1704067200", "later", "line 3: time 'later' is no number of seconds or milliseconds since 1970"),
        ("1704067200", str(T0 + 60_000), "line 3: time '1704067260000' does not count seconds since 1970"),
        (f"{T0}000", f"{T0}001", f"line 2: time '{T0}000' is neither seconds nor milliseconds since 1970"),
    ],
)
def test_a_fault_in_a_time_is_told_with_its_line(tmp_path: Path, first: str, second: str, sentence: str) -> None:
    text = f"time,open,high,low,close\n{first},1,1,1,1\n{second},1,1,1,1\n"
    assert sentence in told(written(tmp_path, text))


def test_what_is_no_csv_is_told(tmp_path: Path) -> None:
    assert told(written(tmp_path, PLAIN.encode("utf-16"))) == "FILE is no UTF-8 text: save it as UTF-8"
    assert told(written(tmp_path, PLAIN.replace("1.5,10", "1.5,\xe9").encode("latin-1"))).endswith("save it as UTF-8")
    assert "is damaged or truncated gzip" in told(written(tmp_path, gzip.compress(PLAIN.encode())[:-9]))
    assert "is damaged or no Parquet" in told(written(tmp_path, b"PAR1 and then nothing of the kind"))
    assert told(tmp_path / "absent.csv") == "FILE cannot be read: no such file or directory"
    assert told(tmp_path) == "FILE cannot be read: is a directory"
    assert "is no CSV" in told(written(tmp_path, PLAIN.replace("1.5,10", '"1.5,10')))


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars_file, "MAX_BYTES", 50)
    assert told(written(tmp_path, gzip.compress(PLAIN.encode()))).startswith("FILE unpacks to more than 50 bytes")


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        ("open", ["1", "2"], "FILE: column open is String, needed are numbers"),
        ("close", [1.0, None], "FILE bar 1: close is empty"),
        ("close", [1.0, float("inf")], "FILE bar 1: close inf is no finite number"),
        ("ts_ms", [True, False], "FILE: ts_ms Boolean is neither numbers nor times"),
        ("ts_ms", [1.0, 2.5], "FILE bar 1: ts_ms '2.5' is no whole number of milliseconds since 1970"),
    ],
)
def test_a_fault_in_parquet_is_told_with_its_bar(
    tmp_path: Path, column: str, values: list[object], sentence: str
) -> None:
    columns = {"ts_ms": [1, 2], **{name: [1.0, 1.0] for name in ("open", "high", "low", "close")}, column: values}
    pl.DataFrame(columns).write_parquet(tmp_path / "bars.parquet")
    assert told(tmp_path / "bars.parquet") == sentence


def test_repair_widens_and_counts(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN.replace("1.5,3,1.25", "1.5,1.25,3"))
    bars = read_bars(path, repair=True)
    assert (bars.high.tolist(), bars.low.tolist(), bars.widened) == ([2, 3], [0.5, 1.25], 1)


def test_repair_does_not_reorder_time(tmp_path: Path) -> None:
    assert "must be later than" in told(written(tmp_path, PLAIN.replace(str(T0 + 60_000), "5")), repair=True)


def test_both_readers_agree_to_the_last_bit(tmp_path: Path) -> None:
    grid = np.random.default_rng(7).normal(100, 20, (500, 4))
    lines = ["time,open,high,low,close"]
    for at, (a, b, c, d) in enumerate(grid.tolist()):
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=at)
        lines.append(f"{moment.isoformat()},{a!r},{max(a, b, c, d)!r},{min(a, b, c, d)!r},{d!r}")
    quick = read_bars(written(tmp_path, "\n".join(lines)))
    patient = read_bars(written(tmp_path, "\n\n".join(lines)))
    for name in ("ts_ms", "open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(patient, name))
    assert quick.open.tolist() == grid[:, 0].tolist()
