"""Requests that carry a signature in place of a secret, for keys that ask for it.

The caller derives the key of its signatures from the secret, once; the secret itself is never sent. What is signed says
when, what and to whom: a request that was copied is good for nothing, nor one in which a letter was changed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from chanflow.access.bearers import NoEntry
from chanflow.access.keyring import Keyring
from chanflow.access.keys import KeyRecord, parse_key, principal_of
from chanflow.access.principals import Principal
from chanflow.domain.time import NS_PER_S, Clock

AGE_S = 30
"""A request may be so old, or so far ahead of our clock."""
NONCE_S = 300
"""For so long a nonce may not come again."""
_KEY_ID = re.compile(r"cf_([0-9a-f]{12})")
_NONCE, _TIME, _SIGNATURE = re.compile(r"[A-Za-z0-9_-]{16,64}"), re.compile(r"[0-9]{1,12}"), re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it came. `bearer` is `cf_<id>`; `target` the path with its query, as sent."""

    bearer: str = field(repr=False)
    timestamp: str
    nonce: str
    signature: str = field(repr=False)
    method: str
    target: str
    body: bytes = field(repr=False)


class Nonces(Protocol):
    """Remembers what was named once."""

    async def first_use(self, key_id: str, nonce: str, *, at_ns: int, forget_before_ns: int) -> bool:
        """Note a nonce; returns whether it is the first time. Raises StorageUnwritable, StorageBusy."""
        ...


def signing_key(secret: str) -> bytes:
    """Return the key of signatures that belongs to a key's secret: HMAC-SHA256 of `signing` under it."""
    return hmac.new(secret.encode(), b"signing", hashlib.sha256).digest()


def signature(key: bytes, *, timestamp: str, nonce: str, method: str, target: str, body: bytes) -> str:
    """Return the signature of a request, in hex: HMAC-SHA256 over its five lines."""
    lines = (timestamp, nonce, method, target, hashlib.sha256(body).hexdigest())
    return hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def signed_headers(text: str, *, timestamp: str, nonce: str, method: str, target: str, body: bytes) -> dict[str, str]:
    """Return the headers of a request by the bearer of a key. Raises ValueError for a text that is no key."""
    shown = parse_key(text)
    if shown is None:
        raise ValueError("the text is no key of ours: it begins with cf_ and ends with its check sum")
    made = signature(
        signing_key(shown.secret), timestamp=timestamp, nonce=nonce, method=method, target=target, body=body
    )
    return {
        "Authorization": f"Bearer cf_{shown.id}", "X-CF-Timestamp": timestamp, "X-CF-Nonce": nonce,
        "X-CF-Signature": made,
    }  # fmt: skip


class SignedRequests:
    """Judges signed requests. `opened` gives the key of signatures that is kept, sealed, with a key."""

    def __init__(self, keyring: Keyring, opened: Callable[[KeyRecord], bytes], nonces: Nonces, clock: Clock) -> None:
        self._keyring, self._opened, self._nonces, self._clock = keyring, opened, nonces, clock

    async def principal(self, request: SignedRequest, ip: str | None) -> Principal | NoEntry:
        """Return as whom a signed request acts, or why not. Raises StorageUnwritable, StorageBusy."""
        named, now_ns = _KEY_ID.fullmatch(request.bearer), self._clock.now_ns()
        if named is None or not _well_formed(request) or not _timely(request, now_ns):
            return "unauthenticated"
        found = await self._keyring.found(named[1])
        if found is None or not found[0].signing or found[0].sealed is None:
            return "unauthenticated"
        record, user = found
        if user.disabled_ns is not None or not record.usable(now_ns) or not self._signed(request, record):
            return "unauthenticated"
        if not record.admits(ip):
            return "ip_not_allowed"
        # Last, so that nobody but the key's owner can make us remember anything.
        forget_ns = now_ns - NONCE_S * NS_PER_S
        if not await self._nonces.first_use(record.id, request.nonce, at_ns=now_ns, forget_before_ns=forget_ns):
            return "unauthenticated"
        await self._keyring.used(record)
        return principal_of(record, user, ip)

    def _signed(self, request: SignedRequest, record: KeyRecord) -> bool:
        wanted = signature(
            self._opened(record), timestamp=request.timestamp, nonce=request.nonce, method=request.method,
            target=request.target, body=request.body,
        )  # fmt: skip
        return hmac.compare_digest(wanted, request.signature)


def _well_formed(request: SignedRequest) -> bool:
    return bool(
        _NONCE.fullmatch(request.nonce) and _SIGNATURE.fullmatch(request.signature)
        and request.target.isascii() and request.method.isascii()
    )  # fmt: skip


def _timely(request: SignedRequest, now_ns: int) -> bool:
    if _TIME.fullmatch(request.timestamp) is None:
        return False
    return abs(now_ns - int(request.timestamp) * NS_PER_S) <= AGE_S * NS_PER_S
