"""Every backtest that was ever tried on a desk, by the hash of what it was: it is never reset, and counts once.

What was tried and thrown away makes the best of the rest look good; the deflated Sharpe ratio needs its number.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from chanflow.adapters.storage.publish import unwritable


class TrialLog:
    """A file of hashes, one a line, appended to and never rewritten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def count(self, trial: str) -> int:
        """Write a trial down, unless it stands already, and return how many there are. Raises StorageUnwritable."""
        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                text = self._path.read_text("utf-8") if self._path.exists() else ""
                # A line without its end was cut off by a crash: what comes after it begins a new one.
                known = {line for line in text.split("\n") if line}
                if trial not in known:
                    with self._path.open("a", encoding="utf-8") as file:
                        file.write(("" if not text or text.endswith("\n") else "\n") + trial + "\n")
                        file.flush()
                        os.fsync(file.fileno())
                    known.add(trial)
            except OSError as fault:
                raise unwritable(self._path, fault) from fault
            return len(known)
