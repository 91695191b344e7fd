"""The journals of a data directory as one log: the newest run's, and after it the next one's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from chanflow.domain.errors import NotFound
from chanflow.domain.told import Told
from chanflow.review.journal import JournalTail
from chanflow.runtime.home import Home, RunFolder

RECENT_BYTES = 16 << 20
"""So much of a journal is read that stood before the first question."""


class RunLog:
    """Implements `operations.desk_log.DeskLog`."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def tail(self) -> RunTail:
        """Return a reader that begins with what the newest run told of late."""
        return RunTail(self._home)


class RunTail:
    """Implements `operations.desk_log.DeskTail`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._open: tuple[RunFolder, JournalTail] | None = None

    def read(self, most: int) -> Sequence[Told]:
        """Return up to `most` records that came since. Raises JournalCorrupt, naming the record."""
        newest = self._home.newest_run()
        if newest is None:
            return ()
        if self._open is None:
            if not newest.journal_path.exists():
                return ()
            self._open = (newest, JournalTail.within(newest.journal_path, RECENT_BYTES))
        found = self._more(most)
        if not found and self._open[0].number < newest.number:
            self._open = (newest, JournalTail(newest.journal_path))
            found = self._more(most)
        return found

    def _more(self, most: int) -> Sequence[Told]:
        assert self._open is not None
        folder, tail = self._open
        try:
            records = list(islice(tail.read(), most))
        except NotFound:
            return ()
        return [Told(folder.number, each.seq, each.at, each.kind, each.correlation_id, each.body) for each in records]
