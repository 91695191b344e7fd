"""Where the desk is, and which key is shown to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOCAL_DESK = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Address:
    """A desk's address without a slash at its end, and the key, which shows nowhere."""

    url: str
    api_key: str | None = field(repr=False)

    @property
    def socket_url(self) -> str:
        """The address of its socket."""
        return f"ws{self.url.removeprefix('http')}/mcp"

    @property
    def here(self) -> bool:
        """Whether the desk is on this machine."""
        return _loopback(urlsplit(self.url).hostname or "")

    @property
    def headers(self) -> dict[str, str]:
        """What shows the key."""
        return {} if self.api_key is None else {"Authorization": f"Bearer {self.api_key}"}


def address(url: str | None, api_key: str | None, environment: Mapping[str, str]) -> Address:
    """Return where to ask.

    Without `url` it is CHANFLOW_URL, else this machine's desk, and then the key may come from CHANFLOW_API_KEY: a key
    in the environment never goes to an address that was not there with it. Raises ValueError for what is no address, no
    key, or a key that would travel in the clear.
    """
    if url is None:
        url = environment.get("CHANFLOW_URL") or LOCAL_DESK
        api_key = api_key or environment.get("CHANFLOW_API_KEY") or None
    found = Address(_checked(url), _key(api_key))
    if found.api_key is not None and not found.here and not found.url.startswith("https:"):
        raise ValueError("a key goes over https, or to this machine: the url begins with http")
    return found


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("url must be like http://127.0.0.1:8000, without query, fragment or user")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _key(text: str | None) -> str | None:
    if text is not None and not (text.isascii() and text.isprintable() and text and " " not in text):
        raise ValueError("api_key must be printable ASCII without spaces")
    return text


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
