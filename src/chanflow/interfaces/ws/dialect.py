"""The words of the socket: JSON-RPC objects in and out, with the one error body in `data`."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chanflow.domain.json_depth import json_depth_exceeds
from chanflow.interfaces.rest.guard import MAX_JSON_DEPTH
from chanflow.interfaces.ws.channels import Channel
from chanflow.operations.alerts import AlertId
from chanflow.operations.fields import Level, Symbol
from chanflow.operations.outcome import ErrorBody, Failed, body_of
from chanflow.operations.points import PointType

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
CURSOR_EXPIRED = -32014
_ADMISSION = {
    "unauthenticated": -32010, "ip_not_allowed": -32010, "rate_limited": -32011, "quota_exceeded": -32012,
    "insufficient_scope": -32013, "plan_required": -32013, "consent_required": -32013,
}  # fmt: skip
_CODES = {**_ADMISSION, "invalid_argument": INVALID_PARAMS, "not_found": INVALID_PARAMS}

MAX_LOGIN = 10_000
"""So many characters a first message may have that says who calls."""

SubscriptionId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Given(BaseModel):
    """Base of all parameters: unknown ones are refused, and text is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ChannelFilter(Given):
    """Which events of a channel; each channel takes its own part of these."""

    symbol: Symbol | None = None
    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=50)] | None = None
    level: Level = "30m"
    type: Annotated[list[PointType], Field(max_length=6)] = Field(default=[])
    state: Literal["confirmed", "provisional", "void", "any"] = "any"
    alert_id: AlertId | None = None
    job_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None


class Subscribe(Given):
    """What to be told, and after which cursor."""

    channel: Channel
    filter: ChannelFilter = ChannelFilter()
    after: Annotated[str, StringConstraints(pattern=r"^[ej][0-9]{16}$")] | None = None


class Authenticate(Given):
    """What a header Authorization would show."""

    token: Annotated[str, Field(min_length=1, max_length=8_192, repr=False)]


class Unsubscribe(Given):
    """Which subscription to end."""

    subscription_id: SubscriptionId


class Call(Given):
    """One operation."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    arguments: dict[str, Any] = Field(default={})


def call_of(text: str) -> dict[str, Any] | None:
    """Return the JSON object of a frame; None for anything else, and for one that nests too deep."""
    if json_depth_exceeds(text.encode(), MAX_JSON_DEPTH):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_admission(code: str) -> bool:
    """Return whether a failure is one of being let in: of those a call has an error, of others a result."""
    return code in _ADMISSION


def result(call_id: Any, body: Any) -> str:
    """Return the answer to a call."""
    return _ascii({"jsonrpc": "2.0", "id": call_id, "result": body})


def notification(method: str, params: Any) -> str:
    """Return what is said without being asked."""
    return _ascii({"jsonrpc": "2.0", "method": method, "params": params})


def refused(call_id: Any, failed: Failed) -> str:
    """Return the error of a call that failed as an operation does."""
    return _error(call_id, _CODES.get(failed.error.code, INTERNAL), failed.error.message, body_of(failed))


def fault(call_id: Any, code: int, message: str, request_id: str, *, field: str | None = None) -> str:
    """Return the error of a call that is none, or of a cursor that is too old."""
    name = {CURSOR_EXPIRED: "cursor_expired"}.get(code, "invalid_argument")
    body = ErrorBody.model_construct(
        code=name, message=message, retryable=False, retry_after_ms=None, field=field,
        suggestion="read /api/v2/alerts and subscribe without after" if code == CURSOR_EXPIRED else None,
        request_id=request_id,
    )  # fmt: skip
    return _error(call_id, code, message, body.model_dump(mode="json"))


def misused(call_id: Any, wrong: ValidationError, request_id: str) -> str:
    """Return the error of parameters that are not those of the method; repeats none of their values."""
    first = wrong.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part)[:32] for part in first["loc"])
    words = f"{field or 'params'}: {first['msg'].lower()}"
    return fault(call_id, INVALID_PARAMS, words, request_id, field=field or None)


def _error(call_id: Any, code: int, message: str, data: Any) -> str:
    return _ascii({"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": message, "data": data}})


def _ascii(body: Any) -> str:
    """Return a body as ASCII, so that its characters are its bytes."""
    return json.dumps(body, allow_nan=False, separators=(",", ":"))
