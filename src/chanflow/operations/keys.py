"""The caller's own API keys: made, listed, changed, rotated, revoked. A key's text is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from chanflow.access.books import AccessBooks
from chanflow.access.keyring import KeyMarks, NewKey
from chanflow.access.keys import KeyRecord
from chanflow.access.scopes import SCOPES
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.operations.fields import TimeNs, time_of_ns, whole
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation, Route
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
    signing: Literal["none", "required"] = "none"
    paper_only: bool = False


class UpdateKey(Arguments):
    """Which key, and what becomes of it; what is not named stays. What it may is only ever narrowed."""

    id: KeyId
    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    scopes: Annotated[list[ScopeWord], Field(min_length=1, max_length=len(SCOPES))] | None = None
    allow_ips: Annotated[list[Annotated[str, StringConstraints(max_length=49)]], Field(max_length=32)] | None = None
    expires_at: TimeNs | None = None


class RotateKey(Arguments):
    """Which key, and how long the old one still holds."""

    id: KeyId
    grace_s: Annotated[int, Field(ge=0, le=7 * _DAY_S), BeforeValidator(whole)] = _DAY_S


class RevokeKey(Arguments):
    """Which key."""

    id: KeyId


class KeyRow(Answer):
    """A key as it may be shown. A time in `revoked_at` that lies ahead is the end of its grace.

    `last_used_at` is written at most once a minute.
    """

    id: str
    name: str
    scopes: list[str]
    allow_ips: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    signing: Literal["none", "required"]
    paper_only: bool
    elicitation_trusted: bool


class KeysListed(Answer):
    """The caller's keys, oldest first."""

    keys: list[KeyRow]


class KeyMade(Answer):
    """A new key, with its text: nobody can read it again."""

    key: str
    made: KeyRow


class KeyUpdated(Answer):
    """The key as it is now."""

    changed: KeyRow


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
    owner = await books.shelf.owner(user_id)
    if owner is None:
        raise Declined("conflict", "the caller's own account is gone")
    try:
        made = await books.keyring.create(
            owner, name=args.name, scopes=args.scopes, allow_ips=args.allow_ips, expires_ns=args.expires_at,
            within=asked.principal.scopes,
            marks=KeyMarks(signing=args.signing == "required", paper_only=args.paper_only),
        )  # fmt: skip
    except InvalidArgument as fault:
        raise Declined("invalid_argument", str(fault), field=fault.field) from fault
    return _made(made)


async def update_key(asked: Asked[UpdateKey]) -> KeyUpdated:
    """Change one of the caller's keys. Raises Declined."""
    books, user_id = _owner(asked)
    args = asked.args
    await _require_weaker(books, user_id, args.id, asked.principal.scopes)
    try:
        changed = await books.keyring.change(
            args.id, name=args.name, scopes=args.scopes, allow_ips=args.allow_ips, expires_ns=args.expires_at,
            user_id=user_id,
        )  # fmt: skip
    except NotFound:
        raise Declined("not_found", "the caller has no key of that id", field="id") from None
    except InvalidArgument as fault:
        code = "conflict" if fault.field == "id" else "invalid_argument"
        raise Declined(code, str(fault), field=fault.field) from fault
    return KeyUpdated(changed=key_row(changed))


async def rotate_key(asked: Asked[RotateKey]) -> KeyMade:
    """Make a key like another of the caller's, which ends after the grace. Raises Declined."""
    books, user_id = _owner(asked)
    try:
        await _require_weaker(books, user_id, asked.args.id, asked.principal.scopes)
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
        revoked_at=_time(record.revoked_ns), last_used_at=_time(record.last_used_ns),
        signing="required" if record.signing else "none", paper_only=record.paper_only,
        elicitation_trusted=record.elicitation_trusted,
    )  # fmt: skip


async def _require_weaker(books: AccessBooks, user_id: str, key_id: str, scopes: frozenset[str]) -> None:
    """Raise Declined where a key of the user may more than the caller: it would be a way to more."""
    own = {key.id: key for key in await books.keyring.keys(user_id)}
    if (old := own.get(key_id)) is not None and not old.scopes <= scopes:
        raise Declined("insufficient_scope", "the key may more than the caller")


def _time(at_ns: int | None) -> str | None:
    return None if at_ns is None else time_of_ns(at_ns)


def _made(new: NewKey) -> KeyMade:
    return KeyMade(key=new.text, made=key_row(new.record))


def _owner(
    asked: Asked[ListKeys] | Asked[CreateKey] | Asked[UpdateKey] | Asked[RotateKey] | Asked[RevokeKey],
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

UPDATE_KEY = Operation(
    name="update_key",
    title="Change an API key",
    doc_en="Rename one of the caller's API keys, or narrow its scopes, addresses and end.",
    doc_zh="修改密钥的名称，或收窄其权限、地址与有效期。",
    scope="key:write",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=UpdateKey,
    output=KeyUpdated,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=5,
    path="/keys/update",
    more_routes=(Route("PATCH", "/keys/{id}", "patchKey"),),
    handler=update_key,
    digest=lambda done: Digest(f"key {done.changed.id} was changed", (), ()),
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
    more_routes=(Route("POST", "/keys/{id}/rotate", "rotateKeyById"),),
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
    more_routes=(Route("DELETE", "/keys/{id}", "deleteKey"),),
    handler=revoke_key,
    digest=lambda done: Digest(f"key {done.id} is revoked", (), ()),
    doors=_DOORS,
)

KEY_OPERATIONS = (LIST_KEYS, CREATE_KEY, UPDATE_KEY, ROTATE_KEY, REVOKE_KEY)
