"""What a user's name, address and client may be, so that none of them can forge a line of a log or of a mail."""

from __future__ import annotations

import ipaddress
import re

from chanflow.domain.errors import InvalidArgument

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL_PATTERN = rf"[A-Za-z0-9_+-](?:[A-Za-z0-9._+-]{{0,62}}[A-Za-z0-9_+-])?@(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,63}}"
_NAME, _EMAIL = re.compile(NAME_PATTERN), re.compile(EMAIL_PATTERN)
_MOST_EMAIL, _MOST_CLIENT = 254, 120
_RESERVED = "erased-"


def sound_name(text: str, *, chosen: bool = False) -> str:
    """Return a user's name; one that somebody chose for themselves is no mail address.

    Raises InvalidArgument for one that cannot be; repeats nothing.
    """
    if _NAME.fullmatch(text) is None:
        raise InvalidArgument("a user's name is 1 to 64 letters, digits and . _ @ -", field="name")
    if chosen and "@" in text:
        raise InvalidArgument("a user's name holds no @, which would make it look like an address", field="name")
    if text.lower().startswith(_RESERVED):
        raise InvalidArgument(f"a user's name does not begin with {_RESERVED}", field="name")
    return text


def sound_email(text: str) -> str:
    """Return a mail address in its one spelling, in small letters. Raises InvalidArgument; repeats nothing."""
    if len(text) > _MOST_EMAIL or _EMAIL.fullmatch(text) is None or ".." in text:
        raise InvalidArgument(
            f"email is no address like ann@example.org of at most {_MOST_EMAIL} letters, digits and . _ + -",
            field="email",
        )
    return text.lower()


def shown_client(text: str | None) -> str | None:
    """Return what a program says of itself, cut short and without what is not printable ASCII."""
    kept = "".join(char for char in text or "" if " " <= char <= "~")[:_MOST_CLIENT].strip()
    return kept or None


def network_of(ip: str | None) -> str:
    """Return the address that counts as one caller: an IPv4 address, the /64 of an IPv6 one, `unknown` without any."""
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
