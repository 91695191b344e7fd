"""Who asks, and whether it is they: API keys, HMAC-SHA256 signatures, timestamps.

Source: Binance USD-M futures documentation, "SIGNED (TRADE and USER_DATA) Endpoint Security".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Final

from chanflow.adapters.venues.emulator.accounts import Account
from chanflow.adapters.venues.emulator.codes import Fault, fault
from chanflow.adapters.venues.emulator.ed25519 import holds, is_public_key
from chanflow.adapters.venues.emulator.params import Params
from chanflow.adapters.venues.emulator.world import World

DEFAULT_RECV_WINDOW_MS: Final = 5_000
MAX_RECV_WINDOW_MS: Final = 60_000
_AHEAD_MS: Final = 1_000
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
DEFAULT_SECRET: Final = "test"  # noqa: S105


class Keys:
    """The known keys with their secrets, and the accounts that they open.

    Without `strict`, an unknown key opens a new account whose secret is `test`.
    """

    def __init__(self, world: World, secrets: Mapping[str, str], *, strict: bool) -> None:
        self._world = world
        self._secrets = dict(secrets)
        self._strict = strict
        self._accounts: dict[str, Account] = {account.key: account for account in world.accounts}

    def know_accounts(self) -> None:
        """Let every account of the world be opened by its own key."""
        self._accounts = {account.key: account for account in self._world.accounts}

    def account(self, key: str | None) -> Account:
        """Return the account of an API key; a Fault -2014 or -2015 where there is none."""
        if key is None or not _KEY.fullmatch(key):
            raise fault(-2014)
        found = self._accounts.get(key)
        if found is None:
            if key not in self._secrets and self._strict:
                raise fault(-2015)
            found = self._world.open_account(key, self._secrets.get(key, DEFAULT_SECRET))
            self._accounts[key] = found
        return found


def signature(secret: str, payload: str) -> str:
    """Return the hex HMAC-SHA256 of a payload."""
    return hmac.digest(secret.encode(), payload.encode(), "sha256").hex()


def check_signature(account: Account, query: str, body: str, values: Mapping[str, str]) -> None:
    """Refuse a request whose signature is not that of its parameters as they were sent, query first."""
    given = values.get("signature", "")
    if not given:
        raise fault(-1102, "signature")
    payload = _unsigned(query) + _unsigned(body)
    if is_public_key(account.secret):
        is_theirs = holds(account.secret, payload, given)
    else:
        is_theirs = hmac.compare_digest(signature(account.secret, payload).encode(), given.lower().encode())
    if not is_theirs:
        raise fault(-1022)


def _unsigned(part: str) -> str:
    if "signature=" not in part:
        return part
    return "&".join(piece for piece in part.split("&") if not piece.startswith("signature="))


def check_time(params: Params, now_ms: int) -> int:
    """Refuse a request that is older than its recvWindow or from the future; return until when it holds, Unix ms."""
    sent_ms = params.integer("timestamp")
    window = params.optional_integer("recvWindow")
    window_ms = DEFAULT_RECV_WINDOW_MS if window is None else window
    if not 0 < window_ms <= MAX_RECV_WINDOW_MS:
        raise Fault(-1131, "recvWindow must be less than 60000")
    if sent_ms >= now_ms + _AHEAD_MS:
        raise Fault(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - sent_ms > window_ms:
        raise fault(-1021)
    return sent_ms + window_ms
