"""What access needs of the outside: where users, keys, counters and the audit are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from chanflow.access.audit import AuditRow, SealedRow
from chanflow.access.keys import KeyRecord, User
from chanflow.access.principals import Principal
from chanflow.access.quota import Charge, Demand, Spent, Taken


class KeyShelf(Protocol):
    """Users and their keys. Every method raises StorageUnwritable or StorageBusy where the database cannot be used."""

    async def key(self, key_id: str) -> tuple[KeyRecord, User] | None:
        """Return a key and its owner, None where there is no such key."""
        ...

    async def owner(self, user_id: str) -> User | None:
        """Return a user by id, None where there is none."""
        ...

    async def keys(self, user_id: str | None) -> Sequence[KeyRecord]:
        """Return the keys of a user, or of all, oldest first."""
        ...

    async def add_key(self, record: KeyRecord) -> None:
        """Keep a new key. Raises NotFound for an owner that is none."""
        ...

    async def replace_key(self, old_id: str, new: KeyRecord, old_ends_ns: int) -> None:
        """Keep a new key and end the old one at a moment, both or neither."""
        ...

    async def change_key(self, old: KeyRecord, new: KeyRecord) -> None:
        """Set what differs of name, scopes, addresses and expiry. Raises NotFound."""
        ...

    async def note_use(self, key_id: str, at_ns: int) -> None:
        """Note that a key was used, unless it is noted for a later moment."""
        ...

    async def revoke_key(self, key_id: str, at_ns: int) -> None:
        """End a key at a moment, unless it ended sooner. Raises NotFound."""
        ...


class Counters(Protocol):
    """Counts what is used."""

    async def charge(self, charge: Charge) -> Taken | Spent:
        """Take a charge once, whole or not at all; durable on return."""
        ...

    async def refund(self, charge_id: str, at_ns: int) -> None:
        """Give a charge back, once; nothing where there is none."""
        ...

    async def used(self, account: str, asked: Sequence[Demand]) -> Mapping[str, int]:
        """Return what is used of each quota in the periods that `asked` names."""
        ...


class AuditLog(Protocol):
    """Keeps the audit."""

    async def append(self, row: AuditRow, user_id: str | None = None) -> None:
        """Keep a row, its address sealed for the user; durable on return."""
        ...

    def post(self, row: AuditRow, user_id: str | None = None) -> None:
        """Keep a row soon, after those before it; a fault is logged."""
        ...

    async def rows(self, *, before: int | None, limit: int) -> Sequence[SealedRow]:
        """Return the newest rows numbered below `before`, newest first."""
        ...


class SocketLeases(Protocol):
    """Open sockets of all processes. A lease that nobody renews ends by itself, so what a crash left is freed.

    Every method raises StorageUnwritable or StorageBusy.
    """

    async def open(self, lease_id: str, account: str, *, most: int, now_ns: int) -> bool:
        """Take a lease, unless the account has `most` already."""
        ...

    async def hold(self, lease_id: str, account: str, *, symbols: int, limit: int, now_ns: int) -> Taken | Spent:
        """Let a lease hold so many symbols in all, if the account's alerts and leases stay within the limit."""
        ...

    async def symbols(self, account: str, now_ns: int) -> int:
        """Return how many symbols the account's leases hold."""
        ...

    async def renew(self, lease_ids: Sequence[str], now_ns: int) -> Sequence[str]:
        """Make leases last from now on; returns those that had ended."""
        ...

    async def close(self, lease_id: str) -> None:
        """End a lease."""
        ...


class TicketShelf(Protocol):
    """Tickets that wait to be used. Every method raises StorageUnwritable or StorageBusy."""

    async def add(self, digest: str, principal: Principal, *, expires_ns: int, now_ns: int) -> None:
        """Keep a ticket by its digest."""
        ...

    async def take(self, digest: str, now_ns: int) -> Principal | None:
        """Return whose ticket it is, and forget it; None for one that is not there or is too old."""
        ...
