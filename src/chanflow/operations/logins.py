"""The caller's sessions and authenticator."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from chanflow.access.proofs import Unproved
from chanflow.domain.errors import NotFound
from chanflow.operations.fields import time_of_ns
from chanflow.operations.identity import DOORS, Code, Password, declined, in_person, in_words, own
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.trading import EVERY_PLAN

SessionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]


class ListSessions(Arguments):
    """Nothing is asked: they are the caller's own."""


class EndSessions(Arguments):
    """Which session; without one, all but the caller's own."""

    session_id: SessionId | None = None


class EnrollTotp(Arguments):
    """The password, again."""

    password: Password


class ConfirmTotp(Arguments):
    """A code of the authenticator that was just set up."""

    code: Code


class EndTotp(Arguments):
    """The password, again, and a code: of the authenticator or for recovery."""

    password: Password
    code: Code


class SessionRow(Answer):
    """A session; `ends_at` is when it ends unless it is used before."""

    id: str
    created_at: str
    seen_at: str
    ends_at: str
    ip: str | None
    client: str | None
    second_factor: bool
    current: bool


class SessionsListed(Answer):
    """The caller's sessions, oldest first."""

    sessions: list[SessionRow]


class SessionsEnded(Answer):
    """How many ended."""

    ended: int


class TotpOffered(Answer):
    """A secret for an authenticator, shown this once. A code of it, sent to /auth/totp/confirm, puts it in use."""

    secret: str
    uri: str


class TotpConfirmed(Answer):
    """That codes are asked for from now on. Each recovery code does once in place of one; they are shown this once."""

    recovery_codes: list[str]


class TotpEnded(Answer):
    """That no codes are asked for any more."""

    second_factor: bool


async def list_sessions(asked: Asked[ListSessions]) -> SessionsListed:
    """Return the caller's sessions. Raises Declined where the caller is no user."""
    identity, user_id = own(asked)
    rows = [
        SessionRow(
            id=each.id, created_at=time_of_ns(each.created_ns), seen_at=time_of_ns(each.seen_ns),
            ends_at=time_of_ns(each.ends_ns), ip=each.ip, client=each.client, second_factor=each.second_factor,
            current=each.id == asked.principal.client,
        )
        for each in await identity.sessions.listed(user_id)
    ]  # fmt: skip
    return SessionsListed(sessions=rows)


async def end_sessions(asked: Asked[EndSessions]) -> SessionsEnded:
    """End sessions of the caller. Raises Declined for one that is another's, or none."""
    identity, user_id = in_person(asked)
    if asked.args.session_id is None:
        return SessionsEnded(ended=await identity.sessions.end_all(user_id, but=asked.principal.client))
    try:
        await identity.sessions.end(user_id, asked.args.session_id)
    except NotFound:
        raise Declined("not_found", "the caller has no session of that id", field="session_id") from None
    return SessionsEnded(ended=1)


async def enroll_totp(asked: Asked[EnrollTotp]) -> TotpOffered:
    """Offer a secret for an authenticator. Raises Declined for a wrong password, or where one is in use."""
    identity, user_id = in_person(asked)
    with in_words():
        proved = await identity.proofs.again(user_id, password=asked.args.password, ip=asked.principal.ip)
        if isinstance(proved, Unproved):
            raise declined(proved)
        offered = await identity.proofs.offer(proved)
    return TotpOffered(secret=offered.secret, uri=offered.uri)


async def confirm_totp(asked: Asked[ConfirmTotp]) -> TotpConfirmed:
    """Put the offered authenticator in use. Raises Declined for a wrong code."""
    identity, user_id = in_person(asked)
    with in_words():
        person = await identity.proofs.person(user_id)
        codes = await identity.proofs.confirm(person, asked.args.code, asked.principal.ip)
    if isinstance(codes, Unproved):
        raise declined(codes)
    return TotpConfirmed(recovery_codes=list(codes))


async def end_totp(asked: Asked[EndTotp]) -> TotpEnded:
    """Ask for no codes any more. Raises Declined unless password and code are right."""
    (identity, user_id), args = in_person(asked), asked.args
    with in_words():
        for proof in ({"password": args.password}, {"code": args.code}):
            proved = await identity.proofs.again(user_id, **proof, ip=asked.principal.ip)
            if isinstance(proved, Unproved):
                raise declined(proved)
            person = proved
        await identity.proofs.end_factor(person)
    return TotpEnded(second_factor=False)


LIST_SESSIONS = Operation(
    name="list_sessions",
    title="Sessions",
    doc_en="The caller's sessions (会话) in browsers.",
    doc_zh="列出调用者的登录会话。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=ListSessions,
    output=SessionsListed,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/user/sessions",
    handler=list_sessions,
    digest=lambda done: Digest(f"{len(done.sessions)} sessions", (), ()),
    doors=DOORS,
)

END_SESSIONS = Operation(
    name="end_sessions",
    title="End sessions",
    doc_en="End one of the caller's sessions, or all but the present one.",
    doc_zh="结束指定会话，或除当前外的全部会话。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=EndSessions,
    output=SessionsEnded,
    hints=Hints(read_only=False, destructive=True, idempotent=True),
    timeout_s=5,
    path="/user/sessions",
    verb="DELETE",
    handler=end_sessions,
    digest=lambda done: Digest(f"{done.ended} sessions ended", (), ()),
    doors=DOORS,
    before_notice=True,
)

ENROLL_TOTP = Operation(
    name="enroll_totp",
    title="Set up an authenticator",
    doc_en="Offer a secret for an authenticator (TOTP, 动态口令), shown this once.",
    doc_zh="生成动态口令密钥，仅显示一次。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=EnrollTotp,
    output=TotpOffered,
    hints=Hints(read_only=False),
    timeout_s=15,
    path="/auth/totp",
    handler=enroll_totp,
    digest=lambda _: Digest("a secret was offered", (), ()),
    doors=DOORS,
    private=frozenset({"password"}),
)

CONFIRM_TOTP = Operation(
    name="confirm_totp",
    title="Put an authenticator in use",
    doc_en="Put the offered authenticator in use by a code of it; recovery codes are shown this once.",
    doc_zh="以口令启用验证器；恢复码仅显示一次。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=ConfirmTotp,
    output=TotpConfirmed,
    hints=Hints(read_only=False),
    timeout_s=15,
    path="/auth/totp/confirm",
    handler=confirm_totp,
    digest=lambda _: Digest("codes are asked for from now on", (), ()),
    doors=DOORS,
    private=frozenset({"code"}),
)

END_TOTP = Operation(
    name="end_totp",
    title="End the authenticator",
    doc_en="Ask for no codes any more; takes the password and a code.",
    doc_zh="停用动态口令，需密码与口令。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=EndTotp,
    output=TotpEnded,
    hints=Hints(read_only=False, destructive=True),
    timeout_s=15,
    path="/auth/totp/end",
    handler=end_totp,
    digest=lambda _: Digest("codes are asked for no more", (), ()),
    doors=DOORS,
    private=frozenset({"password", "code"}),
)

LOGIN_OPERATIONS = (LIST_SESSIONS, END_SESSIONS, ENROLL_TOTP, CONFIRM_TOTP, END_TOTP)
