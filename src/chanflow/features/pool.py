"""This process as a pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from chanflow.domain.errors import WorkLost

MAX_THREADS = 64

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


class InProcess:
    """A pool of this process: one chunk after another, each on `threads` threads of the core, which share the chunk.

    Python runs in the caller's thread alone; the core releases the GIL and looks for Ctrl-C itself.
    """

    def __init__(self, threads: int) -> None:
        """Raise ValueError unless `threads` is 1 to 64."""
        if not 1 <= threads <= MAX_THREADS:
            raise ValueError(f"threads is {threads}, allowed is 1 to {MAX_THREADS}")
        self.threads = threads

    def map(
        self,
        work: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        *,
        done: Callable[[int], object] | None = None,
    ) -> list[Result]:
        """Return `work(chunk)` of every chunk, in their order. Raises WorkLost for the first whose work raises."""
        results = []
        for index, chunk in enumerate(chunks):
            try:
                results.append(work(chunk))
            except Exception as fault:
                raise WorkLost(f"{type(fault).__name__}: {fault}", chunk=index) from fault
            if done is not None:
                done(index)
        return results
