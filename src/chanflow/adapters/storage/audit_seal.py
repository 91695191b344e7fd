"""Addresses in the audit: sealed under the key of the user they are of, before the row is chained.

The chain is of what is stored, so it holds as well when the key is gone and nobody can read the address again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from chanflow.access.audit import AuditRow, SealedRow
from chanflow.adapters.storage.user_keys import key_made, keys_of
from chanflow.adapters.storage.vault import Vault, owner_of

Pair = tuple[AuditRow, str | None]


def personal(connection: Connection, vault: Vault, pairs: Sequence[Pair]) -> list[Pair]:
    """Return rows with the addresses of users sealed. One of a user who was erased is left out."""
    users = {user_id for row, user_id in pairs if user_id is not None and row.ip is not None}
    keys: dict[str, bytes | None] = dict(keys_of(connection, vault, users))
    for user_id in sorted(users - keys.keys()):
        keys[user_id] = key_made(connection, vault, user_id)
    return [(_sealed(vault, row, user_id, keys), user_id) for row, user_id in pairs]


def readable(connection: Connection, vault: Vault, found: Sequence[SealedRow]) -> list[SealedRow]:
    """Return rows with the addresses that can still be read, and none for the others. Their hashes stay as stored."""
    users = {owner for each in found if (owner := owner_of(each.row.ip)) is not None}
    keys = keys_of(connection, vault, users)
    return [replace(each, row=_opened(vault, each.row, keys)) for each in found]


def _sealed(vault: Vault, row: AuditRow, user_id: str | None, keys: Mapping[str, bytes | None]) -> AuditRow:
    if user_id is None or row.ip is None:
        return row
    key = keys[user_id]
    return replace(row, ip=None if key is None else vault.seal(key, user_id, row.ip, _place(row)))


def _opened(vault: Vault, row: AuditRow, keys: Mapping[str, bytes]) -> AuditRow:
    owner = owner_of(row.ip)
    if owner is None or row.ip is None:
        return row
    return replace(row, ip=vault.open(keys[owner], row.ip, _place(row)) if owner in keys else None)


def _place(row: AuditRow) -> str:
    return f"audit:{row.request_id}:{row.outcome}"
