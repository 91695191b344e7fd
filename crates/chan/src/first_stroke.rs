//! Where the first stroke begins: at the oldest fractal that can reach the one just found.

use crate::fractal::Kind;
use crate::inclusion::{Extent, MergedBar};
use crate::params::{FractalCheck, Params};
use crate::range_max::RangeMax;
use crate::stroke::{Landing, Pivot};

/// The merged bars read before there is a stroke, from the left neighbour of the first fractal on. They are dropped
/// once there is one.
///
/// A market may go on without a stroke for ever, so the search does not walk over all fractals: it jumps to those
/// whose price passes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opening {
    bars: Vec<MergedBar>,
    /// Highs, and lows with their sign turned, of all bars.
    highs: RangeMax,
    lows: RangeMax,
    /// The price of each top (turned, of each bottom) that the fractal check compares; minus infinity elsewhere.
    tops: RangeMax,
    bottoms: RangeMax,
}

impl Opening {
    /// How many merged bars it holds.
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// Forgets all but the first `len` bars.
    pub fn truncate(&mut self, len: usize) {
        self.bars.truncate(len);
        for prices in [&mut self.highs, &mut self.lows, &mut self.tops, &mut self.bottoms] {
            prices.truncate(len);
        }
    }

    /// Adds a finished merged bar, its left neighbour and what it was judged to be.
    pub fn add(
        &mut self,
        left: Option<MergedBar>,
        bar: MergedBar,
        kind: Option<Kind>,
        check: FractalCheck,
    ) {
        if self.bars.is_empty() {
            let (Some(left), Some(_)) = (left, kind) else { return };
            self.add_one(left, None, check);
        }
        self.add_one(bar, kind, check);
    }

    fn add_one(&mut self, bar: MergedBar, kind: Option<Kind>, check: FractalCheck) {
        self.bars.push(bar);
        self.highs.push(bar.extent.high);
        self.lows.push(-bar.extent.low);
        let inner = check == FractalCheck::Totally;
        let (top, bottom) = match kind {
            Some(Kind::Top) if inner => (bar.extent.low, f64::NEG_INFINITY),
            Some(Kind::Top) => (bar.extent.high, f64::NEG_INFINITY),
            Some(Kind::Bottom) if inner => (f64::NEG_INFINITY, -bar.extent.high),
            Some(Kind::Bottom) => (f64::NEG_INFINITY, -bar.extent.low),
            None => (f64::NEG_INFINITY, f64::NEG_INFINITY),
        };
        self.tops.push(top);
        self.bottoms.push(bottom);
    }

    /// Returns the oldest fractal from which a stroke may lead to `end`, the last bar added, a fractal of `kind`.
    pub fn begin_for(&self, params: &Params, kind: Kind, end: &Landing<'_>) -> Option<Pivot> {
        let from_kind = kind.opposite();
        let bound = end.bound(from_kind, params.bi_fx_check);
        let (prices, bound) = match from_kind {
            Kind::Top => (&self.tops, bound),
            Kind::Bottom => (&self.bottoms, -bound),
        };
        let mut from = if params.bi_end_is_peak { self.last_beyond(kind, end.bar) } else { 0 };
        while let Some(at) = prices.first_above(from, bound) {
            let pivot = self.pivot(at, from_kind)?;
            // No bar after `from` is more extreme than the end: the peak check holds for all of them.
            if pivot.can_reach(params, end, Extent::EMPTY) {
                return Some(pivot);
            }
            from = at + 1;
        }
        None
    }

    /// Returns the extent of the merged bars after `begin`.
    pub fn extent_after(&self, begin: &MergedBar) -> Extent {
        let after = self.bars.iter().rev().take_while(|bar| bar.index > begin.index);
        after.fold(Extent::EMPTY, |extent, bar| extent.with(bar.extent))
    }

    /// Returns where the last bar is that lies before `bar`, the last one added, and is strictly more extreme on
    /// the side of `kind`, or 0.
    fn last_beyond(&self, kind: Kind, bar: &MergedBar) -> usize {
        let end = self.bars.len().saturating_sub(1);
        let found = match kind {
            Kind::Top => self.highs.last_above(end, bar.extent.high),
            Kind::Bottom => self.lows.last_above(end, -bar.extent.low),
        };
        found.unwrap_or(0)
    }

    fn pivot(&self, at: usize, kind: Kind) -> Option<Pivot> {
        let left = self.bars.get(at.checked_sub(1)?)?.extent;
        let right = self.bars.get(at + 1)?.extent;
        Some(Pivot { bar: *self.bars.get(at)?, kind, left, right })
    }
}
