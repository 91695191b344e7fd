"""One spelling for every value: canonical JSON and its hash."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID


def decimal_text(value: Decimal) -> str:
    """Return the one text of a finite decimal: no exponent, no trailing zeros. Raises ValueError otherwise."""
    if not value.is_finite():
        raise ValueError(f"{value} is no amount: NaN and infinities are refused")
    text = str(value)
    if "E" in text:
        text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def plain(value: Any) -> Any:
    """Return `value` as JSON knows it: decimals, UUIDs and enums as text, dataclasses as objects, tuples as lists.

    Raises ValueError for NaN and infinities, TypeError for anything that has no one spelling (sets, objects).
    """
    match value:
        case Enum():
            return plain(value.value)
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value} has no canonical form: NaN and infinities are refused")
            return value
        case Decimal():
            return decimal_text(value)
        case UUID():
            return str(value)
        case Mapping():
            return {str(k): plain(v) for k, v in value.items()}
        case tuple() | list():
            return [plain(v) for v in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical_json(value: Any) -> str:
    """Return the canonical JSON of `value`: keys sorted, no spaces, UTF-8 kept, numbers as `plain` leaves them."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: Any) -> str:
    """Return the hex SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
