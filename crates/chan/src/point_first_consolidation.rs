//! Point 1p: a segment without a usable center ends at a new extreme with less force than the one before (盘整背驰).

use crate::divergence::Leg;
use crate::element::SegmentSpan;
use crate::inclusion::Direction;
use crate::point::View;
use crate::point_first::{First, share};
use crate::point_params::PointRules;
use crate::point_types::PointType;

/// Returns the point 1p at the end of a segment.
pub(crate) fn find(view: &View<'_>, rules: &PointRules, segment: &SegmentSpan) -> Option<First> {
    let before = segment.end.checked_sub(2).filter(|before| *before >= segment.start)?;
    let (before, last) = (view.elements.get(before)?, view.elements.get(segment.end)?);
    let reaches = match last.direction {
        Direction::Down => last.low <= before.low,
        Direction::Up => last.high >= before.high,
    };
    if last.direction != segment.direction || !reaches {
        return None;
    }
    let entry = rules.macd_algo.of(Leg::Entry(before), view.columns);
    let exit = rules.macd_algo.of(Leg::Exit(last), view.columns);
    let diverges = exit <= rules.divergence_rate * entry;
    diverges.then_some(First { kind: PointType::FirstConsolidation, ratio: share(exit, entry) })
}
