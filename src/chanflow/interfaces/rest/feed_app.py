"""The data feed alone over HTTP: `GET /get_live_snapshot` and `GET /get_historical_slice`, as JSON or Arrow IPC.

Arrow (`Accept: application/vnd.apache.arrow.stream`) without a `limit` streams the whole slice; with one it is a page,
whose cursor and gaps are in the headers `X-Next-Cursor` and `X-Gaps`.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import anyio.to_thread
import polars as pl
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from chanflow.domain.errors import ChanflowError, InvalidArgument, NotFound
from chanflow.domain.time import NS_PER_MS, Clock, Ids
from chanflow.interfaces.rest.answer import json_response, plain_json
from chanflow.interfaces.rest.frontage import LOOPBACK_NAMES
from chanflow.interfaces.rest.guard import MAX_BODY_BYTES, Guard
from chanflow.market.feed import Feed, Page
from chanflow.operations.feed import (
    GET_HISTORICAL_SLICE,
    GET_LIVE_SNAPSHOT,
    GetHistoricalSlice,
    GetLiveSnapshot,
    LiveSnapshot,
    slice_page,
    slice_query,
    snapshot_row,
)
from chanflow.operations.fields import time_of_ms
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Failed, failure, failure_of
from chanflow.operations.refusal import invalid_arguments
from chanflow.operations.text_arguments import arguments_from_text

ARROW = "application/vnd.apache.arrow.stream"
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def build_feed_app(feed: Feed, clock: Clock, ids: Ids, *, allowed_hosts: frozenset[str] = LOOPBACK_NAMES) -> FastAPI:
    """Return the HTTP application of a feed; it answers to the names in `allowed_hosts`, on any port."""
    app = FastAPI(title="chanflow feed", openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(
        Guard, allowed_hosts=allowed_hosts, max_body_bytes=MAX_BODY_BYTES, new_request_id=lambda: str(ids.uuid7())
    )
    app.add_exception_handler(HTTPException, _missing)

    async def snapshot(request: Request) -> Response:
        args = _arguments(GET_LIVE_SNAPSHOT, request)
        if isinstance(args, Failed):
            return json_response(args)
        assert isinstance(args, GetLiveSnapshot)
        found = await anyio.to_thread.run_sync(feed.live_snapshot, args.symbols)
        answer = LiveSnapshot(
            rows=[snapshot_row(each) for each in found], known_at=time_of_ms(clock.now_ns() // NS_PER_MS)
        )
        if _wants_arrow(request):
            rows = [_flat(row) for row in answer.model_dump()["rows"]]
            return Response(_ipc(pl.DataFrame(rows, infer_schema_length=None)), media_type=ARROW)
        return plain_json(answer.model_dump(mode="json"))

    async def historical(request: Request) -> Response:
        args = _arguments(GET_HISTORICAL_SLICE, request)
        if isinstance(args, Failed):
            return json_response(args)
        assert isinstance(args, GetHistoricalSlice)
        query = slice_query(args)
        if _wants_arrow(request) and args.limit is None:
            pages = feed.pages(query, cursor=args.cursor)
            # The first page is read before the answer begins, so that a fault is still a status.
            first = await anyio.to_thread.run_sync(partial(next, pages))
            return StreamingResponse(_stream(first, pages), media_type=ARROW)
        page = await anyio.to_thread.run_sync(
            partial(feed.historical_slice, query, limit=args.limit, cursor=args.cursor)
        )
        if _wants_arrow(request):
            headers = {"X-Next-Cursor": page.next_cursor or "", "X-Gaps": json.dumps([_gap(gap) for gap in page.gaps])}
            return Response(_ipc(page.rows), media_type=ARROW, headers=headers)
        answer = await anyio.to_thread.run_sync(partial(slice_page, page, known_ms=clock.now_ns() // NS_PER_MS))
        return plain_json(answer.model_dump(mode="json"))

    async def alive(_: Request) -> Response:
        return plain_json({"status": "ok"})

    app.add_route("/get_live_snapshot", _told(snapshot), methods=["GET"])
    app.add_route("/get_historical_slice", _told(historical), methods=["GET"])
    app.add_route("/healthz", alive, methods=["GET"])
    return app


def ipc_stream(pages: Iterator[pl.DataFrame]) -> Iterator[bytes]:
    """Yield one Arrow IPC stream of frames of one schema: the first frame's schema, every frame's batches, the end."""
    for at, frame in enumerate(pages):
        data = _ipc(frame)
        # A message is a marker, the length of its head, and the head; a schema has no body.
        head = 0 if at == 0 else 8 + struct.unpack_from("<i", data, 4)[0]
        yield data[head : -len(_END)]
    yield _END


def _stream(first: Page, pages: Iterator[Page]) -> Iterator[bytes]:
    def frames() -> Iterator[pl.DataFrame]:
        yield first.rows
        for page in pages:
            yield page.rows

    return ipc_stream(frames())


def _ipc(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    # Plain layouts, which every Arrow reader knows.
    frame.rechunk().write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def _arguments(operation: AnyOperation, request: Request) -> Any:
    raw = arguments_from_text(operation, request.query_params.multi_items())
    try:
        return operation.input.model_validate(raw)
    except ValidationError as fault:
        return invalid_arguments(fault, operation.input, request.state.request_id)


def _told(ask: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return `ask` with faults shown in the one error body."""

    async def asked(request: Request) -> Response:
        request_id: str = request.state.request_id
        try:
            return await ask(request)
        except InvalidArgument as fault:
            return json_response(failure("invalid_argument", request_id, field=fault.field))
        except NotFound:
            return json_response(failure("not_found", request_id, "there is no such data", field="symbols"))
        except ChanflowError as fault:
            return json_response(failure_of(fault, request_id))

    return asked


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        nested = name in ("quote", "trade", "mark", "book")
        if not nested:
            flat[name] = value
        elif value is not None:
            flat |= {f"{name}_{inner}": found for inner, found in value.items()}
    return flat


def _gap(gap: Any) -> list[Any]:
    return [gap.symbol, gap.from_ms, gap.to_ms, gap.from_u, gap.to_u]


def _wants_arrow(request: Request) -> bool:
    return ARROW in request.headers.get("accept", "")


async def _missing(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    response = json_response(failure("not_found", request.state.request_id, "there is nothing at this path"))
    response.status_code = fault.status_code
    return response
