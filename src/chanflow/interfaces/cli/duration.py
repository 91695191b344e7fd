"""Spans of time as people write them."""

from __future__ import annotations

import re

from chanflow.domain.errors import InvalidArgument

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


def duration_ms(text: str, *, field: str, least_ms: int = 1, most_ms: int = 86_400_000) -> int:
    """Return the ms of a text such as 100ms, 1s, 5m or 1h. Raises InvalidArgument for others and beyond the bounds."""
    match = re.fullmatch(r"([0-9]{1,8})(ms|s|m|h)", text)
    if match is None:
        raise InvalidArgument(f"--{field} is {text[:40]!r}: write a time such as 100ms, 1s, 5m or 1h", field=field)
    ms = int(match[1]) * _UNITS_MS[match[2]]
    if not least_ms <= ms <= most_ms:
        raise InvalidArgument(f"--{field} is {text[:40]}: it can be {least_ms} ms to {most_ms} ms", field=field)
    return ms
