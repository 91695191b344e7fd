"""Joins what a desk knows of people to its database and its mail server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chanflow.access.accounts import Accounts, SignupRules
from chanflow.access.identity import Identity
from chanflow.access.identity_ports import Mailer, Privacy
from chanflow.access.passwords import Passwords
from chanflow.access.proofs import Proofs
from chanflow.access.sessions import Sessions
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.identity.people_shelf import DatabasePeople
from chanflow.adapters.storage.identity.session_shelf import DatabaseSessions
from chanflow.adapters.storage.vault import Vault
from chanflow.domain.errors import InvalidArgument, SettingsInvalid
from chanflow.domain.time import Clock, Randomness
from chanflow.runtime.access_settings import AccessSettings
from chanflow.runtime.clock import Uuid7Ids

_CLOSED = SignupRules("closed", "http://127.0.0.1:8000")


def open_identity(
    database: Database, vault: Vault, pepper: bytes, privacy: Privacy, clock: Clock, randomness: Randomness,
    settings: AccessSettings | None, end_tokens: Callable[[str], Awaitable[object]],
) -> Identity:  # fmt: skip
    """Return what a desk knows of people. Raises SettingsInvalid for sign-ups without a mail server."""
    rules = _CLOSED if settings is None else SignupRules(settings.signup, settings.public_url)
    mailer = None if settings is None else _mailer(settings)
    if mailer is None and rules.signup != "closed":
        raise SettingsInvalid(f"access.signup is {rules.signup}, and links go by mail: set access.mail_url too")
    people = DatabasePeople(database, vault, pepper)
    sessions = Sessions(DatabaseSessions(database), pepper, clock, randomness)
    passwords = Passwords(randomness)
    ids = Uuid7Ids(clock, randomness)
    return Identity(
        Accounts(people, sessions, passwords, mailer, rules, pepper, clock, ids, randomness, end_tokens),
        Proofs(people, passwords, pepper, clock, randomness), sessions, privacy,
    )  # fmt: skip


def _mailer(settings: AccessSettings) -> Mailer | None:
    url = settings.mail_url.get_secret_value()
    if not url:
        return None
    from chanflow.adapters.notify.mail import SmtpMailer

    try:
        return SmtpMailer(url)
    except InvalidArgument as fault:
        raise SettingsInvalid(f"access.mail_url: {fault}") from None
