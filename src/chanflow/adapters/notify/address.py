"""What may be shown of a channel's address: its scheme, and the host where that is one.

Many services have their token where a host would stand (`tgram://TOKEN/CHAT`), so only kinds of addresses whose host is
a host show it.
"""

from __future__ import annotations

import re

WITH_HOST = frozenset(
    ("form", "forms", "http", "https", "json", "jsons", "mailto", "mailtos", "smtp", "smtps", "xml", "xmls")
)
"""Schemes after which a host stands, and nothing secret in its place."""

_HOST = re.compile(r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


def shown_address(url: str) -> str:
    """Return `scheme://host`, `scheme://…` where there is no host that may be told, `no address` for anything else."""
    scheme, found, rest = url.partition("://")
    scheme = scheme.strip().lower()
    if not found or re.fullmatch(r"[a-z][a-z0-9+.-]{0,31}", scheme) is None:
        return "no address"
    if scheme in WITH_HOST:
        authority, mark, after = (*re.split(r"([/?#])", rest, maxsplit=1), "", "")[:3]
        host = _HOST.fullmatch(authority.rpartition("@")[2])
        # An @ further on may be the true end of a password that holds a slash: then nothing here is surely a host.
        path = re.split(r"[?#]", after, maxsplit=1)[0] if mark == "/" else ""
        if host is not None and "@" not in path:
            return f"{scheme}://{host['host']}"
    return f"{scheme}://…"
