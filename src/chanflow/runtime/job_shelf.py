"""Results of jobs, a file each, in the data directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import StorageUnwritable
from chanflow.runtime.home import publish


class JobShelf:
    """The folder of results. A file that cannot be read is as good as none: the job is done anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, job_id: str) -> Path | None:
        """Return where a result lies; None for what is no job's name, and so no path either."""
        try:
            return self._folder / f"{UUID(job_id)}.json"
        except ValueError:
            return None

    def load(self, job_id: str) -> Mapping[str, Any] | None:
        """Return a result that was kept, or None."""
        path = self._path(job_id)
        try:
            found = None if path is None else json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def keep(self, job_id: str, result: Mapping[str, Any]) -> None:
        """Keep a result. Raises StorageUnwritable."""
        path = self._path(job_id)
        if path is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise StorageUnwritable(f"cannot make {self._folder}: {fault.strerror or fault}") from fault
        publish(path, canonical_json(result).encode())
