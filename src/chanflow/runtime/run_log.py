"""The journals of a data directory as one log: the newest run's, and after it the next one's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from chanflow.domain.errors import NotFound
from chanflow.domain.told import Told
from chanflow.review.journal import JournalTail
from chanflow.runtime.home import Home, RunFolder

RECENT_BYTES = 16 << 20
"""So much of a journal is read that stood before the first question."""
_LOOK_EACH = 5
"""After so many questions without an answer it is seen whether a newer run has begun."""


class RunLog:
    """Implements `operations.desk_log.DeskLog`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._listeners: list[Callable[[], None]] = []

    def tail(self) -> RunTail:
        """Return a reader that begins with what the newest run told of late."""
        return RunTail(self._home)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when a desk of this process wrote something."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def changed(self) -> None:
        """Say that a desk of this process wrote something."""
        for listener in list(self._listeners):
            listener()


class RunTail:
    """Implements `operations.desk_log.DeskTail`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._open: tuple[RunFolder, JournalTail] | None = None
        self._empty = 0

    def read(self, most: int) -> Sequence[Told]:
        """Return up to `most` records that came since. Raises JournalCorrupt, naming the record."""
        found = self._more(most)
        if found:
            return found
        self._empty += 1
        if self._open is not None and self._empty % _LOOK_EACH:
            return ()
        newest = self._home.newest_run()
        if newest is None or not newest.journal_path.exists():
            return ()
        if self._open is None:
            self._open = (newest, JournalTail.within(newest.journal_path, RECENT_BYTES))
        elif self._open[0].number < newest.number:
            # What the run before still wrote after it was read to its end comes first.
            if found := self._more(most):
                return found
            self._open = (newest, JournalTail(newest.journal_path))
        return self._more(most)

    def _more(self, most: int) -> Sequence[Told]:
        if self._open is None:
            return ()
        folder, tail = self._open
        try:
            records = list(islice(tail.read(), most))
        except NotFound:
            return ()
        return [Told(folder.number, each.seq, each.at, each.kind, each.correlation_id, each.body) for each in records]
