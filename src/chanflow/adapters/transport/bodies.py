"""Bodies of answers and frames: JSON read with care, and money kept exact."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

T = TypeVar("T")


def load(body: bytes) -> Any:
    """Return the value of a body of JSON. Raises ValueError for anything else."""
    try:
        return json.loads(body)
    except RecursionError as fault:
        raise ValueError("the body is nested too deeply") from fault


def checked(what: str, read: Callable[[], T]) -> T:
    """Return what `read` returns, with any complaint of a missing or odd field as one ValueError about `what`."""
    try:
        return read()
    except (KeyError, TypeError, AttributeError, IndexError, InvalidOperation) as fault:
        raise ValueError(f"{what} is not as documented: {type(fault).__name__} {str(fault)[:80]}") from fault


def money(text: Any) -> Decimal:
    """Return an exact number; blank is 0. Raises ValueError for a float, for NaN and for infinities."""
    if isinstance(text, float | bool):
        raise ValueError(f"money came as {text!r}, which is not exact")
    number = Decimal(str(text) or "0")
    if not number.is_finite():
        raise ValueError(f"money came as {text!r}")
    return number


def retry_after_s(headers: Mapping[str, str], *, otherwise_s: float) -> float:
    """Return how long an answer asks to wait, in s."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdigit() else otherwise_s
