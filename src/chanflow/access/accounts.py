"""How accounts come about and change: signing up, links by mail, passwords, roles.

What a stranger asks for is answered before anything is looked up; the work is done behind the answer, so neither words
nor time say whether an address has an account.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chanflow.access.attempts import Attempts
from chanflow.access.identity_ports import Mailer, PeopleShelf
from chanflow.access.keys import SECRET_BYTES, User, secret_hmac
from chanflow.access.letters import Letter, address_letter, join_letter, known_letter, reset_letter, welcome_letter
from chanflow.access.names import sound_email, sound_name
from chanflow.access.passwords import Passwords, sound_password
from chanflow.access.people import LIFETIMES_NS, SECOND_THOUGHTS_NS, Link, Person, Purpose
from chanflow.access.scopes import scopes_of
from chanflow.access.sessions import Sessions
from chanflow.domain.errors import ChanflowError, DeliveryFailed, InvalidArgument, NotFound
from chanflow.domain.time import Clock, Ids, Randomness

Signup = Literal["closed", "invite", "open"]
MAILS_AN_ADDRESS = 3
"""So many mails a stranger can have sent to an address, until it has had none for a quarter of an hour."""
_MOST_WAITING = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignupRules:
    """Who may sign up, and where the links in mails lead."""

    signup: Signup
    public_url: str


class Accounts:
    """The accounts of a desk. `end_tokens` ends the tokens of a user, whose password changed."""

    def __init__(
        self, shelf: PeopleShelf, sessions: Sessions, passwords: Passwords, mailer: Mailer | None, rules: SignupRules,
        pepper: bytes, clock: Clock, ids: Ids, randomness: Randomness,
        end_tokens: Callable[[str], Awaitable[object]],
    ) -> None:  # fmt: skip
        self._end_tokens = end_tokens
        self._shelf, self._sessions, self._passwords, self._mailer = shelf, sessions, passwords, mailer
        self.rules, self._pepper, self._clock, self._ids = rules, pepper, clock, ids
        self._chance = randomness.stream("links")
        self._mails = Attempts(clock.monotonic_ns, most=MAILS_AN_ADDRESS)
        self._working: list[asyncio.Task[None]] = []

    async def register(self, email: str, invitation: str | None = None) -> None:
        """Mail a link to somebody who wants an account. Raises InvalidArgument where they may not have one."""
        address = sound_email(email)
        if self.rules.signup == "closed":
            raise InvalidArgument("this desk takes no sign-ups: ask its administrator for an account", field="email")
        if self.rules.signup == "invite" and (invitation is None or not await self._used(invitation, "invite")):
            raise InvalidArgument("this desk is joined by invitation, and this one does not hold", field="invitation")
        self._later(self._mail_join(address))

    def forgot(self, email: str) -> None:
        """Mail a link to somebody who lost their password. Raises InvalidArgument for what is no address."""
        self._later(self._mail_reset(sound_email(email)))

    async def join(self, token: str, name: str, password: str) -> User:
        """Make the account that a mailed link is for. Raises InvalidArgument; a link that was used holds no more."""
        sound_name(name, chosen=True)
        sound_password(password, user=name)
        link = await self._link(token, "join")
        if await self._shelf.name_taken(name):
            raise InvalidArgument("the name is taken: choose another", field="name")
        hashed, now_ns = await self._passwords.hashed(password), self._clock.now_ns()
        if not await self._used(token, "join"):
            raise _spent()
        user = User(str(self._ids.uuid7()), name, link.roles, link.plan, now_ns, notice_due=True)
        await self._shelf.add_person(Person(user, link.email, hashed), now_ns=now_ns, notice_due=True)
        return user

    async def reset(self, token: str, password: str) -> str:
        """Set the password that a mailed link is for, and end every session; return the user's id.

        Raises InvalidArgument; a link that was used holds no more.
        """
        sound_password(password)
        link = await self._link(token, "reset")
        person = None if link.user_id is None else await self._shelf.person(link.user_id)
        if person is None or person.user.disabled_ns is not None:
            raise _spent()
        sound_password(password, user=person.user.name)
        hashed = await self._passwords.hashed(password)
        if not await self._used(token, "reset"):
            raise _spent()
        await self._shelf.change_person(person.user.id, self._clock.now_ns(), password_hash=hashed)
        await self._sessions.end_all(person.user.id)
        await self._end_tokens(person.user.id)
        return person.user.id

    async def set_password(self, person: Person, password: str, *, but: str | None = None) -> None:
        """Set a password, and end every session but one. Raises InvalidArgument."""
        sound_password(password, user=person.user.name, field="new_password")
        hashed = await self._passwords.hashed(password)
        await self._shelf.change_person(person.user.id, self._clock.now_ns(), password_hash=hashed)
        await self._sessions.end_all(person.user.id, but=but)
        await self._end_tokens(person.user.id)

    async def rename(self, user_id: str, name: str) -> None:
        """Set a user's name. Raises InvalidArgument for one that cannot be, or is taken."""
        await self._shelf.change_person(user_id, self._clock.now_ns(), name=sound_name(name, chosen=True))

    def ask_email(self, user_id: str, email: str) -> None:
        """Mail a link to an address that a user wants as theirs. Raises InvalidArgument."""
        address = sound_email(email)
        if self._mailer is None:
            raise InvalidArgument("this desk sends no mail, so an address cannot be confirmed", field="email")
        self._later(self._mail_address(user_id, address))

    async def confirm_email(self, token: str) -> str:
        """Make the address that a link was mailed to the user's; return the user's id. Raises InvalidArgument."""
        link = await self._link(token, "email")
        if link.user_id is None or not await self._used(token, "email"):
            raise _spent()
        await self._shelf.change_person(link.user_id, self._clock.now_ns(), email=link.email)
        return link.user_id

    async def add(self, name: str, *, email: str | None, roles: Sequence[str], plan: str) -> tuple[User, str | None]:
        """Add a user who sets their password by a link: mailed, or returned where the desk sends no mail.

        Raises InvalidArgument for a name, address or role that cannot be.
        """
        sound_name(name, chosen=True)
        scopes_of(roles)
        address, now_ns = None if email is None else sound_email(email), self._clock.now_ns()
        if await self._shelf.name_taken(name):
            raise InvalidArgument("the name is taken: choose another", field="name")
        user = User(str(self._ids.uuid7()), name, tuple(dict.fromkeys(roles)), plan, now_ns, notice_due=True)
        await self._shelf.add_person(Person(user, address), now_ns=now_ns, notice_due=True)
        token = await self._token(Link("reset", user.id), LIFETIMES_NS["invite"])
        if address is None or self._mailer is None:
            return user, token
        self._later(self._send(address, welcome_letter(self.rules.public_url, token)))
        return user, None

    async def invite(self) -> tuple[str, int]:
        """Return an invitation, shown once, and when it ends."""
        token = await self._token(Link("invite"), LIFETIMES_NS["invite"])
        return token, self._clock.now_ns() + LIFETIMES_NS["invite"]

    async def set_roles(self, user_id: str, roles: Sequence[str]) -> None:
        """Set a user's roles. Raises InvalidArgument, NotFound."""
        scopes_of(roles)
        await self._shelf.change_person(user_id, self._clock.now_ns(), roles=list(dict.fromkeys(roles)))

    async def ask_deletion(self, user_id: str) -> int:
        """Note that a user wants to be erased; return when they will be."""
        due_ns = self._clock.now_ns() + SECOND_THOUGHTS_NS
        await self._shelf.change_person(user_id, self._clock.now_ns(), deletion_ns=due_ns)
        return due_ns

    async def withdraw_deletion(self, user_id: str) -> None:
        """Let a user stay."""
        await self._shelf.change_person(user_id, self._clock.now_ns(), deletion_ns=None)

    async def people(self) -> Sequence[Person]:
        """Return everybody, oldest first."""
        return await self._shelf.people()

    async def accept(self, user_id: str, version: str) -> int:
        """Record that a user accepted a version of the notice; return when they first did."""
        return await self._shelf.accept(user_id, version, self._clock.now_ns())

    async def settled(self) -> None:
        """Return once nothing is left to be mailed."""
        while self._working:
            await asyncio.gather(*self._working, return_exceptions=True)

    async def _mail_join(self, address: str) -> None:
        if await self._shelf.person_called(address) is not None:
            await self._send(address, known_letter(self.rules.public_url))
        elif self._may_mail(address):
            token = await self._token(Link("join", email=address), LIFETIMES_NS["join"])
            await self._send(address, join_letter(self.rules.public_url, token), counted=True)

    async def _mail_address(self, user_id: str, address: str) -> None:
        if await self._shelf.person_called(address) is None and self._may_mail(address):
            token = await self._token(Link("email", user_id, address), LIFETIMES_NS["email"])
            await self._send(address, address_letter(self.rules.public_url, token), counted=True)

    async def _mail_reset(self, address: str) -> None:
        person = await self._shelf.person_called(address)
        if person is None or person.email != address or person.user.disabled_ns is not None:
            return
        if self._may_mail(address):
            token = await self._token(Link("reset", person.user.id), LIFETIMES_NS["reset"])
            await self._send(address, reset_letter(self.rules.public_url, token), counted=True)

    def _may_mail(self, address: str) -> bool:
        return self._mails.begin(secret_hmac(self._pepper, f"mail {address}")) == 0

    async def _send(self, address: str, letter: Letter, *, counted: bool = False) -> None:
        if self._mailer is None:
            _log.warning("a mail was not sent: access.mail_url names no server")
        elif counted or self._may_mail(address):
            await self._mailer.send(address, letter.subject, letter.body)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._working) >= _MOST_WAITING:
            work.close()
            _log.warning("a mail was not sent: %d are waiting already", _MOST_WAITING)
            return
        task = asyncio.get_running_loop().create_task(self._quietly(work))
        self._working.append(task)
        task.add_done_callback(self._working.remove)

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except DeliveryFailed as fault:
            _log.warning("a mail was not sent: %s", fault)
        except (ChanflowError, NotFound) as fault:
            _log.warning("a mail was not sent: %s", type(fault).__name__)

    async def _token(self, link: Link, lasts_ns: int) -> str:
        token = base64.urlsafe_b64encode(self._chance.randbytes(SECRET_BYTES)).decode().rstrip("=")
        now_ns = self._clock.now_ns()
        await self._shelf.add_link(self._hashed(token, link.purpose), link, now_ns, now_ns + lasts_ns)
        return token

    async def _link(self, token: str, purpose: Purpose) -> Link:
        link = await self._shelf.link(self._hashed(token, purpose), self._clock.now_ns())
        if link is None:
            raise _spent()
        return link

    async def _used(self, token: str, purpose: Purpose) -> bool:
        return await self._shelf.use_link(self._hashed(token, purpose), self._clock.now_ns())

    def _hashed(self, token: str, purpose: Purpose) -> str:
        return secret_hmac(self._pepper, f"link {purpose} {token}")


def _spent() -> InvalidArgument:
    return InvalidArgument("the link was used, or its time is over: ask for another", field="token")
