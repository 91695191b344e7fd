"""Where the rows of the market go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chanflow_native import EventBatch


class RowSink(Protocol):
    """Takes what the market showed."""

    def add(self, batch: EventBatch) -> None:
        """Take the rows of a batch. Raises StorageUnwritable."""
        ...

    def close(self) -> None:
        """Publish what is still open. Raises StorageUnwritable."""
        ...

    def discard(self) -> None:
        """Let go of what is still open."""
        ...


class NoRows:
    """A sink for replays, which keep nothing."""

    def add(self, batch: EventBatch) -> None:
        """Let the rows go."""

    def close(self) -> None:
        """Nothing is open."""

    def discard(self) -> None:
        """Nothing is open."""
