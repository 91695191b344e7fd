"""Client ids at a venue that takes 128 bits and nothing else.

The desk calls the stop attached to an order `<id>-sl` and its target `<id>-tp`. Here their cloids are the entry's with
fixed bits turned over: whoever knows one knows the other, after a restart too. An order without a cloid is
`oid:<number>`.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Exit = Literal["sl", "tp"]
_CLOID: Final = re.compile(r"0x[0-9a-f]{32}\Z")
_TURNED: Final[dict[Exit, int]] = {
    "sl": int.from_bytes(b"attached stop #1", "big"), "tp": int.from_bytes(b"attached profit1", "big"),
}  # fmt: skip
_BY_NUMBER: Final = "oid:"


def exit_cloid(entry: str, which: Exit) -> str:
    """Return the cloid of an entry's stop or target; of such an exit's cloid it returns the entry's."""
    return f"0x{int(entry, 16) ^ _TURNED[which]:032x}"


def cloid_of(client_id: str) -> str | None:
    """Return the cloid that carries one of the desk's names; None for an order that is known by its number."""
    base, dash, suffix = client_id.rpartition("-")
    if dash and suffix in ("sl", "tp") and _CLOID.match(base):
        return exit_cloid(base, "sl" if suffix == "sl" else "tp")
    return client_id if _CLOID.match(client_id) else None


def number_name(oid: int) -> str:
    """Return the name of an order that has no cloid."""
    return f"{_BY_NUMBER}{oid}"


def number_of(client_id: str) -> int | None:
    """Return the venue's number in a name, None where it is none."""
    number = client_id.removeprefix(_BY_NUMBER)
    return int(number) if client_id.startswith(_BY_NUMBER) and number.isdigit() else None
