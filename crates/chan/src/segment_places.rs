//! Which segment an element lies in, found by index.

use crate::element::SegmentSpan;
use crate::gallop;
use crate::inclusion::Direction;

/// The segments of a level and the left-over elements after the last of them, which count as one more segment of the
/// opposite direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    segments: &'a [SegmentSpan],
}

impl<'a> Places<'a> {
    pub fn of(segments: &'a [SegmentSpan]) -> Self {
        Self { segments }
    }

    /// Returns how many segments there are, the left-over not counted.
    pub fn count(&self) -> usize {
        self.segments.len()
    }

    /// Returns the index of the segment an element lies in; of a left-over one the number of segments.
    pub fn segment_of(&self, element: usize) -> usize {
        gallop::from_end(self.segments, |segment| segment.end < element)
    }

    /// Returns the same, knowing the segment of an earlier element.
    pub fn advance(&self, mut segment: usize, element: usize) -> usize {
        while self.segments.get(segment).is_some_and(|span| span.end < element) {
            segment += 1;
        }
        segment
    }

    /// Returns the same, knowing the segment of a later element nearby.
    pub fn retreat(&self, mut segment: usize, element: usize) -> usize {
        while segment > 0 && self.start_of(segment) > element {
            segment -= 1;
        }
        segment
    }

    /// Returns the first element of a segment or of the left-over.
    pub fn start_of(&self, segment: usize) -> usize {
        match self.segments.get(segment) {
            Some(span) => span.start,
            None => self.segments.last().map_or(0, |last| last.end + 1),
        }
    }

    /// Returns the direction of a segment or of the left-over; none if there are no segments.
    pub fn direction_of(&self, segment: usize) -> Option<Direction> {
        if let Some(span) = self.segments.get(segment) {
            return Some(span.direction);
        }
        self.segments.last().map(|last| match last.direction {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        })
    }

    /// Returns the first element that lies in another segment than in `after`, knowing that the segments before
    /// `changed` are the same.
    pub fn first_moved(&self, after: &Self, changed: usize) -> usize {
        let counts = (self.segments.len(), after.segments.len());
        let changed = changed.min(counts.0).min(counts.1);
        if counts.0 == 0 || counts.1 == 0 {
            return if counts.0 == counts.1 { usize::MAX } else { 0 };
        }
        for index in changed..=counts.0.max(counts.1) {
            let (old, new) = (self.segments.get(index), after.segments.get(index));
            if self.direction_of(index) != after.direction_of(index) {
                return self.start_of(index).min(after.start_of(index));
            }
            let end = |span: Option<&SegmentSpan>| span.map_or(usize::MAX, |span| span.end);
            if end(old) != end(new) {
                return end(old).min(end(new)) + 1;
            }
        }
        usize::MAX
    }
}
