"""A tape of what models answered: one zstd frame of JSON lines an answer, so that a run can be repeated without them.

Each line is an `Exchange` of `domain/question`, by the key of its request. Frames are appended whole, under a lock and
synced. Modes: `off` keeps nothing; `record` answers from the tape and asks for what is not there, or only as a fault;
`refresh` asks for everything once more; `replay` answers from the tape alone, and raises CassetteMiss for the rest.
"""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import io
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

from chanflow.domain.errors import CassetteMiss, InvalidArgument, RecordingInvalid, StorageUnwritable
from chanflow.domain.question import Exchange

TapeMode = Literal["off", "record", "replay", "refresh"]
TAPE_MODES: tuple[TapeMode, ...] = get_args(TapeMode)

_FRAME_MARK = bytes.fromhex("28b52ffd")
_COMPARED = 40
"""Recorded requests that a miss is compared with."""
_SHOWN_LINES = 40
_TEXTS = ("model", "key", "request", "response", "fault", "cost_usd")
_NUMBERS = ("tokens_in", "tokens_out", "latency_ms")


class Tape:
    """One cassette, as a file `*.jsonl.zst`; not shared between processes that write."""

    def __init__(self, path: Path, mode: TapeMode) -> None:
        """Open `path` in a mode other than off.

        Raises InvalidArgument for a name or mode that cannot be, CassetteMiss where a replay has no file,
        RecordingInvalid where the file cannot be read, StorageUnwritable where it cannot be written.
        """
        if mode not in TAPE_MODES or mode == "off":
            raise InvalidArgument(f"cassette mode is {mode!r}, a file takes record, replay or refresh", field="mode")
        if not path.name.endswith(".jsonl.zst"):
            raise InvalidArgument(f"cassette {path.name!r} must end in .jsonl.zst", field="path")
        if mode == "replay" and not path.is_file():
            raise CassetteMiss(f"there is no cassette {path}; record it first")
        self.path = path
        self.mode: TapeMode = mode
        _schema()  # loads polars now, not at the first answer, whose deadline runs
        self._rows: dict[str, Exchange] = {}
        kept = _read(path, mend=mode != "replay") if path.is_file() else []
        if mode != "refresh":
            self._rows.update((row.key, row) for row in kept)

    def find(self, key: str) -> Exchange | None:
        """Return the newest recording of a request that this tape may answer with, or None.

        Outside replay a recorded fault is no answer: the model is asked again.
        """
        row = self._rows.get(key)
        if row is None or (row.response is None and self.mode != "replay"):
            return None
        return row

    def keep(self, row: Exchange) -> None:
        """Append a recording. Raises StorageUnwritable, with the file as it was before."""
        frame = _frame(row)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _append(self.path, frame)
        except OSError as fault:
            raise StorageUnwritable(f"cassette {self.path} cannot be written: {fault.strerror}") from fault
        self._rows[row.key] = row

    def missed(self, key: str, request: str) -> CassetteMiss:
        """Return the fault of a request that was never recorded, with its difference from the nearest that was."""
        near = self._nearest(request)
        if near is None:
            return CassetteMiss(f"cassette {self.path} holds no answer at all; request {key[:12]} is not there")
        lines = difflib.unified_diff(
            _readable(near.request), _readable(request), f"recorded {near.key[:12]}", f"asked {key[:12]}", "", "", 1, ""
        )
        shown = [line[:200] for line in lines]
        more = f"\n… {len(shown) - _SHOWN_LINES} lines more" if len(shown) > _SHOWN_LINES else ""
        told = "\n".join(shown[:_SHOWN_LINES]) + more
        return CassetteMiss(f"cassette {self.path} has no answer to request {key[:12]}; the nearest differs:\n{told}")

    def sha256(self) -> str:
        """Return the hex sha256 of the file as it stands, for a run's manifest. Raises RecordingInvalid without one."""
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        except OSError as fault:
            raise RecordingInvalid(f"cassette {self.path} cannot be read: {fault.strerror}") from fault

    def _nearest(self, request: str) -> Exchange | None:
        """Return the recording most like a request, among those nearest to it in length."""
        rows = sorted(self._rows.values(), key=lambda row: (abs(len(row.request) - len(request)), row.key))
        wanted = _readable(request)

        def likeness(row: Exchange) -> float:
            return difflib.SequenceMatcher(None, _readable(row.request), wanted, autojunk=False).quick_ratio()

        return max(rows[:_COMPARED], key=likeness, default=None)


def _readable(request: str) -> list[str]:
    text = json.dumps(json.loads(request), indent=1, sort_keys=True, ensure_ascii=False)
    return [line for row in text.splitlines() for line in row.replace("\\n", "\n").split("\n")]


def _frame(row: Exchange) -> bytes:
    import polars as pl

    values = {name: [getattr(row, name)] for name in (*_TEXTS, *_NUMBERS)}
    values["cost_usd"] = [str(row.cost_usd)]
    out = io.BytesIO()
    pl.DataFrame(values, schema=_schema()).write_ndjson(out, compression="zstd", check_extension=False)
    return out.getvalue()


def _append(path: Path, frame: bytes) -> None:
    """Add a frame at the end and sync it; a write that fails leaves the file as it was."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        before = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, frame) != len(frame):
                raise OSError(28, "no space left")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def _read(path: Path, *, mend: bool) -> list[Exchange]:
    """Return all recordings, oldest first. With `mend`, a last frame that a crash cut short is taken off the file."""
    try:
        data = path.read_bytes()
        try:
            return _rows(data) if data else []
        except ValueError:
            whole = _whole_bytes(data) if mend else None
            if whole is None:
                raise
            rows = _rows(data[:whole]) if whole else []
        os.truncate(path, whole)
    except OSError as fault:
        raise RecordingInvalid(f"cassette {path} cannot be read: {fault.strerror}") from fault
    except ValueError as fault:
        raise RecordingInvalid(f"cassette {path} is damaged or cut short: {str(fault)[:200]}") from fault
    return rows


def _whole_bytes(data: bytes) -> int | None:
    """Return where the last frame begins, if it was cut short and nothing else is wrong with the end; else None."""
    for begun in range(1, len(_FRAME_MARK)):
        if data.endswith(_FRAME_MARK[:begun]) and _is_whole(data[data.rfind(_FRAME_MARK) : -begun]):
            return len(data) - begun
    last = data.rfind(_FRAME_MARK)
    try:
        _rows(data[last:])
    except ValueError as fault:
        return last if last >= 0 and "incomplete" in str(fault) else None
    return None


def _is_whole(frame: bytes) -> bool:
    try:
        _rows(frame)
    except ValueError:
        return False
    return True


def _rows(data: bytes) -> list[Exchange]:
    """Return the recordings of whole frames. Raises ValueError for bytes that are none."""
    import polars as pl

    try:
        table = pl.read_ndjson(io.BytesIO(data), schema=_schema())
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise ValueError(str(fault)) from fault
    return [_exchange(row) for row in table.iter_rows(named=True)]


def _exchange(row: dict[str, Any]) -> Exchange:
    if any(row[name] is None for name in ("model", "key", "request", "cost_usd", *_NUMBERS)):
        raise ValueError("a line lacks a field")
    if hashlib.sha256(row["request"].encode()).hexdigest() != row["key"]:
        raise ValueError(f"the request under key {row['key'][:12]} is another one")
    try:
        cost_usd = Decimal(row["cost_usd"])
    except ArithmeticError as fault:
        raise ValueError(f"cost {row['cost_usd']!r} is no amount") from fault
    return Exchange(**{**row, "cost_usd": cost_usd})


def _schema() -> dict[str, Any]:
    import polars as pl

    return {**dict.fromkeys(_TEXTS, pl.String), **dict.fromkeys(_NUMBERS, pl.Int64)}
