//! Strokes (笔): what two fractals need to be joined.

use crate::element::Element;
use crate::fractal::Kind;
use crate::inclusion::{Direction, Extent, MergedBar, Peak};
use crate::params::{FractalCheck, Params, StrokeAlgorithm};

/// How sure an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its end may still move, or it may be withdrawn.
    Provisional,
    /// It will never change.
    Confirmed,
    /// It was withdrawn.
    Void,
}

impl State {
    /// Returns 0 for provisional, 1 for confirmed and 2 for void.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Provisional => 0,
            Self::Confirmed => 1,
            Self::Void => 2,
        }
    }
}

/// A stroke: from the peak bar of one fractal to the peak bar of the next of the other kind.
///
/// Its identity is (index, `start_bar`). Bars are indices of raw bars, times are their open times in Unix
/// milliseconds UTC, prices are quote units as given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Its number among the strokes.
    pub index: usize,
    /// Raw bar where it begins.
    pub start_bar: usize,
    /// Raw bar where it ends.
    pub end_bar: usize,
    /// Open time of `start_bar`.
    pub start_ts_ms: i64,
    /// Open time of `end_bar`.
    pub end_ts_ms: i64,
    /// Low (of an up stroke) or high of its first merged bar.
    pub start_price: f64,
    /// High (of an up stroke) or low of its last merged bar.
    pub end_price: f64,
    /// The other extreme of raw bar `start_bar`.
    pub start_far_price: f64,
    /// The other extreme of raw bar `end_bar`.
    pub end_far_price: f64,
    /// First raw bar of the merged bar it begins in.
    pub first_bar: usize,
    /// Last raw bar of the merged bar it ends in.
    pub last_bar: usize,
    /// Up or down.
    pub direction: Direction,
    /// Provisional or confirmed; void only in events.
    pub state: State,
    /// Raw bar after which this identity was first shown.
    pub first_seen_bar: usize,
    /// Raw bar after which it became unchangeable.
    pub confirmed_bar: Option<usize>,
}

impl Stroke {
    pub(crate) fn between(index: usize, start: Peak, end: Peak, first_seen_bar: usize) -> Self {
        let up = end.price > start.price;
        Self {
            index,
            start_bar: start.bar,
            end_bar: end.bar,
            start_ts_ms: start.ts_ms,
            end_ts_ms: end.ts_ms,
            start_price: start.price,
            end_price: end.price,
            start_far_price: start.far_price,
            end_far_price: end.far_price,
            first_bar: start.first_bar,
            last_bar: end.last_bar,
            direction: if up { Direction::Up } else { Direction::Down },
            state: State::Provisional,
            first_seen_bar,
            confirmed_bar: None,
        }
    }

    /// Returns the raw bar and the price it ends at.
    pub(crate) fn end(&self) -> (usize, f64) {
        (self.end_bar, self.end_price)
    }

    pub(crate) fn ending_at(self, end: Peak) -> Self {
        Self {
            end_bar: end.bar,
            end_ts_ms: end.ts_ms,
            end_price: end.price,
            end_far_price: end.far_price,
            last_bar: end.last_bar,
            ..self
        }
    }

    /// Returns it as the rules above strokes see it.
    pub(crate) fn element(&self, sure: bool) -> Element {
        Element {
            begin_bar: self.start_bar,
            end_bar: self.end_bar,
            begin_ts_ms: self.start_ts_ms,
            end_ts_ms: self.end_ts_ms,
            begin_price: self.start_price,
            end_price: self.end_price,
            low: self.start_price.min(self.end_price),
            high: self.start_price.max(self.end_price),
            first_bar: self.first_bar,
            last_bar: self.last_bar,
            direction: self.direction,
            sure,
            confirmed: self.state == State::Confirmed,
        }
    }
}

/// A fractal a stroke may leave from, with what its neighbours add to the checks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pivot {
    pub bar: MergedBar,
    pub kind: Kind,
    pub left: Extent,
    pub right: Extent,
}

/// Where a stroke may end: a merged bar and the neighbours that count. `right` is missing for a provisional end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Landing<'a> {
    pub bar: &'a MergedBar,
    pub left: Extent,
    pub right: Option<Extent>,
}

impl Landing<'_> {
    /// The bars around the end that the check looks at.
    fn around(&self, check: FractalCheck) -> Extent {
        let middle = self.bar.extent;
        match check {
            FractalCheck::Loss => middle,
            FractalCheck::Half => middle.with(self.left),
            FractalCheck::Strict | FractalCheck::Totally => {
                middle.with(self.left).with(self.right.unwrap_or(Extent::EMPTY))
            }
        }
    }

    /// Returns the price a fractal of `kind` must lie beyond for a stroke from it to end here.
    pub fn bound(&self, kind: Kind, check: FractalCheck) -> f64 {
        let around = self.around(check);
        match kind {
            Kind::Top => around.high,
            Kind::Bottom => around.low,
        }
    }
}

impl Pivot {
    /// The bars around the begin that the check looks at.
    fn around(&self, check: FractalCheck) -> Extent {
        let middle = self.bar.extent;
        match check {
            FractalCheck::Loss => middle,
            FractalCheck::Half => middle.with(self.right),
            FractalCheck::Strict | FractalCheck::Totally => middle.with(self.left).with(self.right),
        }
    }

    /// Whether a stroke may lead from here to `end`. `inside` are the merged bars strictly between.
    pub fn can_reach(&self, params: &Params, end: &Landing<'_>, inside: Extent) -> bool {
        (params.bi_algo == StrokeAlgorithm::Fractal || self.is_long_enough(params, end.bar))
            && self.is_apart(params.bi_fx_check, end)
            && (!params.bi_end_is_peak || is_peak(self.kind.opposite(), end.bar, inside))
    }

    fn is_long_enough(&self, params: &Params, end: &MergedBar) -> bool {
        let mut span = end.index - self.bar.index;
        if params.gap_as_kl && span < 4 {
            span += end.gaps - self.bar.gaps;
        }
        if params.bi_strict {
            return span >= 4;
        }
        let raw_inside = end.first_bar - self.bar.last_bar - 1;
        span >= 3 && raw_inside >= 3
    }

    fn is_apart(&self, check: FractalCheck, end: &Landing<'_>) -> bool {
        let (begin, bound) = (self.bar.extent, end.bound(self.kind, check));
        let around = self.around(check);
        match (check, self.kind) {
            (FractalCheck::Totally, Kind::Top) => begin.low > bound,
            (FractalCheck::Totally, Kind::Bottom) => begin.high < bound,
            (_, Kind::Top) => begin.high > bound && end.bar.extent.low < around.low,
            (_, Kind::Bottom) => begin.low < bound && end.bar.extent.high > around.high,
        }
    }
}

/// Whether no bar of `inside` is strictly more extreme than `bar` on the side of `kind`.
pub(crate) fn is_peak(kind: Kind, bar: &MergedBar, inside: Extent) -> bool {
    match kind {
        Kind::Top => inside.high <= bar.extent.high,
        Kind::Bottom => inside.low >= bar.extent.low,
    }
}
