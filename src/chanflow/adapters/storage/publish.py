"""How a file appears in the lake: staged in `_tmp/{writer}`, renamed when whole, then listed in the day's manifest.

Before the rename the manifest line is put down beside the staged file. So whatever instant a process dies at, the next
start either finds nothing visible, or a whole file whose line it can add.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chanflow.adapters.storage.layout import checked_name, manifest_path
from chanflow.adapters.storage.raw_recovery import RAW_PREFIX, recovered
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import StorageUnwritable

_LINE_SUFFIX = ".line"


def unwritable(path: Path, cause: OSError) -> StorageUnwritable:
    """Return the fault of a path that cannot be written."""
    return StorageUnwritable(f"cannot write {path}: {cause.strerror or cause}; free space or choose another directory")


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


@dataclass(slots=True)
class _Seen:
    """What a manifest held when we last read or wrote it: only what came since has to be read."""

    size: int = 0
    whole: bool = True
    keys: set[tuple[str, str]] = field(default_factory=set)


class Publisher:
    """The one way into one lake for one writer: its staging folder, its lock and its manifest lines.

    `writer_id` is unique among living writers of one `root`; `facts` are added to each of its manifest lines. Threads
    may share it. What dead writers left in `_tmp` is cleared at the start: raw frames are recovered and published,
    the rest is made of them again.
    """

    def __init__(self, root: Path, writer_id: str, *, facts: Mapping[str, Any] | None = None) -> None:
        """Raises InvalidArgument for a name, StorageUnwritable where the folder cannot be had."""
        self.root = root
        self.writer = checked_name(writer_id, field="writer_id")
        self._facts = dict(facts or {})
        self._listing = threading.Lock()
        self._manifests: dict[Path, _Seen] = {}
        self._lock: int | None = None
        self._tmp = root / "_tmp" / self.writer
        try:
            self._tmp.parent.mkdir(parents=True, exist_ok=True)
            self._clear_dead()
            self._tmp.mkdir(exist_ok=True)
            self._lock = _locked(self._tmp)
        except OSError as cause:
            raise unwritable(self._tmp, cause) from cause
        if self._lock is None:
            raise StorageUnwritable(f"{self._tmp} belongs to a living writer; give this one another id")

    def staged(self, name: str) -> Path:
        """Return where a file called `name` is put together, unseen by readers."""
        return self._tmp / name

    def write(self, path: Path, data: bytes, entry: Mapping[str, Any]) -> None:
        """Make `data` appear whole at `path` and list it. Raises OSError; nothing is visible then."""
        staged = self.staged(f"{path.parent.parent.name}.{path.parent.name}.{path.name}")
        try:
            with staged.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self.move(staged, path, {**entry, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
        except OSError:
            staged.unlink(missing_ok=True)
            raise

    def move(self, staged: Path, path: Path, entry: Mapping[str, Any]) -> None:
        """Let a whole, synced file appear at `path` and list it; `entry` has its sha256 and bytes. Raises OSError."""
        make_folder(path.parent)
        note = staged.with_name(staged.name + _LINE_SUFFIX)
        whole = self._entry(path, entry)
        try:
            note.write_text(canonical_json(whole), encoding="utf-8")
            staged.replace(path)
        except OSError:
            note.unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)
        self._append(whole)
        note.unlink(missing_ok=True)

    def replace(self, name: str, data: bytes) -> None:
        """Put `data` at a name behind an underscore, whole and unlisted. Raises StorageUnwritable."""
        path, staged = self.root / name, self.staged(name.replace("/", "."))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(data)
            staged.replace(path)
        except OSError as cause:
            raise unwritable(path, cause) from cause

    def list_again(self, path: Path, entry: Mapping[str, Any]) -> None:
        """List a file that is there already, unless a line says so. Raises OSError."""
        self._append(self._entry(path, entry))

    def release(self) -> None:
        """Give the writer's name back; what was staged is gone. May be called twice."""
        if self._lock is not None:
            shutil.rmtree(self._tmp, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    def _entry(self, path: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
        return {"path": path.relative_to(self.root).as_posix(), **entry, "writer": self.writer, **self._facts}

    def _append(self, entry: Mapping[str, Any]) -> None:
        """Append one manifest line, unless the manifest has it."""
        date = Path(str(entry["path"])).parent.name.removeprefix("date=")
        manifest = manifest_path(self.root, date)
        key = (str(entry["path"]), str(entry["sha256"]))
        with self._listing:
            seen = self._read(manifest)
            if key in seen.keys:
                return
            make_folder(manifest.parent)
            # A torn last line, left by a kill, is closed off; readers skip it.
            line = (b"" if seen.whole else b"\n") + canonical_json(dict(entry)).encode() + b"\n"
            with manifest.open("ab", buffering=0) as file:
                file.write(line)
                os.fsync(file.fileno())
            fsync_folder(manifest.parent)
            self._read(manifest)

    def _read(self, manifest: Path) -> _Seen:
        seen = self._manifests.setdefault(manifest, _Seen())
        size = manifest.stat().st_size if manifest.exists() else 0
        if size < seen.size:
            seen = self._manifests[manifest] = _Seen()
        if size > seen.size:
            with manifest.open("rb") as file:
                # From the last whole line on: what was torn may have been closed off by another writer.
                file.seek(seen.size)
                data = file.read()
            seen.keys.update((entry["path"], entry["sha256"]) for entry in manifest_entries(data))
            seen.whole = data.endswith(b"\n")
            seen.size += len(data) if seen.whole else data.rfind(b"\n") + 1
        return seen

    def _clear_dead(self) -> None:
        """Clear the folders below `_tmp` whose writer no longer holds its lock."""
        for folder in sorted(entry for entry in self._tmp.parent.iterdir() if entry.is_dir()):
            lock = _locked(folder)
            if lock is None:
                continue
            for note in sorted(folder.glob(f"*{_LINE_SUFFIX}")):
                self._finish(note)
            for left in sorted(folder.glob(f"{RAW_PREFIX}*")):
                self._recover(left)
            shutil.rmtree(folder)
            os.close(lock)

    def _finish(self, note: Path) -> None:
        """List the file that a dead writer had published, if it got so far."""
        entries = manifest_entries(note.read_bytes())
        path = self.root / str(entries[0]["path"]) if entries else None
        if path is not None and path.is_file() and sha256_of_file(path) == entries[0]["sha256"]:
            self._append(entries[0])

    def _recover(self, left: Path) -> None:
        found = recovered(left)
        if found is None:
            return
        folder = self.root / "_raw" / found.symbol / f"date={found.date}"
        path = free_path(folder, found.stem, ".txt.gz")
        entry = {**found.entry, "sha256": sha256_of_file(left), "bytes": left.stat().st_size}
        self.move(left, path, entry)


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """Return `{stem}{suffix}`, or the first `{stem}-N{suffix}` that nobody has."""
    path, clash = folder / f"{stem}{suffix}", 0
    while path.exists():
        clash += 1
        path = folder / f"{stem}-{clash}{suffix}"
    return path


def sha256_of_file(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def make_folder(folder: Path) -> None:
    """Make a folder that is still there after a power cut."""
    missing = [folder, *folder.parents][: sum(not parent.exists() for parent in [folder, *folder.parents])]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        fsync_folder(made.parent)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
