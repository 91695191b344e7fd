"""The words of the socket: JSON-RPC objects in and out, with the one error body in `data`."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chanflow.operations.alert_cursor import LogCursor
from chanflow.operations.alerts import AlertId
from chanflow.operations.fields import Level, Symbol
from chanflow.operations.outcome import ErrorBody, Failed, body_of
from chanflow.operations.points import PointType

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
CURSOR_EXPIRED = -32014
_CODES = {
    "unauthenticated": -32010, "rate_limited": -32011, "quota_exceeded": -32012, "insufficient_scope": -32013,
    "plan_required": -32013, "consent_required": -32013, "invalid_argument": INVALID_PARAMS,
    "not_found": INVALID_PARAMS,
}  # fmt: skip

SubscriptionId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Given(BaseModel):
    """Base of all parameters: unknown ones are refused, and text is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PointFilter(Given):
    """Which points."""

    symbol: Symbol | None = None
    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=50)] | None = None
    level: Level = "30m"
    type: Annotated[list[PointType], Field(max_length=6)] = Field(default=[])
    state: Literal["confirmed", "provisional", "void", "any"] = "any"
    alert_id: AlertId | None = None


class Subscribe(Given):
    """What to be told, and after which cursor."""

    channel: Literal["buy_sell_points", "alerts"]
    filter: PointFilter = PointFilter()
    after: LogCursor | None = None


class Unsubscribe(Given):
    """Which subscription to end."""

    subscription_id: SubscriptionId


class Call(Given):
    """One operation."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    arguments: dict[str, Any] = Field(default={})


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


def _error(call_id: Any, code: int, message: str, data: Any) -> str:
    return _ascii({"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": message, "data": data}})


def _ascii(body: Any) -> str:
    """Return a body as ASCII, so that its characters are its bytes."""
    return json.dumps(body, allow_nan=False, separators=(",", ":"))
