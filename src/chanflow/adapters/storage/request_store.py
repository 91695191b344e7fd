"""What callers confirmed, ordered and asked for under names of their own, in the desk's database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.confirmations import confirmation, keyed_call, trade_request
from chanflow.domain.confirmation import Confirmed, KeyedCall, Ticket, TradeRequest
from chanflow.domain.time import NS_PER_DAY

KEPT_NS = NS_PER_DAY
"""How long a ticket is kept after its time, and an answer under its key."""


class SqlRequests:
    """The tables of requests. Every method raises StorageUnwritable, those that write StorageBusy, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── tickets ───────────────────────────────────────────────────────────────

    async def offer(self, ticket: Ticket) -> None:
        """Keep a new ticket; those whose time has long passed are forgotten."""
        async with self._database.write() as connection:
            old = confirmation.c.expires_at < ticket.created_ns - KEPT_NS
            await connection.execute(delete(confirmation).where(old))
            await connection.execute(
                insert(confirmation).values(
                    token_sha256=ticket.token_sha256, binding=ticket.binding, created_at=ticket.created_ns,
                    expires_at=ticket.expires_ns, worst_loss_quote=ticket.worst_loss_quote,
                    notional_quote=ticket.notional_quote, mark_quote=ticket.mark_quote, drift_frac=ticket.drift_frac,
                    policy_version=ticket.policy_version,
                )
            )  # fmt: skip

    async def ticket(self, token_sha256: str) -> Ticket | None:
        """Return the ticket of a token, None where there is none."""
        async with self._database.read() as connection:
            asked = select(confirmation).where(confirmation.c.token_sha256 == token_sha256)
            row = (await connection.execute(asked)).first()
        return None if row is None else _ticket(row)

    # ── trades ────────────────────────────────────────────────────────────────

    async def trade(self, account: str, client_order_id: str) -> TradeRequest | None:
        """Return the trade that an id stands for, None where it stands for none yet."""
        async with self._database.read() as connection:
            return await _trade(connection, account, client_order_id)

    async def confirm(self, trade: TradeRequest, now_ns: int) -> Confirmed:
        """Use the trade's ticket up and write the trade down, both or neither; durable on return.

        A trade that was confirmed before, by the same owner with the same arguments, is confirmed anew.
        """
        try:
            async with self._database.write() as connection:
                return await _confirm(connection, trade, now_ns)
        except (_Conflict, IntegrityError):  # another process wrote the id between two statements
            return "conflict"

    async def answered(self, account: str, client_order_id: str, answer: Mapping[str, Any]) -> None:
        """Keep what a trade has come to."""
        async with self._database.write() as connection:
            await connection.execute(
                update(trade_request).where(_of_trade(account, client_order_id)).values(answer=dict(answer))
            )

    # ── calls under a key ─────────────────────────────────────────────────────

    async def begin(self, call: KeyedCall) -> KeyedCall:
        """Keep that a call begins, unless its key stands for one already; return the one that stands.

        Calls that began more than a day before are forgotten.
        """
        try:
            async with self._database.write() as connection:
                await connection.execute(delete(keyed_call).where(keyed_call.c.begun_at < call.begun_ns - KEPT_NS))
                if (standing := await _keyed(connection, call)) is not None:
                    return standing
                await connection.execute(
                    insert(keyed_call).values(
                        account=call.account, operation=call.operation, key_sha256=call.key_sha256,
                        args_sha256=call.args_sha256, begun_at=call.begun_ns, withheld=False,
                    )
                )  # fmt: skip
                return call
        except IntegrityError:  # another process was first
            async with self._database.read() as connection:
                return await _keyed(connection, call) or call

    async def end(self, call: KeyedCall) -> None:
        """Keep what a call came to."""
        answer = None if call.answer is None else dict(call.answer)
        async with self._database.write() as connection:
            await connection.execute(
                update(keyed_call).where(_of_key(call)).values(answer=answer, withheld=call.withheld)
            )

    async def release(self, call: KeyedCall) -> None:
        """Forget a call that came to nothing: its key may be used again."""
        async with self._database.write() as connection:
            await connection.execute(delete(keyed_call).where(_of_key(call)))


class _Conflict(Exception):
    """The id stands for another trade: all that the transaction did is undone."""


async def _confirm(connection: AsyncConnection, trade: TradeRequest, now_ns: int) -> Confirmed:
    used = await connection.execute(
        update(confirmation)
        .where(confirmation.c.token_sha256 == trade.token_sha256, confirmation.c.used_at.is_(None))
        .values(used_at=now_ns)
    )
    if used.rowcount != 1:
        return "used"
    before = await _trade(connection, trade.account, trade.client_order_id)
    if before is None:
        await connection.execute(
            insert(trade_request).values(
                account=trade.account, client_order_id=trade.client_order_id, owner=trade.owner,
                args_sha256=trade.args_sha256, token_sha256=trade.token_sha256, created_at=trade.created_ns,
            )
        )  # fmt: skip
        return "confirmed"
    if (before.owner, before.args_sha256) != (trade.owner, trade.args_sha256):
        raise _Conflict
    await connection.execute(
        update(trade_request)
        .where(_of_trade(trade.account, trade.client_order_id))
        .values(token_sha256=trade.token_sha256)
    )
    return "confirmed"


async def _trade(connection: AsyncConnection, account: str, client_order_id: str) -> TradeRequest | None:
    row = (await connection.execute(select(trade_request).where(_of_trade(account, client_order_id)))).first()
    if row is None:
        return None
    return TradeRequest(
        row.account, row.client_order_id, row.owner, row.args_sha256, row.token_sha256, row.created_at, row.answer
    )


async def _keyed(connection: AsyncConnection, call: KeyedCall) -> KeyedCall | None:
    row = (await connection.execute(select(keyed_call).where(_of_key(call)))).first()
    if row is None:
        return None
    return KeyedCall(
        row.account, row.operation, row.key_sha256, row.args_sha256, row.begun_at, row.answer, row.withheld
    )


def _of_trade(account: str, client_order_id: str) -> Any:
    return and_(trade_request.c.account == account, trade_request.c.client_order_id == client_order_id)


def _of_key(call: KeyedCall) -> Any:
    return and_(
        keyed_call.c.account == call.account, keyed_call.c.operation == call.operation,
        keyed_call.c.key_sha256 == call.key_sha256,
    )  # fmt: skip


def _ticket(row: Row[Any]) -> Ticket:
    return Ticket(
        token_sha256=row.token_sha256, binding=row.binding, created_ns=row.created_at, expires_ns=row.expires_at,
        worst_loss_quote=row.worst_loss_quote, notional_quote=row.notional_quote, mark_quote=row.mark_quote,
        drift_frac=row.drift_frac, policy_version=row.policy_version, used_ns=row.used_at,
    )  # fmt: skip
