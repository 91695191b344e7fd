//! What the guards ask of the strokes: where one is overdue, and what is left of them when an era ends.

use super::{Leg, StrokeEngine};
use crate::bar::Bar;
use crate::error::ChanError;
use crate::inclusion::Extent;
use crate::reset::{Reset, ResetReason};
use crate::stroke::{Landing, Pivot, Stroke};

impl StrokeEngine {
    /// Takes the last bar back, if it was pushed or replaced; nothing is told about it.
    pub(crate) fn take_bar_back(&mut self) {
        if let Some(undo) = self.undo.clone() {
            self.take_back(&undo);
        }
    }

    /// Checks what would be the next bar.
    pub(crate) fn check(&self, bar: &Bar) -> Result<(), ChanError> {
        bar.check(self.core.bars, self.core.last_ts_ms)
    }

    /// Checks what would correct the last bar.
    pub(crate) fn check_replacement(&self, bar: &Bar) -> Result<(), ChanError> {
        let undo = self.undo.as_ref().ok_or(ChanError::NothingToReplace)?;
        bar.check(undo.core.bars, undo.core.last_ts_ms)
    }

    /// Returns where a stroke was overdue.
    pub(crate) fn resets(&self) -> &[Reset] {
        &self.resets
    }

    /// Returns how many strokes end at a fractal.
    pub(crate) fn final_count(&self) -> usize {
        self.legs.len()
    }

    /// Returns stroke number `index` as it ends at its last fractal.
    pub(crate) fn final_stroke(&self, index: usize) -> Option<Stroke> {
        self.legs.get(index).map(|leg| leg.stroke)
    }

    /// Lets the next stroke end anywhere once there was none for too many bars: a spike near the begin of a stroke
    /// would else forbid every end for ever.
    pub(super) fn watch_length(&mut self) {
        let Some(limit) = self.params.max_stroke_bars else { return };
        let (bar, Some(ts_ms)) = (self.core.bars - 1, self.core.last_ts_ms) else { return };
        let Some(Leg { stroke, .. }) = self.legs.last() else { return };
        let is_overdue = bar.saturating_sub(stroke.end_bar) >= limit;
        if self.core.overdue || !is_overdue {
            return;
        }
        (self.core.overdue, self.core.provisional) = (true, self.core.unpeaked);
        let (from_bar, from_ts_ms) = (stroke.end_bar, stroke.end_ts_ms);
        let reason = ResetReason::LongStroke;
        self.resets.push(Reset { bar, ts_ms, reason, from_bar, from_ts_ms, gap_ms: None });
    }

    /// Whether the next stroke may lead from the last end to `end`. An overdue one need not be the peak of the bars
    /// between, nor pass the neighbours of its begin: a spike there would forbid every end as well.
    pub(super) fn can_reach(&self, pivot: &Pivot, end: &Landing<'_>, overdue: bool) -> bool {
        if overdue {
            let pivot = Pivot { left: Extent::EMPTY, right: Extent::EMPTY, ..*pivot };
            return pivot.can_reach(&self.params, end, Extent::EMPTY);
        }
        pivot.can_reach(&self.params, end, self.core.since_pivot)
    }
}
