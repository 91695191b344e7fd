"""The raw layer: every frame as it came, `<recv_ns> <frame>` a line, in gzip members of at most a second."""

from __future__ import annotations

import hashlib
import os
import zlib
from contextlib import suppress
from pathlib import Path

from chanflow.adapters.storage.layout import checked_name, layer_folder
from chanflow.adapters.storage.publish import Publisher, free_path, make_folder, unwritable
from chanflow.adapters.storage.raw_recovery import RAW_PREFIX
from chanflow.domain.time import NS_PER_MS, NS_PER_S, utc_date

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_MEMBER_NS = NS_PER_S * 9 // 10
"""When a gzip member is closed: with what is still on its way to it, a kill costs a second at most."""

_SLACK_NS = 5 * NS_PER_S
"""How much longer a file stays open that no frame closes."""
_LEVEL = 1  # frames shrink five times at the first level; the ninth costs ten times as much for a fifth less


class RawWriter:
    """Writes one symbol's frames. Times are receive times in Unix ns, and decide where a file ends.

    `head` is the remark that each file begins with. After a StorageUnwritable the file on the disk ends in a whole
    member and `close` may try again.
    """

    def __init__(self, publisher: Publisher, symbol: str, *, head: bytes, rotate_s: float, rotate_bytes: int) -> None:
        """Raises InvalidArgument for a name."""
        self._publisher = publisher
        self._symbol = checked_name(symbol, field="symbol")
        self._head = head
        self._rotate_ns = int(rotate_s * NS_PER_S)
        self._rotate_bytes = rotate_bytes
        self._file: int | None = None
        self._staged = Path()
        self._member: zlib._Compress | None = None
        self._member_ns = self._first_ns = self._last_ns = 0
        self._size = self._whole = self._frames = self._frames_before = 0
        self._sha256 = hashlib.sha256()
        self._pending = b""
        self._stem = self._date = ""

    def write(self, text: bytes, *, first_ns: int, last_ns: int, frames: int, standing: bytes) -> None:
        """Take whole lines. `standing` is the remark a new file needs to be read alone. Raises StorageUnwritable."""
        try:
            if self._file is not None and (
                first_ns - self._first_ns >= self._rotate_ns
                or self._size >= self._rotate_bytes
                or utc_date(first_ns) != self._date
            ):
                self._publish()
            if self._file is None:
                self._open(first_ns)
                text = self._head + standing + text
            if self._member is None:
                self._member = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
                self._member_ns = first_ns
                self._frames_before = self._frames
            self._put(self._member.compress(text))
            self._frames += frames
            if frames:
                self._last_ns = max(self._last_ns, last_ns)
            self.tick(last_ns)
        except OSError as cause:
            raise unwritable(self._staged, cause) from cause

    def tick(self, now_ns: int) -> None:
        """Close the member that has been open for a second: what it holds survives a kill. Raises StorageUnwritable."""
        try:
            if self._member is not None and now_ns - self._member_ns >= _MEMBER_NS:
                self._end_member()
            if self._file is not None and now_ns - self._first_ns >= self._rotate_ns + _SLACK_NS:
                self._publish()
        except OSError as cause:
            raise unwritable(self._staged, cause) from cause

    def close(self) -> None:
        """Publish what is open. May be called twice. Raises StorageUnwritable."""
        if self._file is not None:
            try:
                self._publish()
            except OSError as cause:
                raise unwritable(self._staged, cause) from cause

    def _open(self, first_ns: int) -> None:
        stem = f"part-{first_ns // NS_PER_MS}"
        self._staged = free_path(self._publisher.staged("."), f"{RAW_PREFIX}{self._symbol}+{stem}", ".txt.gz")
        self._stem, self._date = stem, utc_date(first_ns)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.open(self._staged, flags, 0o644)
        self._first_ns = self._last_ns = first_ns
        self._size = self._whole = self._frames = 0
        self._sha256 = hashlib.sha256()
        self._pending = b""

    def _put(self, data: bytes) -> None:
        """Write `data` whole, or leave the file where its last whole member ends."""
        assert self._file is not None
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            # The frames of this member are lost; what stands before it is not.
            with suppress(OSError):
                os.ftruncate(self._file, self._whole)
                os.lseek(self._file, self._whole, os.SEEK_SET)
            self._size, self._member, self._pending = self._whole, None, b""
            self._frames = self._frames_before
            raise
        self._size += len(data)
        self._pending += data

    def _end_member(self) -> None:
        assert self._member is not None
        self._put(self._member.flush())
        self._sha256.update(self._pending)
        self._whole, self._member, self._pending = self._size, None, b""

    def _publish(self) -> None:
        if self._member is not None:
            self._end_member()
        assert self._file is not None
        os.fsync(self._file)
        folder = layer_folder(self._publisher.root, "raw", self._symbol, self._date)
        make_folder(folder)
        entry = {
            "layer": "raw",
            "symbol": self._symbol,
            "rows": self._frames,
            "first_ts_ms": self._first_ns // NS_PER_MS,
            "last_ts_ms": self._last_ns // NS_PER_MS,
            "sha256": self._sha256.hexdigest(),
            "bytes": self._size,
        }
        self._publisher.move(self._staged, free_path(folder, self._stem, ".txt.gz"), entry)
        os.close(self._file)
        self._file = None
