"""Rows of a job as a Parquet file, for those who ask with `Accept: application/vnd.apache.parquet`."""

from __future__ import annotations

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from chanflow.interfaces.rest.answer import json_response, usage_headers
from chanflow.operations.job_calls import GET_JOB_RESULT, JobRows
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Done, Outcome, failure
from chanflow.operations.principal import caller
from chanflow.operations.services import Services

PARQUET = "application/vnd.apache.parquet"


def wants_parquet(operation: AnyOperation, request: Request) -> bool:
    """Return whether a request asks for the rows of a job as a file."""
    accepted = (part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(","))
    return operation.name == GET_JOB_RESULT.name and PARQUET in accepted


async def parquet_response(services: Services, outcome: Outcome, request: Request) -> Response:
    """Return the whole table that a call of `get_job_result` showed a page of, or why there is none."""
    if not isinstance(outcome, Done) or not isinstance(outcome.result, JobRows):
        return json_response(outcome)
    shown = outcome.result

    def read() -> bytes | None:
        job = services.jobs.find(caller.get().account, shown.job_id)
        return None if job is None else services.jobs.parquet(job, shown.part)

    data = await anyio.to_thread.run_sync(read)
    if data is None:
        return json_response(failure("not_found", request.state.request_id, "the rows are no longer kept"))
    named = {"Content-Disposition": f'attachment; filename="{shown.job_id}.{shown.part}.parquet"'}
    return Response(data, media_type=PARQUET, headers={**usage_headers(outcome), **named})
