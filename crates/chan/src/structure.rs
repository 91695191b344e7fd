//! The objects above strokes as they are shown: with their bars, times, prices, and how long they have been known.

use crate::center::Center;
use crate::element::{Element, SegmentSpan};
use crate::inclusion::Direction;
use crate::ledger::Tracked;
use crate::point::{Point, Side};
use crate::point_types::PointType;
use crate::stroke::{State, Stroke};

/// What the elements of a level are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LevelKind {
    /// Strokes; their parents are segments.
    Stroke,
    /// Segments; their parents are super-segments.
    Segment,
}

impl LevelKind {
    /// Returns 0 for stroke and 1 for segment.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Stroke => 0,
            Self::Segment => 1,
        }
    }
}

/// Since when an object is known, and how surely. An engine made in one piece first shows everything after its last
/// bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Provisional, confirmed or void.
    pub state: State,
    /// Raw bar after which it was first shown.
    pub first_seen_bar: usize,
    /// Raw bar after which it became unchangeable.
    pub confirmed_bar: Option<usize>,
    /// Raw bar after which it was withdrawn.
    pub void_bar: Option<usize>,
}

impl Life {
    pub(crate) fn new(confirmed: bool) -> Self {
        let state = if confirmed { State::Confirmed } else { State::Provisional };
        Self { state, first_seen_bar: 0, confirmed_bar: None, void_bar: None }
    }
}

/// A stroke with its life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelStroke {
    /// The stroke.
    pub stroke: Stroke,
    /// Since when it is known.
    pub life: Life,
}

impl LevelStroke {
    /// Returns a shown stroke with what it knows itself of its life.
    pub(crate) fn of(stroke: Stroke) -> Self {
        let Stroke { state, first_seen_bar, confirmed_bar, .. } = stroke;
        Self { stroke, life: Life { state, first_seen_bar, confirmed_bar, void_bar: None } }
    }
}

/// A segment (线段), or one level up a super-segment.
///
/// Its identity is (index, `start_element`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Stroke for a segment, segment for a super-segment.
    pub level: LevelKind,
    /// Its number among the segments of the level.
    pub index: usize,
    /// First stroke or segment in it.
    pub start_element: usize,
    /// Last stroke or segment in it.
    pub end_element: usize,
    /// Raw bar where it begins.
    pub start_bar: usize,
    /// Raw bar where it ends.
    pub end_bar: usize,
    /// Open time of `start_bar`, Unix milliseconds UTC.
    pub start_ts_ms: i64,
    /// Open time of `end_bar`.
    pub end_ts_ms: i64,
    /// Where its first element begins, quote units.
    pub start_price: f64,
    /// Where its last element ends.
    pub end_price: f64,
    /// Up or down.
    pub direction: Direction,
    /// Since when it is known.
    pub life: Life,
}

impl Segment {
    /// Returns segment number `index` over these elements; none if it reaches beyond them. Since when it is known is
    /// left open.
    #[must_use]
    pub fn of(
        level: LevelKind,
        index: usize,
        span: &SegmentSpan,
        elements: &[Element],
    ) -> Option<Self> {
        let (first, last) = (elements.get(span.start)?, elements.get(span.end)?);
        Some(Self {
            level,
            index,
            start_element: span.start,
            end_element: span.end,
            start_bar: first.begin_bar,
            end_bar: last.end_bar,
            start_ts_ms: first.begin_ts_ms,
            end_ts_ms: last.end_ts_ms,
            start_price: first.begin_price,
            end_price: last.end_price,
            direction: span.direction,
            life: Life::new(span.is_confirmed()),
        })
    }
}

/// A center (中枢) of a level. Elements are indices of strokes, or one level up of segments.
///
/// Its identity is (level, `center.start`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelCenter {
    /// What it is made of.
    pub level: LevelKind,
    /// Its elements and ranges.
    pub center: Center,
    /// The element that leads into it.
    pub entry: Option<usize>,
    /// The element that leads out of it; none yet if missing.
    pub exit: Option<usize>,
    /// When its first element begins, Unix milliseconds UTC.
    pub start_ts_ms: i64,
    /// When its last element ends.
    pub end_ts_ms: i64,
    /// Since when it is known.
    pub life: Life,
}

impl LevelCenter {
    pub(crate) fn of(
        level: LevelKind,
        center: Center,
        elements: &[Element],
        open_from: usize,
    ) -> Option<Self> {
        Some(Self {
            level,
            center,
            entry: center.start.checked_sub(1),
            exit: center.exit(elements.len()),
            start_ts_ms: elements.get(center.start)?.begin_ts_ms,
            end_ts_ms: elements.get(center.end)?.end_ts_ms,
            life: Life::new(center.start < open_from),
        })
    }
}

/// One type of point (买卖点) at the end of one element.
///
/// Its identity is (level, side, kind, bar).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelPoint {
    /// What ends there.
    pub level: LevelKind,
    /// The stroke or segment that ends there.
    pub element: usize,
    /// Raw bar.
    pub bar: usize,
    /// Open time of that bar, Unix milliseconds UTC.
    pub ts_ms: i64,
    /// Price, quote units.
    pub price: f64,
    /// Buy or sell.
    pub side: Side,
    /// Its type.
    pub kind: PointType,
    /// Of a point 1 or 1p the force of the exit by that of the entry.
    pub divergence: Option<f64>,
    /// Since when it is known.
    pub life: Life,
}

impl LevelPoint {
    pub(crate) fn of(level: LevelKind, point: &Point, kind: PointType) -> Self {
        let is_first = matches!(kind, PointType::First | PointType::FirstConsolidation);
        Self {
            level,
            element: point.element,
            bar: point.bar,
            ts_ms: point.ts_ms,
            price: point.price,
            side: point.side,
            kind,
            divergence: point.divergence.filter(|_| is_first),
            life: Life::new(point.confirmed.contains(kind)),
        }
    }
}

impl Tracked for LevelStroke {
    fn key(&self) -> (usize, u8) {
        (self.stroke.index, 0)
    }

    fn is(&self, other: &Self) -> bool {
        self.stroke.start_bar == other.stroke.start_bar
    }

    fn looks_like(&self, other: &Self) -> bool {
        self.stroke.end() == other.stroke.end()
    }

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }
}

impl Tracked for Segment {
    fn key(&self) -> (usize, u8) {
        (self.index, 0)
    }

    fn is(&self, other: &Self) -> bool {
        self.start_element == other.start_element
    }

    fn looks_like(&self, other: &Self) -> bool {
        (self.end_element, self.end_bar, self.direction)
            == (other.end_element, other.end_bar, other.direction)
            && self.end_price == other.end_price
            && self.start_bar == other.start_bar
    }

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }
}

impl Tracked for LevelCenter {
    fn key(&self) -> (usize, u8) {
        (self.center.start, 0)
    }

    fn is(&self, _: &Self) -> bool {
        true
    }

    fn looks_like(&self, other: &Self) -> bool {
        self.center == other.center && self.exit == other.exit && self.end_ts_ms == other.end_ts_ms
    }

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }
}

impl Tracked for LevelPoint {
    fn key(&self) -> (usize, u8) {
        (self.element, self.kind as u8)
    }

    fn is(&self, other: &Self) -> bool {
        (self.bar, self.side) == (other.bar, other.side)
    }

    /// A point never moves; its divergence is what it was judged by last.
    fn looks_like(&self, other: &Self) -> bool {
        self.price == other.price && self.divergence == other.divergence
    }

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }
}
