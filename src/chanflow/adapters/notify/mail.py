"""Mail to people, over the same SMTP machinery as the channels of alerts: one address of a server, any receiver."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import anyio
import anyio.to_thread

from chanflow.access.names import sound_email
from chanflow.adapters.notify.address import shown_address
from chanflow.adapters.notify.apprise_channel import AppriseChannel
from chanflow.domain.alert import Message
from chanflow.domain.errors import InvalidArgument

_SCHEMES = ("mailto", "mailtos")
_CAP_S = 10.0


class SmtpMailer:
    """Implements `access.identity_ports.Mailer`. One mail at a time, each in a worker thread."""

    def __init__(self, url: str) -> None:
        """Raise InvalidArgument, without the address, for one that is none of `mailto://` or `mailtos://`."""
        self._url, self._room = url, anyio.CapacityLimiter(1)
        if urlsplit(url).scheme not in _SCHEMES:
            raise InvalidArgument(f"{shown_address(url)} is no mail server: write mailtos://user:password@host?from=…")
        AppriseChannel(self._to("nobody@example.org"))

    def __repr__(self) -> str:
        return f"SmtpMailer({shown_address(self._url)})"

    async def send(self, to: str, subject: str, body: str) -> None:
        """Send a mail. Raises DeliveryFailed, in words that name no address; InvalidArgument."""
        await anyio.to_thread.run_sync(self._send, sound_email(to), subject, body, limiter=self._room)

    def _send(self, to: str, subject: str, body: str) -> None:
        AppriseChannel(self._to(to)).send(Message("info", subject, body), cap_s=_CAP_S)

    def _to(self, receiver: str) -> str:
        parts = urlsplit(self._url)
        asked = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "to"]
        return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode([*asked, ("to", receiver)]), ""))
