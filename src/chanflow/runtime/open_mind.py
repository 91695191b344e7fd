"""Opens what asks models: its ledger, its prices, its tape, its connections; and closes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chanflow.review.journal import file_sha256
from chanflow.runtime.minds import build_budget, build_mind

if TYPE_CHECKING:
    from chanflow.adapters.llm.cassette import Tape
    from chanflow.domain.alert import Alert
    from chanflow.domain.question import Mind
    from chanflow.domain.time import Clock, Ids, Randomness
    from chanflow.runtime.home import Home
    from chanflow.runtime.settings import Settings


@asynccontextmanager
async def open_mind(
    settings: Settings, home: Home, *, clock: Clock, ids: Ids, randomness: Randomness,
    on_alert: Callable[[Alert], Awaitable[None]], taped: bool = False,
) -> AsyncIterator[Mind | None]:  # fmt: skip
    """Give what asks the settings' models, and close its connections and its ledger at the end; None without models.

    `taped` is a desk's analyst, whose exchanges go by the tape of the settings. Raises SettingsInvalid for a model
    without a price, MissingExtra, StorageUnwritable, and what a tape that cannot be opened raises.
    """
    if not settings.agents.models():
        yield None
        return
    tape = tape_of(settings, home) if taped else None
    from chanflow.adapters.storage.database.database import Database

    async with await Database.open(home.database_path) as database:
        purse = build_budget(settings, database=database, clock=clock, ids=ids, on_alert=on_alert)
        mind = build_mind(settings, purse, clock=clock, randomness=randomness, tape=tape)
        if mind is not None:
            await mind.open()
        try:
            yield mind
        finally:
            if mind is not None:
                await mind.close()


def tape_of(settings: Settings, home: Home) -> Tape | None:
    """Return the tape that the settings name, opened; None where they keep none. Raises as `Tape` does."""
    if settings.cassette.mode == "off":
        return None
    from chanflow.adapters.llm.cassette import Tape

    return Tape(_tape_path(settings, home), settings.cassette.mode)


def tape_sha256(settings: Settings, home: Home) -> str | None:
    """Return the hex SHA-256 of the tape as it stands; None where none is kept, or nobody was asked yet."""
    path = _tape_path(settings, home)
    return file_sha256(path) if settings.cassette.mode != "off" and path.is_file() else None


def _tape_path(settings: Settings, home: Home) -> Path:
    named = settings.cassette.path
    return Path(named).expanduser() if named else home.cassette_path
