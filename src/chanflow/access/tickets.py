"""Tickets of sockets: a browser cannot send a header with a socket, so it first gets a text that opens one, once.

A ticket is 256 random bits, lives for half a minute and is bound to who asked for it. What is kept is its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field, replace

from chanflow.access.ports import TicketShelf
from chanflow.access.principals import Principal
from chanflow.domain.time import NS_PER_S, Clock, Randomness

TICKET_S = 30
_BYTES = 32
_TICKET = re.compile(r"wt_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that was just made: the only time its text is known. `expires_ns` is Unix ns."""

    text: str = field(repr=False)
    expires_ns: int


class Tickets:
    """Makes tickets, and takes them back once."""

    def __init__(self, shelf: TicketShelf, clock: Clock, randomness: Randomness) -> None:
        self._shelf, self._clock = shelf, clock
        self._chance = randomness.stream("tickets")

    async def issue(self, principal: Principal) -> Ticket:
        """Make a ticket for someone. Raises StorageUnwritable, StorageBusy."""
        secret = base64.urlsafe_b64encode(self._chance.randbytes(_BYTES)).decode().rstrip("=")
        now_ns = self._clock.now_ns()
        made = Ticket(f"wt_{secret}", now_ns + TICKET_S * NS_PER_S)
        await self._shelf.add(_digest(made.text), principal, expires_ns=made.expires_ns, now_ns=now_ns)
        return made

    async def redeem(self, text: str, ip: str | None) -> Principal | None:
        """Return whose ticket it is, now at `ip`; None for one that is none, was used or is too old.

        Raises StorageUnwritable, StorageBusy.
        """
        if _TICKET.fullmatch(text) is None:
            return None
        found = await self._shelf.take(_digest(text), self._clock.now_ns())
        return None if found is None else replace(found, ip=ip)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
