"""The certificates of a data directory: what `chanflow certify --install` put there, looked up by point.

They lie in `certificates/` as `0001-default-0a1b2c3d4e5f.json`: a number, the preset, the start of the file's own
SHA-256. A certificate tells no time of its making, so that the same bars give the same bytes; the highest number is
the newest. A file somebody put there under another name counts as older than any number, and among those the one whose
data ends later is newer.

One that is damaged, foreign, too large or does not hold is passed over: it never breaks a question, and
`CertificateShelf.refused` says why.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypeAlias

from chanflow.domain.errors import InvalidArgument, StorageUnwritable
from chanflow.market.markets import market_of
from chanflow.runtime.home import Home, publish

SCHEMA = "chanflow.certificate/1"
FEW = 30
"""Below this many cases a share says little, and the cell says so."""

MAX_BYTES = 8 << 20
"""A larger file is no certificate: one of 25 intervals has some 500 kB."""
MAX_FILES = 200
"""How many files are read: the newest by number and name."""

Params = Mapping[str, str | bool | int | float | None]
_Key: TypeAlias = tuple[str, str, str, str, str, str, tuple[tuple[str, str], ...]]
_Seen: TypeAlias = tuple[tuple[str, int, int, int], ...]

_MOST = 1 << 53
"""No count reaches this: beyond it a number in JSON is not exact."""
_NUMBERED = re.compile(r"(\d{4,9})-.+\.json")
_INTERVAL = re.compile(r"([1-9]\d{0,4})([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class _Refused(Exception):
    """A file cannot be used, for a reason that is one sentence."""


@dataclass(frozen=True, slots=True)
class EntryFigures:
    """What entries after a signal met. Shares are 0 to 1, returns bps of the entry price; None where there is no case.

    `hit_low` and `hit_high` bound the hit rate with 95 % confidence (Wilson). `base_*` are random entries.
    """

    n: int
    few: bool
    left_out: int
    hit_rate: float | None
    hit_low: float | None
    hit_high: float | None
    timeout_share: float | None
    mean_gross_bps: float | None
    mean_net_bps: float | None
    base_n: int
    base_hit_rate: float | None
    base_mean_net_bps: float | None


@dataclass(frozen=True, slots=True)
class Permanence:
    """How long what was shown lasted. Lags in bars over the confirmed ones; None where there is none.

    `survival` is the share of all ever shown that is in the final structure, with its 95 % interval (Wilson).
    """

    ever_shown: int
    few: bool
    in_final: int
    survival: float | None
    survival_low: float | None
    survival_high: float | None
    confirmed: int
    confirmed_withdrawn: int
    lag_p50_bars: int | None
    lag_p90_bars: int | None


@dataclass(frozen=True, slots=True)
class _Cell:
    market: str
    interval: str
    level: Literal["stroke", "segment"]
    type: Literal["1", "1p", "2", "2s", "3a", "3b"]
    side: Literal["buy", "sell"]
    series: int
    permanence: Permanence
    from_first_seen: EntryFigures
    from_confirmed: EntryFigures


@dataclass(frozen=True, slots=True)
class _Data:
    last_ts_ms: int | None


@dataclass(frozen=True, slots=True)
class _Document:
    """What of a certificate is read; `schema` stands first, so that a foreign file is told by it."""

    schema: Literal["chanflow.certificate/1"]
    holds: bool
    preset: str
    params: dict[str, str | bool | int | float | None]
    data: list[_Data]
    cells: list[_Cell]


@dataclass(frozen=True, slots=True)
class Certified:
    """One certificate that can be used: its file's name, what it covers, and until when its data goes (Unix ms)."""

    name: str
    preset: str
    params: Params
    covers: tuple[tuple[str, str], ...]
    """Market and interval of its cells, as they stand there."""
    data_end_ms: int
    cells: Mapping[_Key, Mapping[str, Any]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """A cell, and the certificate it stands in."""

    cell: Mapping[str, Any]
    certificate: Certified


@dataclass(frozen=True, slots=True)
class _Contents:
    """A folder as it was read: every usable certificate, newest first, and why the other files are refused."""

    seen: _Seen
    usable: tuple[Certified, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[_Key, Measured] = field(default_factory=dict)


class CertificateShelf:
    """Answers from the certificates of a data directory; a file is read again when its size or time changed.

    Several threads may ask at once.
    """

    def __init__(self, home: Home) -> None:
        self._folder = home.certificates_dir
        self._lock = threading.Lock()
        self._files: dict[tuple[str, int, int, int], Certified | str] = {}
        self._contents = _Contents(seen=())

    def cell(
        self, symbol: str, level: str, *, of: str, point_type: str, side: str, preset: str
    ) -> Mapping[str, Any] | None:
        """Return a cell as `operations.services.CertificateReader` asks for it: of the preset as it is."""
        found = self.find(market_of(symbol), level, of=of, point_type=point_type, side=side, preset=preset)
        return None if found is None else found.cell

    def find(
        self,
        market: str,
        interval: str,
        *,
        of: str,
        point_type: str,
        side: str,
        preset: str,
        params: Params | None = None,
    ) -> Measured | None:
        """Return the cell of the newest certificate that has it, made with this preset and exactly these parameters."""
        key = (market, _length(interval), of, point_type, side, preset, _settings(params or {}))
        return self._read().cells.get(key)

    def usable(self) -> tuple[Certified, ...]:
        """Return the certificates that answers come from, newest first."""
        return self._read().usable

    def refused(self) -> Mapping[str, str]:
        """Return why each other file is passed over, by name, in a sentence."""
        return self._read().refused

    def version(self) -> Hashable:
        """Return what changes whenever a certificate comes, goes or is changed."""
        return self._read().seen

    def _read(self) -> _Contents:
        try:
            seen = _listing(self._folder)
        except OSError as fault:
            reason = (fault.strerror or str(fault)).lower()
            return _Contents((), refused={self._folder.name: f"the folder cannot be read: {reason}"})
        contents = self._contents
        if contents.seen == seen:
            return contents
        with self._lock:
            if self._contents.seen != seen:
                self._files = {one: self._files.get(one) or _opened(self._folder, one) for one in seen}
                self._contents = _contents(seen, self._files)
            return self._contents


def install(home: Home, text: str, preset: str) -> Path:
    """Put a certificate into the data directory as its newest one, whole or not at all, and return where it lies.

    The same bytes as those of the newest stay where they are. Raises InvalidArgument for what the shelf would refuse
    and StorageUnwritable.
    """
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()[:12]
    try:
        _parsed("the certificate", data)
    except _Refused as fault:
        raise InvalidArgument(str(fault)) from fault
    home.prepare()
    folder = home.certificates_dir
    try:
        folder.mkdir(exist_ok=True)
        names = sorted((_number(one[0]), one[0]) for one in _listing(folder))
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise StorageUnwritable(f"{folder} cannot be used: {reason}; free or repair it") from fault
    number, newest = names[-1] if names else (0, "")
    if newest.endswith(f"-{digest}.json"):
        return folder / newest
    word = re.sub(r"[^A-Za-z0-9_]", "", preset)[:32] or "preset"
    path = folder / f"{max(number, 0) + 1:04d}-{word}-{digest}.json"
    publish(path, data)
    return path


def _listing(folder: Path) -> _Seen:
    """Return name, time, size and inode of the newest JSON files, in their order; none where there is no folder."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    try:
                        about = entry.stat()
                    except OSError:  # removed since, or a link to nothing: `_opened` says which
                        found.append((entry.name, 0, -1, 0))
                        continue
                    size = about.st_size if stat.S_ISREG(about.st_mode) else -1
                    found.append((entry.name, about.st_mtime_ns, size, about.st_ino))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(sorted(found, key=lambda one: (_number(one[0]), one[0]))[-MAX_FILES:])


def _number(name: str) -> int:
    """Return the number that a name begins with, -1 for a name without one."""
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match else -1


def _opened(folder: Path, file: tuple[str, int, int, int]) -> Certified | str:
    """Return the certificate in a file, or the sentence that refuses it."""
    name, _, size, _ = file
    try:
        if size < 0:
            raise _Refused(f"{name} is no regular file: put a certificate there, or remove it")
        with (folder / name).open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
        document = _parsed(name, data)
    except OSError as fault:
        return f"{name} cannot be read: {(fault.strerror or str(fault)).lower()}"
    except _Refused as fault:
        return str(fault)
    settings = _settings(document.params)
    cells: dict[_Key, Mapping[str, Any]] = {}
    for cell in document.cells:
        key = (cell.market, _length(cell.interval), cell.level, cell.type, cell.side, document.preset, settings)
        cells[key] = asdict(cell)
    return Certified(
        name=name,
        preset=document.preset,
        params=document.params,
        covers=tuple(dict.fromkeys((cell.market, cell.interval) for cell in document.cells)),
        data_end_ms=max((one.last_ts_ms or 0 for one in document.data), default=0),
        cells=cells,
    )


def _parsed(name: str, data: bytes) -> _Document:
    """Return what a certificate says. Raises _Refused for one that may not be used."""
    from pydantic import ValidationError

    if len(data) > MAX_BYTES:
        raise _Refused(f"{name} is larger than the {MAX_BYTES:,} bytes a certificate may have")
    try:
        document: _Document = _adapter().validate_json(data, strict=True)
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        if where == "schema":
            raise _Refused(f"{name} is no certificate: its schema is not {SCHEMA}") from fault
        raise _Refused(f"{name} is damaged{f' at {where}' if where else ''}: {_lowered(first['msg'])}") from fault
    for cell in document.cells:
        _check(name, cell)
    if not document.holds or any(cell.permanence.confirmed_withdrawn for cell in document.cells):
        raise _Refused(f"{name} does not hold: something confirmed changed later, so none of its figures is used")
    return document


def _check(name: str, cell: _Cell) -> None:
    """Raise _Refused for a share outside 0 to 1, a negative or vast count, and a mean that is no finite number."""
    for group in (cell.permanence, cell.from_first_seen, cell.from_confirmed):
        for figure, value in asdict(group).items():
            if value is None or isinstance(value, bool):
                continue
            if figure.endswith("_bps"):
                bound = None if isfinite(value) else "no finite number"
            elif isinstance(value, float):
                bound = None if 0 <= value <= 1 else "outside 0 to 1"
            else:
                bound = None if 0 <= value < _MOST else f"outside 0 to {_MOST - 1}"
            if bound is not None:
                where = f"{cell.market} {cell.interval} {cell.level} {cell.type} {cell.side}"
                raise _Refused(f"{name} is damaged at {where}: {figure} is {value:g}, {bound}")


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(_Document)


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _contents(seen: _Seen, files: Mapping[tuple[str, int, int, int], Certified | str]) -> _Contents:
    usable = sorted(
        (one for one in files.values() if isinstance(one, Certified)),
        key=lambda one: (_number(one.name), one.data_end_ms, one.name),
    )
    cells: dict[_Key, Measured] = {}
    for one in usable:
        cells |= {key: Measured(cell, one) for key, cell in one.cells.items()}
    refused = {file[0]: found for file, found in files.items() if isinstance(found, str)}
    return _Contents(seen, tuple(reversed(usable)), refused, cells)


def _length(interval: str) -> str:
    """Return an interval such that the same length is the same word (60m and 1h); a month stays as it is."""
    match = _INTERVAL.fullmatch(interval)
    return f"{int(match[1]) * _UNIT_S[match[2]]}s" if match else interval


def _settings(params: Params) -> tuple[tuple[str, str], ...]:
    """Return parameters such that the same value is the same word, whether it was given as text or as a number."""
    return tuple(sorted((key, _word(value)) for key, value in params.items()))


def _word(value: str | bool | float | None) -> str:
    text = str(value).strip().lower()
    try:
        return repr(float(text))
    except ValueError:
        return text
