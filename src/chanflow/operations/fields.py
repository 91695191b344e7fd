"""The words that arguments and answers share: symbols, levels, times, cursors, money."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from chanflow.domain.canonical import decimal_text
from chanflow.domain.time import parse_rfc3339, rfc3339
from chanflow.operations.outcome import Declined

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
_AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
_CURSOR = re.compile(r"(before|from):(-?[0-9]{1,15})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def whole(value: object) -> object:
    """Return a float without fraction as an int, as JSON Schema counts them; anything else unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def time_ns(value: object) -> object:
    """Return the Unix ns of an RFC 3339 text. Raises ValueError in words that do not repeat it."""
    sentence = "must be an RFC 3339 time with its zone, such as 2026-01-02T03:04:05Z"
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError(sentence)
    try:
        return parse_rfc3339(value)
    except (ValueError, OverflowError):
        raise ValueError(sentence) from None


def amount(value: object) -> object:
    """Return the decimal of a text such as 12.50. Raises ValueError in words that do not repeat it."""
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value) or not Decimal(value):
        raise ValueError("must be a positive decimal as text, such as 12.50, of at most 18 digits before the point")
    return Decimal(value)


Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._-]{1,32}$")]
Level = Literal["1s", "5s", "15s", "1m", "5m", "30m", "1h", "1d", "1w", "1M"]
Adjust = Literal["none", "forward", "backward"]
TimeNs = Annotated[int, BeforeValidator(time_ns), WithJsonSchema({"type": "string", "format": "date-time"})]
Limit200 = Annotated[int, Field(ge=1, le=200), BeforeValidator(whole)]
Limit10000 = Annotated[int, Field(ge=1, le=10_000), BeforeValidator(whole)]
Cursor = Annotated[str, StringConstraints(max_length=64)]
Money = Annotated[Decimal, PlainSerializer(decimal_text, return_type=str), WithJsonSchema({"type": "string"})]
"""An amount, price or quantity of the account, shown as an exact decimal string."""
Amount = Annotated[
    Decimal,
    BeforeValidator(amount),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9]{1,18})?$"}),
]
"""A positive amount or price that is asked for, as exact decimal text."""
ClientOrderId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,36}$")]


def time_of_ms(at_ms: int) -> str:
    """Return a Unix time in ms as RFC 3339 UTC with three decimals."""
    return f"{_EPOCH + timedelta(milliseconds=at_ms):%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def time_of_ns(at_ns: int) -> str:
    """Return a Unix time in ns as RFC 3339 UTC with nine decimals."""
    return rfc3339(at_ns)


def make_cursor(side: Literal["before", "from"], at_ms: int) -> str:
    """Return the opaque cursor of the rows before or from a moment."""
    return base64.urlsafe_b64encode(f"{side}:{at_ms}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[Literal["before", "from"], int]:
    """Return what `make_cursor` put in. Raises Declined for anything else."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise Declined(
            "invalid_argument", "cursor is none of ours", field="cursor", suggestion="pass next_cursor as it is"
        )
    return ("before" if match[1] == "before" else "from"), int(match[2])
