"""API keys: `cf_<id>_<secret>_<crc32>`. The secret is 256 random bits, so a keyed hash of it is all that is stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from chanflow.access.principals import Principal
from chanflow.access.scopes import scopes_of
from chanflow.domain.errors import InvalidArgument, SettingsInvalid

LIVE = "trade:live"
"""The scope of real money."""
ID_BYTES, SECRET_BYTES, LEAST_PEPPER_BYTES = 6, 32, 32
_KEY = re.compile(r"cf_([0-9a-f]{12})_([A-Za-z0-9_-]{43})_([0-9a-f]{8})")
_SAMPLES = ("changeme", "change-me", "secret", "example", "default", "password", "your-", "replace", "test")


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key as a caller shows it. The secret stands in no repr."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as it is kept. No `allow_ips`: any address may use it. Times are Unix ns.

    With `signing` its requests are signed and its text is never shown; `sealed` is the key of the signatures. A client
    whose key is `elicitation_trusted` may ask its person to approve. `paper_only` keeps it from real money.
    """

    id: str
    user_id: str
    name: str
    secret_hmac: str = field(repr=False)
    scopes: frozenset[str]
    allow_ips: tuple[str, ...]
    created_ns: int
    expires_ns: int | None = None
    revoked_ns: int | None = None
    sealed: str | None = field(default=None, repr=False)
    signing: bool = False
    elicitation_trusted: bool = False
    paper_only: bool = False
    last_used_ns: int | None = None

    def usable(self, now_ns: int) -> bool:
        """Return whether it is neither expired nor revoked. A time of revocation may lie ahead: a grace."""
        return all(end is None or now_ns < end for end in (self.expires_ns, self.revoked_ns))

    def admits(self, ip: str | None) -> bool:
        """Return whether it may be used from an address."""
        if not self.allow_ips:
            return True
        try:
            address = ipaddress.ip_address(ip or "")
        except ValueError:
            return False
        return any(address in ipaddress.ip_network(network) for network in self.allow_ips)


@dataclass(frozen=True, slots=True)
class User:
    """Someone with an account."""

    id: str
    name: str
    roles: tuple[str, ...]
    plan: str
    created_ns: int
    disabled_ns: int | None = None
    notice_due: bool = False
    """Whether the present version of the notice is yet to be accepted."""


def key_text(key_id: bytes, secret: bytes) -> str:
    """Return the one text of a new key, from 6 and 32 random bytes."""
    body = f"cf_{key_id.hex()}_{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def parse_key(text: str) -> PresentedKey | None:
    """Return the key in a text; None for what is no key of ours, mistyped ones included (CRC-32)."""
    found = _KEY.fullmatch(text)
    if found is None or f"{zlib.crc32(text[:-9].encode()):08x}" != found[3]:
        return None
    return PresentedKey(found[1], found[2])


def secret_hmac(pepper: bytes, secret: str) -> str:
    """Return what is stored of a secret: its HMAC-SHA256 under the desk's pepper, in hex."""
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


def opens(record: KeyRecord, presented: PresentedKey, pepper: bytes) -> bool:
    """Return whether a presented key is the one of the record, in a time that says nothing about how nearly."""
    return hmac.compare_digest(record.secret_hmac, secret_hmac(pepper, presented.secret))


def principal_of(record: KeyRecord, user: User, ip: str | None) -> Principal:
    """Return as whom a key acts: never more than its owner may now, and no real money for one of paper."""
    scopes = record.scopes & scopes_of(user.roles)
    return Principal(
        kind="key", id=f"key:{record.id}", user_id=user.id, plan=user.plan, roles=user.roles,
        scopes=scopes - {LIVE} if record.paper_only else scopes, ip=ip, expires_ns=record.expires_ns,
        elicitation_trusted=record.elicitation_trusted, notice_due=user.notice_due,
    )  # fmt: skip


def networks(texts: Sequence[str]) -> tuple[str, ...]:
    """Return networks in their one spelling. Raises InvalidArgument for a text that is none."""
    try:
        return tuple(str(ipaddress.ip_network(text)) for text in texts)
    except ValueError:
        raise InvalidArgument(
            "allow_ips holds what is no network: write addresses or CIDR, as 203.0.113.0/24", field="allow_ips"
        ) from None


def networks_within(texts: Sequence[str], old: Sequence[str]) -> tuple[str, ...]:
    """Return networks in their one spelling. Raises InvalidArgument for what is none, or lies beyond `old`, if any."""
    found = networks(texts)
    if not old:
        return found
    within = [ipaddress.ip_network(text) for text in old]
    for text in found or ("0.0.0.0/0",):
        each = ipaddress.ip_network(text)
        if not any(each.version == one.version and each.subnet_of(one) for one in within):  # type: ignore[arg-type]
            raise InvalidArgument("a key's addresses are only ever narrowed: create a new one", field="allow_ips")
    return found


def sound_pepper(found: bytes, origin: str) -> bytes:
    """Return a secret that may be used. Raises SettingsInvalid for an empty, short or sample value; repeats none."""
    how = "make it with chanflow init"
    if len(found) < LEAST_PEPPER_BYTES:
        raise SettingsInvalid(f"{origin} holds {len(found)} bytes, at least {LEAST_PEPPER_BYTES} are needed: {how}")
    text = found.decode("utf-8", "replace").lower()
    if len(set(found)) < LEAST_PEPPER_BYTES // 4 or text.startswith(_SAMPLES):
        raise SettingsInvalid(f"{origin} holds a sample value, which others know: {how}")
    return found
