//! What the rules above strokes are written over: the elements of a level, and the spans of elements a segment is.
//!
//! Segments (线段) are made of strokes and super-segments (线段的线段) of segments by the same rules, so the rules see
//! neither: they see elements.

use crate::inclusion::Direction;
use crate::stroke::State;

/// One element of a level: a stroke, or one level up a segment.
///
/// Bars are indices of raw bars, times their open times in Unix milliseconds UTC, prices quote units as given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Element {
    /// Raw bar where it begins: a peak bar.
    pub begin_bar: usize,
    /// Raw bar where it ends: a peak bar.
    pub end_bar: usize,
    /// Open time of `begin_bar`.
    pub begin_ts_ms: i64,
    /// Open time of `end_bar`.
    pub end_ts_ms: i64,
    /// Price where it begins.
    pub begin_price: f64,
    /// Price where it ends.
    pub end_price: f64,
    /// The low the rules compare. Of a stroke the lower of its two prices. Of a segment the low of the raw bar at its
    /// begin (of an up segment) or at its end, which differs from its price only for a first segment whose first
    /// stroke runs against it.
    pub low: f64,
    /// The high the rules compare, mirrored.
    pub high: f64,
    /// First raw bar of the merged bar it begins in.
    pub first_bar: usize,
    /// Last raw bar of the merged bar it ends in.
    pub last_bar: usize,
    /// Up or down.
    pub direction: Direction,
    /// Of a stroke: whether it ends at a fractal or is the extension of one that does. Of a segment: whether it is
    /// confirmed.
    pub sure: bool,
    /// Whether it will never change.
    pub confirmed: bool,
}

/// One segment, as a span of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSpan {
    /// Index of its first element.
    pub start: usize,
    /// Index of its last element, inclusive.
    pub end: usize,
    /// Up or down.
    pub direction: Direction,
    /// Provisional or confirmed.
    pub state: State,
}

impl SegmentSpan {
    /// Returns how many elements it has.
    #[must_use]
    pub fn element_count(&self) -> usize {
        self.end + 1 - self.start
    }

    /// Whether it will never change.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.state == State::Confirmed
    }
}
