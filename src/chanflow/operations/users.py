"""Users as administrators see them: listed, added, given roles, invited."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from chanflow.access.plans import plan_named
from chanflow.access.scopes import ROLES
from chanflow.operations.fields import Cursor, Limit200, make_cursor, read_cursor, time_of_ns
from chanflow.operations.identity import DOORS, Email, Id, Name, identity_of, in_words
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.trading import EVERY_PLAN

RoleWord = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(ROLES)})$")]
Roles = Annotated[list[RoleWord], Field(min_length=1, max_length=len(ROLES))]


class ListUsers(Arguments):
    """How many, oldest first."""

    limit: Limit200 = 50
    cursor: Cursor | None = None


class AddUser(Arguments):
    """Who. With an address, and a desk that sends mail, the link to set a password goes there."""

    name: Name
    email: Email | None = None
    roles: Roles
    plan: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,16}$")] = "free"


class SetRoles(Arguments):
    """Whose roles, all of them."""

    user_id: Id
    roles: Roles


class InviteUser(Arguments):
    """Nothing is asked: who holds the invitation says who they are."""


class UserRow(Answer):
    """A user."""

    id: str
    name: str
    email: str | None
    roles: list[str]
    plan: str
    created_at: str
    disabled_at: str | None
    second_factor: bool
    notice_due: bool
    deletion_at: str | None


class UsersListed(Answer):
    """A page of users."""

    users: list[UserRow]
    next_cursor: str | None


class UserAdded(Answer):
    """A new user. `password_link` is null where it was mailed; else it is shown this once, for seven days."""

    id: str
    name: str
    password_link: str | None


class RolesSet(Answer):
    """The roles a user has from now on."""

    id: str
    roles: list[str]


class Invited(Answer):
    """An invitation, shown this once."""

    invitation: str
    expires_at: str


async def list_users(asked: Asked[ListUsers]) -> UsersListed:
    """Return a page of users. Raises Declined."""
    people = await identity_of(asked.services).accounts.people()
    args = asked.args
    first = 0 if args.cursor is None else max(0, read_cursor(args.cursor)[1])
    last = first + args.limit
    rows = [
        UserRow(
            id=each.user.id, name=each.user.name, email=each.email, roles=list(each.user.roles), plan=each.user.plan,
            created_at=time_of_ns(each.user.created_ns), disabled_at=_time(each.user.disabled_ns),
            second_factor=each.needs_code, notice_due=each.user.notice_due, deletion_at=_time(each.deletion_ns),
        )
        for each in people[first:last]
    ]  # fmt: skip
    return UsersListed(users=rows, next_cursor=make_cursor("from", last) if last < len(people) else None)


async def add_user(asked: Asked[AddUser]) -> UserAdded:
    """Add a user. Raises Declined for a name or an address that is taken."""
    identity, args = identity_of(asked.services), asked.args
    assert asked.services.access is not None
    with in_words():
        plan_named(asked.services.access.plans, args.plan)
        user, token = await identity.accounts.add(args.name, email=args.email, roles=args.roles, plan=args.plan)
    link = None if token is None else f"{identity.accounts.rules.public_url}/auth/reset#{token}"
    return UserAdded(id=user.id, name=user.name, password_link=link)


async def set_roles(asked: Asked[SetRoles]) -> RolesSet:
    """Set a user's roles, which count at their next call. Raises Declined."""
    identity, args = identity_of(asked.services), asked.args
    with in_words():
        await identity.accounts.set_roles(args.user_id, args.roles)
    return RolesSet(id=args.user_id, roles=list(dict.fromkeys(args.roles)))


async def invite_user(asked: Asked[InviteUser]) -> Invited:
    """Make an invitation. Raises Declined."""
    token, ends_ns = await identity_of(asked.services).accounts.invite()
    return Invited(invitation=token, expires_at=time_of_ns(ends_ns))


def _time(at_ns: int | None) -> str | None:
    return None if at_ns is None else time_of_ns(at_ns)


LIST_USERS = Operation(
    name="list_users",
    title="Users",
    doc_en="The users of the desk, oldest first.",
    doc_zh="列出用户，最早在前。",
    scope="user:admin",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=ListUsers,
    output=UsersListed,
    hints=Hints(read_only=True),
    timeout_s=10,
    path="/users",
    handler=list_users,
    digest=lambda done: Digest(f"{len(done.users)} users", (), (), done.next_cursor),
    doors=DOORS,
)

ADD_USER = Operation(
    name="add_user",
    title="Add a user",
    doc_en="Add a user, who sets a password by a link: mailed, or shown this once.",
    doc_zh="添加用户；用户经邮件（或一次性显示的）链接设置密码。",
    scope="user:admin",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=AddUser,
    output=UserAdded,
    hints=Hints(read_only=False),
    timeout_s=10,
    path="/users",
    handler=add_user,
    digest=lambda done: Digest(f"user {done.name} was added", (), ()),
    doors=DOORS,
    private=frozenset({"email"}),
)

SET_ROLES = Operation(
    name="set_roles",
    title="Set a user's roles",
    doc_en="Set all the roles of a user; they count at the next call.",
    doc_zh="设置用户的全部角色，下次调用起生效。",
    scope="user:admin",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=SetRoles,
    output=RolesSet,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=10,
    path="/users/{user_id}/roles",
    verb="PUT",
    handler=set_roles,
    digest=lambda done: Digest(f"roles: {', '.join(done.roles)}", (), ()),
    doors=DOORS,
)

INVITE_USER = Operation(
    name="invite_user",
    title="Invite",
    doc_en="Make an invitation by which somebody may sign up; it holds once, for seven days.",
    doc_zh="生成一次性邀请码，七天有效。",
    scope="user:admin",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=InviteUser,
    output=Invited,
    hints=Hints(read_only=False),
    timeout_s=10,
    path="/users/invitations",
    handler=invite_user,
    digest=lambda done: Digest(f"an invitation until {done.expires_at}", (), ()),
    doors=DOORS,
)

USERS_OPERATIONS = (LIST_USERS, ADD_USER, SET_ROLES, INVITE_USER)
