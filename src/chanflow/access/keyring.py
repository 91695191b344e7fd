"""Makes keys, ends them, and says as whom the bearer of one acts."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chanflow.access.bearers import NoEntry
from chanflow.access.keys import (
    ID_BYTES,
    SECRET_BYTES,
    KeyRecord,
    User,
    key_text,
    networks,
    opens,
    parse_key,
    principal_of,
    secret_hmac,
)
from chanflow.access.ports import KeyShelf
from chanflow.access.principals import LOCAL_OPERATOR, Principal
from chanflow.access.scopes import narrowed, scopes_of
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock, Randomness

CACHED_MS = 500
"""A key is read again after so long, so one that any process revoked is refused within a second."""
_MOST_CACHED = 10_000
MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: the only time its text is known."""

    record: KeyRecord
    text: str = field(repr=False)


class Keyring:
    """The keys of a desk. `desk_token` is what commands of this machine show to the desk that runs, as its operator."""

    def __init__(self, shelf: KeyShelf, pepper: bytes, clock: Clock, randomness: Randomness) -> None:
        self._shelf, self._pepper, self._clock = shelf, pepper, clock
        self._chance = randomness.stream("keys")
        self._read: dict[str, tuple[int, KeyRecord, User]] = {}
        self.desk_token = f"desk_{self._chance.randbytes(SECRET_BYTES).hex()}"

    def known_shape(self, text: str) -> bool:
        """Return whether a text could be a key at all; asks no database."""
        return self._is_desk_token(text) or parse_key(text) is not None

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the bearer of a key acts, or why not. Raises StorageUnwritable."""
        if self._is_desk_token(text):
            return replace(LOCAL_OPERATOR, ip=ip)
        presented = parse_key(text)
        found = None if presented is None else await self._found(presented.id)
        if found is None or presented is None or not opens(found[0], presented, self._pepper):
            return "unauthenticated"
        return self._acting(*found, ip)

    async def standing(self, principal: Principal) -> Principal | NoEntry | None:
        """Return as whom the bearer of a key acts now who was let in before; None for others."""
        if principal.kind == "local":
            return principal
        if principal.kind != "key":
            return None
        found = await self._found(principal.id.removeprefix("key:"))
        return "unauthenticated" if found is None else self._acting(*found, principal.ip)

    def _acting(self, record: KeyRecord, user: User, ip: str | None) -> Principal | NoEntry:
        if user.disabled_ns is not None or not record.usable(self._clock.now_ns()):
            return "unauthenticated"
        return principal_of(record, user, ip) if record.admits(ip) else "ip_not_allowed"

    async def create(
        self, user: User, *, name: str, scopes: Sequence[str] | None, allow_ips: Sequence[str] = (),
        expires_ns: int | None = None, within: frozenset[str] | None = None,
    ) -> NewKey:  # fmt: skip
        """Make a key of a user; without `scopes` it has all the owner's. `within` bounds them further: who asks.

        Raises InvalidArgument for a name, scope, network or time that cannot be; NotFound; StorageUnwritable.
        """
        now_ns = self._clock.now_ns()
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            raise InvalidArgument(f"the name has {len(name)} characters, allowed are 1 to {MAX_NAME}", field="name")
        if expires_ns is not None and expires_ns <= now_ns:
            raise InvalidArgument("the key would have expired already: name a later time", field="expires_at")
        owned = scopes_of(user.roles) if within is None else scopes_of(user.roles) & within
        granted = owned if scopes is None else narrowed(scopes, owned)
        made = self._made(user.id, name, granted, networks(allow_ips), now_ns, expires_ns)
        await self._shelf.add_key(made.record)
        return made

    async def rotate(self, key_id: str, *, grace_s: int, user_id: str | None = None) -> NewKey:
        """Make a key like another, which ends after the grace. Raises NotFound, InvalidArgument."""
        old, now_ns = await self._owned(key_id, user_id), self._clock.now_ns()
        if not old.usable(now_ns):
            raise InvalidArgument("the key has ended: create a new one", field="id")
        made = self._made(old.user_id, old.name, old.scopes, old.allow_ips, now_ns, old.expires_ns)
        ends_ns = now_ns + grace_s * NS_PER_S
        await self._shelf.replace_key(key_id, made.record, ends_ns)
        self._read.pop(key_id, None)
        return made

    async def revoke(self, key_id: str, *, user_id: str | None = None) -> None:
        """End a key now; of a user only where it is theirs. Raises NotFound."""
        await self._owned(key_id, user_id)
        await self._shelf.revoke_key(key_id, self._clock.now_ns())
        self._read.pop(key_id, None)

    async def keys(self, user_id: str | None = None) -> Sequence[KeyRecord]:
        """Return the keys of a user, or of all, oldest first."""
        return await self._shelf.keys(user_id)

    def _is_desk_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.desk_token.encode())

    async def _found(self, key_id: str) -> tuple[KeyRecord, User] | None:
        cached, now_ns = self._read.get(key_id), self._clock.monotonic_ns()
        if cached is not None and now_ns - cached[0] < CACHED_MS * NS_PER_MS:
            return cached[1:]
        self._read.pop(key_id, None)
        read = await self._shelf.key(key_id)
        if read is None:
            return None
        if len(self._read) >= _MOST_CACHED:
            self._read.clear()
        # The moment before it was read: what was revoked meanwhile is not believed for longer.
        self._read[key_id] = (now_ns, *read)
        return read

    async def _owned(self, key_id: str, user_id: str | None) -> KeyRecord:
        read = await self._shelf.key(key_id)
        if read is None or user_id not in (None, read[0].user_id):
            raise NotFound("there is no such key: chanflow key list shows those there are")
        return read[0]

    def _made(
        self, user_id: str, name: str, scopes: frozenset[str], allow_ips: tuple[str, ...], now_ns: int,
        expires_ns: int | None,
    ) -> NewKey:  # fmt: skip
        text = key_text(self._chance.randbytes(ID_BYTES), self._chance.randbytes(SECRET_BYTES))
        presented = parse_key(text)
        assert presented is not None
        sealed = secret_hmac(self._pepper, presented.secret)
        return NewKey(
            KeyRecord(presented.id, user_id, name, sealed, scopes, allow_ips, now_ns, expires_ns), text
        )  # fmt: skip
