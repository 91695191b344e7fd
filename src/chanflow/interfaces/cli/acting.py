"""As whom a command of this machine acts: its operator, or the owner of the key that the environment names."""

from __future__ import annotations

from dataclasses import replace

from chanflow.domain.errors import SettingsInvalid
from chanflow.interfaces.cli.services import desk_books, open_services
from chanflow.operations.principal import LOCAL_OPERATOR, Principal
from chanflow.operations.services import Services
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.settings import Loaded


def acting_services(loaded: Loaded, key: str | None) -> Services:
    """Return the services of a desk, with the books by which a key is judged where one is named."""
    services = open_services(loaded)
    if key is None or services.access is not None:
        return services
    return replace(services, access=desk_books(loaded, SystemClock()))


async def acting_principal(services: Services, key: str | None) -> Principal:
    """Return as whom a command acts; the books must be open.

    Raises SettingsInvalid for a key that this desk does not take here: a wrong one never falls back to the operator.
    """
    if key is None:
        return LOCAL_OPERATOR
    found = None if services.access is None else await services.access.bearers.principal(key, None)
    if isinstance(found, Principal):
        return found
    held = found == "ip_not_allowed"
    why = "is held to addresses, and a command has none" if held else "is none that this desk takes"
    raise SettingsInvalid(f"the key in CHANFLOW_API_KEY {why}: make one with chanflow key create, or unset it")
