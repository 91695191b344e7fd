"""What somebody may do before anybody knows who they are: log in, sign up, set a password by a mailed link.

There is no principal yet, so these are no operations of the catalogue; each is audited under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints, ValidationError

from chanflow.access.audit import AuditOutcome, AuditRow
from chanflow.access.identity import Identity
from chanflow.access.keys import User
from chanflow.access.names import shown_client
from chanflow.access.own_tokens import TokenPair
from chanflow.access.proofs import Unproved
from chanflow.access.sessions import NewSession
from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import rfc3339
from chanflow.operations.fields import time_of_ns
from chanflow.operations.identity import Code, Email, Name, Password, identity_of
from chanflow.operations.operation import Answer, Arguments
from chanflow.operations.outcome import Failed, failure
from chanflow.operations.refusal import invalid_arguments
from chanflow.operations.services import Services

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
_NO_ARGUMENTS = sha256_of({})
GivenT = TypeVar("GivenT", bound=Arguments)


class LogIn(Arguments):
    """A user's name or address, the password, and a code where an authenticator is in use.

    `tokens` asks for an access and a refresh token too, for clients that keep no cookies.
    """

    login: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,254}$")]
    password: Password
    code: Code | None = None
    tokens: bool = False


class TokensIssued(Answer):
    """An access token, which is good for `expires_in` seconds, and what the next is had with."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    refresh_expires_at: str


def tokens_issued(pair: TokenPair, expires_s: int) -> TokensIssued:
    """Return a pair of tokens as a client reads it (RFC 6749, section 5.1)."""
    return TokensIssued(
        access_token=pair.access_token, token_type="Bearer", expires_in=expires_s,  # noqa: S106
        refresh_token=pair.refresh_token, refresh_expires_at=rfc3339(pair.refresh_expires_ns),
    )  # fmt: skip


class Register(Arguments):
    """The address of who wants an account, and the invitation where the desk asks for one."""

    email: Email
    invitation: Token | None = None


class Forgot(Arguments):
    """The address of who lost their password."""

    email: Email


class Verify(Arguments):
    """The token of a mailed link; with the name and the password that a new account is to have."""

    token: Token
    name: Name | None = None
    password: Password | None = None


class Reset(Arguments):
    """The token of a mailed link, and the new password."""

    token: Token
    password: Password


class LoggedIn(Answer):
    """A session that was opened. Writes by its cookie carry `csrf_token` as X-CSRF-Token."""

    user_id: str
    name: str
    csrf_token: str
    ends_at: str
    second_factor: bool
    notice_due: bool
    tokens: TokensIssued | None


class MailSent(Answer):
    """The same whether or not there is such an account."""

    message: str


class Verified(Answer):
    """Whose account it is now: log in."""

    user_id: str


class Entrance:
    """What strangers may do at one desk."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def log_in(
        self, body: Mapping[str, Any], *, ip: str | None, client: str | None, request_id: str
    ) -> tuple[LoggedIn, NewSession] | Failed:
        """Return a new session, or why there is none. Raises ChanflowError."""
        identity = identity_of(self._services)
        given = _given(LogIn, body, request_id)
        if isinstance(given, Failed):
            return given
        found = await identity.proofs.of_login(given.login, given.password, given.code, ip)
        if isinstance(found, Unproved):
            self._audit("login", found.user_id, ip, request_id, found.code)
            sentence = "too many failures" if found.code == "rate_limited" else _SENTENCES.get(found.code)
            return failure(found.code, request_id, sentence, retry_after_ms=found.retry_after_ms)
        user = found.user
        session = await identity.sessions.open(
            user, ip=ip, client=shown_client(client), second_factor=found.needs_code
        )  # fmt: skip
        self._audit("login", user.id, ip, request_id)
        tokens = await self._tokens(user) if given.tokens else None
        answer = LoggedIn(
            user_id=user.id, name=user.name, csrf_token=session.csrf, ends_at=time_of_ns(session.record.ends_ns),
            second_factor=session.record.second_factor, notice_due=user.notice_due, tokens=tokens,
        )  # fmt: skip
        return answer, session

    async def _tokens(self, user: User) -> TokensIssued | None:
        books = self._services.access
        if books is None or books.tokens is None:
            return None
        pair = await books.tokens.issue(user)
        return tokens_issued(pair, books.tokens.access_s(pair))

    async def register(self, body: Mapping[str, Any], request_id: str) -> Answer | Failed:
        """Mail a link to somebody who wants an account."""
        given = _given(Register, body, request_id)
        if isinstance(given, Failed):
            return given
        try:
            await identity_of(self._services).accounts.register(given.email, given.invitation)
        except InvalidArgument as fault:
            return _refused(fault, request_id)
        return MailSent(message="if the address can have an account, a link is on its way to it")

    async def forgot(self, body: Mapping[str, Any], request_id: str) -> Answer | Failed:
        """Mail a link to somebody who lost their password."""
        given = _given(Forgot, body, request_id)
        if isinstance(given, Failed):
            return given
        try:
            identity_of(self._services).accounts.forgot(given.email)
        except InvalidArgument as fault:
            return _refused(fault, request_id)
        return MailSent(message="if the address has an account, a link is on its way to it")

    async def verify(self, body: Mapping[str, Any], ip: str | None, request_id: str) -> Answer | Failed:
        """Make the account that a link is for, or an address the user's."""
        given = _given(Verify, body, request_id)
        if isinstance(given, Failed):
            return given
        if (given.name is None) != (given.password is None):
            sentence = "a new account takes name and password, a new address neither"
            return failure("invalid_argument", request_id, sentence, field="name")
        try:
            user_id = await _verified(identity_of(self._services), given)
        except InvalidArgument as fault:
            return _refused(fault, request_id)
        self._audit("verify", user_id, ip, request_id)
        return Verified(user_id=user_id)

    async def reset(self, body: Mapping[str, Any], ip: str | None, request_id: str) -> Answer | Failed:
        """Set the password that a link is for; every session ends."""
        given = _given(Reset, body, request_id)
        if isinstance(given, Failed):
            return given
        try:
            user_id = await identity_of(self._services).accounts.reset(given.token, given.password)
        except InvalidArgument as fault:
            return _refused(fault, request_id)
        self._audit("reset_password", user_id, ip, request_id)
        return Verified(user_id=user_id)

    def _audit(self, name: str, user_id: str | None, ip: str | None, request_id: str, code: str | None = None) -> None:
        """Write what a known user did, or somebody at their door; a stranger's attempts fill nothing."""
        if user_id is None:
            return
        assert self._services.access is not None
        now_ns = self._services.clock.now_ns()
        outcome: AuditOutcome = "done" if code is None else "refused"
        row = AuditRow(
            now_ns, request_id, f"user:{user_id}", ip, "rest", name, _NO_ARGUMENTS, outcome, code, None
        )  # fmt: skip
        self._services.access.audit.post(row, user_id)


_SENTENCES = {"unauthenticated": "there is no such user, or the password or the code is another"}


async def _verified(identity: Identity, given: Verify) -> str:
    if given.name is None or given.password is None:
        return await identity.accounts.confirm_email(given.token)
    return (await identity.accounts.join(given.token, given.name, given.password)).id


def _given(model: type[GivenT], body: Mapping[str, Any], request_id: str) -> GivenT | Failed:
    try:
        return model.model_validate(dict(body))
    except ValidationError as fault:
        return invalid_arguments(fault, model, request_id)


def _refused(fault: InvalidArgument, request_id: str) -> Failed:
    return failure("invalid_argument", request_id, str(fault), field=fault.field)
