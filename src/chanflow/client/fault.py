"""What every refusal and failure has in common: the one error body of the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ChanflowClientError(Exception):
    """The desk refused or failed, or could not be asked. The fields are those of its error body.

    `status` is the HTTP status where there was one. `body` has all the desk said.
    """

    def __init__(self, body: Mapping[str, Any], *, status: int | None = None) -> None:
        self.body, self.status = body, status
        self.code = str(body.get("code", "internal"))
        self.message = str(body.get("message", ""))
        self.retryable = body.get("retryable") is True
        self.retry_after_ms: int | None = _whole(body.get("retry_after_ms"))
        self.field: str | None = _text(body.get("field"))
        self.suggestion: str | None = _text(body.get("suggestion"))
        self.request_id: str | None = _text(body.get("request_id"))
        super().__init__(f"{self.code}: {self.message}")


class Unreachable(ChanflowClientError):
    """No answer came. `sent` says whether the desk may have got the request all the same."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__({"code": "unreachable", "message": message, "retryable": not sent})
        self.sent = sent


class AnswerInvalid(ChanflowClientError):
    """What came is no answer of a desk: another program listens there, or something between changed it."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__({"code": "answer_invalid", "message": message}, status=status)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
