"""What `chanflow doctor` says of models, their keys and prices, and of the database that keeps what they cost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chanflow.runtime.home import Home
    from chanflow.runtime.settings import Settings


def models_lines(settings: Settings, *, online: bool) -> tuple[list[str], bool]:
    """Return what there is to say, a line each, and whether every model in use could be asked.

    Nothing is sent unless `online`. Raises SettingsInvalid for a price file that cannot be.
    """
    from chanflow.runtime.minds import price_list, unpriced

    used = settings.agents.models()
    prices = price_list(settings)
    if not used:
        return ["none: the rules decide, and nothing is asked"], True
    wrong = [f"wrong: {sentence}" for sentence in (*unpriced(settings, prices), *_missing())]
    lines = [f"{key}: {name}" for key, name in used]
    lines.append(f"prices of {prices.as_of} ({prices.source}): check them against your provider's page")
    for name, each in sorted(settings.providers.items()):
        key = "set" if each.api_key.get_secret_value() else "unset"
        provider = each.provider(name)
        said, reached = f"{name}: {provider.address}, key {key}", True
        if online:
            from chanflow.adapters.llm.reach import asked_for_models

            reached, words = asyncio.run(asked_for_models(provider))
            said += f": {words}"
        (lines if reached else wrong).append(said if reached else f"wrong: {said}")
    return lines + wrong, not wrong


def _missing() -> tuple[str, ...]:
    from chanflow.adapters.llm.library import require_library
    from chanflow.domain.errors import MissingExtra

    try:
        require_library()
    except MissingExtra as fault:
        return (str(fault),)
    return ()


def database_line(home: Home) -> tuple[str, bool]:
    """Return the database's revision, or why it cannot be used, and whether a desk can use it."""
    from chanflow.adapters.storage.database.address import database_url
    from chanflow.adapters.storage.database.versions import current, revisions
    from chanflow.domain.errors import ChanflowError

    try:
        revision = asyncio.run(current(database_url(home.database_path)))
    except ChanflowError as fault:
        return str(fault), False
    newest = revisions()[-1]
    if revision is None:
        return f"{home.database_path}: not there yet", True
    older = "" if revision == newest else f", {newest} is the newest: a desk brings it there"
    return f"{home.database_path}: revision {revision}{older}", True
