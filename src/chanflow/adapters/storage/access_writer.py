"""What calls write of access, in groups: all that waits while one transaction commits is the next one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from chanflow.access.audit import AuditRow, SealedRow
from chanflow.access.quota import Charge, Demand, Spent, Taken
from chanflow.adapters.storage import audit_chain, audit_seal, usage_ledger
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.vault import Vault

_GROUP = 256
_SOON_S = 0.010
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Refund:
    charge_id: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class _Audited:
    """A row, and whose key seals what is personal in it."""

    row: AuditRow
    user_id: str | None


_Entry = Charge | _Refund | _Audited


class AccessWriter:
    """Implements `access.ports.Counters` and `AuditLog`. Belongs to the event loop that first used it."""

    def __init__(self, database: Database, vault: Vault | None = None) -> None:
        """Without a vault, addresses in the audit stay as they are."""
        self._database, self._vault = database, vault
        self._waiting: list[tuple[_Entry, asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._soon: asyncio.TimerHandle | None = None

    async def charge(self, charge: Charge) -> Taken | Spent:
        """Take a charge once, whole or not at all; durable on return. Raises StorageUnwritable, StorageBusy."""
        answer: Taken | Spent = await self._written(charge)
        return answer

    async def refund(self, charge_id: str, at_ns: int) -> None:
        """Give a charge back, once. Raises StorageUnwritable, StorageBusy."""
        await self._written(_Refund(charge_id, at_ns))

    async def append(self, row: AuditRow, user_id: str | None = None) -> None:
        """Keep a row of the audit, sealed for its user; durable on return. Raises StorageUnwritable, StorageBusy."""
        await self._written(_Audited(row, user_id))

    def post(self, row: AuditRow, user_id: str | None = None) -> None:
        """Keep a row soon, after those before it; a fault is logged. It goes with the next charge, or after 10 ms."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        done.add_done_callback(_log_fault)
        self._waiting.append((_Audited(row, user_id), done))
        if self._writing is None and self._soon is None:
            self._soon = loop.call_later(_SOON_S, self._begin)

    async def used(self, account: str, asked: Sequence[Demand]) -> Mapping[str, int]:
        """Return what is used of each quota. Raises StorageUnwritable."""
        keys = [(account, demand.quota, demand.period_key) for demand in asked]
        found = await self._database.consult(lambda connection: usage_ledger.counted(connection, keys))
        return {key[1]: found.get(key, 0) for key in keys}

    async def rows(self, *, before: int | None, limit: int) -> Sequence[SealedRow]:
        """Return the newest rows of the audit, with all that were told of before. Raises StorageUnwritable."""
        await self.settled()
        return await self._database.consult(lambda connection: self._newest(connection, before, limit))

    def _newest(self, connection: Connection, before: int | None, limit: int) -> Sequence[SealedRow]:
        found = audit_chain.newest(connection, before=before, limit=limit)
        return found if self._vault is None else audit_seal.readable(connection, self._vault, found)

    async def settled(self) -> None:
        """Return once nothing waits to be written."""
        if self._waiting:
            self._begin()
        while self._writing is not None:
            await asyncio.shield(self._writing)

    async def _written(self, entry: _Entry) -> Any:
        return await self._entered(entry)

    def _entered(self, entry: _Entry) -> asyncio.Future[Any]:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        self._begin()
        return done

    def _begin(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
                await self._write(group)
        finally:
            self._writing = None

    async def _write(self, group: list[tuple[_Entry, asyncio.Future[Any]]]) -> None:
        """Write a group in one transaction; whoever waits hears of its fault, and nobody else."""
        try:
            entries = [entry for entry, _ in group]
            answers = iter(await self._database.transact(lambda connection: self._taken(connection, entries)))
        except Exception as fault:  # noqa: BLE001  # told to everyone who waits
            for _, done in group:
                if not done.done():
                    done.set_exception(fault)
            return
        for entry, done in group:
            answer = next(answers) if isinstance(entry, Charge) else None
            if not done.done():
                done.set_result(answer)

    def _taken(self, connection: Connection, entries: Sequence[_Entry]) -> Sequence[Taken | Spent]:
        """Write a group, and return what became of its charges, in order."""
        charges = [entry for entry in entries if isinstance(entry, Charge)]
        answers = usage_ledger.take(connection, charges) if charges else ()
        for entry in entries:
            if isinstance(entry, _Refund):
                usage_ledger.give_back(connection, entry.charge_id, entry.at_ns)
        if pairs := [(entry.row, entry.user_id) for entry in entries if isinstance(entry, _Audited)]:
            if self._vault is not None:
                pairs = audit_seal.personal(connection, self._vault, pairs)
            audit_chain.append(connection, [row for row, _ in pairs])
        return answers


def _log_fault(done: asyncio.Future[Any]) -> None:
    if not done.cancelled() and (fault := done.exception()) is not None:
        _log.error("a row of the audit is lost: %s", fault)
