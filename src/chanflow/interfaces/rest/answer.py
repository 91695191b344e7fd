"""How the REST door shows an outcome."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from chanflow.operations.outcome import Done, Outcome, body_of, compact_json


def json_response(outcome: Outcome) -> Response:
    """Return the outcome's body under the status of its code."""
    status = 200 if isinstance(outcome, Done) else outcome.error.status
    return plain_json(body_of(outcome), status=status)


def plain_json(body: Any, *, status: int = 200) -> Response:
    """Return `body` as compact JSON."""
    return Response(compact_json(body), status_code=status, media_type="application/json")
