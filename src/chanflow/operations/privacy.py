"""The caller's data: taken along, and ended."""

from __future__ import annotations

from typing import Self

import anyio.to_thread
from pydantic import ConfigDict, model_validator

from chanflow.access.proofs import Unproved
from chanflow.access.scopes import trades
from chanflow.domain.errors import ChanflowError, NotFound
from chanflow.operations.fields import time_of_ns
from chanflow.operations.identity import DOORS, Code, Password, declined, in_person, in_words
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.services import Services
from chanflow.operations.trading import EVERY_PLAN


class ExportData(Arguments):
    """Nothing is asked: all that is kept of the caller is given."""


class DeleteAccount(Arguments):
    """The password or a code of the authenticator, again."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["password"]}, {"required": ["code"]}]})

    password: Password | None = None
    code: Code | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.password is None) == (self.code is None):
            raise ValueError("give password or code, one of them")
        return self


class WithdrawDeletion(Arguments):
    """Nothing is asked: the caller stays."""


class DataExported(Answer):
    """A ZIP of JSON lines per table, for the caller alone, at `path` until `expires_at`."""

    path: str
    expires_at: str
    sha256: str
    size: int
    rows: dict[str, int]


class DeletionAsked(Answer):
    """When the account ends; until then it can be withdrawn."""

    deletion_at: str


class DeletionWithdrawn(Answer):
    """That the account stays."""

    deletion_at: None


async def export_data(asked: Asked[ExportData]) -> DataExported:
    """Build the file of all that is kept of the caller. Raises Declined."""
    identity, user_id = in_person(asked)
    made = await identity.privacy.export(user_id)
    return DataExported(
        path=f"/api/v2/user/export/{made.id}", expires_at=time_of_ns(made.expires_ns), sha256=made.sha256,
        size=made.size, rows=dict(made.rows),
    )  # fmt: skip


async def delete_account(asked: Asked[DeleteAccount]) -> DeletionAsked:
    """Note that the caller wants to be erased. Raises Declined for a wrong proof, and while positions are open."""
    (identity, user_id), args = in_person(asked), asked.args
    with in_words():
        proved = await identity.proofs.again(
            user_id, password=args.password, code=args.code, ip=asked.principal.ip
        )  # fmt: skip
        if isinstance(proved, Unproved):
            raise declined(proved)
        if trades(asked.principal.scopes):
            await _require_flat(asked.services)
        return DeletionAsked(deletion_at=time_of_ns(await identity.accounts.ask_deletion(user_id)))


async def withdraw_deletion(asked: Asked[WithdrawDeletion]) -> DeletionWithdrawn:
    """Let the caller stay. Raises Declined."""
    identity, user_id = in_person(asked)
    with in_words():
        await identity.accounts.withdraw_deletion(user_id)
    return DeletionWithdrawn(deletion_at=None)


async def _require_flat(services: Services) -> None:
    """Raise Declined while the desk holds positions, and where that cannot be known."""
    try:
        view = await anyio.to_thread.run_sync(services.account.account)
    except NotFound:
        return
    except ChanflowError:
        raise Declined("conflict", "whether positions are open cannot be known now: try again") from None
    if count := len(view.snapshot.positions):
        raise Declined("conflict", f"{count} positions are open: close them first", suggestion="close_all")


EXPORT_DATA = Operation(
    name="export_data",
    title="Take one's data along",
    doc_en="Build a ZIP of all that the desk keeps of the caller (数据导出); it can be fetched for a day.",
    doc_zh="导出调用者的全部数据（ZIP），一天内可下载。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="heavy",
    input=ExportData,
    output=DataExported,
    hints=Hints(read_only=False),
    timeout_s=120,
    path="/user/export",
    handler=export_data,
    digest=lambda done: Digest(f"{done.size} bytes at {done.path} until {done.expires_at}", (), ()),
    doors=DOORS,
    before_notice=True,
)

DELETE_ACCOUNT = Operation(
    name="delete_account",
    title="End the account",
    doc_en="Ask for the account's end (注销): erased after 14 days unless withdrawn; refused with open positions.",
    doc_zh="申请注销账户：14 天后抹除，期间可撤回；有持仓时拒绝。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=DeleteAccount,
    output=DeletionAsked,
    hints=Hints(read_only=False, destructive=True),
    timeout_s=15,
    path="/user/delete",
    handler=delete_account,
    digest=lambda done: Digest(f"the account ends at {done.deletion_at}", (), ()),
    doors=DOORS,
    private=frozenset({"password", "code"}),
    before_notice=True,
)

WITHDRAW_DELETION = Operation(
    name="withdraw_deletion",
    title="Stay",
    doc_en="Withdraw what was asked of delete_account.",
    doc_zh="撤回注销申请。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=WithdrawDeletion,
    output=DeletionWithdrawn,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=5,
    path="/user/delete",
    verb="DELETE",
    handler=withdraw_deletion,
    digest=lambda _: Digest("the account stays", (), ()),
    doors=DOORS,
    before_notice=True,
)

PRIVACY_OPERATIONS = (EXPORT_DATA, DELETE_ACCOUNT, WITHDRAW_DELETION)
