"""What a desk writes down as it works, read on as it comes: the port behind the pushed channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from chanflow.domain.told import Told


class DeskTail(Protocol):
    """A reader that goes on where it stopped. Belongs to one thread at a time."""

    def read(self, most: int) -> Sequence[Told]:
        """Return up to `most` records that came since, of the newest run; what a run told before it comes first.

        Raises JournalCorrupt where the journal was altered.
        """
        ...


class DeskLog(Protocol):
    """Where the desk's journal is."""

    def tail(self) -> DeskTail:
        """Return a reader that begins with what the newest run told of late."""
        ...

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when a desk of this process wrote something, from its event loop."""
        ...

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Call it no more."""
        ...


class NoTail:
    """Reads nothing."""

    def read(self, most: int) -> Sequence[Told]:
        """Return nothing."""
        del most
        return ()


class NoDeskLog:
    """A desk without a journal."""

    def tail(self) -> DeskTail:
        """Return a reader of nothing."""
        return NoTail()

    def listen(self, listener: Callable[[], None]) -> None:
        """Do nothing: nothing is written."""

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Do nothing."""
