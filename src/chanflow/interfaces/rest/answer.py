"""How the REST door shows an outcome."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from chanflow.operations.outcome import Done, Failed, Outcome, QuotaBody, Usage, body_of, compact_json


def json_response(outcome: Outcome) -> Response:
    """Return the outcome's body under the status of its code, with what was used in its headers."""
    if isinstance(outcome, Failed):
        return plain_json(body_of(outcome), status=outcome.error.status, headers=_refusal_headers(outcome))
    return plain_json(body_of(outcome), headers=usage_headers(outcome))


def plain_json(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return `body` as compact JSON."""
    return Response(compact_json(body), status_code=status, media_type="application/json", headers=headers)


def usage_headers(outcome: Done) -> dict[str, str]:
    """Return bucket and quotas as headers: `RateLimit-…` in requests and seconds, `X-Quota-…` as used/limit."""
    usage: Usage = outcome.usage
    headers = {f"X-Quota-{name}": f"{use.used}/{use.limit}" for name, use in usage.quotas.items()}
    if usage.pace is not None:
        headers["RateLimit-Limit"] = str(usage.pace.limit)
        headers["RateLimit-Remaining"] = str(usage.pace.remaining)
        headers["RateLimit-Reset"] = str(_seconds(usage.pace.full_after_ms))
    return headers


def _refusal_headers(failed: Failed) -> dict[str, str]:
    body, headers = failed.error, dict[str, str]()
    if body.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if body.code == "insufficient_scope":
        lacking = "" if failed.scope is None else f', scope="{failed.scope}"'
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope"{lacking}'
    if body.retry_after_ms is not None:
        headers["Retry-After"] = str(_seconds(body.retry_after_ms))
    if isinstance(body, QuotaBody):
        headers[f"X-Quota-{body.quota}"] = f"{body.used}/{body.limit}"
    return headers


def _seconds(ms: int) -> int:
    return -(-ms // 1000)
