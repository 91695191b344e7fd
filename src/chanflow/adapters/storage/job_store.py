"""Jobs in the desk's database, where every process of the desk sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import Row, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.jobs import job, job_turn
from chanflow.domain.job import Job, JobStatus, asked_again, begun, let_go, told_to_stop, turns


class SqlJobs:
    """The tables of jobs. Every method raises StorageUnwritable, those that write StorageBusy, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: Job, *, most: int, anew: bool = False) -> Job | None:
        """Keep a job and return it, or the one of the same id that is there; None where `most` of the account wait.

        With `anew` one that is there and has ended begins again, however it ended.
        """
        async with self._database.write() as connection:
            kept = await _get(connection, new.job_id)
            if kept is not None:
                told = new if anew and kept.ended else asked_again(kept, new)
                if told is kept:
                    return kept
            if await _count(connection, new.account, "queued") >= most:
                return None
            if kept is None:
                await connection.execute(insert(job).values(**_row(new)))
            else:
                await connection.execute(update(job).where(job.c.id == new.job_id).values(**_row(new)))
        return new

    async def find(self, account: str, job_id: str) -> Job | None:
        """Return a job of an account, None where it has none of that id."""
        async with self._database.read() as connection:
            found = await _get(connection, job_id)
        return found if found is not None and found.account == account else None

    async def page(
        self, account: str, *, status: JobStatus | None, limit: int, before: tuple[int, str] | None
    ) -> list[Job]:  # fmt: skip
        """Return jobs of an account, newest first; `before` is when the last one was made, and its id."""
        asked = select(job).where(job.c.account == account).order_by(job.c.created.desc(), job.c.id.desc())
        if status is not None:
            asked = asked.where(job.c.status == status)
        if before is not None:
            asked = asked.where(tuple_(job.c.created, job.c.id) < tuple_(*before))
        async with self._database.read() as connection:
            return [_job(row) for row in await connection.execute(asked.limit(limit))]

    async def claim(self, owner: str, now_ns: int) -> Job | None:
        """Give the job whose turn it is to `owner`; None where none may run now."""
        async with self._database.read() as connection:
            if not await _waiting(connection):
                return None
        async with self._database.write() as connection:
            running = await _by_account(connection)
            served = {row.account: row.served for row in await connection.execute(select(job_turn))}
            for account in turns(await _waiting(connection), running, served):
                oldest = (
                    select(job)
                    .where(job.c.account == account, job.c.status == "queued")
                    .order_by(job.c.created, job.c.id)
                    .limit(1)
                )
                found = _job((await connection.execute(oldest)).one())
                if running.get(account, 0) >= found.at_once:
                    continue
                taken = begun(found, owner, now_ns)
                await _put(connection, taken)
                await _serve(connection, account, now_ns)
                return taken
        return None

    async def beat(self, job_id: str, owner: str, progress: float, now_ns: int) -> Job | None:
        """Say that `owner` still works on a job, and how far; return it, None where it is no longer the owner's."""
        return await self._changed(
            job_id, owner, {"heartbeat": now_ns, "progress": progress, "changed": now_ns}, None
        )  # fmt: skip

    async def finish(self, job_id: str, owner: str, change: Callable[[Job], Job]) -> Job | None:
        """End a job, or let it go, as `change` says; return it, None where it is no longer the owner's."""
        return await self._changed(job_id, owner, {}, change)

    async def _changed(
        self, job_id: str, owner: str, values: dict[str, Any], change: Callable[[Job], Job] | None
    ) -> Job | None:
        async with self._database.write() as connection:
            found = await _get(connection, job_id)
            if found is None or found.status != "running" or found.owner != owner:
                return None
            if values:
                await connection.execute(update(job).where(job.c.id == job_id).values(**values))
            if change is None:
                return await _get(connection, job_id)
            changed = change(found)
            await _put(connection, changed)
        return changed

    async def stop(self, account: str, job_id: str, now_ns: int) -> Job | None:
        """Tell a job of an account to stop, and return it; None where the account has none of that id."""
        async with self._database.write() as connection:
            found = await _get(connection, job_id)
            if found is None or found.account != account:
                return None
            told = told_to_stop(found, now_ns)
            if told is not found:
                await _put(connection, told)
        return told

    async def recover(self, before_ns: int, now_ns: int) -> list[Job]:
        """Let go of every running job whose worker has not shown since `before_ns`, and return them."""
        lost = select(job).where(job.c.status == "running", job.c.heartbeat < before_ns)
        async with self._database.read() as connection:
            if (await connection.execute(lost.limit(1))).first() is None:
                return []
        async with self._database.write() as connection:
            found = [let_go(_job(row), now_ns) for row in await connection.execute(lost)]
            for each in found:
                await _put(connection, each)
        return found

    async def forget(self, now_ns: int) -> list[str]:
        """Forget the jobs whose time is over, but for those that run; return their ids."""
        over = (job.c.expires <= now_ns, job.c.status != "running")
        async with self._database.read() as connection:
            if (await connection.execute(select(job.c.id).where(*over).limit(1))).first() is None:
                return []
        async with self._database.write() as connection:
            names = list((await connection.execute(select(job.c.id).where(*over))).scalars())
            await connection.execute(delete(job).where(*over))
        return names


async def _get(connection: AsyncConnection, job_id: str) -> Job | None:
    row = (await connection.execute(select(job).where(job.c.id == job_id))).first()
    return None if row is None else _job(row)


async def _put(connection: AsyncConnection, changed: Job) -> None:
    await connection.execute(update(job).where(job.c.id == changed.job_id).values(**_row(changed)))


async def _count(connection: AsyncConnection, account: str, status: JobStatus) -> int:
    asked = select(func.count()).where(job.c.account == account, job.c.status == status)
    return int((await connection.execute(asked)).scalar_one())


async def _waiting(connection: AsyncConnection) -> list[str]:
    asked = select(job.c.account).where(job.c.status == "queued").distinct()
    return list((await connection.execute(asked)).scalars())


async def _by_account(connection: AsyncConnection) -> dict[str, int]:
    asked = select(job.c.account, func.count()).where(job.c.status == "running").group_by(job.c.account)
    return {row[0]: int(row[1]) for row in await connection.execute(asked)}


async def _serve(connection: AsyncConnection, account: str, now_ns: int) -> None:
    known = await connection.execute(update(job_turn).where(job_turn.c.account == account).values(served=now_ns))
    if known.rowcount == 0:
        await connection.execute(insert(job_turn).values(account=account, served=now_ns))


def _row(each: Job) -> dict[str, Any]:
    return {
        "id": each.job_id, "account": each.account, "operation": each.operation, "args_hash": each.args_hash,
        "args": dict(each.args), "at_once": each.at_once, "status": each.status, "progress": each.progress,
        "attempts": each.attempts, "owner": each.owner, "stop": each.stop, "result_ref": each.result_ref,
        "error": None if each.error is None else each.error[:1024], "created": each.created_ns,
        "changed": each.changed_ns, "heartbeat": each.heartbeat_ns, "expires": each.expires_ns,
    }  # fmt: skip


def _job(row: Row[Any]) -> Job:
    status = cast("JobStatus", row.status)
    return Job(
        job_id=row.id, account=row.account, operation=row.operation, args_hash=row.args_hash, args=row.args,
        at_once=row.at_once, created_ns=row.created, changed_ns=row.changed, expires_ns=row.expires, status=status,
        progress=row.progress, attempts=row.attempts, owner=row.owner, heartbeat_ns=row.heartbeat, stop=row.stop,
        result_ref=row.result_ref, error=row.error,
    )  # fmt: skip
