"""Results of jobs in the data directory: a file of figures each, and one for each of its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.job_result import TablePage, Worked
from chanflow.runtime.home import publish

TABLES = ("trades", "by_symbol", "equity")


class JobShelf:
    """The folder of results. A file that cannot be read is as good as none: the job is done anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, job_id: str, table: str | None = None) -> Path | None:
        """Return where a part of a result lies; None for what is no job's name, and so no path either."""
        try:
            name = UUID(job_id)
        except ValueError:
            return None
        if table is None:
            return self._folder / f"{name}.json"
        return self._folder / f"{name}.{table}.parquet" if table in TABLES else None

    def load(self, job_id: str) -> Mapping[str, Any] | None:
        """Return the figures that were kept, or None."""
        path = self._path(job_id)
        try:
            found = None if path is None else json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def keep(self, job_id: str, worked: Worked) -> None:
        """Keep a result: its figures last, so that they stand only where the tables do. Raises StorageUnwritable."""
        from chanflow.adapters.storage.table_file import parquet_of

        path = self._path(job_id)
        if path is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise StorageUnwritable(f"cannot make {self._folder}: {fault.strerror or fault}") from fault
        for name, table in worked.tables.items():
            beside = self._path(job_id, name)
            if beside is None:
                raise ValueError(f"a result has no table {name!r}, known are {', '.join(TABLES)}")
            publish(beside, parquet_of(table.columns, table.rows))
        publish(path, canonical_json(worked.result).encode())

    def rows(self, job_id: str, table: str, offset: int, limit: int) -> TablePage | None:
        """Return part of a table of a result, None where there is none of that name."""
        from chanflow.adapters.storage.table_file import read_part

        path = self._path(job_id, table)
        try:
            return None if path is None else TablePage(*read_part(path, offset, limit))
        except (OSError, ValueError):
            return None

    def parquet(self, job_id: str, table: str) -> bytes | None:
        """Return a table of a result as a Parquet file, None where there is none of that name."""
        path = self._path(job_id, table)
        try:
            return None if path is None else path.read_bytes()
        except OSError:
            return None

    def forget(self, job_id: str) -> None:
        """Keep a result no longer: its figures first."""
        for path in (self._path(job_id), *(self._path(job_id, name) for name in TABLES)):
            if path is not None:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
