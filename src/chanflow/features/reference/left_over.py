"""Where segments provisionally end after the last fractal of a feature sequence. Rules 2.4.10 and 2.4.11."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chanflow.features.reference.bar import Direction, opposite
from chanflow.features.reference.element import Element, Span


def with_left_over(elements: Sequence[Element], spans: Sequence[Span], method: str) -> list[Span]:
    """Return the segments with those that the strokes after the last one provisionally make.

    If more than two strokes still remain after a provisional last segment, it is dropped and all is done again from the
    one before. What was dropped may come back; it is not dropped twice.
    """
    found = _collected(elements, spans, method)
    kept = len(elements)
    while found and not found[-1].confirmed and len(elements) - 1 - found[-1].end > 2 and len(found) - 1 < kept:
        kept = len(found) - 1
        found = _collected(elements, found[:-1], method)
    return found


def extreme(elements: Sequence[Element], indices: Iterable[int], direction: Direction) -> Element | None:
    """Return the stroke of a direction that ends most extremely, or None (rule 2.4.11).

    Of equals the later in the scan wins. A stroke is skipped if the one two before it, in the market, ends strictly
    more extremely.
    """
    sign = 1 if direction == "up" else -1
    found: Element | None = None
    for at in indices:
        stroke = elements[at]
        if stroke.direction != direction or (found is not None and sign * (stroke.end_price - found.end_price) < 0):
            continue
        if at < 2 or sign * (elements[at - 2].end_price - stroke.end_price) <= 0:
            found = stroke
    return found


def _collected(elements: Sequence[Element], spans: Sequence[Span], method: str) -> list[Span]:
    if not elements:
        return []
    if not spans:
        return _without_any(elements, method)
    found = list(spans)
    while len(elements) - 1 - found[-1].end >= 3:
        last = elements[found[-1].end]
        sign = 1 if last.direction == "up" else -1
        if sign * (elements[-1].end_price - last.end_price) < 0:
            return _to_the_end(elements, _by_peaks(elements, found) if method == "peak" else found)
        if (peak := _peak_after(elements, last)) is None:
            break
        found.append(_next(elements, found, peak.index))
    return found


def _without_any(elements: Sequence[Element], method: str) -> list[Span]:
    """Return the segments of strokes among which no fractal was found."""
    if len(elements) < 3:
        return []
    begin = elements[0].begin_price
    if method == "all":
        direction: Direction = "up" if elements[-1].end_price >= begin else "down"
        return [Span(0, len(elements) - 1, direction, confirmed=False)]
    high, low = max(each.high for each in elements), min(each.low for each in elements)
    peak = extreme(elements, range(len(elements)), "up" if abs(high - begin) >= abs(low - begin) else "down")
    return [] if peak is None else _to_the_end(elements, [Span(0, peak.index, peak.direction, confirmed=False)])


def _by_peaks(elements: Sequence[Element], spans: Sequence[Span]) -> list[Span]:
    """Return the segments with one to the opposite extreme, one from there to the next, and so on."""
    found = list(spans)
    while (peak := _peak_after(elements, elements[found[-1].end])) is not None:
        found.append(_next(elements, found, peak.index))
    return found


def _to_the_end(elements: Sequence[Element], spans: Sequence[Span]) -> list[Span]:
    """Return the segments with one over all strokes that remain, up to the last one that runs the other way."""
    end = spans[-1].end
    if end + 1 >= len(elements):
        return list(spans)
    back = 1 if elements[-1].direction == elements[end].direction else 0
    return [*spans, _next(elements, spans, len(elements) - 1 - back)]


def _peak_after(elements: Sequence[Element], last: Element) -> Element | None:
    return extreme(elements, range(last.index + 3, len(elements)), opposite(last.direction))


def _next(elements: Sequence[Element], spans: Sequence[Span], end: int) -> Span:
    return Span(spans[-1].end + 1, end, elements[end].direction, confirmed=False)
