"""How what the desk sends is read: an answer, or the exception of its error body."""

from __future__ import annotations

import json
from typing import Any

from chanflow.client.fault import AnswerInvalid, ChanflowClientError
from chanflow.client.faults import BY_CODE


def answer_in(status: int, content: bytes) -> Any:
    """Return the JSON of a response. Raises ChanflowClientError for any status but 200."""
    try:
        body = json.loads(content)
    except ValueError:
        raise AnswerInvalid(f"what came under status {status} is no JSON", status=status) from None
    if status != 200:
        raise fault_of(body, status)
    return body


def fault_of(body: Any, status: int | None = None) -> ChanflowClientError:
    """Return the exception of an error body, of the class of its code."""
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        under = "" if status is None else f" under status {status}"
        return AnswerInvalid(f"what came{under} is no error of a desk", status=status)
    return BY_CODE.get(body["code"], ChanflowClientError)(body, status=status)
