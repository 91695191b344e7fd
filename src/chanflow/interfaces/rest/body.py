"""The body of a request, as JSON."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from chanflow.operations.outcome import Declined


async def json_object(request: Request) -> dict[str, Any]:
    """Return the JSON object of the body. Raises Declined for another media type, no JSON, or no object."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Declined("invalid_argument", "the body must be application/json", field="Content-Type")
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Declined("invalid_argument", "the body is no JSON", field="body") from None
    if not isinstance(body, dict):
        raise Declined("invalid_argument", "the body must be a JSON object", field="body")
    return body
