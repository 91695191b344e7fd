//! Strokes bar by bar: one bar in, the changed strokes out.

mod guards;

use crate::bar::Bar;
use crate::error::ChanError;
use crate::event::StrokeEvent;
use crate::first_stroke::Opening;
use crate::fractal::{self, Kind};
use crate::inclusion::{Direction, Extent, MergedBar, Peak};
use crate::params::Params;
use crate::reset::Reset;
use crate::stroke::{Landing, Pivot, State, Stroke, is_peak};
use crate::stroke_report::{Shown, report};

/// How many strokes back a bar can change one: the third last is confirmed where a better peak may drop the last.
const REACH: usize = 3;

/// A stroke that ends at a fractal.
#[derive(Debug, Clone, Copy)]
struct Leg {
    stroke: Stroke,
    /// The merged bars after its begin up to and with its end.
    extent: Extent,
}

/// What is shown after the strokes with a fractal end: those up to `keep`, then `stroke`.
#[derive(Debug, Clone, Copy, Default)]
struct Tail {
    keep: usize,
    stroke: Option<Stroke>,
}

/// A provisional end: of a new stroke, or of the stroke before the last, which then is dropped.
#[derive(Debug, Clone, Copy)]
struct Provisional {
    end: Peak,
    drops_last: bool,
}

/// Everything a bar can change besides the lists; copied before each bar so that the bar can be taken back.
#[derive(Debug, Clone, Copy)]
struct Core {
    bars: usize,
    last_ts_ms: Option<i64>,
    /// The last three merged bars, oldest first.
    recent: [Option<MergedBar>; 3],
    /// The end of the last leg.
    pivot: Option<Pivot>,
    /// The merged bars after the pivot that are finished and no longer the last but one.
    since_pivot: Extent,
    /// The best provisional end among the finished bars after the pivot: the latest.
    provisional: Option<Provisional>,
    /// The same if the end need not be the peak of its bars. Kept for `max_stroke_bars` alone.
    unpeaked: Option<Provisional>,
    /// Whether the next stroke need not end at the peak of its bars.
    overdue: bool,
    tail: Tail,
    /// When a stroke from the pivot was first shown.
    next_first_seen: Option<usize>,
    confirmed: usize,
}

/// How to take the last bar back.
#[derive(Debug, Clone)]
struct Undo {
    core: Core,
    legs: usize,
    last_legs: [Option<Leg>; 2],
    opening: usize,
}

/// The strokes of a growing series of bars. Work per bar is constant on average and a bar allocates nothing,
/// apart from the growth of the list of strokes and, until there is a first stroke, of the bars it is sought in.
#[derive(Debug, Clone)]
pub struct StrokeEngine {
    params: Params,
    core: Core,
    legs: Vec<Leg>,
    opening: Opening,
    undo: Option<Undo>,
    events: Vec<StrokeEvent>,
    /// Where a stroke was overdue.
    resets: Vec<Reset>,
}

impl StrokeEngine {
    /// Returns an engine that has read no bar.
    #[must_use]
    pub fn new(params: Params) -> Self {
        Self::starting_at(params, 0, None)
    }

    /// Returns an engine whose first bar is number `bars` of a series, the bar before it being of this time.
    pub(crate) fn starting_at(params: Params, bars: usize, last_ts_ms: Option<i64>) -> Self {
        let core = Core {
            bars,
            last_ts_ms,
            recent: [None; 3],
            pivot: None,
            since_pivot: Extent::EMPTY,
            provisional: None,
            unpeaked: None,
            overdue: false,
            tail: Tail::default(),
            next_first_seen: None,
            confirmed: 0,
        };
        let (legs, events) = (Vec::new(), Vec::with_capacity(8));
        let (opening, resets) = (Opening::default(), Vec::new());
        Self { params, core, legs, opening, undo: None, events, resets }
    }

    /// Returns an engine that has read these bars. It is what a push of each would make, without the events between.
    ///
    /// # Errors
    /// A bar is malformed or does not open after the one before it.
    pub fn batch(params: Params, bars: impl IntoIterator<Item = Bar>) -> Result<Self, ChanError> {
        let mut engine = Self::new(params);
        let mut bars = bars.into_iter().peekable();
        while let Some(bar) = bars.next() {
            if bars.peek().is_none() {
                engine.push(bar)?;
            } else {
                engine.read(bar)?;
            }
        }
        Ok(engine)
    }

    /// Reads a bar that another will follow at once: it cannot be replaced, and nothing is told about it.
    pub(crate) fn read(&mut self, bar: Bar) -> Result<(), ChanError> {
        bar.check(self.core.bars, self.core.last_ts_ms)?;
        self.close_opening();
        self.advance(bar);
        Ok(())
    }

    /// Reads a bar and returns what it changed: void strokes from the last to the first, then revised and new ones,
    /// then confirmed ones.
    ///
    /// # Errors
    /// The bar is malformed or does not open after the last one; the engine is then unchanged.
    pub fn push(&mut self, bar: Bar) -> Result<&[StrokeEvent], ChanError> {
        bar.check(self.core.bars, self.core.last_ts_ms)?;
        self.close_opening();
        let legs = self.legs.len();
        let last_legs = [2, 1].map(|back| Some(*self.legs.get(legs.checked_sub(back)?)?));
        self.undo = Some(Undo { core: self.core, legs, last_legs, opening: self.opening.len() });
        let before = self.shown_from(legs.saturating_sub(REACH));
        self.advance(bar);
        Ok(self.report(&before))
    }

    /// Reads a correction of the last bar; the engine is then as if the old version had never been pushed.
    ///
    /// The events are the differences from what was shown after the old version.
    ///
    /// # Errors
    /// There is no bar, or the new version is malformed or does not open after the bar before; the engine is then
    /// unchanged.
    pub fn replace(&mut self, bar: Bar) -> Result<&[StrokeEvent], ChanError> {
        let undo = self.undo.clone().ok_or(ChanError::NothingToReplace)?;
        bar.check(undo.core.bars, undo.core.last_ts_ms)?;
        let before = self.shown_from(undo.legs.saturating_sub(REACH));
        self.take_back(&undo);
        self.advance(bar);
        Ok(self.report(&before))
    }

    /// Returns the strokes shown after the last bar, the provisional tail included.
    pub fn strokes(&self) -> impl Iterator<Item = Stroke> + '_ {
        let kept = self.legs.iter().take(self.core.tail.keep).map(|leg| leg.stroke);
        kept.chain(self.core.tail.stroke)
    }

    /// Returns how many strokes are shown.
    #[must_use]
    pub fn stroke_count(&self) -> usize {
        self.core.tail.keep + usize::from(self.core.tail.stroke.is_some())
    }

    /// Returns how many raw bars were read.
    #[must_use]
    pub fn bar_count(&self) -> usize {
        self.core.bars
    }

    /// Returns when the last bar opened, Unix milliseconds UTC.
    #[must_use]
    pub fn last_ts_ms(&self) -> Option<i64> {
        self.core.last_ts_ms
    }

    /// Returns how many merged bars they make.
    #[must_use]
    pub fn merged_count(&self) -> usize {
        self.core.recent[2].map_or(0, |last| last.index + 1)
    }

    /// Returns how many strokes, from the first, will never change.
    #[must_use]
    pub fn confirmed_count(&self) -> usize {
        self.core.confirmed
    }

    /// Returns how many strokes, from the first, are as they will be whatever the last bar is replaced by.
    pub(crate) fn settled_count(&self) -> usize {
        self.undo.as_ref().map_or(0, |undo| undo.core.confirmed.min(self.core.confirmed))
    }

    /// Whether the shown stroke `index` ends at a fractal, or extends one that does.
    pub(crate) fn is_sure(&self, index: usize) -> bool {
        index < self.legs.len()
    }

    /// Returns the number of the first stroke the last push or replace may have changed.
    pub(crate) fn first_changed(&self) -> usize {
        self.undo.as_ref().map_or(0, |undo| undo.legs.saturating_sub(REACH))
    }

    /// Returns what the last push or replace changed.
    pub(crate) fn events(&self) -> &[StrokeEvent] {
        &self.events
    }

    /// Returns stroke number `index`, if that is shown.
    #[must_use]
    pub fn stroke(&self, index: usize) -> Option<Stroke> {
        self.shown(index)
    }

    fn shown(&self, index: usize) -> Option<Stroke> {
        match index.cmp(&self.core.tail.keep) {
            std::cmp::Ordering::Less => self.legs.get(index).map(|leg| leg.stroke),
            std::cmp::Ordering::Equal => self.core.tail.stroke,
            std::cmp::Ordering::Greater => None,
        }
    }

    fn shown_from(&self, from: usize) -> Shown {
        let strokes = std::array::from_fn(|i| self.shown(from + i));
        Shown { from, strokes, confirmed: self.core.confirmed }
    }

    /// Drops the bars the first stroke was sought in. It waits for the bar after, lest that stroke is taken back.
    fn close_opening(&mut self) {
        if !self.legs.is_empty() && self.opening.len() > 0 {
            self.opening = Opening::default();
        }
    }

    fn take_back(&mut self, undo: &Undo) {
        self.core = undo.core;
        self.legs.truncate(undo.legs.saturating_sub(2));
        self.legs.extend(undo.last_legs.iter().flatten());
        for leg in self.legs.iter_mut().skip(undo.core.confirmed) {
            leg.stroke.state = State::Provisional;
            leg.stroke.confirmed_bar = None;
        }
        self.opening.truncate(undo.opening);
        while self.resets.pop_if(|reset| reset.bar >= undo.core.bars).is_some() {}
    }

    fn advance(&mut self, bar: Bar) {
        let raw = self.core.bars;
        self.core.bars += 1;
        self.core.last_ts_ms = Some(bar.ts_ms);
        let [_, before, last] = &mut self.core.recent;
        match last {
            None => *last = Some(MergedBar::first(raw, &bar)),
            Some(last) if last.includes(&bar) => {
                last.absorb(raw, &bar);
                if let Some(before) = before {
                    last.count_gaps(before);
                }
            }
            Some(middle) => {
                let (left, middle) = (*before, *middle);
                let right = middle.born_after(raw, &bar);
                self.core.recent = [left, Some(middle), Some(right)];
                self.finish(left, middle, right);
            }
        }
        self.watch_length();
        self.show_tail();
        self.confirm();
    }

    /// Runs the rules on `middle`, finished by the birth of `right`.
    fn finish(&mut self, left: Option<MergedBar>, middle: MergedBar, right: MergedBar) {
        let kind = left.and_then(|left| fractal::judge(&left, &middle, &right));
        let left_extent = left.map_or(Extent::EMPTY, |left| left.extent);
        let end = Landing { bar: &middle, left: left_extent, right: Some(right.extent) };
        let Some(pivot) = &mut self.core.pivot else {
            self.opening.add(left, middle, kind, self.params.bi_fx_check);
            if let Some(kind) = kind {
                self.begin_first(kind, &end);
            }
            return;
        };
        if middle.index == pivot.bar.index + 1 {
            pivot.right = middle.extent;
        }
        if kind.is_some_and(|kind| self.extend_legs(kind, &end)) {
            return;
        }
        let end = Landing { right: None, ..end };
        if let Some(found) = self.provisional_end(&end, self.core.overdue) {
            self.core.provisional = Some(found);
        }
        if self.params.max_stroke_bars.is_some()
            && let Some(found) = self.provisional_end(&end, true)
        {
            self.core.unpeaked = Some(found);
        }
        self.core.since_pivot = self.core.since_pivot.with(middle.extent);
    }

    fn begin_first(&mut self, kind: Kind, end: &Landing<'_>) {
        let Some(begin) = self.opening.begin_for(&self.params, kind, end) else { return };
        let extent = self.opening.extent_after(&begin.bar);
        let (from, to) = (begin.bar.peak(begin.kind), end.bar.peak(kind));
        let stroke = Stroke::between(0, from, to, self.core.bars - 1);
        self.legs.push(Leg { stroke, extent });
        self.set_pivot(kind, end);
    }

    /// Lets the fractal `end` move the end of the last leg, begin a new one, or drop the last one. Returns whether.
    fn extend_legs(&mut self, kind: Kind, end: &Landing<'_>) -> bool {
        let Some(pivot) = self.core.pivot else { return false };
        let peak = end.bar.peak(kind);
        let inside = self.core.since_pivot;
        let extent = inside.with(end.bar.extent);
        if kind == pivot.kind {
            if !end.bar.reaches(&pivot.bar, kind) {
                return false;
            }
            self.move_end(peak, extent);
        } else if self.can_reach(&pivot, end, self.core.overdue) {
            let first_seen = self.core.next_first_seen.unwrap_or(self.core.bars - 1);
            let start = pivot.bar.peak(pivot.kind);
            let stroke = Stroke::between(self.legs.len(), start, peak, first_seen);
            self.legs.push(Leg { stroke, extent });
        } else if self.replaces_peak(kind, end.bar) {
            let dropped = self.legs.pop().map_or(Extent::EMPTY, |leg| leg.extent);
            self.move_end(peak, dropped.with(extent));
        } else {
            return false;
        }
        self.set_pivot(kind, end);
        true
    }

    /// Moves the end of the last leg over merged bars of this extent.
    fn move_end(&mut self, end: Peak, over: Extent) {
        if let Some(last) = self.legs.last_mut() {
            last.stroke = last.stroke.ending_at(end);
            last.extent = last.extent.with(over);
        }
    }

    fn set_pivot(&mut self, kind: Kind, end: &Landing<'_>) {
        // The right neighbour has just been born; it counts once it is finished, or as it is while it is the last.
        let (left, right) = (end.left, Extent::EMPTY);
        self.core.pivot = Some(Pivot { bar: *end.bar, kind, left, right });
        self.core.since_pivot = Extent::EMPTY;
        (self.core.provisional, self.core.unpeaked, self.core.overdue) = (None, None, false);
        self.core.next_first_seen = None;
    }

    /// Whether `bar`, a peak of `kind`, is a better end for the stroke before the last, which then is dropped.
    fn replaces_peak(&self, kind: Kind, bar: &MergedBar) -> bool {
        let [.., before, last] = self.legs.as_slice() else { return false };
        // A confirmed stroke is neither moved nor dropped.
        if self.params.bi_allow_sub_peak || self.legs.len() < self.core.confirmed + 2 {
            return false;
        }
        let begin = before.stroke.start_price;
        let (reaches, holds) = match kind {
            Kind::Top => {
                (bar.extent.high >= last.stroke.start_price, last.stroke.end_price >= begin)
            }
            Kind::Bottom => {
                (bar.extent.low <= last.stroke.start_price, last.stroke.end_price <= begin)
            }
        };
        let inside = before.extent.with(last.extent).with(self.core.since_pivot);
        reaches && holds && is_peak(kind, bar, inside)
    }

    /// Returns what a merged bar that is no fractal may provisionally end, a new stroke being `overdue` or not.
    fn provisional_end(&self, end: &Landing<'_>, overdue: bool) -> Option<Provisional> {
        let pivot = self.core.pivot.as_ref()?;
        let (kind, direction) = match pivot.kind {
            Kind::Top => (Kind::Bottom, Direction::Down),
            Kind::Bottom => (Kind::Top, Direction::Up),
        };
        if end.bar.direction != direction {
            return None;
        }
        let drops_last = !self.can_reach(pivot, end, overdue);
        if drops_last && !self.replaces_peak(kind, end.bar) {
            return None;
        }
        Some(Provisional { end: end.bar.peak(kind), drops_last })
    }

    /// Finds the provisional tail: what is shown until the next bar.
    fn show_tail(&mut self) {
        let legs = self.legs.len();
        self.core.tail = Tail { keep: legs, stroke: None };
        let (Some(mut pivot), [_, Some(before), Some(last)]) = (self.core.pivot, self.core.recent)
        else {
            return;
        };
        let Some(leg) = self.legs.last() else { return };
        if last.reaches(&pivot.bar, pivot.kind) {
            let stroke = leg.stroke.ending_at(last.peak(pivot.kind));
            self.core.tail = Tail { keep: legs - 1, stroke: Some(stroke) };
            return;
        }
        if last.index == pivot.bar.index + 1 {
            pivot.right = last.extent;
            self.core.pivot = Some(pivot);
        }
        let end = Landing { bar: &last, left: before.extent, right: None };
        let Some(found) = self.provisional_end(&end, self.core.overdue).or(self.core.provisional)
        else {
            return;
        };
        if found.drops_last {
            let stroke = self.legs.get(legs - 2).map(|leg| leg.stroke.ending_at(found.end));
            self.core.tail = Tail { keep: legs - 2, stroke };
        } else {
            let start = pivot.bar.peak(pivot.kind);
            let first_seen = *self.core.next_first_seen.get_or_insert(self.core.bars - 1);
            let stroke = Stroke::between(legs, start, found.end, first_seen);
            self.core.tail = Tail { keep: legs, stroke: Some(stroke) };
        }
    }

    /// Confirms the strokes that no later bar can change.
    fn confirm(&mut self) {
        let open = if self.params.bi_allow_sub_peak { 1 } else { 3 };
        let confirmed = self.legs.len().saturating_sub(open);
        let bar = self.core.bars - 1;
        while self.core.confirmed < confirmed {
            if let Some(leg) = self.legs.get_mut(self.core.confirmed) {
                leg.stroke.state = State::Confirmed;
                leg.stroke.confirmed_bar = Some(bar);
            }
            self.core.confirmed += 1;
        }
    }

    /// Writes down the differences from what was shown before.
    fn report(&mut self, before: &Shown) -> &[StrokeEvent] {
        let now = self.shown_from(before.from);
        report(before, &now, self.core.bars - 1, &mut self.events);
        &self.events
    }
}
