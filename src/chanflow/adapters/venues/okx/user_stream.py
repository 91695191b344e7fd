"""The private sockets of OKX: a login, the channels, a ping every 15 s, and every loss told as a gap."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.venues.okx.events import Heard, Reader
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.ports import VenueEvent
from chanflow.market.ports import Connection

_VERIFIED: Final = "GET/users/self/verify"


def login_message(keys: VenueKeys, at_s: int) -> bytes:
    """Return the login of one connection, signed with the venue's time in Unix s."""
    signed = hmac.new(keys.secret.encode(), f"{at_s}{_VERIFIED}".encode(), hashlib.sha256).digest()
    words = {
        "apiKey": keys.key, "passphrase": keys.passphrase, "timestamp": str(at_s),
        "sign": base64.b64encode(signed).decode(),
    }  # fmt: skip
    return json.dumps({"op": "login", "args": [words]}).encode()


def subscribe_message(channels: Sequence[tuple[str, str]]) -> bytes:
    """Return the subscription of channels, each with its instrument type or none."""
    args = [{"channel": name, **({"instType": kind} if kind else {})} for name, kind in channels]
    return json.dumps({"op": "subscribe", "args": args}).encode()


class UserStream:
    """A `Talk`: logs in, subscribes, reads. It is connected once every channel has been confirmed."""

    ping: bytes | None = b"ping"

    def __init__(
        self,
        url: str,
        channels: Sequence[tuple[str, str]],
        *,
        keys: VenueKeys,
        reader: Reader,
        clock: Clock,
        offset_ns: Callable[[], int],
        hear: Callable[[Heard], None],
    ) -> None:
        self._url, self._channels, self._keys, self._reader = url, channels, keys, reader
        self._clock, self._offset_ns, self._hear = clock, offset_ns, hear
        self._connection: Connection | None = None
        self._confirmed: set[str] = set()
        self._lost: str | None = None
        self.connected = asyncio.Event()

    async def address(self) -> str:
        """Return the socket's address."""
        return self._url

    def opened(self, connection: Connection) -> None:
        """Log in."""
        self._connection = connection
        self._confirmed.clear()
        self._reader.fresh()
        connection.send(login_message(self._keys, (self._clock.now_ns() + self._offset_ns()) // NS_PER_S))

    def frame(self, payload: bytes, recv_ns: int) -> str | None:
        """Take one frame; one that cannot be read may have told of anything, and is a gap."""
        try:
            heard = self._reader.take(payload, recv_ns)
        except ValueError as fault:
            self._gap(f"a frame of {self._channels[0][0]} could not be read: {fault}")
            return None
        if heard.login and self._connection is not None:
            self._connection.send(subscribe_message(self._channels))
        if heard.subscribed:
            self._confirm(heard.subscribed)
        self._hear(heard)
        return heard.useless

    def _confirm(self, channel: str) -> None:
        self._confirmed.add(channel)
        if self.connected.is_set() or not self._confirmed >= {name for name, _ in self._channels}:
            return
        self.connected.set()
        if self._lost is not None:
            self._gap(f"{self._channels[0][0]} is back after: {self._lost}")
            self._lost = None

    def lost(self, reason: str) -> None:
        """Remember that events may be missed from here on."""
        self.connected.clear()
        self._connection = None
        self._lost = self._lost or reason

    def _gap(self, detail: str) -> None:
        now_ns = self._clock.now_ns()
        self._hear(Heard((VenueEvent("gap", "", now_ns, now_ns, Decimal(0), detail=detail),)))
