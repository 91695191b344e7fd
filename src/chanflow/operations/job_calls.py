"""The caller's jobs: how they stand, their rows page by page, and an end to those that are wanted no more."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, Literal

import anyio.to_thread
from pydantic import Field, FiniteFloat

from chanflow.domain.job import Job
from chanflow.operations.fields import Cursor, Limit200, Limit10000, time_of_ns
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.orders import NOT_A_TOOL
from chanflow.operations.outcome import Declined
from chanflow.operations.research import JobId
from chanflow.operations.trading import EVERY_PLAN

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
_PLACE = re.compile(r"([0-9]{1,20}):([0-9a-f-]{36})")


class ListJobs(Arguments):
    """Which of the caller's jobs."""

    status: Status | None = None
    limit: Limit200 = 50
    cursor: Annotated[str, Field(max_length=96)] | None = None


class OneJob(Arguments):
    """Which job."""

    job_id: JobId


class JobResult(Arguments):
    """Which rows of which job's result."""

    job_id: JobId
    part: Literal["trades", "by_symbol", "equity"] = "trades"
    limit: Limit10000 = 200
    cursor: Cursor | None = None


class JobRow(Answer):
    """How a job stands. `attempts` counts how often it was begun; it is forgotten at `expires`."""

    job_id: str
    operation: str
    status: Status
    progress: FiniteFloat
    attempts: int
    problem: str | None
    created: str
    changed: str
    expires: str
    resource: str


class JobsListed(Answer):
    """Jobs, newest first."""

    jobs: list[JobRow]
    next_cursor: str | None


class JobRows(Answer):
    """A page of a result's rows, `total` in all."""

    job_id: str
    part: str
    columns: list[str]
    rows: list[list[Any]]
    total: int
    next_cursor: str | None


def job_row(job: Job) -> JobRow:
    """Return a job as answers show it."""
    return JobRow(
        job_id=job.job_id, operation=job.operation, status=job.status, progress=job.progress, attempts=job.attempts,
        problem=job.error, created=time_of_ns(job.created_ns), changed=time_of_ns(job.changed_ns),
        expires=time_of_ns(job.expires_ns), resource=f"job://{job.job_id}",
    )  # fmt: skip


async def list_jobs(asked: Asked[ListJobs]) -> JobsListed:
    """Return the caller's jobs, newest first. Raises Declined for a cursor that is none."""
    args, jobs = asked.args, asked.services.jobs
    before = None if args.cursor is None else _place(args.cursor)

    def read() -> list[Job]:
        return jobs.page(asked.principal.account, status=args.status, limit=args.limit + 1, before=before)

    found = await anyio.to_thread.run_sync(read)
    page = found[: args.limit]
    more = len(found) > args.limit
    return JobsListed(jobs=[job_row(each) for each in page], next_cursor=_cursor(page[-1]) if more else None)


def _cursor(job: Job) -> str:
    return base64.urlsafe_b64encode(f"{job.created_ns}:{job.job_id}".encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[int, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    match = _PLACE.fullmatch(text)
    if match is None or int(match[1]) >= 1 << 63:
        raise _no_cursor()
    return int(match[1]), match[2]


def _no_cursor() -> Declined:
    suggestion = "pass next_cursor as it is"
    return Declined("invalid_argument", "cursor is none of ours", field="cursor", suggestion=suggestion)


async def get_job(asked: Asked[OneJob]) -> JobRow:
    """Return how a job of the caller's stands. Raises Declined where the caller has none of that id."""
    return job_row(await _own(asked.services.jobs.find, asked.principal.account, asked.args.job_id))


async def cancel_job(asked: Asked[OneJob]) -> JobRow:
    """Tell a job of the caller's to stop, and return how it stands; one that has ended stays as it is."""
    return job_row(await _own(asked.services.jobs.cancel, asked.principal.account, asked.args.job_id))


async def get_job_result(asked: Asked[JobResult]) -> JobRows:
    """Return rows of a result. Raises Declined where the job has none yet, or the caller has no such job."""
    args, jobs = asked.args, asked.services.jobs
    offset = 0 if args.cursor is None else _offset(args.cursor)
    job = await _own(jobs.find, asked.principal.account, args.job_id)
    page = await anyio.to_thread.run_sync(jobs.rows, job, args.part, offset, args.limit)
    if page is None:
        raise Declined("conflict", f"the job has no such rows: it is {job.status}", field="job_id")
    after = offset + len(page.rows)
    return JobRows(
        job_id=job.job_id, part=args.part, columns=list(page.columns), rows=page.rows, total=page.total,
        next_cursor=_rows_from(after) if page.rows and after < page.total else None,
    )  # fmt: skip


def _rows_from(offset: int) -> str:
    return base64.urlsafe_b64encode(f"row:{offset}".encode()).decode().rstrip("=")


def _offset(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    match = re.fullmatch(r"row:([0-9]{1,12})", text)
    if match is None:
        raise _no_cursor()
    return int(match[1])


async def _own(read: Any, account: str, job_id: str) -> Job:
    found: Job | None = await anyio.to_thread.run_sync(read, account, job_id)
    if found is None:
        raise Declined("not_found", "there is no job of that id", field="job_id")
    return found


def _standing(row: JobRow) -> Digest:
    return Digest(f"job {row.job_id}: {row.status}, {row.progress:.0%}", (), ())


LIST_JOBS = Operation(
    name="list_jobs",
    title="Jobs",
    doc_en="The caller's jobs (任务) of the last 7 days, newest first.",
    doc_zh="列出最近 7 天的任务，最新的在前。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=ListJobs,
    output=JobsListed,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/jobs",
    handler=list_jobs,
    digest=lambda found: Digest(
        f"{len(found.jobs)} jobs", ("job_id", "operation", "status", "progress"),
        tuple((row.job_id, row.operation, row.status, row.progress) for row in found.jobs[:5]), found.next_cursor,
    ),
    doors=NOT_A_TOOL,
)  # fmt: skip

GET_JOB = Operation(
    name="get_job",
    title="Job",
    doc_en="How one of the caller's jobs (任务) stands. Free.",
    doc_zh="查询一个任务的状态与进度；免费。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={},
    rate_class="read",
    input=OneJob,
    output=JobRow,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/jobs/{job_id}",
    handler=get_job,
    digest=_standing,
    doors=NOT_A_TOOL,
)

CANCEL_JOB = Operation(
    name="cancel_job",
    title="Cancel a job",
    doc_en="Stop one of the caller's jobs (任务) at its next step. Free.",
    doc_zh="取消一个任务，在下一步停止；免费。",
    scope="research:run",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=OneJob,
    output=JobRow,
    hints=Hints(read_only=False, idempotent=True),
    timeout_s=20,
    path="/jobs/{job_id}",
    verb="DELETE",
    handler=cancel_job,
    digest=_standing,
    doors=NOT_A_TOOL,
)

GET_JOB_RESULT = Operation(
    name="get_job_result",
    title="Rows of a job",
    doc_en="The rows of a job's result (任务结果): trades, sums by symbol, or equity. REST has Parquet.",
    doc_zh="任务结果的明细：每笔交易、各标的汇总或权益；REST 可取 Parquet。",
    scope="account:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="read",
    input=JobResult,
    output=JobRows,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/jobs/{job_id}/result",
    handler=get_job_result,
    digest=lambda found: Digest(
        f"{len(found.rows)} of {found.total} rows", tuple(found.columns),
        tuple(tuple(row) for row in found.rows[-5:]), found.next_cursor,
    ),
    doors=NOT_A_TOOL,
)  # fmt: skip

JOB_OPERATIONS = (LIST_JOBS, GET_JOB, CANCEL_JOB, GET_JOB_RESULT)
