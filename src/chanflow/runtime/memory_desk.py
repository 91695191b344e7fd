"""Memory as a desk opens it: its files in the data directory, and the journals that it is read back from.

```python
async with open_memory(home, clock) as memory:
    flows = MemoryFlows(memory, Review(memory.knowledge, JournalPast(home), clock))
    task = asyncio.create_task(flows.run())
```
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chanflow.adapters.storage.short_term import SqliteShortTerm
from chanflow.domain.errors import JournalCorrupt, NotFound
from chanflow.domain.memory import Case, ClosedTrade
from chanflow.domain.time import Clock, parse_rfc3339
from chanflow.review.journal import read_records
from chanflow.review.journal_cases import Told, told_by
from chanflow.review.memory import DEADLINE_S, Memory
from chanflow.review.state_vector import DIMENSION, VERSION, Statistics, default_statistics
from chanflow.runtime.home import Home

_TAIL_BYTES = 1 << 20


@asynccontextmanager
async def open_memory(
    home: Home, clock: Clock, *, statistics: Statistics | None = None, deadline_s: float | None = DEADLINE_S
) -> AsyncIterator[Memory]:
    """Give the memory of a data directory, whose lock the caller holds.

    Raises StorageUnwritable, SettingsInvalid for vectors of another version, DeskBusy where another process has it.
    """
    from chanflow.adapters.storage.database.database import Database
    from chanflow.adapters.storage.knowledge import SqlKnowledge
    from chanflow.adapters.vectors.edge import EdgeCases

    async with await Database.open(home.database_path) as database:
        cases = EdgeCases(vectors_dir(home), version=VERSION, dimension=DIMENSION)
        try:
            short = SqliteShortTerm(home.memory_dir / "short_term.db")
        except BaseException:
            cases.close()
            raise
        memory = Memory(
            short=short, cases=cases, knowledge=SqlKnowledge(database), clock=clock,
            statistics=statistics or default_statistics(), deadline_s=deadline_s,
        )  # fmt: skip
        try:
            yield memory
        finally:
            await memory.close()


def vectors_dir(home: Home) -> Path:
    """Return the folder of the vectors."""
    return home.memory_dir / "vectors"


class JournalPast:
    """The journals of all runs in a data directory, as the review reads them. Blocks."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def told(self, from_ns: int, until_ns: int) -> Told:
        """Return the decisions taken and the trades closed in [from, until), and the decisions that opened those.

        A decision that several runs tell of, as a demo that was run again, is told once. A damaged journal is left out
        and named.
        """
        cases: dict[str, Case] = {}
        trades: dict[str, ClosedTrade] = {}
        unread = []
        for run in self._home.runs():
            try:
                if not _touches(run.journal_path, from_ns, until_ns):
                    continue
                told = told_by(read_records(run.journal_path, torn_tail=True))
            except NotFound:
                continue
            except JournalCorrupt:
                unread.append(run.path.name)
                continue
            closed = {t.position_id: t for t in told.trades if from_ns <= t.closed_ns < until_ns}
            opened = {trade.decision_id for trade in closed.values()}
            trades |= closed
            cases |= {
                case.decision.decision_id: case
                for case in told.cases
                if from_ns <= case.decision.at_ns < until_ns or case.decision.decision_id in opened
            }
        return Told(
            tuple(sorted(cases.values(), key=lambda c: (c.decision.at_ns, c.decision.decision_id))),
            tuple(sorted(trades.values(), key=lambda t: (t.closed_ns, t.position_id))),
            tuple(unread),
        )


def _touches(path: Path, from_ns: int, until_ns: int) -> bool:
    """Return whether a journal has a record in [from, until), by its first and last; True where that cannot be told."""
    try:
        with path.open("rb") as file:
            first = parse_rfc3339(str(json.loads(file.readline(_TAIL_BYTES))["at"]))
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            lines = [line for line in file.read().split(b"\n")[:-1] if line.endswith(b"}")]
            last = parse_rfc3339(str(json.loads(lines[-1])["at"]))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return True
    return first < until_ns and last >= from_ns
