"""What people's identities need of the outside. Every method raises StorageUnwritable or StorageBusy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chanflow.access.keys import User
from chanflow.access.people import Link, Person, SessionRecord


class SessionShelf(Protocol):
    """Where sessions are kept."""

    async def add_session(self, record: SessionRecord) -> None:
        """Keep a new session, and forget those that ended."""
        ...

    async def session(self, session_id: str) -> tuple[SessionRecord, User] | None:
        """Return a session and whose it is."""
        ...

    async def sessions(self, user_id: str) -> Sequence[SessionRecord]:
        """Return the sessions of a user, oldest first."""
        ...

    async def saw_session(self, session_id: str, at_ns: int) -> None:
        """Note that a session was used."""
        ...

    async def end_sessions(self, user_id: str, *, only: str | None = None, but: str | None = None) -> int:
        """End sessions of a user; return how many ended."""
        ...


class PeopleShelf(Protocol):
    """Where people are kept."""

    async def person(self, user_id: str) -> Person | None:
        """Return a user by id."""
        ...

    async def person_called(self, login: str) -> Person | None:
        """Return a user by name or mail address."""
        ...

    async def name_taken(self, name: str) -> bool:
        """Return whether a name is somebody's, in any mix of capitals."""
        ...

    async def people(self) -> Sequence[Person]:
        """Return everybody, oldest first."""
        ...

    async def add_person(self, person: Person, *, now_ns: int, notice_due: bool) -> None:
        """Keep a new user. Raises InvalidArgument for a name or an address that is taken."""
        ...

    async def change_person(self, user_id: str, now_ns: int, **changed: Any) -> None:
        """Set `name`, `email`, `password_hash`, `roles` or `deletion_ns`. Raises InvalidArgument, NotFound."""
        ...

    async def offer_factor(self, user_id: str, secret: str, now_ns: int) -> None:
        """Keep an authenticator's secret that is yet to be confirmed."""
        ...

    async def take_step(self, user_id: str, step: int, *, confirming: Sequence[str] | None = None) -> bool:
        """Take a code's step if it is later than the last one; with hashes of recovery codes confirm the secret."""
        ...

    async def take_recovery(self, user_id: str, code_hmac: str, now_ns: int) -> bool:
        """Take a recovery code, once."""
        ...

    async def end_factor(self, user_id: str) -> None:
        """Forget the authenticator and its recovery codes."""
        ...

    async def accept(self, user_id: str, version: str, now_ns: int) -> int:
        """Record that a user accepted a version of the notice; return when they first did."""
        ...

    async def add_link(self, token_hmac: str, link: Link, now_ns: int, expires_ns: int) -> None:
        """Keep a link, and forget those that ended."""
        ...

    async def link(self, token_hmac: str, now_ns: int) -> Link | None:
        """Return a link that still holds."""
        ...

    async def use_link(self, token_hmac: str, now_ns: int) -> bool:
        """Use a link up; return whether it still held."""
        ...


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, to: str, subject: str, body: str) -> None:
        """Send a mail. Raises DeliveryFailed, in words that name no address."""
        ...


@dataclass(frozen=True, slots=True)
class ExportMade:
    """An export: its file's name for its owner, when that ends, and what is in it by table."""

    id: str
    expires_ns: int
    sha256: str
    size: int
    rows: Mapping[str, int]


class Privacy(Protocol):
    """What the law gives people: their data, and an end to them."""

    async def export(self, user_id: str) -> ExportMade:
        """Build the file of all that is kept of a user."""
        ...

    def file(self, user_id: str, export_id: str) -> str | None:
        """Return the path of an export that still holds; another's is none."""
        ...

    async def erase_due(self) -> int:
        """Erase whose time has come, but no trader while positions are or may be open; return how many were."""
        ...
