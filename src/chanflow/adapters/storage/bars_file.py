"""Bars in a file: CSV, gzipped CSV or Parquet, told apart by their first bytes and judged before they are handed out.

Columns, in any order and case: `ts_ms` (Unix ms) or `time`, then `open`, `high`, `low`, `close`, and where there are
any `volume` and `amount`. `time` is ISO 8601, UTC where it names no zone, or seconds or milliseconds since 1970: below
1e11 it counts seconds. Other columns are passed over. A file without a byte holds no bars.

A clean CSV is read by polars in one go. Whatever polars doubts is read once more, line by line and more patiently,
so that a fault is told with its line and its value.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from chanflow.domain.errors import RecordingInvalid

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

MAX_BYTES = 4 << 30
"""Most bytes a gzipped file may unpack to."""

PRICES = ("open", "high", "low", "close")
COUNTED = ("volume", "amount")

_GZIP_MAGIC, _PARQUET_MAGIC = b"\x1f\x8b", b"PAR1"
_CHUNK_BYTES = 1 << 20
_HEADER_BYTES = 1 << 16
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DATE = re.compile(r"(?:19|20)[0-9]{6}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999
_MS_FROM = 1e11
_MS_TO = 1e14


@dataclass(frozen=True, slots=True, eq=False)
class BarColumns:
    """Bars in order, one array per column; `volume` and `amount` are None where the file has none.

    `ts_ms` rises strictly (Unix ms, the bar's open), every value is finite, low <= open, close <= high.
    """

    ts_ms: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64] | None = None
    amount: NDArray[np.float64] | None = None
    widened: int = 0
    """How many bars were widened, because their high or low did not bound the others."""

    def __len__(self) -> int:
        return len(self.ts_ms)


def read_bars(path: Path, *, repair: bool = False) -> BarColumns:
    """Return the bars of a file. With `repair`, high and low are widened where they do not bound open and close.

    Raises RecordingInvalid, one sentence that names the file, the line or bar and the value, where the file cannot be
    read, a column is missing, a value is no finite number, times do not rise, or a bar is malformed and not repaired.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if not magic:
            return _bars({"ts_ms": [], **{name: [] for name in PRICES}})
        if magic == _PARQUET_MAGIC:
            bars = _parquet(path)
        elif magic.startswith(_GZIP_MAGIC):
            bars = _csv(path, _unpacked(path))
        else:
            bars = _csv(path, None)
    except OSError as fault:
        raise RecordingInvalid(f"{path} cannot be read: {(fault.strerror or str(fault)).lower()}") from fault
    return _judged(path, bars, repair=repair)


class _Unreadable(Exception):
    """One value of a column cannot be understood: its place and what is wrong with it."""

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(reason)
        self.at = at


def _unpacked(path: Path) -> bytes:
    pieces, size = [], 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(_CHUNK_BYTES):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_BYTES:
                    raise RecordingInvalid(f"{path} unpacks to more than {MAX_BYTES} bytes: unpack and split it")
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise RecordingInvalid(f"{path} is damaged or truncated gzip after {size} unpacked bytes: {fault}") from fault
    return b"".join(pieces)


def _csv(path: Path, data: bytes | None) -> BarColumns:
    """Read the CSV in `data`, or in the file itself."""
    if data is not None and not data:
        return _bars({"ts_ms": [], **{name: [] for name in PRICES}})
    with io.BytesIO(data) if data is not None else path.open("rb") as file:
        header = file.readline(_HEADER_BYTES)
    quick = _quick(path if data is None else data, header)
    if quick is not None:
        return quick
    raw = io.BytesIO(data) if data is not None else path.open("rb")
    with io.TextIOWrapper(raw, encoding="utf-8-sig", newline=None) as text:
        try:
            return _patient(path, text)
        except UnicodeDecodeError as fault:
            raise RecordingInvalid(f"{path} is no UTF-8 text: save it as UTF-8") from fault
        except csv.Error as fault:
            raise RecordingInvalid(f"{path} is no CSV: {fault}") from fault


def _quick(source: Path | bytes, header: bytes) -> BarColumns | None:
    """Return the bars of a CSV without any oddity, or None where there is one."""
    import polars as pl

    try:
        names = header.decode("utf-8-sig").rstrip("\r\n").split(",")
        places = _places("", names)
    except (UnicodeDecodeError, RecordingInvalid):
        return None
    if '"' in names or any(name != name.strip() for name in names):
        return None
    kinds: dict[str, Any] = {names[at]: pl.Float64 for name, at in places.items() if name not in {"ts_ms", "time"}}
    if "ts_ms" in places:
        kinds[names[places["ts_ms"]]] = pl.Int64
    try:
        frame = pl.read_csv(source, schema_overrides=kinds, infer_schema=False)
    except pl.exceptions.PolarsError:
        return None
    if not frame.height or frame.width != len(names):
        return None
    columns = {name: frame.to_series(at) for name, at in places.items()}
    for name in COUNTED:
        if name in columns and columns[name].null_count() == frame.height:
            del columns[name]
    if any(column.null_count() for column in columns.values()):
        return None
    if not all(column.is_finite().all() for name, column in columns.items() if name not in {"ts_ms", "time"}):
        return None
    if "time" in columns:
        try:
            return _bars({**columns, "ts_ms": _ms_of_texts(columns.pop("time").to_list())})
        except _Unreadable:
            return None
    return _bars(columns)


def _patient(path: Path, text: TextIO) -> BarColumns:
    """Read a CSV line by line; blank lines are passed over, a file of nothing else holds no bars."""
    reader = csv.reader(text, strict=True)
    header = next((row for row in reader if any(map(str.strip, row))), None)
    if header is None:
        return _bars({"ts_ms": [], **{name: [] for name in PRICES}})
    places = _places(str(path), header)
    when = "ts_ms" if "ts_ms" in places else "time"
    numbers = {name: array("d") for name in places if name != when}
    times: list[str] = []
    lines: list[int] = []
    for row in reader:
        if not any(map(str.strip, row)):
            continue
        if len(row) != len(header):
            raise RecordingInvalid(
                f"{path} line {reader.line_num} has {len(row)} fields, the header has {len(header)}: "
                f"a comma must only part fields"
            )
        lines.append(reader.line_num)
        times.append(row[places[when]].strip())
        for name, column in numbers.items():
            field = row[places[name]].strip()
            absent = not field and name in COUNTED
            column.append(float("nan") if absent else _number(path, reader.line_num, name, field))
    for name in COUNTED:
        gaps = [at for at, value in enumerate(numbers.get(name, ())) if math.isnan(value)]
        if gaps and len(gaps) < len(lines):
            line = lines[gaps[0]]
            raise RecordingInvalid(f"{path} line {line}: {name} is empty; fill it in, or leave the column out")
        if gaps:
            del numbers[name]
    try:
        ts_ms = _ms_of_counts(times) if when == "ts_ms" else _ms_of_texts(times)
    except _Unreadable as fault:
        raise RecordingInvalid(f"{path} line {lines[fault.at]}: {when} {_shown(times[fault.at])} {fault}") from fault
    return _bars({"ts_ms": ts_ms, **numbers})


def _number(path: Path, line: int, name: str, field: str) -> float:
    number = float(field) if _NUMBER.fullmatch(field) else None
    if number is None or number - number != 0:
        raise RecordingInvalid(f"{path} line {line}: {name} {_shown(field)} is no finite number")
    return number


def _places(path: str, header: Sequence[str]) -> dict[str, int]:
    """Return where each column that is read stands. Raises RecordingInvalid if one is missing or stands twice."""
    names = [name.strip().lower() for name in header]
    for name in ("ts_ms", "time", *PRICES, *COUNTED):
        if names.count(name) > 1:
            raise RecordingInvalid(f"{path} has {names.count(name)} columns named {name}: keep one")
    when = "ts_ms" if "ts_ms" in names else "time"
    missing = [name for name in (when, *PRICES) if name not in names]
    if missing:
        said = "ts_ms or time" if missing[0] == "time" else missing[0]
        raise RecordingInvalid(
            f"{path} has no column {said}; its first line says {_shown(','.join(header))}, "
            f"needed are ts_ms (or time), open, high, low, close"
        )
    return {name: names.index(name) for name in (when, *PRICES, *COUNTED) if name in names}


def _shown(text: str) -> str:
    """Return a hostile text in quotes, short and without control characters."""
    return ascii(text if len(text) <= 60 else text[:57] + "...") if text else "(empty)"


def _ms_of_counts(texts: Sequence[str]) -> list[int]:
    """Return whole milliseconds written as numbers."""
    found = []
    for at, text in enumerate(texts):
        number = float(text) if _NUMBER.fullmatch(text) else float("nan")
        if not number.is_integer():
            raise _Unreadable(at, "is no whole number of milliseconds since 1970")
        if not _FIRST_MS <= number <= _LAST_MS:
            raise _Unreadable(at, "lies outside the years 1 to 9999")
        found.append(int(number))
    return found


def _ms_of_texts(texts: Sequence[str]) -> list[int]:
    """Return Unix ms of times: dates and moments, or seconds or milliseconds since 1970. The first says which."""
    if not texts or not _NUMBER.fullmatch(texts[0].strip()) or all(_DATE.fullmatch(text.strip()) for text in texts):
        return [_ms_of_moment(at, text.strip()) for at, text in enumerate(texts)]
    for at, text in enumerate(texts):
        if not _NUMBER.fullmatch(text.strip()):
            raise _Unreadable(at, "is no number of seconds or milliseconds since 1970, as the first time is")
    return _ms_of_epochs([float(text) for text in texts])


def _ms_of_moment(at: int, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise _Unreadable(at, "is no time: write it as 2024-01-31T09:30:00Z, or as ms since 1970 in ts_ms") from None


def _ms_of_epochs(counts: Sequence[float]) -> list[int]:
    """Return Unix ms of counts since 1970, all in seconds or all in milliseconds."""
    in_ms = bool(counts) and abs(counts[0]) >= _MS_FROM
    for at, count in enumerate(counts):
        if not abs(count) < _MS_TO:
            raise _Unreadable(at, "is neither seconds nor milliseconds since 1970")
        if (abs(count) >= _MS_FROM) != in_ms:
            unit = "milliseconds" if in_ms else "seconds"
            raise _Unreadable(at, f"does not count {unit} since 1970 as the first time does; name the column ts_ms")
    return [round(count) if in_ms else round(count * 1000) for count in counts]


def _parquet(path: Path) -> BarColumns:
    import polars as pl

    broken = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
    try:
        names = list(pl.read_parquet_schema(path))
        places = _places(str(path), names)
        frame = pl.read_parquet(path, columns=[names[at] for at in places.values()], glob=False)
    except broken as fault:
        raise RecordingInvalid(f"{path} is damaged or no Parquet: {str(fault).splitlines()[0]}") from fault
    columns = {name: frame.get_column(names[at]) for name, at in places.items()}
    for name in COUNTED:
        if name in columns and frame.height and columns[name].null_count() == frame.height:
            del columns[name]
    for name, column in columns.items():
        if column.null_count():
            raise RecordingInvalid(f"{path} bar {column.is_null().arg_max()}: {name} is empty")
    when = next(iter(columns))
    read: dict[str, Any] = {
        name: _parquet_number(path, name, column) for name, column in columns.items() if name != when
    }
    try:
        read["ts_ms"] = _parquet_ms(when, columns[when])
    except _Unreadable as fault:
        value = "" if fault.at < 0 else f" bar {fault.at}"
        shown = columns[when].dtype if fault.at < 0 else _shown(str(columns[when][fault.at]))
        raise RecordingInvalid(f"{path}{value}: {when} {shown} {fault}") from fault
    return _bars(read)


def _parquet_number(path: Path, name: str, column: pl.Series) -> pl.Series:
    import polars as pl

    if not column.dtype.is_numeric():
        raise RecordingInvalid(f"{path}: column {name} is {column.dtype}, needed are numbers")
    return column.cast(pl.Float64)


def _parquet_ms(name: str, column: pl.Series) -> Any:
    import polars as pl

    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        return column.dt.epoch("ms")
    if column.dtype == pl.String and name == "time":
        return _ms_of_texts(column.to_list())
    if not column.dtype.is_numeric():
        raise _Unreadable(-1, "is neither numbers nor times")
    if name == "ts_ms" and column.dtype.is_integer():
        return column.cast(pl.Int64, strict=False).fill_null(_LAST_MS + 1)
    texts = [str(value) for value in column.to_list()]
    return _ms_of_counts(texts) if name == "ts_ms" else _ms_of_texts(texts)


def _bars(columns: Mapping[str, Any]) -> BarColumns:
    import numpy as np

    def floats(name: str) -> NDArray[np.float64]:
        return np.ascontiguousarray(columns[name], dtype=np.float64)

    return BarColumns(
        ts_ms=np.ascontiguousarray(columns["ts_ms"], dtype=np.int64),
        open=floats("open"), high=floats("high"), low=floats("low"), close=floats("close"),
        volume=floats("volume") if "volume" in columns else None,
        amount=floats("amount") if "amount" in columns else None,
    )  # fmt: skip


def _judged(path: Path, bars: BarColumns, *, repair: bool) -> BarColumns:
    """Return the bars if they are sound, widened where that is allowed and needed; else raise for the first fault."""
    import numpy as np

    for name in (*PRICES, *COUNTED):
        column = getattr(bars, name)
        if column is not None and (at := _first(~np.isfinite(column))) is not None:
            raise RecordingInvalid(f"{path} bar {at}: {name} {column[at]} is no finite number")
    ts_ms = bars.ts_ms
    if (at := _first((ts_ms < _FIRST_MS) | (ts_ms > _LAST_MS))) is not None:
        raise RecordingInvalid(f"{path} bar {at}: ts_ms {ts_ms[at]} lies outside the years 1 to 9999")
    if (at := _first(ts_ms[1:] <= ts_ms[:-1])) is not None:
        raise RecordingInvalid(
            f"{path} bar {at + 1}: ts_ms {ts_ms[at + 1]} must be later than {ts_ms[at]} of the bar before"
        )
    top = np.maximum.reduce([bars.open, bars.high, bars.low, bars.close])
    bottom = np.minimum.reduce([bars.open, bars.high, bars.low, bars.close])
    malformed = (top > bars.high) | (bottom < bars.low)
    if repair:
        return replace(bars, high=top, low=bottom, widened=int(np.count_nonzero(malformed)))
    if (at := _first(malformed)) is not None:
        raise RecordingInvalid(
            f"{path} bar {at}: high {bars.high[at]} and low {bars.low[at]} do not bound open {bars.open[at]} and "
            f"close {bars.close[at]}; --repair widens such bars"
        )
    return bars


def _first(wrong: NDArray[np.bool_]) -> int | None:
    return int(wrong.argmax()) if wrong.any() else None
