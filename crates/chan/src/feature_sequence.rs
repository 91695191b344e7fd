//! The feature sequence (特征序列) of a segment: the elements against it, merged, and the fractal among them that
//! ends it.
//!
//! The rules are written for an up segment. A down segment reads the same prices with their signs turned.

use crate::element::Element;
use crate::inclusion::Direction;

/// The elements a search may read, and how far what it reads is settled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub elements: &'a [Element],
    /// Whether the elements after these are not yet known, so that a look beyond them has no answer, rather than the
    /// answer that there are none.
    pub open_ended: bool,
}

/// What became of feeding an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No fractal yet.
    Open,
    /// The fractal is complete.
    Fractal,
    /// The answer hangs on elements that are not yet known. The search is no longer of use.
    Unknown,
}

/// Some feature elements merged into one, seen from the segment's side.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Feature {
    high: f64,
    low: f64,
    /// Index of the last element inside.
    last: usize,
    /// Index of the last element inside with the merged high.
    peak: usize,
}

impl Feature {
    fn contains(&self, high: f64, low: f64) -> bool {
        self.high >= high && self.low <= low
    }

    fn merge(&mut self, at: usize, high: f64, low: f64) {
        if high != low || high != self.high {
            self.high = self.high.max(high);
            self.low = self.low.max(low);
        }
        if high == self.high {
            self.peak = at;
        }
        self.last = at;
    }
}

enum Step {
    Open,
    Fractal,
    Reset,
    Unknown,
}

enum Break {
    Passed,
    Pending,
    Failed,
    Unknown,
}

/// The search for the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Search {
    /// Direction of the segment; it reads the elements of the other direction.
    pub direction: Direction,
    /// First and last element fed since the last reset: every second one between was fed as well.
    pub first: usize,
    pub last: usize,
    /// Whether a break test was left open for want of elements.
    pub pending: bool,
    /// The element that completed the fractal.
    pub evidence: usize,
    /// The latest element the decision about the fractal hangs on; known once it is decided.
    pub latest: usize,
    features: [Option<Feature>; 3],
}

impl Search {
    pub fn new(direction: Direction) -> Self {
        let (pending, features) = (false, [None; 3]);
        Self { direction, first: 0, last: 0, pending, evidence: 0, latest: 0, features }
    }

    /// Whether the second feature has begun.
    pub fn has_second(&self) -> bool {
        self.features[1].is_some()
    }

    /// Returns the index of the element the segment ends with, once there is a fractal.
    pub fn end(&self) -> Option<usize> {
        self.features[1].and_then(|second| second.peak.checked_sub(1))
    }

    /// Whether the first two features of the fractal leave a gap between them (the second case, 第二种情况).
    pub fn has_gap(&self) -> bool {
        let [Some(first), Some(second), _] = self.features else { return false };
        first.high < second.low
    }

    /// Feeds element number `at`, the next one of its direction.
    pub fn feed(&mut self, at: usize, view: View<'_>) -> Outcome {
        if self.features[0].is_none() {
            self.first = at;
        }
        self.run(at, at, view)
    }

    /// Gives the fractal up and reads again what was fed, without the first element.
    pub fn reset(&mut self, view: View<'_>) -> Outcome {
        let until = self.last;
        if !self.drop_first(until) {
            return Outcome::Open;
        }
        self.run(self.first, until, view)
    }

    /// Reads every second element from `at` to `until`.
    fn run(&mut self, mut at: usize, until: usize, view: View<'_>) -> Outcome {
        loop {
            self.last = at;
            match self.step(at, view) {
                Step::Open if at == until => return Outcome::Open,
                Step::Open => at += 2,
                Step::Fractal => return Outcome::Fractal,
                Step::Unknown => return Outcome::Unknown,
                Step::Reset => {
                    if !self.drop_first(until) {
                        return Outcome::Open;
                    }
                    at = self.first;
                }
            }
        }
    }

    /// Returns whether anything is left to read.
    fn drop_first(&mut self, until: usize) -> bool {
        self.features = [None; 3];
        self.first += 2;
        self.first <= until
    }

    fn step(&mut self, at: usize, view: View<'_>) -> Step {
        let Some((high, low)) = self.range(at, view) else { return Step::Unknown };
        let fresh = Feature { high, low, last: at, peak: at };
        let [first, second, third] = &mut self.features;
        let Some(first) = first else {
            *first = Some(fresh);
            return Step::Open;
        };
        let Some(second) = second else {
            if first.contains(high, low) {
                first.merge(at, high, low);
                return Step::Open;
            }
            *second = Some(fresh);
            return if high < first.high { Step::Reset } else { Step::Open };
        };
        let leads_down = high == second.high && low < second.low;
        if second.contains(high, low) || (fresh.contains(second.high, second.low) && !leads_down) {
            second.merge(at, high, low);
            return Step::Open;
        }
        *third = Some(fresh);
        self.evidence = at;
        let (first, second) = (*first, *second);
        match self.breaks(&second, &fresh, view) {
            Break::Passed => {}
            Break::Pending => self.pending = true,
            Break::Failed => return Step::Reset,
            Break::Unknown => return Step::Unknown,
        }
        let is_fractal =
            first.high < second.high && fresh.high <= second.high && fresh.low < second.low;
        if is_fractal { Step::Fractal } else { Step::Reset }
    }

    /// Whether the third feature breaks the second one truly: by itself, or by what follows it.
    fn breaks(&mut self, second: &Feature, third: &Feature, view: View<'_>) -> Break {
        let b = third.last;
        if self.range(second.last, view).is_some_and(|(_, low)| third.low < low) {
            return Break::Passed;
        }
        let missing = if view.open_ended { Break::Unknown } else { Break::Pending };
        let Some((next_high, _)) = self.range(b + 1, view) else { return missing };
        let Some((_, low)) = self.range(b + 2, view) else {
            return if !view.open_ended && next_high > second.high {
                Break::Failed
            } else {
                missing
            };
        };
        if low < third.low {
            self.evidence = b + 2;
            return Break::Passed;
        }
        let is_sure = view.elements.get(b + 2).is_some_and(|element| element.sure);
        match view.elements.get(b + 3) {
            None => missing,
            Some(_) if is_sure => Break::Failed,
            Some(_) => Break::Pending,
        }
    }

    /// Returns high and low of an element as an up segment sees them.
    fn range(&self, at: usize, view: View<'_>) -> Option<(f64, f64)> {
        let element = view.elements.get(at)?;
        Some(match self.direction {
            Direction::Up => (element.high, element.low),
            Direction::Down => (-element.low, -element.high),
        })
    }
}
