"""All that is kept of a user as one ZIP: JSON lines per table, and a manifest with the SHA-256 of each file.

Every table with a column `user_id` or `account` is taken, so one that is added later is not forgotten. Columns that
hold a secret, or its hash, are left out, and what is sealed is opened.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
from sqlalchemy import Table, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.access.identity_ports import ExportMade
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.tables.access import api_key, audit, user
from chanflow.adapters.storage.publish import unwritable
from chanflow.adapters.storage.user_keys import keys_of
from chanflow.adapters.storage.vault import Vault
from chanflow.domain.time import NS_PER_DAY, rfc3339

KEPT_NS = NS_PER_DAY
_SECRET = re.compile(r"hmac|hash|secret|sealed|token|password|nonce|wrapped|private")
_NAMED_HASH = frozenset({"args_hash"})
_OWNER = ("user_id", "account")
_FILE = re.compile(r"([0-9a-f]{64})\.([0-9]{1,20})\.zip")


async def build_export(
    database: Database, vault: Vault, folder: Path, *, user_id: str, export_id: str, file_name: str, now_ns: int
) -> ExportMade:  # fmt: skip
    """Build a user's export at `folder`/`file_name`.<end>.zip, for its owner's eyes alone, and return what is in it.

    Fit to be run as a job. Raises StorageUnwritable, StorageBusy.
    """
    async with database.read() as connection:
        lines = await _everything(connection, vault, user_id)
    expires_ns = now_ns + KEPT_NS
    made = rfc3339(now_ns)
    data = await anyio.to_thread.run_sync(_zipped, lines, made)
    path = folder / f"{file_name}.{expires_ns}.zip"
    await anyio.to_thread.run_sync(_keep, path, data, now_ns)
    rows = {name: len(each) for name, each in lines.items()}
    return ExportMade(export_id, expires_ns, hashlib.sha256(data).hexdigest(), len(data), rows)


def find_export(folder: Path, file_name: str, now_ns: int) -> Path | None:
    """Return the file of an export that still holds."""
    for path, name, expires_ns in _files(folder):
        if name == file_name and now_ns < expires_ns:
            return path
    return None


def forget_exports(folder: Path, now_ns: int) -> None:
    """Delete the exports that ended."""
    for path, _, expires_ns in _files(folder):
        if expires_ns <= now_ns:
            path.unlink(missing_ok=True)


async def _everything(connection: AsyncConnection, vault: Vault, user_id: str) -> dict[str, list[dict[str, Any]]]:
    key = (await connection.run_sync(keys_of, vault, [user_id])).get(user_id)
    found: dict[str, list[dict[str, Any]]] = {}
    for table, condition in await _asked(connection, user_id):
        rows = (await connection.execute(select(table).where(condition).order_by(*table.primary_key))).mappings()
        lines = [_line(dict(row), vault, key, user_id, table) for row in rows]
        if lines:
            found[table.name] = lines
    return found


async def _asked(connection: AsyncConnection, user_id: str) -> list[tuple[Table, Any]]:
    keys = [row.id for row in await connection.execute(select(api_key.c.id).where(api_key.c.user_id == user_id))]
    asked: list[tuple[Table, Any]] = [(user, user.c.id == user_id)]
    for table in METADATA.sorted_tables:
        owner = [table.c[name] == user_id for name in _OWNER if name in table.c]
        if owner:
            asked.append((table, or_(*owner)))
    asked.append((audit, audit.c.principal.in_([f"user:{user_id}", *(f"key:{each}" for each in keys)])))
    return asked


def _line(row: dict[str, Any], vault: Vault, key: bytes | None, user_id: str, table: Table) -> dict[str, Any]:
    opened: dict[str, Any] = {}
    if table.name == "person" and key is not None and row["email_sealed"] is not None:
        opened["email"] = vault.open(key, row["email_sealed"], f"email:{user_id}")
    if table.name == "audit" and key is not None and (row["ip"] or "").startswith("v1."):
        opened["ip"] = vault.open(key, row["ip"], f"audit:{row['request_id']}:{row['outcome']}")
    kept = {name: value for name, value in row.items() if name in _NAMED_HASH or _SECRET.search(name) is None}
    return kept | opened


def _zipped(lines: Mapping[str, Sequence[Mapping[str, Any]]], made: str) -> bytes:
    out, files = io.BytesIO(), []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in lines.items():
            text = "".join(f"{json.dumps(row, ensure_ascii=False, default=str)}\n" for row in rows).encode()
            archive.writestr(f"{name}.jsonl", text)
            files.append({"file": f"{name}.jsonl", "rows": len(rows), "sha256": hashlib.sha256(text).hexdigest()})
        manifest = {"schema": "chanflow.export/1", "made_at": made, "files": files}
        archive.writestr("manifest.json", json.dumps(manifest, indent=1) + "\n")
    return out.getvalue()


def _keep(path: Path, data: bytes, now_ns: int) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        forget_exports(path.parent, now_ns)
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        draft.replace(path)
    except OSError as fault:
        raise unwritable(path, fault) from fault


def _files(folder: Path) -> Iterator[tuple[Path, str, int]]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if (found := _FILE.fullmatch(path.name)) is not None:
            yield path, found[1], int(found[2])
