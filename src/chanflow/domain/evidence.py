"""The ids by which evidence is cited, one spelling for briefings, tools, proposals and review.

```
stroke#203  segment#31  center#14  center-seg#2      a structure of the level in question, confirmed
stroke#204r3                                         the same, provisional: it carries its revision
stroke@5m#90  center@1d#4r2                          of another level
point:buy2@30m#88  point:buy2@30m#88r7               a buying or selling point, confirmed and provisional
div:macd#7  cvd_div@2026-11-20T12:35:00Z             a divergence
ofi_z@…  flow@…  funding@…  kline:30m@…              a reading, by its moment
trend:30m  position#3  lesson#51  case#…  news:ab12  and the rest by name
BTCUSDT/kline:30m@…                                  of another symbol than the one in question
```
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

from chanflow.domain.time import NS_PER_S, rfc3339

LONGEST_REF = 120

REVISED = ("fractal", "stroke", "segment", "center", "point", "div")
"""The kinds that have a revision while they are provisional."""

REF_PATTERN = r"[A-Za-z][A-Za-z0-9_:.@#/+-]{0,119}"
"""The form of an id, up to the longest."""

_REF = re.compile(REF_PATTERN)
_REVISION = re.compile(r"(?<=[0-9Z])r[0-9]+\Z")
_KIND = re.compile(r"(?:[A-Za-z0-9:._-]+/)?([a-z_]+)")


def structure_ref(
    kind: Literal["stroke", "segment", "center", "center-seg"],
    number: int,
    *,
    level: str | None = None,
    revision: int | None = None,
) -> str:
    """Return the id of a structure; `level` only where it is not the one in question, `revision` while provisional."""
    return f"{kind}{f'@{level}' if level else ''}#{number}{'' if revision is None else f'r{revision}'}"


def point_ref(name: str, level: str, number: int, *, revision: int | None = None) -> str:
    """Return the id of a point called `name` (side and type, as buy2s); `revision` while it is provisional."""
    return f"point:{name}@{level}#{number}{'' if revision is None else f'r{revision}'}"


def moment_ref(kind: str, at_ns: int) -> str:
    """Return the id of a reading of `kind` (ofi_z, cvd_div, flow, funding, kline:30m) at a Unix time in ns."""
    return f"{kind}@{short_time(at_ns)}"


def short_time(at_ns: int) -> str:
    """Return a Unix time in ns as RFC 3339 UTC without decimals that say nothing."""
    if at_ns % NS_PER_S:
        return rfc3339(at_ns).removesuffix("Z").rstrip("0") + "Z"
    return f"{datetime.fromtimestamp(at_ns // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%S}Z"


def is_ref(text: str) -> bool:
    """Return whether `text` has the form of an id."""
    return _REF.fullmatch(text) is not None


def is_provisional(ref: str) -> bool:
    """Return whether an id says that what it names may still change."""
    return kind_of(ref) in REVISED and _REVISION.search(ref) is not None


def without_revision(ref: str) -> str:
    """Return the id that the same thing has, or would have, once it is confirmed."""
    return _REVISION.sub("", ref) if kind_of(ref) in REVISED else ref


def kind_of(ref: str) -> str:
    """Return the word an id begins with (stroke, point, cvd_div), empty for what is none."""
    match = _KIND.match(ref)
    return match[1] if match else ""
