"""How an operation ends: done with a result, or failed with the one error body that all doors show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from chanflow.access.rate_limit import Pace
from chanflow.domain.errors import ChanflowError, Rejected


class CodeRow(NamedTuple):
    """What an error code means: its HTTP status, whether the same call may be repeated, and a sentence."""

    status: int
    retryable: bool
    sentence: str


CODES: Mapping[str, CodeRow] = {
    "invalid_argument": CodeRow(422, False, "an argument is outside its bounds"),
    "unauthenticated": CodeRow(401, False, "nobody is logged in"),
    "second_factor_required": CodeRow(401, False, "a code of the authenticator is needed: send it as code"),
    "proof_required": CodeRow(403, False, "the password or the code is not the right one"),
    "csrf_required": CodeRow(403, False, "a write by cookie needs an Origin of ours and the session's X-CSRF-Token"),
    "consent_required": CodeRow(403, False, "the notice is yet to be accepted"),
    "insufficient_scope": CodeRow(403, False, "the caller lacks the scope of this operation"),
    "plan_required": CodeRow(403, False, "the caller's plan does not have this operation"),
    "ip_not_allowed": CodeRow(403, False, "the key may not be used from this address"),
    "origin_not_allowed": CodeRow(403, False, "pages of this origin may not call the desk"),
    "not_found": CodeRow(404, False, "what was asked for does not exist"),
    "request_too_slow": CodeRow(408, True, "the request did not arrive in time"),
    "conflict": CodeRow(409, False, "the request conflicts with what is there"),
    "idempotency_conflict": CodeRow(409, False, "the key was used for another request"),
    "confirmation_stale": CodeRow(409, False, "what was confirmed holds no longer"),
    "confirmation_invalid": CodeRow(409, False, "the confirmation does not fit this request"),
    "payload_too_large": CodeRow(413, False, "the request is too large"),
    "host_not_allowed": CodeRow(421, False, "the desk does not answer to this host name"),
    "rate_limited": CodeRow(429, True, "too many requests"),
    "quota_exceeded": CodeRow(429, False, "the quota is spent"),
    "order_fate_unknown": CodeRow(202, False, "nobody knows yet whether the venue has the order; ask, never resend"),
    "data_stale": CodeRow(503, True, "the market data are stale"),
    "venue_busy": CodeRow(503, True, "the venue asked us to wait"),
    "venue_unreachable": CodeRow(503, True, "no connection to the venue could be had"),
    "model_busy": CodeRow(503, True, "the model asked us to wait"),
    "billing_busy": CodeRow(503, True, "the payment provider cannot be reached"),
    "limiter_down": CodeRow(503, True, "the rate limiter cannot be reached"),
    "timeout": CodeRow(504, True, "the operation took too long"),
    "journal_unwritable": CodeRow(503, False, "the journal cannot be written, so nothing may be sent"),
    "internal": CodeRow(500, False, "the desk failed; its log has the cause under this request_id"),
}
"""Every code a door may show."""


class ErrorBody(BaseModel):
    """The one error body. Nulls are present; rejected values are never repeated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    message: str
    retryable: bool
    retry_after_ms: int | None
    field: str | None
    suggestion: str | None
    request_id: str

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return CODES[self.code].status


class QuotaBody(ErrorBody):
    """The body of a call over quota. A limit of -1 is none; without `resets_at` the quota counts what exists now."""

    error: str
    tool: str
    quota: str
    used: int
    limit: int
    period: str
    upgrade_url: str
    resets_at: str | None


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """What is used of a quota in its period; a limit of -1 is none."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call was charged, what each of those quotas came to, and how the caller's bucket stands.

    Empty while nothing is metered.
    """

    charged: Mapping[str, int] = field(default_factory=dict)
    quotas: Mapping[str, QuotaUse] = field(default_factory=dict)
    pace: Pace | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The operation's answer."""

    result: BaseModel
    usage: Usage
    body: dict[str, Any] | None = None
    """The result as plain JSON data, where that is known already. Nobody changes it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The operation's error; with the scope that was lacking, where that is what failed."""

    error: ErrorBody
    scope: str | None = None


Outcome = Done | Failed


class Declined(Rejected):
    """An operation's own no, in words that are safe to show: they repeat nothing the caller sent."""

    def __init__(self, code: str, message: str, *, field: str | None = None, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.suggestion = suggestion

    def failed(self, request_id: str) -> Failed:
        """Return the failure that callers see."""
        return failure(self.code, request_id, str(self), field=self.field, suggestion=self.suggestion)


def failure(
    code: str, request_id: str, message: str | None = None, *, field: str | None = None, suggestion: str | None = None,
    retry_after_ms: int | None = None,
) -> Failed:  # fmt: skip
    """Return the failure of `code`; without `message` it carries the code's own sentence. Raises KeyError."""
    row = CODES[code]
    body = ErrorBody(
        code=code,
        message=message or row.sentence,
        retryable=row.retryable,
        retry_after_ms=retry_after_ms,
        field=field,
        suggestion=suggestion,
        request_id=request_id,
    )
    return Failed(body)


def failure_of(fault: ChanflowError, request_id: str) -> Failed:
    """Return the failure that `fault` shows to callers.

    Only a `Declined` speaks in its own words. Other messages are for the operator: they name values, so callers get
    the sentence of the code.
    """
    if isinstance(fault, Declined):
        return fault.failed(request_id)
    return failure(fault.code if fault.code in CODES else "internal", request_id)


def body_of(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome's body as plain JSON data."""
    if isinstance(outcome, Done) and outcome.body is not None:
        return outcome.body
    model = outcome.result if isinstance(outcome, Done) else outcome.error
    return model.model_dump(mode="json")


def compact_json(body: Any) -> str:
    """Return the one text of a body: fields in declared order, no spaces, UTF-8 kept. Raises ValueError for NaN."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
