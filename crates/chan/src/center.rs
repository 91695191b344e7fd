//! Centers (中枢): where consecutive elements overlap. One file per rule says how they are sought; this one keeps them
//! while elements and segments change at their end.

use crate::center_free;
use crate::center_normal;
use crate::center_over_segment;
use crate::center_params::{CenterAlgorithm, CenterParams};
use crate::center_stack::{CenterStack, Touched};
use crate::element::{Element, SegmentSpan};
use crate::segment_places::Places;

/// One center. Elements are indices of strokes, or one level up of segments; prices are quote units as given.
///
/// Its identity is its first element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Center {
    /// First element inside.
    pub start: usize,
    /// Last element inside.
    pub end: usize,
    /// Lower edge of the range (ZD).
    pub low: f64,
    /// Upper edge of the range (ZG).
    pub high: f64,
    /// Lowest low of the elements it is made of (DD).
    pub peak_low: f64,
    /// Highest high of the elements it is made of (GG).
    pub peak_high: f64,
    /// Lowest low of all elements from its start to its end.
    pub(crate) all_low: f64,
    /// Highest high of them.
    pub(crate) all_high: f64,
}

impl Center {
    /// Returns a center of one element.
    pub(crate) fn of(index: usize, element: &Element) -> Self {
        let Element { low, high, .. } = *element;
        Self {
            start: index,
            end: index,
            low,
            high,
            peak_low: low,
            peak_high: high,
            all_low: low,
            all_high: high,
        }
    }

    /// Returns this center ending at one more element, its range unchanged.
    pub(crate) fn extended(self, index: usize, elements: &[Element]) -> Self {
        let Some(element) = elements.get(index) else { return self };
        let (peak_low, peak_high) =
            (self.peak_low.min(element.low), self.peak_high.max(element.high));
        let passed = elements.get(self.end + 1..=index).unwrap_or_default();
        let (all_low, all_high) =
            passed.iter().fold((self.all_low, self.all_high), |(low, high), element| {
                (low.min(element.low), high.max(element.high))
            });
        Self { end: index, peak_low, peak_high, all_low, all_high, ..self }
    }

    /// Returns this center ending at one more element, its range what it shares with it.
    pub(crate) fn narrowed(self, index: usize, elements: &[Element]) -> Self {
        let Some(element) = elements.get(index) else { return self };
        let (low, high) = (self.low.max(element.low), self.high.min(element.high));
        Self { low, high, ..self.extended(index, elements) }
    }

    /// Returns the element that leads into it; none if it begins with the very first one.
    #[must_use]
    pub fn entry(&self) -> Option<usize> {
        self.start.checked_sub(1)
    }

    /// Returns the element that leads out of it; none while there is none among so many elements.
    #[must_use]
    pub fn exit(&self, element_count: usize) -> Option<usize> {
        Some(self.end + 1).filter(|exit| *exit < element_count)
    }

    /// Whether it is of more than one element.
    #[must_use]
    pub fn is_multi(&self) -> bool {
        self.end > self.start
    }

    /// Returns 1, from 9 elements 2 (扩展), and from 27 elements 3.
    #[must_use]
    pub fn grade(&self) -> u8 {
        match self.end + 1 - self.start {
            0..9 => 1,
            9..27 => 2,
            _ => 3,
        }
    }
}

/// Whether two ranges overlap, or with `touch` at least touch.
pub(crate) fn overlap(low: f64, high: f64, other_low: f64, other_high: f64, touch: bool) -> bool {
    if touch {
        high >= other_low && other_high >= low
    } else {
        high > other_low && other_high > low
    }
}

/// What the rules carry from one element to the next besides the centers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cursor {
    /// Inside the segment of this index.
    Segment {
        segment: usize,
        /// Whether an element against the segment was read.
        begun: bool,
        /// The element the next one against the segment may make a center with.
        candidate: Option<usize>,
    },
    /// Across segments; `run` is the first of the elements a center is sought among.
    OverSegment { run: Option<usize> },
    /// Whatever the segments are.
    Free(center_free::Search),
}

/// The cursor before an element, and how many changes of the centers there had been.
#[derive(Debug, Clone, Copy)]
struct Mark {
    cursor: Cursor,
    changes: usize,
}

/// What an update touched. Everything before is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CenterChange {
    /// First center that may differ.
    pub center: usize,
    /// First element of the first center that may differ, or may have differed.
    pub start: usize,
    /// First element at which a center begins, ends or is left otherwise than before.
    pub from: usize,
    /// First element that changed itself or lies in another segment than before.
    pub element: usize,
}

/// The centers of one level over a growing list of elements. An update takes back what the changed elements had done
/// and reads them again: work grows with the change, not with the list.
#[derive(Debug, Clone)]
pub struct CenterMachine {
    params: CenterParams,
    stack: CenterStack,
    /// One per element read, and one for the end.
    marks: Vec<Mark>,
    segments: Vec<SegmentSpan>,
    first_confirmed: Option<usize>,
    /// Of `auto`: the first segment after a confirmed one that is not.
    first_open: Option<usize>,
}

impl CenterMachine {
    /// Returns the centers of no elements.
    #[must_use]
    pub fn new(params: CenterParams) -> Self {
        let cursor = match params.zs_algo {
            CenterAlgorithm::OverSegment => Cursor::OverSegment { run: None },
            CenterAlgorithm::Free => Cursor::Free(center_free::Search::NEW),
            CenterAlgorithm::Normal | CenterAlgorithm::Auto | CenterAlgorithm::Czsc => {
                Cursor::Segment { segment: 0, begun: false, candidate: None }
            }
        };
        let (stack, segments) = (CenterStack::default(), Vec::new());
        let marks = vec![Mark { cursor, changes: 0 }];
        Self { params, stack, marks, segments, first_confirmed: None, first_open: None }
    }

    /// Returns the centers, by their first element.
    #[must_use]
    pub fn centers(&self) -> &[Center] {
        self.stack.centers()
    }

    /// Reads the elements and segments anew from the first that may differ from what the last update read. What is
    /// appended or dropped counts as differing.
    pub fn update(
        &mut self,
        elements: &[Element],
        segments: &[SegmentSpan],
        changed_element: usize,
        changed_segment: usize,
    ) -> CenterChange {
        let element = changed_element.min(self.adopt(segments, changed_segment));
        let from = match self.params.zs_algo {
            CenterAlgorithm::Free => changed_element,
            CenterAlgorithm::Normal | CenterAlgorithm::Czsc => element,
            // Across segments an element is judged with the one after it.
            CenterAlgorithm::OverSegment | CenterAlgorithm::Auto => element.saturating_sub(1),
        };
        let from = from.min(self.marks.len() - 1).min(elements.len());
        self.marks.truncate(from + 1);
        let mark = self.marks.last().copied();
        self.stack.touch_nothing();
        self.stack.take_back(mark.map_or(0, |mark| mark.changes));
        self.read(elements, from);
        let Touched { index: center, start, end, range } = self.stack.touched();
        // What follows from the range of a center lies after its end if the center ends with its segment.
        let from = if self.params.zs_algo == CenterAlgorithm::Normal { end } else { range };
        CenterChange { center, start, from, element }
    }

    /// Returns the first element whose center, if one starts there or later, may still change. All earlier ones are
    /// final, their exits included.
    #[must_use]
    pub fn open_from(&self, elements: &[Element]) -> usize {
        let last_confirmed = self.segments.iter().rposition(SegmentSpan::is_confirmed);
        let closed = last_confirmed.map_or(0, |last| self.segments[last].end + 1);
        match self.params.zs_algo {
            CenterAlgorithm::Normal | CenterAlgorithm::Czsc => closed,
            CenterAlgorithm::Auto => {
                let open = self.over_from().and_then(|open| self.segments.get(open));
                closed.min(open.map_or(usize::MAX, |open| open.start))
            }
            CenterAlgorithm::OverSegment => {
                let start = last_confirmed.map_or(0, |last| self.segments[last].start);
                start.min(self.running_start(closed.saturating_sub(1)))
            }
            CenterAlgorithm::Free => {
                let last = elements.iter().rposition(|element| element.confirmed);
                let sure = last.map_or(0, |last| last + 1);
                sure.saturating_sub(2).min(self.running_start(sure))
            }
        }
    }

    /// Returns where the center begins that was running when the element `at` was read, or `usize::MAX`.
    fn running_start(&self, at: usize) -> usize {
        let Some(mark) = self.marks.get(at) else { return 0 };
        let running = match mark.cursor {
            Cursor::OverSegment { run } => run.is_none(),
            Cursor::Free(search) => search.is_running(),
            Cursor::Segment { .. } => true,
        };
        let before = self.centers().partition_point(|center| center.start < at);
        match before.checked_sub(1).and_then(|last| self.centers().get(last)) {
            Some(center) if running => center.start,
            _ => usize::MAX,
        }
    }

    /// Takes over the segments. Returns the first element that lies in another segment than before, or in the same
    /// one under another rule.
    fn adopt(&mut self, segments: &[SegmentSpan], changed: usize) -> usize {
        let before = Places::of(&self.segments);
        let after = Places::of(segments);
        let mut moved = before.first_moved(&after, changed);
        let old_open = self.over_from();
        let counts = (before.count(), after.count());
        let left_over = before.start_of(counts.1).min(after.start_of(counts.0));
        let changed = changed.min(self.segments.len()).min(segments.len());
        self.segments.truncate(changed);
        self.segments.extend_from_slice(&segments[changed..]);
        if self.params.zs_algo == CenterAlgorithm::Auto {
            self.find_first_open(changed);
            let open = self.over_from();
            if open != old_open {
                let first = open.unwrap_or(usize::MAX).min(old_open.unwrap_or(usize::MAX));
                moved = moved.min(after.start_of(first));
            }
            if counts.0 != counts.1 {
                // What was left over may have become a segment, or the other way: only in a segment is it read.
                moved = moved.min(left_over);
            }
        }
        moved
    }

    fn find_first_open(&mut self, changed: usize) {
        let position = |from: usize, confirmed: bool| {
            let rest = self.segments.get(from..).unwrap_or_default();
            rest.iter().position(|segment| segment.is_confirmed() == confirmed).map(|i| i + from)
        };
        let first_confirmed = self
            .first_confirmed
            .filter(|first| *first < changed)
            .or_else(|| position(changed, true));
        let kept = self.first_open.filter(|open| *open < changed);
        let first_open = first_confirmed
            .and_then(|first| kept.or_else(|| position(changed.max(first + 1), false)));
        (self.first_confirmed, self.first_open) = (first_confirmed, first_open);
    }

    /// Of `auto`: the first segment whose elements are read across segments.
    fn over_from(&self) -> Option<usize> {
        if self.first_confirmed.is_none() {
            return (!self.segments.is_empty()).then_some(0);
        }
        self.first_open
    }

    fn read(&mut self, elements: &[Element], from: usize) {
        let Some(&Mark { mut cursor, .. }) = self.marks.last() else { return };
        let open = match self.params.zs_algo {
            CenterAlgorithm::Auto => self.over_from(),
            _ => None,
        };
        let places = Places::of(&self.segments);
        let (params, stack) = (&self.params, &mut self.stack);
        let mut segment = places.segment_of(from);
        for index in from..elements.len() {
            segment = places.advance(segment, index);
            let at = At { elements, places: &places, index, segment, params };
            match params.zs_algo {
                CenterAlgorithm::Normal => center_normal::read(&at, &mut cursor, stack),
                CenterAlgorithm::OverSegment => center_over_segment::read(&at, &mut cursor, stack),
                CenterAlgorithm::Auto if open.is_some_and(|open| segment >= open) => {
                    center_over_segment::read(&at, &mut cursor, stack);
                }
                CenterAlgorithm::Auto if segment < places.count() => {
                    center_normal::read(&at, &mut cursor, stack);
                }
                CenterAlgorithm::Free => center_free::read(&at, &mut cursor, stack),
                CenterAlgorithm::Auto | CenterAlgorithm::Czsc => {}
            }
            self.marks.push(Mark { cursor, changes: stack.change_count() });
        }
    }
}

/// The element being read and what surrounds it.
pub(crate) struct At<'a> {
    pub elements: &'a [Element],
    pub places: &'a Places<'a>,
    pub index: usize,
    pub segment: usize,
    pub params: &'a CenterParams,
}

impl At<'_> {
    pub fn overlaps(&self, center: &Center, element: &Element) -> bool {
        let Element { low, high, .. } = *element;
        overlap(center.low, center.high, low, high, self.params.touch_overlaps)
    }

    pub fn is_range(&self, center: &Center) -> bool {
        if self.params.touch_overlaps {
            center.high >= center.low
        } else {
            center.high > center.low
        }
    }
}

/// Adds a center, and combines it with those before it.
pub(crate) fn add(at: &At<'_>, center: Center, stack: &mut CenterStack) {
    stack.push(center);
    crate::center_combine::combine(at, stack);
}
