"""The data directory: what lies where, who may use it, and how a file appears in it.

```
desk.lock                       held by the one desk that runs here; names its process
alerts.db                       alerts, and which of them wait to be told
memory/
  short_term.db                 the last decisions, and what is asked often
  vectors/                      market states of decisions; made again from chanflow.db where damaged
chanflow.db                     what models cost, users and their keys, and all else that outlives a run
secrets/key_pepper              under which secrets of keys are hashed; mode 0600
exports/                        what users took of their data, for a day; mode 0700
plans.yaml                      what plans differ in from the built-in ones, where it is there
runs/0001-<run id>/
  journal/journal-<run id>-1.jsonl
  lake/                         Parquet, as the run saw the market
  bus.db                        messages not yet handled
  report.html  summary.json
trials.txt                      the name of every backtest that was ever tried
jobs/                           results of backtests: figures in JSON, rows in Parquet
cassettes/analyst.jsonl.zst     what models answered to the analyst, where the settings keep it
certificates/0001-default-<sha256>.json    what `chanflow certify --install` measured
```
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from chanflow.adapters.storage.filesystem import MOUNTS, refuse_network
from chanflow.domain.errors import DeskBusy, InvalidArgument, StorageUnwritable

_RUN_NAME = re.compile(r"(\d{4,})-([A-Za-z0-9-]+)")


@contextmanager
def held_alone(path: Path, busy: Callable[[str], str]) -> Iterator[None]:
    """Hold a lock file for one process while the block runs; the lock dies with the process.

    Raises DeskBusy in the words of `busy`, which is given the holder's pid, and StorageUnwritable.
    """
    try:
        import fcntl
    except ImportError as fault:
        raise StorageUnwritable(
            "this system has no flock, and two desks could share a directory; run chanflow on Linux, macOS or WSL"
        ) from fault
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as fault:
        raise _unwritable(path, fault) from fault
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise DeskBusy(busy(holder)) from fault
        except OSError as fault:
            raise _unwritable(path, fault) from fault
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run."""

    path: Path
    number: int
    run_id: str

    @property
    def journal_path(self) -> Path:
        """The journal's first segment."""
        return self.path / "journal" / f"journal-{self.run_id}-1.jsonl"

    @property
    def lake_dir(self) -> Path:
        """The folder of the run's Parquet files."""
        return self.path / "lake"

    @property
    def bus_path(self) -> Path:
        """The database of the message log."""
        return self.path / "bus.db"

    @property
    def report_path(self) -> Path:
        """The page a person reads."""
        return self.path / "report.html"

    @property
    def summary_path(self) -> Path:
        """The same figures for a program."""
        return self.path / "summary.json"


@dataclass(frozen=True, slots=True)
class Home:
    """The data directory at `root`; `mounts` is the system's list of mounted filesystems."""

    root: Path
    mounts: Path = MOUNTS

    @property
    def alerts_path(self) -> Path:
        """The database of alerts."""
        return self.root / "alerts.db"

    @property
    def database_path(self) -> Path:
        """The database of what outlives a run."""
        return self.root / "chanflow.db"

    @property
    def pepper_path(self) -> Path:
        """The secret under which keys are hashed."""
        return self.root / "secrets" / "key_pepper"

    @property
    def stripe_paths(self) -> tuple[Path, Path]:
        """The secrets of billing: the key of the provider's interface, and that of its messages."""
        return self.root / "secrets" / "stripe_api_key", self.root / "secrets" / "stripe_webhook"

    @property
    def exports_dir(self) -> Path:
        """The folder of what users took of their data, for a day."""
        return self.root / "exports"

    @property
    def plans_path(self) -> Path:
        """What this desk's plans differ in."""
        return self.root / "plans.yaml"

    @property
    def memory_dir(self) -> Path:
        """The folder of what the desk remembers beside its database."""
        return self.root / "memory"

    @property
    def cassette_path(self) -> Path:
        """The tape of the analyst's models, where the settings name no other."""
        return self.root / "cassettes" / "analyst.jsonl.zst"

    @property
    def certificates_dir(self) -> Path:
        """The folder of what was measured of points."""
        return self.root / "certificates"

    @property
    def lake_dir(self) -> Path:
        """The folder of the lakes that no run made, one a venue: what was harvested, pulled or imported."""
        return self.root / "lake"

    def prepare(self) -> None:
        """Make the directory and see that a desk can live in it.

        Raises StorageUnwritable if it cannot be written or lies on a network filesystem.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise _unwritable(self.root, fault) from fault
        refuse_network(self.root, mounts=self.mounts)
        publish(self.root / ".writable", b"")
        (self.root / ".writable").unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory for one desk while the block runs; the lock dies with the process.

        Raises DeskBusy, naming the holder, if another desk has it; StorageUnwritable as `prepare` does.
        """
        self.prepare()
        advice = "stop it, or set CHANFLOW_HOME to another directory"
        with held_alone(self.root / "desk.lock", lambda pid: f"the desk with pid {pid} owns {self.root}; {advice}"):
            yield

    def new_run(self, run_id: UUID | str) -> RunFolder:
        """Make the folder of a new run, numbered after the newest, and return it.

        Raises InvalidArgument for an id other than letters, digits and hyphens; StorageUnwritable.
        """
        number = 1 + max((run.number for run in self.runs()), default=0)
        path = self.root / "runs" / f"{number:04d}-{run_id}"
        if _RUN_NAME.fullmatch(path.name) is None or path.parent != self.root / "runs":
            raise InvalidArgument(f"run id is {str(run_id)!r}, allowed are letters, digits and hyphens", field="run_id")
        run = RunFolder(path, number, str(run_id))
        try:
            run.journal_path.parent.mkdir(parents=True)
            run.lake_dir.mkdir()
        except OSError as fault:
            raise _unwritable(path, fault) from fault
        return run

    def runs(self) -> tuple[RunFolder, ...]:
        """Return the runs, oldest first; anything else in the folder is passed over."""
        try:
            paths = sorted((self.root / "runs").iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return ()
        found = [
            RunFolder(path, int(name[1]), name[2])
            for path in paths
            if (name := _RUN_NAME.fullmatch(path.name)) is not None and path.is_dir()
        ]
        return tuple(sorted(found, key=lambda run: run.number))

    def newest_run(self) -> RunFolder | None:
        """Return the run with the highest number, or None before the first."""
        return next(reversed(self.runs()), None)


def publish(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put a file with `data` at `path`, whole or not at all, in place of what was there; durable on return.

    `mode` says who may use it; without it the process's umask does.

    Raises StorageUnwritable, with nothing left beside it and the old file as it was (unless only the folder's own sync
    failed: then the new one stands).
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.draft")
    try:
        with draft.open("wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as fault:
        _forget(draft)
        raise _unwritable(path, fault) from fault
    except BaseException:
        _forget(draft)
        raise


def _forget(draft: Path) -> None:
    with suppress(OSError):  # nothing was made where its folder is no folder, or is gone
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, fault: OSError) -> StorageUnwritable:
    reason = (fault.strerror or str(fault)).lower()
    return StorageUnwritable(f"{path} cannot be written: {reason}; free or repair it, or set CHANFLOW_HOME elsewhere")
