"""Listen keys: the names of user streams, valid for an hour after they were last asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from chanflow.adapters.venues.emulator.codes import fault

VALID_MS: Final = 60 * 60_000


@dataclass(slots=True)
class ListenKeys:
    """One key an account at most; `on_expired` hears account and key of those that ended by themselves."""

    on_expired: Callable[[int, str], None] | None = None
    _by_key: dict[str, tuple[int, int]] = field(default_factory=dict)
    _by_account: dict[int, str] = field(default_factory=dict)
    _made: int = 0

    def open(self, account: int, now_ms: int) -> str:
        """Return the account's key, a new one where it has none, valid for an hour from now."""
        key = self._by_account.get(account)
        if key is None:
            self._made += 1
            key = hashlib.sha512(f"listen {account} {self._made} {now_ms}".encode()).hexdigest()[:64]
            self._by_account[account] = key
        self._by_key[key] = (account, now_ms + VALID_MS)
        return key

    def keep(self, account: int, now_ms: int) -> str:
        """Let the account's key be valid for another hour and return it; a Fault -1125 where it has none."""
        key = self._by_account.get(account)
        if key is None:
            raise fault(-1125)
        self._by_key[key] = (account, now_ms + VALID_MS)
        return key

    def close(self, account: int) -> None:
        """End the account's key, if it has one."""
        key = self._by_account.pop(account, None)
        if key is not None:
            del self._by_key[key]

    def key_of(self, account: int) -> str | None:
        """Return an account's key, None where it has none."""
        return self._by_account.get(account)

    def account(self, key: str) -> int | None:
        """Return whose key this is, None where it is nobody's."""
        found = self._by_key.get(key)
        return None if found is None else found[0]

    def expire(self, now_ms: int) -> list[tuple[int, str]]:
        """End the keys whose hour is over and return them with their accounts."""
        ended = [(account, key) for key, (account, until_ms) in self._by_key.items() if until_ms <= now_ms]
        for account, _ in ended:
            self.close(account)
        self._say(ended)
        return ended

    def end(self, account: int) -> list[tuple[int, str]]:
        """End an account's key before its time, as if it had expired, and return it."""
        key = self._by_account.get(account)
        ended = [] if key is None else [(account, key)]
        self.close(account)
        self._say(ended)
        return ended

    def _say(self, ended: list[tuple[int, str]]) -> None:
        if self.on_expired is not None:
            for account, key in ended:
                self.on_expired(account, key)
