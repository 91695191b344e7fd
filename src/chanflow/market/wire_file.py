"""A recorded file as a stream of bytes that anyone may have damaged."""

from __future__ import annotations

import hashlib
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from chanflow.domain.errors import RecordingInvalid

_CHUNK_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class WireFile:
    """Reads a `.txt` or `.txt.gz` file once, in chunks, and hashes it as it lies on disk."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        """`max_bytes` bounds the unpacked text. Raises RecordingInvalid unless `path` is a file with content."""
        self.path = path
        self.disk_bytes = 0
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        if not path.name.endswith((".txt", ".txt.gz")):
            raise RecordingInvalid(f"{path} ends in neither .txt nor .txt.gz: a recording has lines of raw frames")
        try:
            found = path.stat()
        except FileNotFoundError as cause:
            raise RecordingInvalid(f"{path} does not exist") from cause
        except OSError as cause:
            raise RecordingInvalid(f"{path} cannot be read: {cause.strerror}") from cause
        if stat.S_ISDIR(found.st_mode):
            raise RecordingInvalid(f"{path} is a directory, a recording is one file")
        if not stat.S_ISREG(found.st_mode):
            raise RecordingInvalid(f"{path} is no regular file")
        if found.st_size == 0:
            raise RecordingInvalid(f"{path} is empty")

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of what was read of the file so far, packed as it lies on disk."""
        return self._hash.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Yield the unpacked text, at most a MiB at a time. Raises RecordingInvalid where it cannot be trusted."""
        try:
            with self.path.open("rb") as file:
                text_bytes = 0
                for piece in self._unpacked(file) if self.path.name.endswith(".gz") else self._plain(file):
                    text_bytes += len(piece)
                    if text_bytes > self._max_bytes:
                        raise RecordingInvalid(
                            f"{self.path} unpacks to more than {self._max_bytes} bytes; raise the bound if it is meant"
                        )
                    yield piece
        except OSError as cause:
            raise RecordingInvalid(f"{self.path} cannot be read: {cause.strerror}") from cause
        if text_bytes == 0:
            raise RecordingInvalid(f"{self.path} unpacks to nothing")

    def _raw(self, file: BinaryIO) -> Iterator[bytes]:
        while piece := file.read(_CHUNK_BYTES):
            self._hash.update(piece)
            self.disk_bytes += len(piece)
            yield piece

    def _plain(self, file: BinaryIO) -> Iterator[bytes]:
        for piece in self._raw(file):
            if self.disk_bytes == len(piece) and piece.startswith(_GZIP_MAGIC):
                raise RecordingInvalid(f"{self.path} is gzip, its name must end in .txt.gz")
            yield piece

    def _unpacked(self, file: BinaryIO) -> Iterator[bytes]:
        """Unpack member after member: a recorder closes one every second."""
        member = None
        for raw in self._raw(file):
            # Zeros after a member are padding, as tapes leave it.
            rest = raw.lstrip(b"\0") if member is None and self.disk_bytes > len(raw) else raw
            while rest:
                if member is None:
                    member = zlib.decompressobj(_GZIP_WINDOW)
                try:
                    piece = member.decompress(rest, _CHUNK_BYTES)
                except zlib.error as cause:
                    gzip = self.disk_bytes > len(raw) or raw.startswith(_GZIP_MAGIC)
                    what = f"is damaged within its first {self.disk_bytes} bytes" if gzip else "is not gzip"
                    raise RecordingInvalid(f"{self.path} {what}: {cause}") from cause
                if piece:
                    yield piece
                if member.eof:
                    rest, member = member.unused_data.lstrip(b"\0"), None
                else:
                    rest = member.unconsumed_tail
        if member is not None:
            raise RecordingInvalid(
                f"{self.path} ends inside a gzip member after {self.disk_bytes} bytes: it is truncated"
            )
