//! Strokes as the czsc engine draws them (`bi_algo=czsc`): no second choice, and a broken stroke is taken back.
//!
//! The bars that no stroke has yet are the last of all merged bars, so they are kept as one list. A fractal is judged
//! when its right neighbour is born; that neighbour grows only away from it, so the judgement stays.

use std::cmp::Ordering;

use crate::bar::Bar;
use crate::error::ChanError;
use crate::event::StrokeEvent;
use crate::fractal::Kind;
use crate::inclusion::{MergedBar, Peak};
use crate::params::Params;
use crate::stroke::{State, Stroke};
use crate::stroke_report::{Shown, report};

/// Strokes after it that keep a stroke from being taken back.
const OPEN: usize = 2;

/// A bar merged by the rules of this algorithm.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Merged {
    high: f64,
    low: f64,
    /// The raw bar it is named by, its time and range.
    bar: usize,
    ts_ms: i64,
    raw_high: f64,
    raw_low: f64,
    /// First and last raw bar inside.
    first_bar: usize,
    last_bar: usize,
}

impl Merged {
    fn of(raw: usize, bar: &Bar) -> Self {
        Self {
            high: bar.high,
            low: bar.low,
            bar: raw,
            ts_ms: bar.ts_ms,
            raw_high: bar.high,
            raw_low: bar.low,
            first_bar: raw,
            last_bar: raw,
        }
    }

    /// Merges `next` if one of the two contains the other. The direction comes from the bar before this one.
    fn merged_with(&self, before: &Self, next: &Self) -> Option<Self> {
        let contained = (self.high <= next.high && self.low >= next.low)
            || (self.high >= next.high && self.low <= next.low);
        if before.high == self.high || !contained {
            return None;
        }
        let up = before.high < self.high;
        let keeps = if up { self.high > next.high } else { self.low < next.low };
        let (high, low) = if up {
            (self.high.max(next.high), self.low.max(next.low))
        } else {
            (self.high.min(next.high), self.low.min(next.low))
        };
        let (first_bar, last_bar) = (self.first_bar, next.last_bar);
        Some(Self { high, low, first_bar, last_bar, ..if keeps { *self } else { *next } })
    }

    fn peak(&self, kind: Kind) -> Peak {
        let (price, far_price) = match kind {
            Kind::Top => (self.high, self.raw_low),
            Kind::Bottom => (self.low, self.raw_high),
        };
        let Self { bar, ts_ms, first_bar, last_bar, .. } = *self;
        Peak { bar, ts_ms, price, far_price, first_bar, last_bar }
    }

    fn contains(&self, other: &Self) -> bool {
        self.high > other.high && self.low < other.low
    }
}

/// A fractal: the merged bar in its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Turn {
    at: usize,
    kind: Kind,
}

/// The most extreme of some turns of one kind: the first and the last of equal ones.
type Extreme = (Turn, Turn);

/// The search for the end of the stroke that begins at `begin`.
#[derive(Debug, Clone, Copy)]
struct Scan {
    begin: Turn,
    /// The most extreme turn of the other kind after it.
    best: Option<Extreme>,
    /// The most extreme turn of its own kind after it. It may lie beyond `begin`, for only the last stroke is watched:
    /// then it is a better end for the stroke before, should that be taken back.
    same: Option<Extreme>,
}

impl Scan {
    fn new(begin: Turn) -> Self {
        Self { begin, best: None, same: None }
    }
}

/// A stroke between two fractals.
#[derive(Debug, Clone, Copy)]
struct Leg {
    begin: Turn,
    end: Turn,
    /// As of its scan when it was found.
    same: Option<Extreme>,
    first_seen_bar: usize,
    confirmed_bar: Option<usize>,
}

/// Everything a bar can change besides the lists.
#[derive(Debug, Clone, Copy, Default)]
struct Core {
    bars: usize,
    last_ts_ms: Option<i64>,
    /// The last merged bar by the rules that all presets count.
    counted: Option<MergedBar>,
    scan: Option<Scan>,
    confirmed: usize,
}

/// How to take the last bar back.
#[derive(Debug, Clone, Copy)]
struct Undo {
    core: Core,
    bars: usize,
    last_bar: Option<Merged>,
    turns: usize,
    legs: usize,
    last_leg: Option<Leg>,
    /// What was first seen under the number of the next stroke.
    seen: Option<(usize, usize)>,
}

/// The strokes of a growing series of bars.
#[derive(Debug, Clone)]
pub struct CzscStrokes {
    min_bi_len: usize,
    core: Core,
    bars: Vec<Merged>,
    turns: Vec<Turn>,
    legs: Vec<Leg>,
    /// Begin and first bar shown of the last stroke shown under each number.
    seen: Vec<(usize, usize)>,
    undo: Option<Undo>,
    events: Vec<StrokeEvent>,
}

impl CzscStrokes {
    /// Returns an engine whose first bar is number `bars` of a series, the bar before it being of this time.
    pub(crate) fn starting_at(params: &Params, bars: usize, last_ts_ms: Option<i64>) -> Self {
        Self {
            min_bi_len: params.min_bi_len,
            core: Core { bars, last_ts_ms, ..Core::default() },
            bars: Vec::new(),
            turns: Vec::new(),
            legs: Vec::new(),
            seen: Vec::new(),
            undo: None,
            events: Vec::new(),
        }
    }

    /// Reads a bar; [`events`](Self::events) then has what it changed.
    pub(crate) fn push(&mut self, bar: Bar) -> Result<(), ChanError> {
        bar.check(self.core.bars, self.core.last_ts_ms)?;
        let undo = Undo {
            core: self.core,
            bars: self.bars.len(),
            last_bar: self.bars.last().copied(),
            turns: self.turns.len(),
            legs: self.legs.len(),
            last_leg: self.legs.last().copied(),
            seen: self.seen.get(self.legs.len()).copied(),
        };
        self.undo = Some(undo);
        let before = self.shown_from(self.first_changed());
        self.advance(&bar);
        self.report(&before);
        Ok(())
    }

    /// Reads a correction of the last bar.
    pub(crate) fn replace(&mut self, bar: Bar) -> Result<(), ChanError> {
        let undo = self.undo.ok_or(ChanError::NothingToReplace)?;
        bar.check(undo.core.bars, undo.core.last_ts_ms)?;
        let before = self.shown_from(self.first_changed());
        self.take_back(&undo);
        self.advance(&bar);
        self.report(&before);
        Ok(())
    }

    /// Takes the last bar back; nothing is told about it.
    pub(crate) fn take_bar_back(&mut self) {
        if let Some(undo) = self.undo {
            self.take_back(&undo);
        }
    }

    /// Checks what would be the next bar.
    pub(crate) fn check(&self, bar: &Bar) -> Result<(), ChanError> {
        bar.check(self.core.bars, self.core.last_ts_ms)
    }

    /// Checks what would correct the last bar.
    pub(crate) fn check_replacement(&self, bar: &Bar) -> Result<(), ChanError> {
        let undo = self.undo.ok_or(ChanError::NothingToReplace)?;
        bar.check(undo.core.bars, undo.core.last_ts_ms)
    }

    /// Returns the open time of the last bar read.
    pub(crate) fn last_ts_ms(&self) -> Option<i64> {
        self.core.last_ts_ms
    }

    /// Returns what the last bar changed.
    pub(crate) fn events(&self) -> &[StrokeEvent] {
        &self.events
    }

    /// Returns stroke number `index`, if that is shown.
    pub(crate) fn stroke(&self, index: usize) -> Option<Stroke> {
        let leg = self.legs.get(index)?;
        let peak = |turn: Turn| Some(self.bars.get(turn.at)?.peak(turn.kind));
        let stroke = Stroke::between(index, peak(leg.begin)?, peak(leg.end)?, leg.first_seen_bar);
        let state = if leg.confirmed_bar.is_some() { State::Confirmed } else { State::Provisional };
        Some(Stroke { state, confirmed_bar: leg.confirmed_bar, ..stroke })
    }

    pub(crate) fn stroke_count(&self) -> usize {
        self.legs.len()
    }

    /// Returns how many strokes count as finished: the last one waits for five bars from the left neighbour of its end.
    pub(crate) fn finished_count(&self) -> usize {
        let open_from = self.core.scan.map_or(0, |scan| scan.begin.at.saturating_sub(1));
        let is_finished = self.bars.len() - open_from >= 5;
        self.legs.len().saturating_sub(usize::from(!is_finished))
    }

    /// Returns how many strokes, from the first, are as they will be whatever the last bar is replaced by.
    pub(crate) fn settled_count(&self) -> usize {
        self.undo.map_or(0, |undo| undo.core.confirmed)
    }

    /// Returns the number of the first stroke the last bar may have changed.
    pub(crate) fn first_changed(&self) -> usize {
        self.undo.map_or(0, |undo| undo.legs.saturating_sub(OPEN))
    }

    pub(crate) fn bar_count(&self) -> usize {
        self.core.bars
    }

    pub(crate) fn merged_count(&self) -> usize {
        self.core.counted.map_or(0, |last| last.index + 1)
    }

    fn shown_from(&self, from: usize) -> Shown {
        let strokes = std::array::from_fn(|i| self.stroke(from + i));
        Shown { from, strokes, confirmed: self.core.confirmed }
    }

    fn report(&mut self, before: &Shown) {
        let now = self.shown_from(before.from);
        report(before, &now, self.core.bars - 1, &mut self.events);
    }

    fn take_back(&mut self, undo: &Undo) {
        self.core = undo.core;
        self.bars.truncate(undo.bars);
        if let (Some(last), Some(old)) = (self.bars.last_mut(), undo.last_bar) {
            *last = old;
        }
        self.turns.truncate(undo.turns);
        self.legs.truncate(undo.legs);
        if self.legs.len() < undo.legs {
            self.legs.extend(undo.last_leg);
        }
        for leg in self.legs.iter_mut().skip(undo.core.confirmed) {
            leg.confirmed_bar = None;
        }
        if let (Some(seen), Some(old)) = (self.seen.get_mut(undo.legs), undo.seen) {
            *seen = old;
        } else {
            self.seen.truncate(undo.legs);
        }
    }

    fn advance(&mut self, bar: &Bar) {
        let raw = self.core.bars;
        self.core.bars += 1;
        self.core.last_ts_ms = Some(bar.ts_ms);
        match &mut self.core.counted {
            Some(last) if last.includes(bar) => last.absorb(raw, bar),
            last => {
                *last = Some(last.map_or(MergedBar::first(raw, bar), |l| l.born_after(raw, bar)))
            }
        }
        if let Some(turn) = self.add(Merged::of(raw, bar)) {
            self.turn(turn);
        }
        // A stroke found while the last bar is beyond its end would be taken back at once.
        let end = self.end_of_scan();
        if end.is_some_and(|end| !self.is_broken(end)) {
            self.begin_next();
        } else if let Some(leg) = self.legs.last().copied()
            && end.is_none()
            && self.legs.len() > self.core.confirmed
            && self.is_broken(leg.end)
        {
            self.take_last(leg);
        }
        self.confirm();
    }

    /// Merges a bar into the last one, or appends it and returns the fractal that makes.
    fn add(&mut self, next: Merged) -> Option<Turn> {
        if let [.., before, last] = self.bars.as_mut_slice()
            && let Some(merged) = last.merged_with(before, &next)
        {
            *last = merged;
            return None;
        }
        self.bars.push(next);
        let [.., left, middle, right] = self.bars.as_slice() else { return None };
        let rises = middle.high > left.high && middle.high > right.high;
        let falls = middle.high < left.high && middle.high < right.high;
        let kind = if rises && middle.low > left.low && middle.low > right.low {
            Kind::Top
        } else if falls && middle.low < left.low && middle.low < right.low {
            Kind::Bottom
        } else {
            return None;
        };
        Some(Turn { at: self.bars.len() - 2, kind })
    }

    /// Takes a new fractal in. Of two of one kind in a row the later is ignored.
    fn turn(&mut self, turn: Turn) {
        if self.turns.last().is_some_and(|last| last.kind == turn.kind) {
            return;
        }
        self.turns.push(turn);
        let opening = self.legs.is_empty();
        self.core.scan = Some(self.scanned(self.core.scan, turn, opening));
    }

    /// Returns the scan after a fractal. Before the first stroke the begin moves to a fractal as extreme.
    fn scanned(&self, scan: Option<Scan>, turn: Turn, opening: bool) -> Scan {
        let Some(scan) = scan else { return Scan::new(turn) };
        let new = Some((turn, turn));
        if turn.kind != scan.begin.kind {
            return Scan { best: self.better(scan.best, new), ..scan };
        }
        if opening && self.compare(turn, scan.begin).is_some_and(Ordering::is_ge) {
            return Scan::new(turn);
        }
        Scan { same: self.better(scan.same, new), ..scan }
    }

    /// Returns the more extreme of two, both of one kind, the first of which begins earlier.
    fn better(&self, one: Option<Extreme>, later: Option<Extreme>) -> Option<Extreme> {
        let (Some((first, last)), Some(other)) = (one, later) else { return one.or(later) };
        match self.compare(other.0, first) {
            Some(Ordering::Greater) => later,
            Some(Ordering::Equal) if other.1.at > last.at => Some((first, other.1)),
            _ => one,
        }
    }

    /// Compares how extreme two fractals of one kind are.
    fn compare(&self, one: Turn, other: Turn) -> Option<Ordering> {
        let (one, other, kind) = (self.bars.get(one.at)?, self.bars.get(other.at)?, one.kind);
        match kind {
            Kind::Top => one.high.partial_cmp(&other.high),
            Kind::Bottom => other.low.partial_cmp(&one.low),
        }
    }

    /// Returns where the stroke sought ends, if the best end is good enough.
    fn end_of_scan(&self) -> Option<Turn> {
        let scan = self.core.scan?;
        let (end, _) = scan.best?;
        let (a, b) = (self.bars.get(scan.begin.at)?, self.bars.get(end.at)?);
        let is_beyond = match end.kind {
            Kind::Top => b.high > a.low,
            Kind::Bottom => b.low < a.high,
        };
        let bars = end.at + 3 - scan.begin.at;
        let is_good = is_beyond && !a.contains(b) && !b.contains(a) && bars >= self.min_bi_len;
        is_good.then_some(end)
    }

    /// Whether the last bar lies beyond a stroke's end.
    fn is_broken(&self, end: Turn) -> bool {
        let (Some(last), Some(bar)) = (self.bars.last(), self.bars.get(end.at)) else {
            return false;
        };
        match end.kind {
            Kind::Top => last.high > bar.high,
            Kind::Bottom => last.low < bar.low,
        }
    }

    /// Makes the stroke found and turns to the next one.
    fn begin_next(&mut self) {
        let (Some(scan), Some(end)) = (self.core.scan, self.end_of_scan()) else { return };
        let index = self.legs.len();
        let bar = self.core.bars - 1;
        let start = self.bars.get(scan.begin.at).map_or(0, |begin| begin.bar);
        match self.seen.get_mut(index) {
            Some(seen) if seen.0 == start => {}
            Some(seen) => *seen = (start, bar),
            None => self.seen.push((start, bar)),
        }
        let first_seen_bar = self.seen.get(index).map_or(bar, |seen| seen.1);
        let Scan { begin, same, .. } = scan;
        self.legs.push(Leg { begin, end, same, first_seen_bar, confirmed_bar: None });
        self.core.scan = Some(self.scan_from(end, false));
    }

    /// Scans the fractals known after `begin`.
    fn scan_from(&self, begin: Turn, opening: bool) -> Scan {
        let from = self.turns.partition_point(|turn| turn.at <= begin.at);
        let known = self.turns.iter().skip(from);
        known.fold(Scan::new(begin), |scan, turn| self.scanned(Some(scan), *turn, opening))
    }

    /// Takes the last stroke back: its bars are open again.
    fn take_last(&mut self, leg: Leg) {
        let (of_begin, of_end) = self.core.scan.map_or((None, None), |scan| (scan.best, scan.same));
        let same = self.better(leg.same, of_begin);
        self.legs.pop();
        let moved = same.map(|(_, last)| last).filter(|turn| {
            self.legs.is_empty() && self.compare(*turn, leg.begin).is_some_and(Ordering::is_ge)
        });
        self.core.scan = Some(match moved {
            Some(begin) => self.scan_from(begin, true),
            None => {
                let best = self.better(Some((leg.end, leg.end)), of_end);
                Scan { begin: leg.begin, best, same }
            }
        });
    }

    fn confirm(&mut self) {
        let confirmed = self.legs.len().saturating_sub(OPEN);
        let bar = self.core.bars - 1;
        while self.core.confirmed < confirmed {
            if let Some(leg) = self.legs.get_mut(self.core.confirmed) {
                leg.confirmed_bar = Some(bar);
            }
            self.core.confirmed += 1;
        }
    }
}
