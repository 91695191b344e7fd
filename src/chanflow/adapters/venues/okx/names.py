"""Client ids at OKX: letters and digits only, so the exits attached to an entry lose their hyphen on the way."""

from __future__ import annotations

import re
from typing import Final

_EXIT: Final = re.compile(r"(q[a-z2-7]{26})-(sl|tp)")
_JOINED: Final = re.compile(r"(q[a-z2-7]{26})(sl|tp)")


def to_venue(client_id: str) -> str:
    """Return a client id as OKX takes it."""
    found = _EXIT.fullmatch(client_id)
    return client_id if found is None else f"{found[1]}{found[2]}"


def from_venue(client_id: str) -> str:
    """Return a client id as the desk knows it."""
    found = _JOINED.fullmatch(client_id)
    return client_id if found is None else f"{found[1]}-{found[2]}"


def is_exit(client_id: str) -> bool:
    """Whether an id is that of an exit attached to an entry."""
    return _EXIT.fullmatch(client_id) is not None
