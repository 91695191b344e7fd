"""The desk's own tokens: a short access token that anyone can verify, and a refresh token that is good once.

All tokens of one login are a family. A refresh token that comes a second time was copied, by whom nobody can tell: the
family ends, and with it what was issued since. An access token holds only as long as its family and its user do.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chanflow.access.bearers import NoEntry
from chanflow.access.key_sets import Jwk
from chanflow.access.keys import User, secret_hmac
from chanflow.access.principals import Principal
from chanflow.access.scopes import scopes_of
from chanflow.access.token_reader import LEEWAY_S, TokenCheck
from chanflow.access.token_text import claimed
from chanflow.domain.time import NS_PER_DAY, NS_PER_MS, NS_PER_S, Clock, Randomness

ACCESS_S = 15 * 60
REFRESH_NS = 14 * NS_PER_DAY
"""A refresh token that is not used for so long is good for nothing."""
FAMILY_NS = 30 * NS_PER_DAY
"""After so long one logs in again."""
ALGORITHM = "Ed25519"
CACHED_MS = 500
"""A family is read again after so long, so one that ended anywhere is refused within a second."""
_KEYS_CACHED_MS = 5_000
_MOST_CACHED = 10_000
_REFRESH = re.compile(r"cfr_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs tokens: its public half as others see it. `retired_ns` is since when another one signs."""

    kid: str
    public: Jwk
    sealed: str = field(repr=False)
    created_ns: int
    retired_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """The tokens of one login, and whose they are. Times are Unix ns."""

    id: str
    user: User
    expires_ns: int
    revoked_ns: int | None

    def holds(self, now_ns: int) -> bool:
        """Return whether its tokens count."""
        return self.revoked_ns is None and now_ns < self.expires_ns and self.user.disabled_ns is None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login or a refresh gives: the only time the texts are known."""

    access_token: str = field(repr=False)
    access_expires_ns: int
    refresh_token: str = field(repr=False)
    refresh_expires_ns: int
    family_id: str


class TokenShelf(Protocol):
    """Keeps keys and families. Every method raises StorageUnwritable or StorageBusy."""

    async def signing_keys(self, retired_after_ns: int) -> Sequence[SigningKey]:
        """Return the keys in force and those retired later than a moment; those in force first, newest first."""
        ...

    async def change_key(self, new: SigningKey) -> None:
        """Keep a key and retire all others, both or neither."""
        ...

    async def add_family(self, family: Family, token_hmac: str, expires_ns: int, now_ns: int) -> None:
        """Keep a family with its first refresh token. Raises NotFound for a user that is none."""
        ...

    async def rotate(self, old_hmac: str, new_hmac: str, *, now_ns: int, expires_ns: int) -> Family | None:
        """Use a refresh token and keep the next, both or neither; None where it is not good, and used twice ends all.

        The next one ends with its family at the latest.
        """
        ...

    async def family(self, family_id: str) -> Family | None:
        """Return a family, None where there is none."""
        ...

    async def revoke_families(self, user_id: str, at_ns: int, *, family_id: str | None = None) -> int:
        """End the families of a user, or one of them; returns how many ended."""
        ...


class TokenSigner(Protocol):
    """Makes keys and signs with them."""

    def new_key(self, now_ns: int) -> SigningKey:
        """Return a new key, named by its thumbprint."""
        ...

    def signed(self, claims: Mapping[str, Any], key: SigningKey) -> str:
        """Return the token of some claims. Raises StorageUnwritable for a key that does not open."""
        ...


class OwnTokens:
    """Issues, refreshes and reads the desk's own tokens. Implements `BearerReader`.

    `name` is the issuer and the audience of every token: they are good here and nowhere else.
    """

    def __init__(
        self, name: str, shelf: TokenShelf, signer: TokenSigner, check: TokenCheck, pepper: bytes, clock: Clock,
        randomness: Randomness,
    ) -> None:  # fmt: skip
        self.name = name
        self._shelf, self._signer, self._check, self._pepper = shelf, signer, check, pepper
        self._clock, self._chance = clock, randomness.stream("tokens")
        self._keys: tuple[int, Sequence[SigningKey]] | None = None
        self._families: dict[str, tuple[int, Family]] = {}

    async def issue(self, user: User) -> TokenPair:
        """Return the tokens of a new login. Raises StorageUnwritable, StorageBusy."""
        now_ns = self._clock.now_ns()
        family = Family(self._chance.randbytes(16).hex(), user, now_ns + FAMILY_NS, None)
        refresh, expires_ns = self._refresh_text(), now_ns + REFRESH_NS
        await self._shelf.add_family(family, secret_hmac(self._pepper, refresh), expires_ns, now_ns)
        return await self._pair(family, refresh, expires_ns)

    async def refresh(self, text: str) -> TokenPair | Literal["unauthenticated"]:
        """Return the next tokens of a family; the refresh token shown is good no more.

        Raises StorageUnwritable, StorageBusy.
        """
        if _REFRESH.fullmatch(text) is None:
            return "unauthenticated"
        now_ns, fresh = self._clock.now_ns(), self._refresh_text()
        expires_ns = now_ns + REFRESH_NS
        family = await self._shelf.rotate(
            secret_hmac(self._pepper, text), secret_hmac(self._pepper, fresh), now_ns=now_ns, expires_ns=expires_ns
        )
        if family is None:
            self._families.clear()
            return "unauthenticated"
        return await self._pair(family, fresh, min(expires_ns, family.expires_ns))

    def access_s(self, pair: TokenPair) -> int:
        """Return for how many seconds an access token still holds."""
        return max(0, (pair.access_expires_ns - self._clock.now_ns()) // NS_PER_S)

    async def revoke(self, user_id: str, *, family_id: str | None = None) -> int:
        """End all logins of a user, or one; returns how many ended. Raises StorageUnwritable, StorageBusy."""
        self._families.clear()
        return await self._shelf.revoke_families(user_id, self._clock.now_ns(), family_id=family_id)

    async def rotate_key(self) -> SigningKey:
        """Make the key that signs from now on. Tokens of the one before hold to their end."""
        new = self._signer.new_key(self._clock.now_ns())
        await self._shelf.change_key(new)
        self._keys = None
        return new

    async def public_keys(self) -> Sequence[Jwk]:
        """Return the public keys by which tokens that still hold can be verified, newest first."""
        return [key.public for key in await self._known_keys()]

    def known_shape(self, text: str) -> bool:
        """Return whether a text claims to be a token of ours."""
        told = claimed(text)
        return told is not None and told.issuer == self.name

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the bearer of an access token acts, or why not. Raises StorageUnwritable, StorageBusy."""
        told, now_ns = claimed(text), self._clock.now_ns()
        key = None if told is None else await self._key(told.kid)
        if key is None:
            return "unauthenticated"
        claims = self._check.claims(
            text, key.public, algorithms=(ALGORITHM,), issuer=self.name, audience=self.name, now_s=now_ns // NS_PER_S,
            leeway_s=0,
        )  # fmt: skip
        family = await self._family(claims.get("sid")) if claims is not None else None
        if claims is None or family is None or not family.holds(now_ns) or family.user.id != claims["sub"]:
            return "unauthenticated"
        user = family.user
        return Principal(
            kind="user", id=f"user:{user.id}", user_id=user.id, plan=user.plan, roles=user.roles,
            scopes=scopes_of(user.roles), issuer=self.name, ip=ip, expires_ns=int(claims["exp"]) * NS_PER_S,
            notice_due=user.notice_due,
        )  # fmt: skip

    async def _pair(self, family: Family, refresh: str, refresh_expires_ns: int) -> TokenPair:
        now_s = self._clock.now_ns() // NS_PER_S
        keys = [key for key in await self._known_keys() if key.retired_ns is None]
        key = keys[0] if keys else await self.rotate_key()
        claims = {
            "iss": self.name, "aud": self.name, "sub": family.user.id, "sid": family.id, "iat": now_s,
            "exp": now_s + ACCESS_S, "jti": self._chance.randbytes(16).hex(),
        }  # fmt: skip
        access = self._signer.signed(claims, key)
        return TokenPair(access, (now_s + ACCESS_S) * NS_PER_S, refresh, refresh_expires_ns, family.id)

    def _refresh_text(self) -> str:
        return f"cfr_{base64.urlsafe_b64encode(self._chance.randbytes(32)).decode().rstrip('=')}"

    async def _key(self, kid: str | None) -> SigningKey | None:
        """Return the key of that name; one that is not known may have been made elsewhere just now."""
        for _ in range(2):
            for key in await self._known_keys():
                if key.kid == kid:
                    return key
            self._keys = None
        return None

    async def _known_keys(self) -> Sequence[SigningKey]:
        now_ns = self._clock.monotonic_ns()
        if self._keys is None or now_ns - self._keys[0] >= _KEYS_CACHED_MS * NS_PER_MS:
            since_ns = self._clock.now_ns() - (ACCESS_S + LEEWAY_S) * NS_PER_S
            self._keys = (now_ns, await self._shelf.signing_keys(since_ns))
        return self._keys[1]

    async def _family(self, family_id: object) -> Family | None:
        if not isinstance(family_id, str):
            return None
        cached, now_ns = self._families.get(family_id), self._clock.monotonic_ns()
        if cached is not None and now_ns - cached[0] < CACHED_MS * NS_PER_MS:
            return cached[1]
        found = await self._shelf.family(family_id)
        if found is not None:
            if len(self._families) >= _MOST_CACHED:
                self._families.clear()
            self._families[family_id] = (now_ns, found)
        return found
