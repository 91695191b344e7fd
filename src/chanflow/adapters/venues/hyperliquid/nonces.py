"""Nonces of one agent wallet: never the same twice, after a restart or a clock set back neither.

The file holds a number that no nonce has passed yet, and is written before one would. It is locked: the venue keeps one
set of nonces an agent, so two processes with one agent would refuse each other's orders.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final, Self

from chanflow.domain.errors import DeskBusy, SettingsInvalid, StorageUnwritable
from chanflow.domain.time import NS_PER_MS, Clock

AHEAD_MS: Final = 10_000
"""How far the file is ahead, so that it is written once in that while and not for each order."""
MOST_AHEAD_MS: Final = 86_400_000
"""The venue takes nonces up to a day ahead of its clock."""


class Nonces:
    """The nonces of one agent."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """`path` is this agent's file. Raises DeskBusy where another process has it, SettingsInvalid for other text."""
        self._clock = clock
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as cause:
            raise StorageUnwritable(f"{path} cannot be opened: {cause.strerror}") from cause
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            text = os.pread(self._file, 64, 0).decode("ascii", "replace").strip()
        except OSError as cause:
            os.close(self._file)
            raise DeskBusy(f"{path} is in use: one agent wallet serves one process") from cause
        if text and not text.isdigit():
            os.close(self._file)
            raise SettingsInvalid(f"{path} holds {text!r} where a nonce in ms should be; give the agent a new file")
        self._last = self._ceiling = int(text or 0)

    def next(self) -> int:
        """Return max(now in ms, the last + 1). Raises StorageUnwritable, SettingsInvalid a day ahead of the clock."""
        now_ms = self._clock.now_ns() // NS_PER_MS
        nonce = max(now_ms, self._last + 1)
        if nonce - now_ms > MOST_AHEAD_MS:
            raise SettingsInvalid(f"nonce {nonce} is more than a day ahead of the clock ({now_ms}): set the clock")
        if nonce > self._ceiling:
            self._write(nonce + AHEAD_MS)
        self._last = nonce
        return nonce

    def _write(self, ceiling: int) -> None:
        try:
            os.pwrite(self._file, f"{ceiling:020d}\n".encode(), 0)
            os.fsync(self._file)
        except OSError as cause:
            raise StorageUnwritable(f"{self._path} cannot be written: {cause.strerror}") from cause
        self._ceiling = ceiling

    def close(self) -> None:
        """Let another process have the agent; once more does nothing."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
