"""Buy and sell points (买卖点): where a structure completes. Rule 2.7."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chanflow.features.reference.bar import Direction, opposite
from chanflow.features.reference.center import Center, common, overlaps, segment_of
from chanflow.features.reference.divergence import Force, diverges, quotient
from chanflow.features.reference.element import Element, Span
from chanflow.features.reference.inclusion import Range
from chanflow.features.reference.parameters import Level, Parameters, PointParameters


@dataclass(frozen=True, slots=True)
class Point:
    """All points that end at one element."""

    element: int
    types: tuple[str, ...]
    confirmed: tuple[str, ...] = ()
    """Those of them that will never change (rule 3.4), with centers inside their segments (`zs_algo=normal`)."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A segment's end, and the segment after it.

    With one segment only, it is the one after, and the end is that of an unseen one before stroke 0 (rule 2.7.7): then
    `ended` is None and `end` -1.
    """

    ended: Span | None
    end: int
    next_index: int
    rules: PointParameters


def points(
    level: Level,
    elements: Sequence[Element],
    spans: Sequence[Span],
    centers: Sequence[Center],
    force: Force,
    params: Parameters,
) -> list[Point]:
    """Return the points of a level, by element."""
    search = _Search(elements, spans, centers, force, {side: params.points[level, side] for side in ("up", "down")})
    for span in spans:
        search.first(span)
    for index, span in enumerate(spans):
        if {"2", "2s"} & set(search.rules[span.direction].bs_type):
            search.second(index, span)
    for index, span in enumerate(spans):
        if {"3a", "3b"} & set(search.rules[span.direction].bs_type):
            search.third(index, span)
    return [
        Point(at, tuple(found), tuple(kind for kind in found if (at, kind) in search.sure))
        for at, found in sorted(search.stored.items())
    ]


def is_beyond(direction: Direction, price: float, other: float) -> bool:
    """Whether a price is strictly more extreme than another on the side a stroke of this direction ends at."""
    return price > other if direction == "up" else price < other


def extreme_of(stroke: Element | Center, direction: Direction) -> float:
    """Return the high for up, the low for down."""
    return stroke.high if direction == "up" else stroke.low


def re_enters(stroke: Element, center: Center) -> bool:
    """Whether a pullback to a center gets into its range."""
    return stroke.low < center.high if stroke.direction == "down" else stroke.high > center.low


class _Search:
    """The points found so far: types by the element that carries them."""

    def __init__(
        self,
        elements: Sequence[Element],
        spans: Sequence[Span],
        centers: Sequence[Center],
        force: Force,
        rules: dict[Direction, PointParameters],
    ) -> None:
        self.elements = elements
        self.spans = spans
        self.force = force
        self.rules = rules
        self.segment = segment_of(elements, spans)
        self.centers: list[list[Center]] = [[] for _ in range(len(spans) + 1)]
        for center in centers:
            self.centers[self.segment[center.start]].append(center)
        self.stored: dict[int, list[str]] = {}
        self.sure: set[tuple[int, str]] = set()

    def store(self, at: int, kind: str, *, sure: bool) -> None:
        """Add a type to an element, if it is asked for or the element already carries a point (rule 2.7.8)."""
        if sure:
            self.sure.add((at, kind))
        if at in self.stored:
            if kind not in self.stored[at]:
                self.stored[at].append(kind)
        elif kind in self.rules[self.elements[at].direction].bs_type:
            self.stored[at] = [kind]

    def lies_in_confirmed(self, at: int) -> bool:
        """Whether an element lies in a confirmed segment."""
        return self.segment[at] < len(self.spans) and self.spans[self.segment[at]].confirmed

    def exists(self, at: int) -> bool:
        return at < len(self.elements)

    # --- 1 and 1p ---

    def first(self, span: Span) -> None:
        """Rules 2.7.1 and 2.7.2: the end of a segment, with less force than what led into its last center."""
        rules, centers = self.rules[span.direction], self.centers[self.segment[span.start]]
        count = sum(center.multi for center in centers) if rules.bsp1_only_multibi_zs else len(centers)
        enough = rules.min_zs_cnt <= 0 or count >= rules.min_zs_cnt
        last = centers[-1] if centers else None
        if last is not None and self._leads_out(last, span.end):
            if enough and self._is_first(last, span.end, rules):
                self.store(span.end, "1", sure=span.confirmed)
        elif enough and self._is_first_without_center(span, rules):
            self.store(span.end, "1p", sure=span.confirmed)

    def _leads_out(self, center: Center, end: int) -> bool:
        """Whether the segment ends with the way out of its last center, and not at once after the way in.

        The entry of a center that begins with element 0 (of `czsc`) counts as number -1. There is none to compare
        with, so such a center gives a point 1 only where the test of divergence is off, and keeps 1p away.
        """
        reaches = center.end >= end or (center.exit >= end and self.exists(center.exit))
        return center.multi and reaches and end - center.entry > 2

    def _is_first(self, center: Center, end: int, rules: PointParameters) -> bool:
        stroke = self.elements[end]
        if rules.bs1_peak and not self._exit_is_peak(center, end):
            return False
        if not is_beyond(stroke.direction, extreme_of(stroke, stroke.direction), extreme_of(center, stroke.direction)):
            return False
        if rules.divergence_rate > 100:
            return True
        return center.entry >= 0 and self._diverges(center.entry, end, rules)

    def _exit_is_peak(self, center: Center, end: int) -> bool:
        if not self.exists(center.exit):
            return False
        direction = self.elements[center.exit].direction
        reached = extreme_of(self.elements[center.exit], direction)
        inside = self.elements[center.start : min(center.end, end) + 1]
        return not any(is_beyond(direction, extreme_of(stroke, direction), reached) for stroke in inside)

    def _is_first_without_center(self, span: Span, rules: PointParameters) -> bool:
        if span.end - 2 < span.start:
            return False
        stroke, before = self.elements[span.end], self.elements[span.end - 2]
        side = stroke.direction
        if side != span.direction or is_beyond(side, extreme_of(before, side), extreme_of(stroke, side)):
            return False
        return self._diverges(before.index, span.end, rules)

    def _diverges(self, entry: int, end: int, rules: PointParameters) -> bool:
        force, metric = self.force, rules.macd_algo
        return diverges(
            force.of(self.elements[entry], metric, exits=False),
            force.of(self.elements[end], metric, exits=True),
            rules.divergence_rate,
        )

    # --- 2 and 2s ---

    def _turn(self, index: int, span: Span) -> _Turn:
        if len(self.spans) > 1:
            return _Turn(span, span.end, index + 1, self.rules[span.direction])
        return _Turn(None, -1, index, self.rules[opposite(span.direction)])

    def second(self, index: int, span: Span) -> None:
        """Rule 2.7.3: the first pullback after the end of a segment."""
        turn = self._turn(index, span)
        rules, candidate = turn.rules, turn.end + 2
        if not self.exists(candidate) or (rules.bsp2_follow_1 and turn.end not in self.stored):
            return
        broke = self.elements[turn.end + 1]
        if quotient(self.elements[candidate].size, broke.size) <= rules.max_bs2_rate:
            known = turn.ended is not None and turn.ended.confirmed
            self.store(candidate, "2", sure=known and self.elements[candidate].confirmed)
        elif rules.bsp2s_follow_2:
            return
        if "2s" in self.rules[span.direction].bs_type:
            for at in self._later_pullbacks(candidate, broke, rules):
                self.store(at, "2s", sure=turn.ended is not None and self.lies_in_confirmed(at))

    def _later_pullbacks(self, second: int, broke: Element, rules: PointParameters) -> Iterator[int]:
        """Rule 2.7.4: later pullbacks, as long as they stay where the first one was."""
        pullback = self.elements[second]
        shared: Range | None = None
        for at in range(second + 2, len(self.elements), 2):
            later = self.elements[at]
            if rules.max_bsp2s_lv is not None and (at - second) / 2 > rules.max_bsp2s_lv:
                return
            if not self._same_move(at, second):
                return
            if not overlaps(shared or pullback, later, touch=False):
                return
            shared = shared or common([pullback, later])
            if is_beyond(later.direction, extreme_of(later, later.direction), extreme_of(broke, later.direction)):
                return
            if not quotient(abs(later.end_price - broke.end_price), broke.size) <= rules.max_bs2_rate:
                return
            yield at

    def _same_move(self, at: int, second: int) -> bool:
        """Whether a stroke lies in the segment of another, or in the last or left-over one after it, still open."""
        segment, of_second = self.segment[at], self.segment[second]
        if segment == of_second:
            return True
        is_next = segment == of_second + 1 and segment >= len(self.spans) - 1
        return is_next and not self.spans[of_second].confirmed

    # --- 3a and 3b ---

    def third(self, index: int, span: Span) -> None:
        """Rules 2.7.5 and 2.7.6: pullbacks that stay out of a center."""
        turn = self._turn(index, span)
        if turn.rules.bsp3_follow_1 and turn.end not in self.stored:
            return
        if turn.next_index < len(self.spans):
            for at in self._pullbacks_to_next(turn):
                self.store(at, "3a", sure=turn.ended is not None and self.lies_in_confirmed(at))
        if turn.ended is not None:
            self._third_before(turn, turn.ended)

    def _multi_centers(self, span: Span) -> list[Center]:
        return [center for center in self.centers[self.segment[span.start]] if center.multi]

    def _pullbacks_to_next(self, turn: _Turn) -> Iterator[int]:
        """Rule 2.7.5: pullbacks that leave the first centers of the next segment behind."""
        following = self.spans[turn.next_index]
        centers = self._multi_centers(following)
        if turn.rules.strict_bsp3 and centers and centers[0].entry != turn.end + 1:
            return
        for center in centers[: self.rules[following.direction].bsp3a_max_zs_cnt]:
            at = center.exit + 1
            if not self.exists(at) or not self._may_leave(at, turn.next_index):
                return
            stroke = self.elements[at]
            if re_enters(stroke, center):
                continue
            if turn.rules.bsp3_peak and not _clears_peak(stroke, center):
                continue
            yield at

    def _may_leave(self, at: int, next_index: int) -> bool:
        following, segment, last = self.spans[next_index], self.segment[at], len(self.spans) - 1
        if segment > last:
            if next_index != last:
                return False
        elif segment != next_index and self.spans[segment].count >= 3:
            return False
        if self.elements[at].direction == following.direction:
            return False
        return segment == next_index or next_index >= last - 1

    def _third_before(self, turn: _Turn, ended: Span) -> None:
        """Rule 2.7.6: the first pullback that does not re-enter the last center of the segment that ended."""
        centers = self._multi_centers(ended)
        if not centers:
            return
        center, last = centers[-1], len(self.spans) - 1
        if turn.rules.strict_bsp3 and not (center.exit == turn.end and self.exists(center.exit)):
            return
        for at in range(turn.end + 2, self._limit(turn.next_index) + 1, 2):
            if self.segment[at] != turn.next_index and self.segment[at] < last:
                return
            if not re_enters(self.elements[at], center):
                self.store(at, "3b", sure=self.lies_in_confirmed(at))
                return

    def _limit(self, next_index: int) -> int:
        """Return the last stroke that rule 2.7.6 may look at."""
        end = len(self.elements) - 1
        if next_index >= len(self.spans):
            return end
        following = self.spans[next_index]
        centers = self._multi_centers(following)
        if not centers and next_index == len(self.spans) - 1:
            return end
        exits = [center.exit for center in centers if self.exists(center.exit)]
        return exits[0] if exits else following.end - 1


def _clears_peak(stroke: Element, center: Center) -> bool:
    return stroke.high >= center.peak_high if stroke.direction == "down" else stroke.low <= center.peak_low
