"""Makes keys, ends them, and says as whom the bearer of one acts."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from chanflow.access.bearers import NoEntry
from chanflow.access.keys import (
    ID_BYTES,
    SECRET_BYTES,
    KeyRecord,
    PresentedKey,
    User,
    key_text,
    networks,
    networks_within,
    opens,
    parse_key,
    principal_of,
    secret_hmac,
)
from chanflow.access.ports import KeyShelf
from chanflow.access.principals import LOCAL_OPERATOR, Principal
from chanflow.access.scopes import narrowed, scopes_of
from chanflow.domain.errors import InvalidArgument, NotFound, StorageBusy, StorageUnwritable
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock, Randomness

CACHED_MS = 500
"""A key is read again after so long, so one that any process revoked is refused within a second."""
USE_NOTED_S = 60
"""The use of a key is noted no oftener."""
_MOST_CACHED = 10_000
MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: the only time its text is known."""

    record: KeyRecord
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyMarks:
    """What more may be said of a key; `KeyRecord` says what each means."""

    signing: bool = False
    elicitation_trusted: bool = False
    paper_only: bool = False


_PLAIN = KeyMarks()
SealSecret = Callable[[str, str], str]
"""Returns what is kept of the key of signatures that belongs to a secret, for a key's id."""


class Keyring:
    """The keys of a desk. `desk_token` is what commands of this machine show to the desk that runs, as its operator."""

    def __init__(self, shelf: KeyShelf, pepper: bytes, clock: Clock, randomness: Randomness, seal: SealSecret) -> None:
        self._shelf, self._pepper, self._clock, self._seal = shelf, pepper, clock, seal
        self._chance = randomness.stream("keys")
        self._read: dict[str, tuple[int, KeyRecord, User]] = {}
        self._noted: dict[str, int] = {}
        self.desk_token = f"desk_{self._chance.randbytes(SECRET_BYTES).hex()}"

    def derived(self, purpose: str) -> bytes:
        """Return a secret of 32 bytes for one purpose. It follows from the pepper and does not lead back to it."""
        return hmac.digest(self._pepper, purpose.encode(), "sha256")

    def known_shape(self, text: str) -> bool:
        """Return whether a text could be a key at all; asks no database."""
        return self._is_desk_token(text) or parse_key(text) is not None

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the bearer of a key acts, or why not. Raises StorageUnwritable."""
        if self._is_desk_token(text):
            return replace(LOCAL_OPERATOR, ip=ip)
        presented = parse_key(text)
        found = None if presented is None else await self._found(presented)
        # The text of a key that signs is never shown: whoever does so shows a copy.
        if found is None or found[0].signing:
            return "unauthenticated"
        acting = self._acting(*found, ip)
        if isinstance(acting, Principal):
            await self.used(found[0])
        return acting

    async def standing(self, principal: Principal) -> Principal | NoEntry | None:
        """Return as whom the bearer of a key acts now who was let in before; None for others."""
        if principal.kind == "local":
            return principal
        if principal.kind != "key":
            return None
        found = await self.found(principal.id.removeprefix("key:"))
        return "unauthenticated" if found is None else self._acting(*found, principal.ip)

    def _acting(self, record: KeyRecord, user: User, ip: str | None) -> Principal | NoEntry:
        if user.disabled_ns is not None or not record.usable(self._clock.now_ns()):
            return "unauthenticated"
        return principal_of(record, user, ip) if record.admits(ip) else "ip_not_allowed"

    async def used(self, record: KeyRecord) -> None:
        """Note that a key is used, once in a while; where that cannot be written, the key serves all the same."""
        now_ns = self._clock.now_ns()
        noted = max(self._noted.get(record.id, 0), record.last_used_ns or 0)
        if now_ns - noted < USE_NOTED_S * NS_PER_S:
            return
        if len(self._noted) >= _MOST_CACHED:
            self._noted.clear()
        self._noted[record.id] = now_ns
        with suppress(StorageUnwritable, StorageBusy):
            await self._shelf.note_use(record.id, now_ns)

    async def create(
        self, user: User, *, name: str, scopes: Sequence[str] | None, allow_ips: Sequence[str] = (),
        expires_ns: int | None = None, within: frozenset[str] | None = None, marks: KeyMarks = _PLAIN,
    ) -> NewKey:  # fmt: skip
        """Make a key of a user; without `scopes` it has all the owner's. `within` bounds them further: who asks.

        Raises InvalidArgument for a name, scope, network or time that cannot be; NotFound; StorageUnwritable.
        """
        now_ns = self._clock.now_ns()
        _require_terms(name, expires_ns, now_ns)
        owned = scopes_of(user.roles) if within is None else scopes_of(user.roles) & within
        granted = owned if scopes is None else narrowed(scopes, owned)
        made = self._made(user.id, name, granted, networks(allow_ips), now_ns, expires_ns, marks)
        await self._shelf.add_key(made.record)
        return made

    async def rotate(self, key_id: str, *, grace_s: int, user_id: str | None = None) -> NewKey:
        """Make a key like another, which ends after the grace. Raises NotFound, InvalidArgument."""
        old, now_ns = await self._owned(key_id, user_id), self._clock.now_ns()
        if not old.usable(now_ns):
            raise InvalidArgument("the key has ended: create a new one", field="id")
        marks = KeyMarks(old.signing, old.elicitation_trusted, old.paper_only)
        made = self._made(old.user_id, old.name, old.scopes, old.allow_ips, now_ns, old.expires_ns, marks)
        ends_ns = now_ns + grace_s * NS_PER_S
        await self._shelf.replace_key(key_id, made.record, ends_ns)
        self._read.pop(key_id, None)
        return made

    async def change(
        self, key_id: str, *, name: str | None = None, scopes: Sequence[str] | None = None,
        allow_ips: Sequence[str] | None = None, expires_ns: int | None = None, user_id: str | None = None,
        within: frozenset[str] | None = None,
    ) -> KeyRecord:  # fmt: skip
        """Return a key with other terms; what is None stays. What it may, from where and until when is only narrowed.

        Raises NotFound, InvalidArgument.
        """
        old, now_ns = await self._owned(key_id, user_id), self._clock.now_ns()
        if not old.usable(now_ns):
            raise InvalidArgument("the key has ended: create a new one", field="id")
        if expires_ns is not None and old.expires_ns is not None and expires_ns > old.expires_ns:
            raise InvalidArgument("a key's end is only ever brought forward: create a new one", field="expires_at")
        new = replace(
            old, name=old.name if name is None else name,
            scopes=old.scopes if scopes is None else narrowed(scopes, old.scopes if within is None else within),
            allow_ips=old.allow_ips if allow_ips is None else networks_within(allow_ips, old.allow_ips),
            expires_ns=old.expires_ns if expires_ns is None else expires_ns,
        )  # fmt: skip
        _require_terms(new.name, expires_ns, now_ns)
        if not new.scopes <= old.scopes:
            raise InvalidArgument("a key's scopes are only ever narrowed: create a new one", field="scopes")
        await self._shelf.change_key(old, new)
        self._read.pop(key_id, None)
        return new

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

    async def found(self, key_id: str) -> tuple[KeyRecord, User] | None:
        """Return a key and its owner, read anew after half a second. Raises StorageUnwritable, StorageBusy."""
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

    async def _found(self, presented: PresentedKey) -> tuple[KeyRecord, User] | None:
        found = await self.found(presented.id)
        return found if found is not None and opens(found[0], presented, self._pepper) else None

    async def _owned(self, key_id: str, user_id: str | None) -> KeyRecord:
        read = await self._shelf.key(key_id)
        if read is None or user_id not in (None, read[0].user_id):
            raise NotFound("there is no such key: chanflow key list shows those there are")
        return read[0]

    def _made(
        self, user_id: str, name: str, scopes: frozenset[str], allow_ips: tuple[str, ...], now_ns: int,
        expires_ns: int | None, marks: KeyMarks,
    ) -> NewKey:  # fmt: skip
        text = key_text(self._chance.randbytes(ID_BYTES), self._chance.randbytes(SECRET_BYTES))
        presented = parse_key(text)
        assert presented is not None
        record = KeyRecord(
            presented.id, user_id, name, secret_hmac(self._pepper, presented.secret), scopes, allow_ips, now_ns,
            expires_ns, sealed=self._seal(presented.secret, presented.id) if marks.signing else None,
            signing=marks.signing, elicitation_trusted=marks.elicitation_trusted, paper_only=marks.paper_only,
        )  # fmt: skip
        return NewKey(record, text)


def _require_terms(name: str, expires_ns: int | None, now_ns: int) -> None:
    """Raise InvalidArgument for a name or an end that cannot be."""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidArgument(f"the name has {len(name)} characters, allowed are 1 to {MAX_NAME}", field="name")
    if expires_ns is not None and expires_ns <= now_ns:
        raise InvalidArgument("the key would have expired already: name a later time", field="expires_at")
