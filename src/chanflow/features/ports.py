"""What the features ask of the outside: somewhere to compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


class Pool(Protocol):
    """Where the chunks of a long computation are worked on: this process, or a cluster."""

    @property
    def threads(self) -> int:
        """How many threads of the core the work on one chunk should take."""
        ...

    def map(
        self,
        work: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        *,
        done: Callable[[int], object] | None = None,
    ) -> list[Result]:
        """Return `work(chunk)` of every chunk in their order: all of them, or an exception.

        `work` is a function of an installed module, or a partial of one, and its result follows from the chunk alone:
        it may run in another process, and again where a worker was lost. `done` hears the index of each chunk in the
        caller's thread, in any order; what it raises, and Ctrl-C, cancels what has not begun. Raises WorkLost for the
        first chunk found whose work raised, or for which nobody was left to do it.
        """
        ...
