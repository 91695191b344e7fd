"""Segments (线段) of strokes, and by the same rules super-segments (线段的线段) of segments. Rules 2.4.6 to 2.4.12."""

from __future__ import annotations

from collections.abc import Sequence

from chanflow.features.reference.bar import Bar, Direction, opposite
from chanflow.features.reference.element import Element, Span
from chanflow.features.reference.feature_sequence import FeatureSequence
from chanflow.features.reference.left_over import extreme, with_left_over
from chanflow.features.reference.parameters import Parameters


class Search:
    """The search for the next segment from one stroke on.

    Of the first segment the direction is not known: two machines run, and the one that gets its second element first
    keeps its direction until a reset takes that element away again (2.4.8).
    """

    def __init__(self, elements: Sequence[Element], begin: int, only: Direction | None) -> None:
        self.elements = elements
        self.position = begin
        self.only = only
        self.chosen = only
        self.machines: dict[Direction, FeatureSequence] = {
            "up": FeatureSequence(elements, "up", begin),
            "down": FeatureSequence(elements, "down", begin),
        }

    def fractal(self) -> FeatureSequence | None:
        """Read on to the next fractal and return its machine, or None at the end of the stream."""
        while self.position < len(self.elements):
            at = self.position
            self.position += 1
            machine = self.machines[opposite(self.elements[at].direction)]
            if self.chosen not in {None, machine.direction}:
                continue
            found = machine.feed(at)
            self._choose(machine)
            if found:
                return machine
        return None

    def go_on_after(self, machine: FeatureSequence) -> FeatureSequence | None:
        """Return the next fractal after one that was cancelled; its machine has been reset."""
        if machine.has_fractal:
            return machine
        self.position = machine.next - 1
        self._choose(machine)
        return self.fractal()

    def _choose(self, machine: FeatureSequence) -> None:
        if self.only is not None:
            return
        if len(machine.features) > 1:
            self.chosen = machine.direction
            self.machines[opposite(machine.direction)].clear()
        elif self.chosen == machine.direction:
            self.chosen = None


def segments(elements: Sequence[Element], params: Parameters) -> list[Span]:
    """Return the segments of a level's elements, the provisional ones at the end included."""
    return with_left_over(elements, _by_fractals(elements, params), params.left_seg_method)


def _by_fractals(elements: Sequence[Element], params: Parameters) -> list[Span]:
    """Return the segments that fractals of feature sequences end (rules 2.4.6 to 2.4.9)."""
    spans: list[Span] = []
    begin = 0
    while True:
        search = Search(elements, begin, opposite(spans[-1].direction) if spans else None)
        machine = search.fractal()
        chain: list[FeatureSequence] | None = None
        while machine is not None and (chain := evidence_chain(machine, cancels=params.seg_gap_cancel)) is None:
            machine = search.go_on_after(machine)
        if machine is None or chain is None:
            return spans
        decided = is_decided(chain)
        found = _ended_at(elements, spans, machine.end, decided and is_sure(elements, chain))
        if found is not None:
            spans += found
            if not decided:
                return spans
        begin = machine.end + 1


def evidence_chain(machine: FeatureSequence, *, cancels: bool) -> list[FeatureSequence] | None:
    """Return the machines that decide about a fractal (rule 2.4.6): itself, and while there is a gap, the next one.

    The next one looks for the opposite segment on the strokes end+2, end+4 and so on; its first fractal decides. The
    last machine of the chain has no fractal if the stream ends first.

    With `cancels` (`seg_gap_cancel`, 2.8) a stroke that goes beyond the end of a fractal that waits cancels it: its
    machine is reset, and those after it in the chain are forgotten. The reading of "before the reverse fractal is
    found": a fractal waits until the whole chain is decided, for a reverse fractal with a gap of its own does not count
    yet, and a segment must not stand against the price meanwhile. The stroke that decides the chain cancels nothing:
    on its way the price completes the reverse fractal before it passes the end. Where one stroke passes several ends,
    the first fractal is the one cancelled. If that is the first of the chain, None is returned.
    """
    elements, chain, at = machine.elements, [machine], machine.end + 1
    while True:
        top = chain[-1]
        if top.has_fractal:
            if top.pending or not top.has_gap:
                return chain
            chain.append(FeatureSequence(elements, opposite(top.direction), top.end + 2))
            at = top.end + 1
            continue
        if at >= len(elements):
            return chain
        if at == top.next:
            top.feed(at)
        if cancels and not is_decided(chain) and (passed := _first_passed(chain, at)) is not None:
            chain = chain[: passed + 1]
            chain[-1].reset()
            if not passed:
                return None
            at = chain[-1].next - 2
        at += 1


def _first_passed(chain: Sequence[FeatureSequence], at: int) -> int | None:
    """Return which fractal of a chain, of those that end with a stroke of the same direction, a stroke goes beyond."""
    direction = chain[0].elements[at].direction
    ends = [each.has_fractal and each.direction == direction and each.is_exceeded_by(at) for each in chain]
    return ends.index(True) if True in ends else None


def is_decided(chain: Sequence[FeatureSequence]) -> bool:
    """Whether the last machine found a fractal, and none of them is pending (rule 2.4.6)."""
    return chain[-1].has_fractal and not any(machine.pending for machine in chain)


def is_sure(elements: Sequence[Element], chain: Sequence[FeatureSequence]) -> bool:
    """Whether every stroke the decision rests on is sure (rule 2.4.7)."""
    rests_on = [*chain[0].fed, *(machine.evidence for machine in chain)]
    rests_on += [machine.features[2].members[-1] for machine in chain[1:]]
    return all(elements[at].sure for at in rests_on)


def _ended_at(elements: Sequence[Element], spans: Sequence[Span], end: int, confirmed: bool) -> list[Span] | None:
    """Return the segment that ends at a stroke, in two if it is the first and must be, or None if it is dropped."""
    start = spans[-1].end + 1 if spans else 0
    last = elements[end]
    if not spans:
        if (split := _split_first(elements, end)) is not None:
            return split
        begin = elements[0].begin_price
        wrong = begin > last.end_price if last.direction == "up" else begin < last.end_price
        if confirmed and wrong:
            return None
    return [Span(start, end, last.direction, confirmed and end - start >= 2)]


def _split_first(elements: Sequence[Element], end: int) -> list[Span] | None:
    """Return the first segment in two where a more extreme stroke lies inside (rule 2.4.9)."""
    if end < 3:
        return None
    last, first = elements[end], elements[0]
    peak = extreme(elements, range(end - 3, -1, -1), opposite(last.direction))
    if peak is None:
        return None
    beyond = peak.high > first.high if peak.direction == "up" else peak.low < first.low
    if not (beyond or peak.index == 0):
        return None
    return [
        Span(0, peak.index, peak.direction, confirmed=False),
        Span(peak.index + 1, end, last.direction, confirmed=False),
    ]


def as_elements(bars: Sequence[Bar], elements: Sequence[Element], spans: Sequence[Span]) -> list[Element]:
    """Return segments as the elements of the next level (rule 2.4.12)."""
    ends = [(elements[span.start], elements[span.end], span) for span in spans]
    return [_as_element(bars, first, last, span, index) for index, (first, last, span) in enumerate(ends)]


def _as_element(bars: Sequence[Bar], first: Element, last: Element, span: Span, index: int) -> Element:
    begin, end = bars[first.begin_bar], bars[last.end_bar]
    rises = span.direction == "up"
    return Element(
        index=index,
        direction=span.direction,
        begin_bar=first.begin_bar,
        end_bar=last.end_bar,
        begin_price=first.begin_price,
        end_price=last.end_price,
        low=(begin if rises else end).low,
        high=(end if rises else begin).high,
        first_bar=first.first_bar,
        last_bar=last.last_bar,
        sure=span.confirmed,
        confirmed=span.confirmed,
    )
