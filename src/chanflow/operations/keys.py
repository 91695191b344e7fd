"""The caller's own API keys: made, listed, rotated, revoked. The text of a key is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from chanflow.access.books import AccessBooks
from chanflow.access.keyring import NewKey
from chanflow.access.keys import KeyRecord
from chanflow.access.scopes import SCOPES
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.operations.fields import TimeNs, time_of_ns, whole
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import Door
from chanflow.operations.trading import EVERY_PLAN

_DOORS: frozenset[Door] = frozenset({"rest"})
_DAY_S = 86_400
KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
ScopeWord = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(SCOPES)})$")]


class ListKeys(Arguments):
    """Nothing is asked: they are the caller's own."""


class CreateKey(Arguments):
    """What the key is called; its scopes are the caller's unless fewer are named, its addresses any."""

    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    scopes: Annotated[list[ScopeWord], Field(min_length=1, max_length=len(SCOPES))] | None = None
    allow_ips: Annotated[list[Annotated[str, StringConstraints(max_length=49)]], Field(max_length=32)] = Field(
        default=[]
    )
    expires_at: TimeNs | None = None


class RotateKey(Arguments):
    """Which key, and how long the old one still holds."""

    id: KeyId
    grace_s: Annotated[int, Field(ge=0, le=7 * _DAY_S), BeforeValidator(whole)] = _DAY_S


class RevokeKey(Arguments):
    """Which key."""

    id: KeyId


class KeyRow(Answer):
    """A key as it may be shown. A time in `revoked_at` that lies ahead is the end of its grace."""

    id: str
    name: str
    scopes: list[str]
    allow_ips: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class KeysListed(Answer):
    """The caller's keys, oldest first."""

    keys: list[KeyRow]


class KeyMade(Answer):
    """A new key, with its text: nobody can read it again."""

    key: str
    made: KeyRow


class KeyRevoked(Answer):
    """A key that is no longer taken, here at once and elsewhere within a second."""

    id: str


async def list_keys(asked: Asked[ListKeys]) -> KeysListed:
    """Return the caller's keys. Raises Declined where the caller is no user."""
    books, user_id = _owner(asked)
    return KeysListed(keys=[key_row(record) for record in await books.keyring.keys(user_id)])


async def create_key(asked: Asked[CreateKey]) -> KeyMade:
    """Make a key that may no more than the caller. Raises Declined."""
    books, user_id = _owner(asked)
    args = asked.args
    own = await books.shelf.key(asked.principal.id.removeprefix("key:"))
    if own is None or own[1].id != user_id:
        raise Declined("conflict", "the caller's own key is gone")
    try:
        made = await books.keyring.create(
            own[1], name=args.name, scopes=args.scopes, allow_ips=args.allow_ips, expires_ns=args.expires_at,
            within=asked.principal.scopes,
        )  # fmt: skip
    except InvalidArgument as fault:
        raise Declined("invalid_argument", str(fault), field=fault.field) from fault
    return _made(made)


async def rotate_key(asked: Asked[RotateKey]) -> KeyMade:
    """Make a key like another of the caller's, which ends after the grace. Raises Declined."""
    books, user_id = _owner(asked)
    try:
        own = {key.id: key for key in await books.keyring.keys(user_id)}
        if (old := own.get(asked.args.id)) is not None and not old.scopes <= asked.principal.scopes:
            raise Declined("insufficient_scope", "the key may more than the caller")
        return _made(await books.keyring.rotate(asked.args.id, grace_s=asked.args.grace_s, user_id=user_id))
    except NotFound:
        raise Declined("not_found", "the caller has no key of that id", field="id") from None
    except InvalidArgument as fault:
        raise Declined("conflict", str(fault), field=fault.field) from fault


async def revoke_key(asked: Asked[RevokeKey]) -> KeyRevoked:
    """End one of the caller's keys. Raises Declined."""
    books, user_id = _owner(asked)
    try:
        await books.keyring.revoke(asked.args.id, user_id=user_id)
    except NotFound:
        raise Declined("not_found", "the caller has no key of that id", field="id") from None
    return KeyRevoked(id=asked.args.id)


def key_row(record: KeyRecord) -> KeyRow:
    """Return a key as it may be shown."""
    return KeyRow(
        id=record.id, name=record.name, scopes=sorted(record.scopes), allow_ips=list(record.allow_ips),
        created_at=time_of_ns(record.created_ns), expires_at=_time(record.expires_ns),
        revoked_at=_time(record.revoked_ns),
    )  # fmt: skip


def _time(at_ns: int | None) -> str | None:
    return None if at_ns is None else time_of_ns(at_ns)


def _made(new: NewKey) -> KeyMade:
    return KeyMade(key=new.text, made=key_row(new.record))


def _owner(
    asked: Asked[ListKeys] | Asked[CreateKey] | Asked[RotateKey] | Asked[RevokeKey],
) -> tuple[AccessBooks, str]:
    if asked.services.access is None or asked.principal.user_id is None:
        raise Declined(
            "conflict", "the caller is no user, and so has no keys",
            suggestion="chanflow key create NAME --user USER, and access.required=true",
        )  # fmt: skip
    return asked.services.access, asked.principal.user_id


_LIST = Hints(read_only=True)

LIST_KEYS = Operation(
    name="list_keys",
    title="API keys",
    doc_en="The caller's API keys (密钥), without their secrets.",
    doc_zh="列出调用者的 API 密钥（不含密文）。",
    scope="key:write",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=ListKeys,
    output=KeysListed,
    hints=_LIST,
    timeout_s=5,
    path="/keys",
    handler=list_keys,
    digest=lambda done: Digest(f"{len(done.keys)} keys", (), ()),
    doors=_DOORS,
)

CREATE_KEY = Operation(
    name="create_key",
    title="Create an API key",
    doc_en="Make an API key that may no more than the caller; its text is shown this once.",
    doc_zh="创建 API 密钥，权限不超过调用者；明文仅显示一次。",
    scope="key:write",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=CreateKey,
    output=KeyMade,
    hints=Hints(read_only=False),
    timeout_s=5,
    path="/keys",
    handler=create_key,
    keeps=lambda _: False,
    digest=lambda done: Digest(f"key {done.made.id} was made", (), ()),
    doors=_DOORS,
)

ROTATE_KEY = Operation(
    name="rotate_key",
    title="Rotate an API key",
    doc_en="Make a key like another of the caller's, which ends after a grace; the new text is shown this once.",
    doc_zh="轮换密钥：旧密钥在宽限期后失效；新明文仅显示一次。",
    scope="key:write",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=RotateKey,
    output=KeyMade,
    hints=Hints(read_only=False),
    timeout_s=5,
    path="/keys/rotate",
    handler=rotate_key,
    keeps=lambda _: False,
    digest=lambda done: Digest(f"key {done.made.id} was made", (), ()),
    doors=_DOORS,
)

REVOKE_KEY = Operation(
    name="revoke_key",
    title="Revoke an API key",
    doc_en="End one of the caller's API keys (吊销); it is refused within a second.",
    doc_zh="吊销密钥，一秒内失效。",
    scope="key:write",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=RevokeKey,
    output=KeyRevoked,
    hints=Hints(read_only=False, destructive=True, idempotent=True),
    timeout_s=5,
    path="/keys/revoke",
    handler=revoke_key,
    digest=lambda done: Digest(f"key {done.id} is revoked", (), ()),
    doors=_DOORS,
)

KEY_OPERATIONS = (LIST_KEYS, CREATE_KEY, ROTATE_KEY, REVOKE_KEY)
