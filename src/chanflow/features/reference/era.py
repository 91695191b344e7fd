"""Eras: the bars between two resets, and what is left of one when it ends. Rules 2.10 and 3.4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from chanflow.domain.errors import InvalidArgument
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.element import Element, Span


@dataclass(frozen=True, slots=True)
class Reset:
    """Where a guard ended what could not go on, known after raw bar `bar`; `from_bar` is since when."""

    bar: int
    ts_ms: int
    reason: Literal["gap", "long_stroke"]
    from_bar: int
    from_ts_ms: int
    gap_ms: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def gaps(bars: Sequence[Bar], market_ms: Sequence[int] | None, limit_ms: int | None) -> list[Reset]:
    """Return where more time of the market than the limit passes from one bar's open to the next one's.

    Raises InvalidArgument, naming the bar, where the market's clock falls or does not have a time for each bar.
    """
    if limit_ms is None:
        return []
    clock = [bar.ts_ms for bar in bars] if market_ms is None else market_ms
    if len(clock) != len(bars):
        raise InvalidArgument(f"market_ms has {len(clock)} values and there are {len(bars)} bars")
    found = []
    for at in range(1, len(bars)):
        gap_ms = clock[at] - clock[at - 1]
        if gap_ms < 0:
            raise InvalidArgument(f"bar {at}: market_ms {clock[at]} must not be earlier than {clock[at - 1]}")
        if gap_ms > limit_ms:
            found.append(Reset(at, bars[at].ts_ms, "gap", at - 1, bars[at - 1].ts_ms, gap_ms))
    return found


def sealed_elements(elements: Sequence[Element]) -> list[Element]:
    """Return elements that no bar follows any more: they can never change."""
    return [replace(element, confirmed=True) for element in elements]


def sealed_spans(spans: Sequence[Span]) -> list[Span]:
    """Return the segments that stay: those up to the last confirmed one, which give it its number."""
    kept = max((at + 1 for at, span in enumerate(spans) if span.confirmed), default=0)
    return [replace(span, confirmed=True) for span in spans[:kept]]


_NUMBERED = {
    "strokes": {},
    "segments": {"start_stroke": "strokes", "end_stroke": "strokes"},
    "super_segments": {"start_segment": "segments", "end_segment": "segments"},
}
_OF_LEVEL = {"stroke": "strokes", "segment": "segments"}
_IN_CENTER = ("start_stroke", "end_stroke", "entry_stroke", "exit_stroke")


def joined(eras: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """Return the structures of eras as one, each given with its first bar: its numbers go on after those before."""
    lists: dict[str, list[Any]] = {
        name: [] for name in ("strokes", "segments", "super_segments", "centers", "points", "resets")
    }
    merged = 0
    for first_bar, era in eras:
        counts = {name: len(found) for name, found in lists.items()}
        for name, indices in _NUMBERED.items():
            for each in era[name]:
                moved = {key: each[key] + first_bar for key in ("start_bar", "end_bar")}
                lists[name].append(each | moved | {key: each[key] + counts[of] for key, of in indices.items()})
        for each in era["centers"]:
            base = counts[_OF_LEVEL[each["level"]]]
            lists["centers"].append(each | {k: each[k] + base for k in _IN_CENTER if each[k] is not None})
        for each in era["points"]:
            base = counts[_OF_LEVEL[each["level"]]]
            lists["points"].append(each | {"bar": each["bar"] + first_bar, "element": each["element"] + base})
        for each in era["resets"]:
            lists["resets"].append(each | {key: each[key] + first_bar for key in ("bar", "from_bar")})
        merged += era["merged"]
    for name in ("centers", "points"):
        lists[name].sort(key=lambda each: str(each["level"]), reverse=True)  # stroke before segment
    return {"merged": merged, **lists}
