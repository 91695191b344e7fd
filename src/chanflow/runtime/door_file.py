"""Where the doors of the running desk are: `door.json` in the data directory, for commands of the same machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chanflow.runtime.home import publish

NAME = "door.json"


@contextmanager
def standing_door(root: Path, host: str, port: int, token: str | None = None) -> Iterator[None]:
    """Tell where the doors are while the block runs, and to the owner of the files what opens them as the operator."""
    told = {"host": host, "port": port, **({} if token is None else {"token": token})}
    publish(root / NAME, json.dumps(told).encode(), mode=0o600)
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


def door_headers(root: Path) -> dict[str, str]:
    """Return the headers with which the operator's own commands are let in."""
    try:
        token = json.loads((root / NAME).read_text("utf-8")).get("token")
    except (OSError, ValueError, AttributeError):
        token = None
    return {"Authorization": f"Bearer {token}"} if isinstance(token, str) else {}
