"""Where the doors of the running desk are: `door.json` in the data directory, for commands of the same machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chanflow.runtime.home import publish

NAME = "door.json"


@contextmanager
def standing_door(root: Path, host: str, port: int) -> Iterator[None]:
    """Tell where the doors are while the block runs."""
    publish(root / NAME, json.dumps({"host": host, "port": port}).encode())
    try:
        yield
    finally:
        (root / NAME).unlink(missing_ok=True)


def door_url(root: Path) -> str | None:
    """Return the address of the doors, None where none is told; a killed desk may have left an old one."""
    try:
        told = json.loads((root / NAME).read_text("utf-8"))
        host, port = str(told["host"]), int(told["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
