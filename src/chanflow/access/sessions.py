"""Sessions of people in a browser: opaque ids, of which only a keyed hash is kept.

The text of a session is `cfs_<id>_<secret>`; the token against forged requests is a keyed hash of that text, so nobody
who cannot read the session's answers knows it, and nothing more has to be kept.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chanflow.access.bearers import NoEntry
from chanflow.access.identity_ports import SessionShelf
from chanflow.access.keys import ID_BYTES, SECRET_BYTES, User, secret_hmac
from chanflow.access.people import SessionRecord
from chanflow.access.principals import Principal
from chanflow.access.scopes import scopes_of
from chanflow.domain.errors import NotFound, StorageBusy
from chanflow.domain.time import NS_PER_S, Clock, Randomness

_TEXT = re.compile(r"cfs_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_SEEN_S = 60
"""A session that is used is written down so often, not at each request."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just opened: the only time its text is known."""

    record: SessionRecord
    text: str = field(repr=False)
    csrf: str = field(repr=False)


class Sessions:
    """The sessions of a desk."""

    def __init__(self, shelf: SessionShelf, pepper: bytes, clock: Clock, randomness: Randomness) -> None:
        self._shelf, self._pepper, self._clock = shelf, pepper, clock
        self._chance = randomness.stream("sessions")

    async def open(self, user: User, *, ip: str | None, client: str | None, second_factor: bool) -> NewSession:
        """Open a session, always under a new id. Raises StorageUnwritable, StorageBusy."""
        secret = base64.urlsafe_b64encode(self._chance.randbytes(SECRET_BYTES)).decode().rstrip("=")
        session_id, now_ns = self._chance.randbytes(ID_BYTES).hex(), self._clock.now_ns()
        text = f"cfs_{session_id}_{secret}"
        record = SessionRecord(
            session_id, user.id, secret_hmac(self._pepper, text), now_ns, now_ns, ip, client, second_factor
        )  # fmt: skip
        await self._shelf.add_session(record)
        return NewSession(record, text, self.csrf(text))

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the holder of a session acts, or why not. Raises StorageUnwritable, StorageBusy."""
        shape, now_ns = _TEXT.fullmatch(text), self._clock.now_ns()
        found = None if shape is None else await self._shelf.session(shape[1])
        if found is None or not hmac.compare_digest(found[0].secret_hmac, secret_hmac(self._pepper, text)):
            return "unauthenticated"
        acting = self._acting(*found, ip)
        if isinstance(acting, Principal) and now_ns - found[0].seen_ns >= _SEEN_S * NS_PER_S:
            with suppress(StorageBusy):  # the session ends a minute sooner, and this request does not fail
                await self._shelf.saw_session(found[0].id, now_ns)
        return acting

    async def standing(self, principal: Principal) -> Principal | NoEntry | None:
        """Return as whom the holder of a session acts now who was let in before; None for others."""
        if principal.kind != "user" or principal.issuer is not None or principal.client is None:
            return None
        found = await self._shelf.session(principal.client)
        return "unauthenticated" if found is None else self._acting(*found, principal.ip)

    def _acting(self, record: SessionRecord, user: User, ip: str | None) -> Principal | NoEntry:
        if user.disabled_ns is not None or self._clock.now_ns() >= record.ends_ns:
            return "unauthenticated"
        return Principal(
            kind="user", id=f"user:{user.id}", user_id=user.id, plan=user.plan, roles=user.roles,
            scopes=scopes_of(user.roles), client=record.id, ip=ip, expires_ns=record.ends_ns,
            second_factor=record.second_factor, notice_due=user.notice_due,
        )  # fmt: skip

    def csrf(self, text: str) -> str:
        """Return the token that writes of a session must carry."""
        return secret_hmac(self._pepper, f"csrf {text}")

    def csrf_fits(self, text: str, shown: str | None) -> bool:
        """Return whether a request carries its session's token."""
        return shown is not None and hmac.compare_digest(self.csrf(text).encode(), shown.encode())

    async def listed(self, user_id: str) -> Sequence[SessionRecord]:
        """Return the sessions of a user that still hold, oldest first."""
        now_ns = self._clock.now_ns()
        return [record for record in await self._shelf.sessions(user_id) if now_ns < record.ends_ns]

    async def end(self, user_id: str, session_id: str) -> None:
        """End one session of a user. Raises NotFound for one that is none of theirs."""
        if not await self._shelf.end_sessions(user_id, only=session_id):
            raise NotFound("the user has no session of that id")

    async def end_all(self, user_id: str, *, but: str | None = None) -> int:
        """End all sessions of a user, but one; return how many ended."""
        return await self._shelf.end_sessions(user_id, but=but)
