"""A whole memory in a folder, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from made_cases import DAY, T0

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.knowledge import SqlKnowledge
from chanflow.adapters.storage.short_term import SqliteShortTerm
from chanflow.adapters.vectors.edge import EdgeCases
from chanflow.review.memory import Memory
from chanflow.review.state_vector import DIMENSION, VERSION, default_statistics
from chanflow.runtime.clock import SimulatedClock


@asynccontextmanager
async def made_memory(
    folder: Path, *, at_ns: int = T0 + 10 * DAY, deadline_s: float | None = None, **more: Any
) -> AsyncIterator[Memory]:
    async with await Database.open(folder / "chanflow.db") as database:
        parts = {
            "short": SqliteShortTerm(folder / "short_term.db"),
            "cases": EdgeCases(folder / "vectors", version=VERSION, dimension=DIMENSION),
            "knowledge": SqlKnowledge(database),
            "clock": SimulatedClock(at_ns),
            "statistics": default_statistics(),
        } | more
        memory = Memory(**parts, deadline_s=deadline_s)
        try:
            yield memory
        finally:
            await memory.close()
