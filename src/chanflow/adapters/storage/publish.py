"""Whole files only: a part is staged, made durable and renamed into the lake, then listed in its date's manifest."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chanflow.adapters.storage.layout import checked_name, manifest_path
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import StorageUnwritable

if TYPE_CHECKING:
    import polars as pl


def unwritable(path: Path, cause: OSError) -> StorageUnwritable:
    """Return the fault to raise where `path` cannot be written."""
    return StorageUnwritable(f"cannot write {path}: {cause.strerror or cause}; free space or choose another directory")


class Publisher:
    """One writer's way into a lake: its folder below `_tmp`, which it holds while it lives.

    `writer_id` must be unique among living writers of one `output_dir`.
    """

    def __init__(self, output_dir: Path, writer_id: str) -> None:
        """Remove what dead writers left in `_tmp`. Raises InvalidArgument for a name, StorageUnwritable."""
        self.root = output_dir
        self.writer = checked_name(writer_id, field="writer_id")
        self._lock: int | None = None
        self._tmp = output_dir / "_tmp" / self.writer
        try:
            self._tmp.parent.mkdir(parents=True, exist_ok=True)
            _remove_dead(self._tmp.parent)
            self._tmp.mkdir(exist_ok=True)
            self._lock = _locked(self._tmp)
        except OSError as cause:
            raise unwritable(self._tmp, cause) from cause
        if self._lock is None:
            raise StorageUnwritable(f"{self._tmp} belongs to a living writer; give this one another id")

    def write(self, path: Path, data: bytes) -> None:
        """Put a file with `data` at `path`, whole or not at all, in place of what was there. Raises OSError."""
        staged = self._tmp / f"{path.parent.name}.{path.name}"
        try:
            with staged.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            staged.replace(path)
        except OSError:
            staged.unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)

    def list_part(self, date: str, entry: Mapping[str, Any]) -> None:
        """Append a part's manifest line, unless a run before this one did. Raises OSError."""
        manifest = manifest_path(self.root, date)
        listed = manifest.read_bytes() if manifest.exists() else b""
        key = (entry["path"], entry["sha256"])
        newest = {known["path"]: known["sha256"] for known in manifest_entries(listed)}
        if newest.get(key[0]) == key[1]:
            return
        make_folder(manifest.parent)
        # A torn last line, left by a kill, is closed off; readers skip it.
        torn = listed and not listed.endswith(b"\n")
        with manifest.open("ab", buffering=0) as file:
            file.write((b"\n" if torn else b"") + canonical_json(dict(entry)).encode() + b"\n")
            os.fsync(file.fileno())
        fsync_folder(manifest.parent)

    def close(self) -> None:
        """Give the writer's name back. May be called twice."""
        if self._lock is not None:
            shutil.rmtree(self._tmp, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def manifest_entries(data: bytes) -> list[dict[str, Any]]:
    """Return a manifest's whole lines, oldest first; where two name one path, the later one is true."""
    entries = []
    for line in data.split(b"\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"path", "sha256"} <= entry.keys():
            entries.append(entry)
    return entries


def place(folder: Path, stem: str, sha256: str, ours: pl.Series) -> tuple[Path, Literal["write", "same", "keep"]]:
    """Return where a part of row ids `ours` belongs, and whether to write it, or that it is there already.

    `same`: a file of these bytes is there. `keep`: one that has these rows and more is. A part that is the beginning of
    this one is written over; any other takes the next free `-N`.
    """
    for clash in itertools.count():
        path = folder / (f"{stem}-{clash}.parquet" if clash else f"{stem}.parquet")
        if not path.exists():
            break
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                return path, "same"
        theirs = _row_ids_of(path)
        if theirs is None or theirs.len() == ours.len():
            continue
        common = min(theirs.len(), ours.len())
        if theirs.head(common).equals(ours.head(common)):
            return path, "write" if theirs.len() < ours.len() else "keep"
    return path, "write"


def _row_ids_of(path: Path) -> pl.Series | None:
    """Return the row ids of a part, or None when it is no readable part: another part then takes another name."""
    import polars as pl

    try:
        return pl.read_parquet(path, columns=["row_id"])["row_id"]
    except pl.exceptions.PolarsError:
        return None


def make_folder(folder: Path) -> None:
    """Make a folder that is still there after a power cut. Raises OSError."""
    missing = [folder, *folder.parents][: sum(not parent.exists() for parent in [folder, *folder.parents])]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        fsync_folder(made.parent)


def fsync_folder(folder: Path) -> None:
    """Make a folder's names durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_dead(tmp: Path) -> None:
    """Remove the folders below `_tmp` whose writer no longer holds its lock."""
    for folder in sorted(entry for entry in tmp.iterdir() if entry.is_dir()):
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder)
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """Return the descriptor that holds a writer's folder, or None while another writer does.

    The lock goes with the process, however it ends, so a held lock means a living writer.
    """
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
