"""The caller as a user: profile, password, and the notice that is accepted before anything else."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, StringConstraints, model_validator

from chanflow.access.notice import NOTICE_EN, NOTICE_VERSION, NOTICE_ZH
from chanflow.access.people import Person
from chanflow.access.proofs import Unproved
from chanflow.operations.fields import time_of_ns
from chanflow.operations.identity import DOORS, Code, Email, Name, Password, declined, in_person, in_words, own
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.trading import EVERY_PLAN


class GetUser(Arguments):
    """Nothing is asked: it is the caller."""


class UpdateUser(Arguments):
    """What changes, one thing at a time. An address or a password takes the present password, or a code."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [each]} for each in ("name", "email", "new_password")]}
    )

    name: Name | None = None
    email: Email | None = None
    new_password: Password | None = None
    password: Password | None = None
    code: Code | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if [self.name, self.email, self.new_password].count(None) != 2:
            raise ValueError("one thing changes at a time: give name, email or new_password")
        return self


class GetNotice(Arguments):
    """Nothing is asked."""


class AcceptNotice(Arguments):
    """Which version was read."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-z-]{1,16}$")]


class UserShown(Answer):
    """A user. An address that is yet to be confirmed is not shown; `deletion_at` is when the account ends."""

    id: str
    name: str
    email: str | None
    roles: list[str]
    scopes: list[str]
    plan: str
    created_at: str
    second_factor: bool
    notice_due: bool
    deletion_at: str | None


class NoticeShown(Answer):
    """The notice in force."""

    version: str
    text_en: str
    text_zh: str


class NoticeAccepted(Answer):
    """That it was accepted, and when first."""

    version: str
    accepted_at: str


async def get_user(asked: Asked[GetUser]) -> UserShown:
    """Return the caller. Raises Declined where the caller is no user."""
    identity, user_id = own(asked)
    with in_words():
        return _shown(await identity.proofs.person(user_id), asked.principal.scopes)


async def update_user(asked: Asked[UpdateUser]) -> UserShown:
    """Change the caller; a new password ends every other session. Raises Declined."""
    (identity, user_id), args = in_person(asked), asked.args
    with in_words():
        if args.email is not None or args.new_password is not None:
            proved = await identity.proofs.again(
                user_id, password=args.password, code=args.code, ip=asked.principal.ip
            )  # fmt: skip
            if isinstance(proved, Unproved):
                raise declined(proved)
            if args.new_password is not None:
                await identity.accounts.set_password(proved, args.new_password, but=asked.principal.client)
        if args.email is not None:
            identity.accounts.ask_email(user_id, args.email)
        if args.name is not None:
            await identity.accounts.rename(user_id, args.name)
        return _shown(await identity.proofs.person(user_id), asked.principal.scopes)


async def get_notice(asked: Asked[GetNotice]) -> NoticeShown:
    """Return the notice in force."""
    del asked
    return NoticeShown(version=NOTICE_VERSION, text_en=NOTICE_EN, text_zh=NOTICE_ZH)


async def accept_notice(asked: Asked[AcceptNotice]) -> NoticeAccepted:
    """Record that the caller accepts the notice. Raises Declined for another version than the one in force."""
    identity, user_id = in_person(asked)
    if asked.args.version != NOTICE_VERSION:
        raise Declined("invalid_argument", f"version {NOTICE_VERSION} is in force: read it first", field="version")
    at_ns = await identity.accounts.accept(user_id, NOTICE_VERSION)
    return NoticeAccepted(version=NOTICE_VERSION, accepted_at=time_of_ns(at_ns))


def _shown(person: Person, scopes: frozenset[str]) -> UserShown:
    user, ends_ns = person.user, person.deletion_ns
    return UserShown(
        id=user.id, name=user.name, email=person.email, roles=list(user.roles), scopes=sorted(scopes), plan=user.plan,
        created_at=time_of_ns(user.created_ns), second_factor=person.needs_code, notice_due=user.notice_due,
        deletion_at=None if ends_ns is None else time_of_ns(ends_ns),
    )  # fmt: skip


GET_USER = Operation(
    name="get_user",
    title="The caller",
    doc_en="The caller's name, address, roles, scopes and plan.",
    doc_zh="调用者的名称、邮箱、角色、权限与套餐。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=GetUser,
    output=UserShown,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/user",
    handler=get_user,
    digest=lambda done: Digest(f"{done.name}: {', '.join(done.roles)}, plan {done.plan}", (), ()),
    doors=DOORS,
)

UPDATE_USER = Operation(
    name="update_user",
    title="Change the caller",
    doc_en="Change the caller's name, password or address (by a mailed link); a new password ends other sessions.",
    doc_zh="修改名称、密码或邮箱（邮箱需经邮件确认）；修改密码后其他会话失效。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=UpdateUser,
    output=UserShown,
    hints=Hints(read_only=False),
    timeout_s=15,
    path="/user",
    verb="PATCH",
    handler=update_user,
    digest=lambda done: Digest(f"{done.name} was changed", (), ()),
    doors=DOORS,
    private=frozenset({"password", "new_password", "code", "email"}),
)

GET_NOTICE = Operation(
    name="get_notice",
    title="The notice",
    doc_en="The notice that a new user accepts before the desk works for them.",
    doc_zh="新用户使用前须接受的声明。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=GetNotice,
    output=NoticeShown,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/user/notice",
    handler=get_notice,
    digest=lambda done: Digest(f"notice {done.version}: {done.text_en}", (), ()),
    doors=DOORS,
    before_notice=True,
)

ACCEPT_NOTICE = Operation(
    name="accept_notice",
    title="Accept the notice",
    doc_en="Record, with the time, that the caller accepts a version of the notice.",
    doc_zh="记录调用者接受声明的版本与时间。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=AcceptNotice,
    output=NoticeAccepted,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=5,
    path="/user/notice",
    verb="POST",
    handler=accept_notice,
    digest=lambda done: Digest(f"notice {done.version} was accepted", (), ()),
    doors=DOORS,
    before_notice=True,
)

USER_OPERATIONS = (GET_USER, UPDATE_USER, GET_NOTICE, ACCEPT_NOTICE)
