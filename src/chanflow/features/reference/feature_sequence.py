"""The feature sequence (特征序列) of one segment: what its fractal is, and where it says the segment ends.

Rules 2.4.1 to 2.4.5. They are written for a segment that rises, whose feature sequence is its falling strokes; a
falling one is read upside down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chanflow.features.reference.bar import Direction
from chanflow.features.reference.element import Element
from chanflow.features.reference.inclusion import contains, merged_range


@dataclass(frozen=True, slots=True)
class Feature:
    """One element of the feature sequence: strokes merged by inclusion, by index."""

    high: float
    low: float
    members: tuple[int, ...]


class FeatureSequence:
    """The machine that reads the strokes against one segment until they make a fractal.

    `next` is the next stroke to feed, `fed` those fed since the last reset, `pending` whether a break test had to be
    passed without the strokes that decide it, `evidence` the stroke that passed the last one.
    """

    def __init__(self, elements: Sequence[Element], direction: Direction, begin: int) -> None:
        self.elements = elements
        self.direction = direction
        self.next = begin
        self.fed: list[int] = []
        self.features: list[Feature] = []
        self.pending = False
        self.evidence = begin

    @property
    def has_fractal(self) -> bool:
        """Whether the third element stands, and with it the fractal."""
        return len(self.features) == 3

    @property
    def end(self) -> int:
        """The stroke the segment ends at: the one before the last highest stroke of the middle element (2.4.5)."""
        middle = self.features[1]
        return next(at for at in reversed(middle.members) if self._high(at) == middle.high) - 1

    @property
    def has_gap(self) -> bool:
        """Whether the first two elements leave a gap: the second case (2.4.5)."""
        return self.features[0].high < self.features[1].low

    def clear(self) -> None:
        """Forget what was fed."""
        self.fed, self.features = [], []

    def feed(self, at: int) -> bool:
        """Read one stroke, carry out every reset it causes, and return whether the fractal stands."""
        waiting = [at]
        while waiting and not self.has_fractal:
            now = waiting.pop(0)
            self.fed.append(now)
            self.next = now + 2
            if not self._accepts(now):
                waiting = self.fed[1:] + waiting
                self.clear()
        return self.has_fractal

    def reset(self) -> None:
        """Drop the first stroke fed and read the others from scratch, up to the first fractal (2.4.4)."""
        waiting = self.fed[1:]
        self.clear()
        for at in waiting:
            if self.feed(at):
                return

    def is_exceeded_by(self, at: int) -> bool:
        """Whether a stroke goes beyond the end of the segment."""
        return self._high(at) > self._high(self.end)

    def _high(self, at: int) -> float:
        return self.elements[at].high if self.direction == "up" else -self.elements[at].low

    def _low(self, at: int) -> float:
        return self.elements[at].low if self.direction == "up" else -self.elements[at].high

    def _accepts(self, at: int) -> bool:
        """Add a stroke to the elements; False asks for a reset."""
        stroke = Feature(self._high(at), self._low(at), (at,))
        match len(self.features):
            case 0:
                self.features.append(stroke)
                return True
            case 1:
                return self._accepts_second(stroke)
            case _:
                return self._accepts_third(stroke)

    def _accepts_second(self, stroke: Feature) -> bool:
        """Rule 2.4.1: what the first element contains joins it; anything else is the second, and must not be lower."""
        first = self.features[0]
        if contains(first.high, first.low, stroke.high, stroke.low):
            self.features[0] = _merged(first, stroke)
            return True
        self.features.append(stroke)
        return stroke.high >= first.high

    def _accepts_third(self, stroke: Feature) -> bool:
        """Rules 2.4.2 to 2.4.4: merge, or be the third element, which must break the second and make a fractal."""
        first, second = self.features
        wider = contains(stroke.high, stroke.low, second.high, second.low)
        lower_from_same_high = wider and stroke.high == second.high and stroke.low < second.low
        either = wider or contains(second.high, second.low, stroke.high, stroke.low)
        if either and not lower_from_same_high:
            self.features[1] = _merged(second, stroke)
            return True
        if not self._breaks(stroke.members[0]):
            return False
        self.features.append(stroke)
        return first.high < second.high and stroke.high <= second.high and stroke.low < second.low

    def _breaks(self, b: int) -> bool:
        """Rule 2.4.3: whether stroke `b`, or what follows it, breaks the second element. Also notes the evidence."""
        second, there_are = self.features[1], len(self.elements)
        self.evidence = b
        if self._low(b) < self._low(second.members[-1]):
            return True
        if b + 2 < there_are:
            if self._low(b + 2) < self._low(b):
                self.evidence = b + 2
                return True
            if self.elements[b + 2].sure and b + 3 < there_are:
                return False
        elif b + 1 < there_are and self._high(b + 1) > second.high:
            return False
        self.pending = True
        return True


def _merged(feature: Feature, stroke: Feature) -> Feature:
    """Return a feature with one more stroke, merged as two bars of a rising market (2.1.3)."""
    both = merged_range("up", feature.high, feature.low, stroke.high, stroke.low)
    return Feature(both.high, both.low, feature.members + stroke.members)
