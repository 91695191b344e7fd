"""Centers (中枢): the price range that consecutive strokes share. Rule 2.5, and its `free` variant of 2.8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chanflow.features.reference.bar import Direction, opposite
from chanflow.features.reference.element import Element, Span
from chanflow.features.reference.inclusion import Range
from chanflow.features.reference.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Center:
    """A center: strokes `start` to `end`, its range, and the range of the strokes it was made of (its peaks)."""

    start: int
    end: int
    low: float
    high: float
    peak_low: float
    peak_high: float

    @property
    def entry(self) -> int:
        """The stroke that leads into it."""
        return self.start - 1

    @property
    def exit(self) -> int:
        """The stroke that leads out of it, which may not exist yet."""
        return self.end + 1

    @property
    def multi(self) -> bool:
        """Whether it has more than one stroke."""
        return self.end > self.start

    @property
    def grade(self) -> int:
        """1, from nine strokes on 2, from 27 on 3 (扩展)."""
        count = self.end - self.start + 1
        return 1 if count < 9 else 2 if count < 27 else 3


def segment_of(elements: Sequence[Element], spans: Sequence[Span]) -> list[int]:
    """Return for each stroke the index of its segment; after the last one, the number of segments (rule 2.7.7)."""
    found = [index for index, span in enumerate(spans) for _ in range(span.count)]
    return found + [len(spans)] * (len(elements) - len(found))


def centers(elements: Sequence[Element], spans: Sequence[Span], params: Parameters) -> list[Center]:
    """Return the centers of a level by `zs_algo`, except those of `czsc`, which has a module of its own."""
    if params.zs_algo == "free":
        return _free(elements, params)
    if not spans:
        return []
    maker = _Maker(elements, spans, params)
    match params.zs_algo:
        case "over_seg":
            maker.read_over_segments(0)
        case "auto":
            _read_until_uncertain(maker, spans)
        case _:
            for span in spans:
                maker.read_segment(span.start, span.end, span.direction)
            maker.read_segment(spans[-1].end + 1, len(elements) - 1, opposite(spans[-1].direction))
    return maker.found


def _read_until_uncertain(maker: _Maker, spans: Sequence[Span]) -> None:
    """Rule 2.5 `auto`: segment by segment while they can be trusted, the rest across segments."""
    met, exists = False, any(span.confirmed for span in spans)
    for span in spans:
        met = met or span.confirmed
        if not span.confirmed and (met or not exists):
            maker.read_over_segments(span.start)
            return
        maker.read_segment(span.start, span.end, span.direction)


def overlaps(a: Range | Element | Center, b: Range | Element | Center, *, touch: bool) -> bool:
    """Whether two ranges share more than a price, or with `touch` at least one."""
    return _is_shared(Range(min(a.high, b.high), max(a.low, b.low)), touch=touch)


def _is_shared(common_part: Range, *, touch: bool) -> bool:
    return common_part.high >= common_part.low if touch else common_part.high > common_part.low


def common(strokes: Sequence[Element]) -> Range:
    """Return the range all strokes share; its low lies above its high if there is none."""
    return Range(min(each.high for each in strokes), max(each.low for each in strokes))


def center_over(strokes: Sequence[Element]) -> Center:
    """Return the center that some strokes make."""
    shared = common(strokes)
    return Center(
        start=strokes[0].index,
        end=strokes[-1].index,
        low=shared.low,
        high=shared.high,
        peak_low=min(each.low for each in strokes),
        peak_high=max(each.high for each in strokes),
    )


class _Maker:
    """The centers found so far, and the strokes that may open the next one."""

    def __init__(self, elements: Sequence[Element], spans: Sequence[Span], params: Parameters) -> None:
        self.elements = elements
        self.params = params
        self.segment = segment_of(elements, spans)
        self.directions = [*(span.direction for span in spans), opposite(spans[-1].direction)]
        self.found: list[Center] = []
        self.waiting: list[Element] = []

    def read_segment(self, start: int, end: int, direction: Direction) -> None:
        """Read the strokes of one segment that run against it (rules 2.5.1 and 2.5.2)."""
        self.waiting = []
        fed = [stroke for stroke in self.elements[start : end + 1] if stroke.direction != direction]
        for at, stroke in enumerate(fed):
            # The first one would extend a center of the segment before.
            if at > 0 and not self.waiting and self.found and self._touches(self.found[-1], stroke):
                self._extend(stroke)
                self._combine()
            else:
                self.waiting.append(stroke)
                self._open(1 if self.params.one_bi_zs else 2)

    def read_over_segments(self, start: int) -> None:
        """Read all strokes from one on, whatever their segments (rule 2.5 `over_seg`)."""
        self.waiting = []
        for stroke in self.elements[start:]:
            if self.found and not self.waiting:
                if stroke.index + 1 == len(self.elements):
                    continue
                center = self.found[-1]
                if stroke.index - center.end <= 1 and self._touches(center, stroke):
                    if self._touches(center, self.elements[stroke.index + 1]):
                        self._extend(stroke)
                    continue
            self.waiting.append(stroke)
            first = self.waiting[-3:][0]
            if first.direction != self.directions[self.segment[first.index]]:
                self._open(3)

    def _touches(self, a: Center | Element, b: Center | Element) -> bool:
        return overlaps(a, b, touch=self.params.touch_overlaps)

    def _extend(self, stroke: Element) -> None:
        """Move the end of the last center to a stroke; only a center of one stroke gets a narrower range (2.5.4)."""
        center = self.found[-1]
        shared = center if center.multi else common([self.elements[center.start], stroke])
        self.found[-1] = replace(
            center,
            end=stroke.index,
            low=shared.low,
            high=shared.high,
            peak_low=min(center.peak_low, stroke.low),
            peak_high=max(center.peak_high, stroke.high),
        )

    def _open(self, count: int) -> None:
        """Make a center of the last strokes that wait, if they share a range and are not the very first.

        Rule 2.5.4 is one of `normal`: across segments a center is made of three strokes whatever `one_bi_zs` says.
        """
        if len(self.waiting) < count:
            return
        # With centers of one stroke, stroke 0, which cannot be one, stays in the way of all others of its segment.
        strokes = self.waiting if count == 1 else self.waiting[-count:]
        shared = common(strokes)
        if strokes[0].index > 0 and _is_shared(shared, touch=self.params.touch_overlaps):
            self.found.append(center_over(strokes))
            self.waiting = []
            self._combine()

    def _combine(self) -> None:
        """Join the last two centers while they belong together (rule 2.5.3)."""
        while self.params.zs_combine and len(self.found) > 1 and self._belong_together(*self.found[-2:]):
            older, newer = self.found[-2:]
            self.found[-2:] = [
                Center(
                    start=older.start,
                    end=newer.end,
                    low=min(older.low, newer.low),
                    high=max(older.high, newer.high),
                    peak_low=min(older.peak_low, newer.peak_low),
                    peak_high=max(older.peak_high, newer.peak_high),
                )
            ]

    def _belong_together(self, older: Center, newer: Center) -> bool:
        if not newer.multi or self.segment[older.start] != self.segment[newer.start]:
            return False
        if self.params.zs_combine_mode == "zs":
            return overlaps(older, newer, touch=True)
        return overlaps(_peaks(older), _peaks(newer), touch=self.params.touch_overlaps)


def _peaks(center: Center) -> Range:
    return Range(center.peak_high, center.peak_low)


def _free(elements: Sequence[Element], params: Parameters) -> list[Center]:
    """Return the centers of `free`: three strokes that share a range, and all that go on to (rule 2.8).

    The last stroke that still overlaps leaves the center: it is the exit, once the one after it is outside.
    """
    found: list[Center] = []
    touch = params.touch_overlaps
    at = 1
    while at + 2 < len(elements):
        shared = common(elements[at : at + 3])
        if not _is_shared(shared, touch=touch):
            at += 1
            continue
        last = at + 2
        while last + 1 < len(elements) and overlaps(shared, elements[last + 1], touch=touch):
            last += 1
        end = last if last + 1 == len(elements) else last - 1
        whole = center_over(elements[at : end + 1])
        found.append(replace(whole, low=shared.low, high=shared.high))
        at = last + 1
    return found
