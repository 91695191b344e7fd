"""What the law gives people, over the database and a folder of exports."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread

from chanflow.access.identity_ports import ExportMade
from chanflow.access.keys import secret_hmac
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.identity.erasure import due, erase
from chanflow.adapters.storage.identity.export import build_export, find_export, forget_exports
from chanflow.adapters.storage.vault import Vault
from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import Clock

_ID_BYTES = 16
_log = logging.getLogger(__name__)


class DeskPrivacy:
    """Implements `access.identity_ports.Privacy`. `positions_open` says whether the desk holds positions."""

    def __init__(
        self, database: Database, vault: Vault, pepper: bytes, folder: Path, clock: Clock,
        random_bytes: Callable[[int], bytes], positions_open: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._database, self._vault, self._pepper, self._folder = database, vault, pepper, folder
        self._clock, self._random_bytes, self.positions_open = clock, random_bytes, positions_open

    async def export(self, user_id: str) -> ExportMade:
        """Build the file of all that is kept of a user. Raises StorageUnwritable, StorageBusy."""
        export_id = self._random_bytes(_ID_BYTES).hex()
        return await build_export(
            self._database, self._vault, self._folder, user_id=user_id, export_id=export_id,
            file_name=self._file_name(user_id, export_id), now_ns=self._clock.now_ns(),
        )  # fmt: skip

    def file(self, user_id: str, export_id: str) -> str | None:
        """Return the path of an export that still holds; another's is none."""
        found = find_export(self._folder, self._file_name(user_id, export_id), self._clock.now_ns())
        return None if found is None else str(found)

    async def erase_due(self) -> int:
        """Erase whose time has come, but no trader while positions are or may be open; return how many were."""
        now_ns = self._clock.now_ns()
        forget_exports(self._folder, now_ns)
        done = 0
        for user_id, trader in await due(self._database, now_ns):
            if not (trader and await self._positions_may_be_open()):
                done += await erase(self._database, user_id, now_ns)
        return done

    async def _positions_may_be_open(self) -> bool:
        try:
            return await anyio.to_thread.run_sync(self.positions_open)
        except ChanflowError as fault:
            _log.warning("a trader is not erased: whether positions are open is not known (%s)", type(fault).__name__)
            return True

    def _file_name(self, user_id: str, export_id: str) -> str:
        # The name is made of the id, never is the id: what a caller sends is no path.
        return secret_hmac(self._pepper, f"export {user_id} {export_id}")
