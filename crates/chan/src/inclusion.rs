//! Inclusion (包含): bars that contain one another are merged, left to right in one pass.

use crate::bar::Bar;
use crate::fractal::Kind;

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Rising.
    Up,
    /// Falling.
    Down,
}

impl Direction {
    /// Returns 1 for up and -1 for down.
    #[must_use]
    pub fn sign(self) -> i8 {
        match self {
            Self::Up => 1,
            Self::Down => -1,
        }
    }

    /// Returns the other direction.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// The highest high and the lowest low of some bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    pub high: f64,
    pub low: f64,
}

impl Extent {
    /// The extent of no bars: everything lies beyond it.
    pub const EMPTY: Self = Self { high: f64::NEG_INFINITY, low: f64::INFINITY };

    /// Returns the extent of the bars of both.
    pub fn with(self, other: Self) -> Self {
        Self { high: self.high.max(other.high), low: self.low.min(other.low) }
    }

    /// Whether the two neither overlap nor touch.
    pub fn is_apart_from(self, other: Self) -> bool {
        self.low > other.high || self.high < other.low
    }
}

/// One price of one raw bar: where a stroke begins or ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peak {
    pub bar: usize,
    pub ts_ms: i64,
    pub price: f64,
    /// The other extreme of that raw bar.
    pub far_price: f64,
    /// First and last raw bar of the merged bar it lies in.
    pub first_bar: usize,
    pub last_bar: usize,
}

/// A merged bar (合并K线).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MergedBar {
    /// Its number among the merged bars.
    pub index: usize,
    /// First raw bar inside.
    pub first_bar: usize,
    /// Last raw bar inside.
    pub last_bar: usize,
    /// Up if it rose above the merged bar before it. Fixed at birth.
    pub direction: Direction,
    /// High and low after merging.
    pub extent: Extent,
    /// Highest high and lowest low of the raw bars inside.
    pub raw: Extent,
    /// How many neighbours among all merged bars up to this one have raw ranges apart from each other.
    pub gaps: usize,
    high_peak: Tip,
    low_peak: Tip,
}

/// The raw bar that has a merged price.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tip {
    bar: usize,
    ts_ms: i64,
    far_price: f64,
}

impl MergedBar {
    /// Returns the first merged bar of a series, which raw bar number `raw` begins; its direction is up by definition.
    pub fn first(raw: usize, bar: &Bar) -> Self {
        Self::of(0, Direction::Up, raw, bar, 0)
    }

    /// Returns the merged bar that raw bar number `raw`, not contained in this one, gives birth to.
    pub fn born_after(&self, raw: usize, bar: &Bar) -> Self {
        let up = bar.high > self.extent.high;
        let direction = if up { Direction::Up } else { Direction::Down };
        let mut born = Self::of(self.index + 1, direction, raw, bar, 0);
        born.count_gaps(self);
        born
    }

    fn of(index: usize, direction: Direction, raw: usize, bar: &Bar, gaps: usize) -> Self {
        let extent = Extent { high: bar.high, low: bar.low };
        Self {
            index,
            first_bar: raw,
            last_bar: raw,
            direction,
            extent,
            raw: extent,
            gaps,
            high_peak: Tip { bar: raw, ts_ms: bar.ts_ms, far_price: bar.low },
            low_peak: Tip { bar: raw, ts_ms: bar.ts_ms, far_price: bar.high },
        }
    }

    /// Whether one of the two contains the other.
    pub fn includes(&self, bar: &Bar) -> bool {
        let Extent { high, low } = self.extent;
        (high >= bar.high && low <= bar.low) || (high <= bar.high && low >= bar.low)
    }

    /// Merges a raw bar that [`includes`](Self::includes) accepts.
    pub fn absorb(&mut self, raw: usize, bar: &Bar) {
        let Extent { high, low } = self.extent;
        let one_price = bar.high == bar.low;
        self.extent = match self.direction {
            Direction::Up if one_price && bar.high == high => self.extent,
            Direction::Down if one_price && bar.low == low => self.extent,
            Direction::Up => Extent { high: high.max(bar.high), low: low.max(bar.low) },
            Direction::Down => Extent { high: high.min(bar.high), low: low.min(bar.low) },
        };
        // The peak is the last raw bar with the merged price. A merged price only ever changes to the price of the
        // bar just read, so no earlier bar has to be looked at again.
        if bar.high == self.extent.high {
            self.high_peak = Tip { bar: raw, ts_ms: bar.ts_ms, far_price: bar.low };
        }
        if bar.low == self.extent.low {
            self.low_peak = Tip { bar: raw, ts_ms: bar.ts_ms, far_price: bar.high };
        }
        self.raw = self.raw.with(Extent { high: bar.high, low: bar.low });
        self.last_bar = raw;
    }

    /// Counts the gaps up to this bar, `before` being its left neighbour. A bar that grows can close one.
    pub fn count_gaps(&mut self, before: &Self) {
        self.gaps = before.gaps + usize::from(before.raw.is_apart_from(self.raw));
    }

    /// Returns the last raw bar inside with the merged high (for a top) or low (for a bottom).
    pub fn peak(&self, kind: Kind) -> Peak {
        let (tip, price) = match kind {
            Kind::Top => (self.high_peak, self.extent.high),
            Kind::Bottom => (self.low_peak, self.extent.low),
        };
        let Tip { bar, ts_ms, far_price } = tip;
        let (first_bar, last_bar) = (self.first_bar, self.last_bar);
        Peak { bar, ts_ms, price, far_price, first_bar, last_bar }
    }

    /// Whether this bar is at least as extreme as `other` on the side of `kind`.
    pub fn reaches(&self, other: &Self, kind: Kind) -> bool {
        match kind {
            Kind::Top => self.extent.high >= other.extent.high,
            Kind::Bottom => self.extent.low <= other.extent.low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(high: f64, low: f64) -> Bar {
        Bar { ts_ms: 0, open: low, high, low, close: high, volume: 0.0, amount: 0.0 }
    }

    fn extent(merged: &MergedBar) -> (f64, f64) {
        (merged.extent.high, merged.extent.low)
    }

    #[test]
    fn equal_edges_are_contained_and_a_shift_is_not() {
        let merged = MergedBar::first(0, &bar(3.0, 1.0));
        assert!(merged.includes(&bar(3.0, 2.0)));
        assert!(merged.includes(&bar(3.0, 0.5)));
        assert!(merged.includes(&bar(3.0, 1.0)));
        assert!(!merged.includes(&bar(4.0, 2.0)));
        assert!(!merged.includes(&bar(2.0, 0.5)));
    }

    #[test]
    fn a_rising_bar_keeps_the_higher_edges_and_a_falling_one_the_lower() {
        let first = MergedBar::first(0, &bar(3.0, 1.0));
        let mut rising = first.born_after(1, &bar(5.0, 2.0));
        rising.absorb(2, &bar(4.0, 3.0));
        assert_eq!(extent(&rising), (5.0, 3.0));
        let mut falling = first.born_after(1, &bar(2.0, 0.0));
        falling.absorb(2, &bar(1.5, 1.0));
        assert_eq!(extent(&falling), (1.5, 0.0));
    }

    #[test]
    fn a_one_price_bar_on_the_leading_edge_changes_nothing_but_the_peak_bar() {
        let mut rising = MergedBar::first(0, &bar(3.0, 1.0));
        rising.absorb(1, &bar(3.0, 3.0));
        assert_eq!(extent(&rising), (3.0, 1.0));
        assert_eq!((rising.peak(Kind::Top).bar, rising.peak(Kind::Bottom).bar), (1, 0));
        rising.absorb(2, &bar(2.0, 2.0));
        assert_eq!(extent(&rising), (3.0, 2.0));
    }

    #[test]
    fn the_peak_is_the_last_raw_bar_with_the_merged_price() {
        let mut merged = MergedBar::first(0, &bar(3.0, 1.0));
        merged.absorb(1, &bar(3.0, 2.0));
        merged.absorb(2, &bar(2.5, 2.0));
        assert_eq!((merged.peak(Kind::Top).bar, merged.peak(Kind::Bottom).bar), (1, 2));
    }

    #[test]
    fn a_gap_closes_when_the_bar_grows_over_it() {
        let first = MergedBar::first(0, &bar(3.0, 1.0));
        let mut next = first.born_after(1, &bar(6.0, 4.0));
        assert_eq!(next.gaps, 1);
        next.absorb(2, &bar(7.0, 3.0));
        next.count_gaps(&first);
        assert_eq!(next.gaps, 0);
    }
}
