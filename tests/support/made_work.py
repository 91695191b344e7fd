"""Work for pools, in a module that the workers of a cluster can import too."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def squared(chunk: int) -> int:
    return chunk * chunk


def whose(chunk: int) -> tuple[int, int]:
    """Return the chunk and the process that worked on it."""
    return chunk, os.getpid()


def refuses_seven(chunk: int) -> int:
    if chunk == 7:
        raise ArithmeticError("seven is right out")
    return chunk


def kills_its_worker(home: int, chunk: int) -> int:
    """Die with the worker, but never in the process `home`, which is the test's own."""
    if os.getpid() != home:
        os.kill(os.getpid(), signal.SIGKILL)
    return chunk


def dies_once(marker: str, chunk: int) -> int:
    """Kill the worker at the first chunk of all, and work ever after."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return chunk * chunk
    os.kill(os.getpid(), signal.SIGKILL)
    return -1


def fails_once(folder: str, chunk: int) -> int:
    """Raise at the first try of each chunk."""
    try:
        (Path(folder) / str(chunk)).touch(exist_ok=False)
    except FileExistsError:
        return chunk
    raise OSError("a disk that is ill")


def marks(folder: str, chunk: int) -> int:
    """Leave a file for each chunk that was begun."""
    (Path(folder) / str(chunk)).touch()
    return chunk
