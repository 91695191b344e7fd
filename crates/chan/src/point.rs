//! Points (买卖点): where segments end by divergence, and the pullbacks after it. One file per type says what makes it;
//! this one asks them in order and keeps the answers while elements, segments and centers change at their end.

use crate::center::Center;
use crate::center::CenterChange;
use crate::divergence_columns::Columns;
use crate::element::{Element, SegmentSpan};
use crate::gallop;
use crate::inclusion::Direction;
use crate::point_first::{self, First};
use crate::point_params::{LevelRules, PointRules};
use crate::point_second;
use crate::point_third_after;
use crate::point_third_before;
use crate::point_types::{PointType, PointTypes};
use crate::segment_places::Places;

/// Whether to buy or to sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At the end of a down element.
    Buy,
    /// At the end of an up element.
    Sell,
}

impl Side {
    fn at_end_of(element: &Element) -> Self {
        if element.direction == Direction::Down { Self::Buy } else { Self::Sell }
    }

    /// Returns `buy` or `sell`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    /// Returns 1 for buy and -1 for sell.
    #[must_use]
    pub fn sign(self) -> i8 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
}

/// All points at the end of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The stroke or segment that ends here.
    pub element: usize,
    /// Raw bar where it ends.
    pub bar: usize,
    /// Open time of that bar, Unix milliseconds UTC.
    pub ts_ms: i64,
    /// Price where it ends, quote units.
    pub price: f64,
    /// Buy or sell.
    pub side: Side,
    /// The types.
    pub types: PointTypes,
    /// Those of them that will never change.
    pub confirmed: PointTypes,
    /// Of a point 1 or 1p the force of the exit by that of the entry; none for others.
    pub divergence: Option<f64>,
}

impl Point {
    /// Whether none of its types will ever change.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.confirmed == self.types
    }
}

/// Everything a rule may look at.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub elements: &'a [Element],
    pub segments: &'a [SegmentSpan],
    pub places: Places<'a>,
    pub centers: &'a [Center],
    pub columns: &'a Columns,
    pub rules: &'a LevelRules,
    /// Centers that start before this element are final.
    pub open_from: usize,
}

impl<'a> View<'a> {
    /// Returns the centers that begin in a segment.
    pub fn centers_in(&self, segment: &SegmentSpan) -> &'a [Center] {
        let from = gallop::from_end(self.centers, |center| center.start < segment.start);
        let rest = self.centers.get(from..).unwrap_or_default();
        let count = gallop::from_begin(rest, |center| center.start <= segment.end);
        rest.get(..count).unwrap_or_default()
    }

    pub fn exit(&self, center: &Center) -> Option<usize> {
        center.exit(self.elements.len())
    }

    /// Returns the rules for points at the end of elements of this direction.
    pub fn rules_at(&self, direction: Direction) -> &'a PointRules {
        match direction {
            Direction::Down => &self.rules.buy,
            Direction::Up => &self.rules.sell,
        }
    }

    /// Whether a segment and the centers that begin in it are final.
    pub fn is_settled(&self, segment: &SegmentSpan) -> bool {
        segment.is_confirmed() && segment.end < self.open_from
    }

    /// Whether the segment of this index and the centers that begin in it are final.
    pub fn is_settled_at(&self, index: usize) -> bool {
        self.segments.get(index).is_some_and(|segment| self.is_settled(segment))
    }
}

/// Whether a pullback re-enters a center.
pub(crate) fn re_enters(element: &Element, center: &Center) -> bool {
    match element.direction {
        Direction::Down => element.low < center.high,
        Direction::Up => element.high > center.low,
    }
}

/// What is known of the end of one element.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    types: PointTypes,
    confirmed: PointTypes,
    divergence: Option<f64>,
}

/// The ends of the elements whose points are sought anew, and the points before them.
pub(crate) struct Found<'a> {
    kept: &'a [Point],
    /// The element of the first slot. What is found at earlier ones is known already.
    base: usize,
    slots: &'a mut [Slot],
    /// The elements whose slots are filled.
    filled: &'a mut Vec<usize>,
}

impl Found<'_> {
    /// Returns where a search is to go on that asks every second element from `first` on and that had `reached` an
    /// element that ended it; none if what ended it is known still.
    pub fn resume(&self, first: usize, reached: usize) -> Option<usize> {
        if first >= self.base {
            return Some(first);
        }
        let next = self.base + (self.base - first) % 2;
        (reached >= self.base).then_some(next)
    }

    /// Whether there is a point at the end of this element.
    pub fn has_point(&self, element: usize) -> bool {
        if element < self.base {
            let at = gallop::from_end(self.kept, |point| point.element < element);
            return self.kept.get(at).is_some_and(|point| point.element == element);
        }
        self.slots.get(element - self.base).is_some_and(|slot| !slot.types.is_empty())
    }

    /// Adds a point: of a type that is wanted, or any at an element that has one.
    pub fn add(&mut self, view: &View<'_>, element: usize, kind: PointType, confirmed: bool) {
        let Some(at) = view.elements.get(element) else { return };
        let wanted = view.rules_at(at.direction).bs_type;
        let slot = element.checked_sub(self.base).and_then(|at| self.slots.get_mut(at));
        if let Some(slot) = slot
            && (!slot.types.is_empty() || wanted.contains(kind))
        {
            if slot.types.is_empty() {
                self.filled.push(element);
            }
            slot.types = slot.types.with(kind);
            if confirmed {
                slot.confirmed = slot.confirmed.with(kind);
            }
        }
    }

    fn add_first(&mut self, view: &View<'_>, segment: &SegmentSpan, first: &First) {
        self.add(view, segment.end, first.kind, view.is_settled(segment));
        let slot = segment.end.checked_sub(self.base).and_then(|at| self.slots.get_mut(at));
        if let Some(slot) = slot.filter(|slot| slot.types.contains(first.kind)) {
            slot.divergence = first.ratio;
        }
    }
}

/// How many segments before the first that changed may have points that change: the types 2 to 3b reach into the
/// segments after theirs and ask whether those are the last or the last but one.
const REACH: usize = 2;

/// How many segments before that of an element may have given it a point. Those between may be of one element each.
const SPREAD: usize = 3;

/// How far the searches after the end of one segment have come: the first element that ended each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reached {
    pub second_like: usize,
    pub third_before: usize,
    /// Whether either judged an element by which segments are the last ones, so that it may come out otherwise when
    /// there are more or fewer.
    pub second_knows_count: bool,
    pub third_knows_count: bool,
}

/// A segment and what was found at its end.
#[derive(Debug, Clone, Copy)]
struct End {
    segment: SegmentSpan,
    first: Option<First>,
}

/// The points of one level. An update seeks those anew that may differ: work grows with the change, not with the list.
#[derive(Debug, Clone)]
pub struct PointMachine {
    rules: LevelRules,
    points: Vec<Point>,
    /// One per segment.
    ends: Vec<End>,
    /// One per segment.
    reached: Vec<Reached>,
    /// Empty between updates, so that an update costs what it finds, not how far it looks.
    slots: Vec<Slot>,
    filled: Vec<usize>,
    /// What was final at the last update.
    open_from: usize,
}

impl PointMachine {
    /// Returns the points of no elements.
    #[must_use]
    pub fn new(rules: LevelRules) -> Self {
        Self {
            rules,
            points: Vec::new(),
            ends: Vec::new(),
            reached: Vec::new(),
            slots: Vec::new(),
            filled: Vec::new(),
            open_from: 0,
        }
    }

    /// Returns the points, by element.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Seeks the points anew that may differ after `change`, which is what the update of the centers returned.
    /// Returns the first point that may differ.
    pub fn update(
        &mut self,
        level: &Level<'_>,
        change: &CenterChange,
        changed_segment: usize,
    ) -> usize {
        let Level { elements, segments, centers, columns, open_from } = *level;
        let rules = self.rules;
        let places = Places::of(segments);
        let view = View { elements, segments, places, centers, columns, rules: &rules, open_from };
        let segment = self.first_segment(&view, change, changed_segment);
        let tail = self.kept_tail(&view, changed_segment);
        let end = self.find_ends(&view, segment);
        let base = match tail {
            Some(tail) => change.element.saturating_sub(1).min(change.from).min(end).min(tail),
            None => segment.checked_sub(REACH).map_or(0, |kept| places.start_of(kept + 1)),
        };
        self.open_from = open_from;
        self.find(&view, base)
    }

    /// Returns the first segment whose end may have another point 1, or none.
    fn first_segment(&self, view: &View<'_>, change: &CenterChange, changed: usize) -> usize {
        let element = change.element;
        let mut start = element.min(change.start);
        if self.more_is_final(view) {
            start = start.min(self.open_from).min(view.open_from);
        }
        // A center whose exit changed has changed too.
        for center in view.centers.iter().rev().take_while(|center| center.end + 2 >= element) {
            start = start.min(center.start);
        }
        changed.min(view.places.segment_of(start.saturating_sub(1))).min(self.ends.len())
    }

    /// Whether centers that became final, or no longer are, settle other segments than before.
    fn more_is_final(&self, view: &View<'_>) -> bool {
        let settled = |open: usize| gallop::from_end(view.segments, |segment| segment.end < open);
        settled(view.open_from) != settled(self.open_from)
    }

    /// Returns the first element whose points may differ because segments came, went or end elsewhere, if all but the
    /// last that stayed are the same and none but that one and those after it can tell. A long last segment is not
    /// gone over again then.
    fn kept_tail(&self, view: &View<'_>, changed: usize) -> Option<usize> {
        let counts = (self.ends.len(), view.segments.len());
        let last = counts.0.min(counts.1).checked_sub(1)?;
        let (old, new) = (self.ends.get(last)?.segment, view.segments.get(last)?);
        let same = (old.start, old.direction, old.state) == (new.start, new.direction, new.state);
        if !same || changed < last || self.more_is_final(view) {
            return None;
        }
        if counts.0 == counts.1 {
            return Some(usize::MAX);
        }
        let LevelRules { buy, sell } = self.rules;
        let follows = [buy, sell].iter().all(|rules| rules.bsp2_follow_1 && rules.bsp3_follow_1);
        let before = self.reached.get(..last.saturating_sub(1)).unwrap_or_default();
        let before = before.get(before.len().saturating_sub(SPREAD)..).unwrap_or_default();
        let knows = |reached: &Reached| reached.second_knows_count || reached.third_knows_count;
        let knows_count = last == 0 && !follows || before.iter().any(knows);
        let end = old.end.min(new.end);
        (!knows_count && end >= new.start + REACH).then_some(end)
    }

    /// Seeks the points 1 and 1p of the segments from `from` on. Returns the first end of a segment where that changed.
    fn find_ends(&mut self, view: &View<'_>, from: usize) -> usize {
        let mut changed = usize::MAX;
        for (index, segment) in view.segments.iter().enumerate().skip(from) {
            let new = End { segment: *segment, first: point_first::find(view, segment) };
            match self.ends.get_mut(index) {
                Some(old) => {
                    if (old.segment.end, old.first) != (segment.end, new.first) {
                        changed = changed.min(old.segment.end).min(segment.end);
                    }
                    *old = new;
                }
                None => {
                    changed = changed.min(segment.end);
                    self.ends.push(new);
                }
            }
        }
        let dropped = self.ends.get(view.segments.len()..).unwrap_or_default();
        changed = dropped.iter().map(|end| end.segment.end).fold(changed, usize::min);
        self.ends.truncate(view.segments.len());
        self.reached.resize(view.segments.len(), Reached::default());
        changed
    }

    /// Seeks the points at elements from `base` on.
    fn find(&mut self, view: &View<'_>, base: usize) -> usize {
        let from = view.places.segment_of(base).saturating_sub(SPREAD);
        let kept = gallop::from_end(&self.points, |point| point.element < base);
        self.points.truncate(kept);
        let width = view.elements.len().saturating_sub(base);
        if self.slots.len() < width {
            self.slots.resize(width, Slot::default());
        }
        let (slots, filled) = (&mut self.slots, &mut self.filled);
        let mut found = Found { kept: &self.points, base, slots, filled };
        let segments = view.segments.get(from..).unwrap_or_default();
        let ends = self.ends.get(from..).unwrap_or_default();
        let reached = self.reached.get_mut(from..).unwrap_or_default();
        for (segment, end) in segments.iter().zip(ends) {
            if let Some(first) = &end.first {
                found.add_first(view, segment, first);
            }
        }
        for (segment, reached) in segments.iter().zip(reached.iter_mut()) {
            point_second::find(view, segment, &mut found, reached);
        }
        for ((segment, reached), index) in segments.iter().zip(reached).zip(from..) {
            if let Some(turn) = point_third_after::turn(view, index, segment, &found) {
                point_third_after::find(view, &turn, &mut found);
                point_third_before::find(view, segment, &turn, &mut found, reached);
            }
        }
        self.filled.sort_unstable();
        for element in self.filled.drain(..) {
            let slot = element.checked_sub(base).and_then(|at| self.slots.get_mut(at));
            if let (Some(slot), Some(at)) = (slot, view.elements.get(element)) {
                self.points.push(point(element, at, &std::mem::take(slot)));
            }
        }
        kept
    }
}

/// One level as it stands: its elements, their segments and centers, and what the metrics read of the bars.
#[derive(Debug, Clone, Copy)]
pub struct Level<'a> {
    /// The strokes, or one level up the segments.
    pub elements: &'a [Element],
    /// The segments of these elements.
    pub segments: &'a [SegmentSpan],
    /// Their centers.
    pub centers: &'a [Center],
    /// The columns of the bars.
    pub columns: &'a Columns,
    /// Centers that begin before this element are final.
    pub open_from: usize,
}

fn point(element: usize, at: &Element, slot: &Slot) -> Point {
    Point {
        element,
        bar: at.end_bar,
        ts_ms: at.end_ts_ms,
        price: at.end_price,
        side: Side::at_end_of(at),
        types: slot.types,
        confirmed: slot.confirmed,
        divergence: slot.divergence,
    }
}
