//! Point 1: a segment ends beyond its last center with less force than it entered it (背驰).

use crate::center::Center;
use crate::divergence::Leg;
use crate::element::SegmentSpan;
use crate::inclusion::Direction;
use crate::point::View;
use crate::point_first_consolidation;
use crate::point_params::PointRules;
use crate::point_types::PointType;

/// A point 1 or 1p at the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct First {
    pub kind: PointType,
    /// The force of the exit by that of the entry; none without an entry, or if neither has any.
    pub ratio: Option<f64>,
}

/// Returns the point 1 or 1p at the end of a segment.
pub(crate) fn find(view: &View<'_>, segment: &SegmentSpan) -> Option<First> {
    let rules = view.rules_at(segment.direction);
    let centers = view.centers_in(segment);
    let counts = |center: &&Center| !rules.bsp1_only_multibi_zs || center.is_multi();
    let enough = centers.iter().filter(counts).take(rules.min_zs_cnt).count() >= rules.min_zs_cnt;
    let usable = centers.last().filter(|center| is_left_by(view, center, segment.end));
    let found = match usable {
        Some(center) => at_center(view, rules, center, segment.end),
        None => point_first_consolidation::find(view, rules, segment),
    };
    found.filter(|_| enough)
}

/// Whether the center reaches up to the segment's end, entered before.
fn is_left_by(view: &View<'_>, center: &Center, end: usize) -> bool {
    center.is_multi()
        && (view.exit(center).is_some_and(|exit| exit >= end) || center.end >= end)
        && end > center.start + 1
}

fn at_center(view: &View<'_>, rules: &PointRules, center: &Center, end: usize) -> Option<First> {
    let last = view.elements.get(end)?;
    let breaks = match last.direction {
        Direction::Down => last.low < center.low,
        Direction::Up => last.high > center.high,
    };
    if !breaks || (rules.bs1_peak && !exit_is_peak(view, center, end)) {
        return None;
    }
    let after = rules.macd_algo.of(Leg::Exit(last), view.columns);
    let entry = center.entry().and_then(|entry| view.elements.get(entry));
    let before = entry.map(|entry| rules.macd_algo.of(Leg::Entry(entry), view.columns));
    // A center that begins with the very first element (of `czsc`) has nothing to be weaker than.
    let diverges = rules.divergence_rate > 100.0
        || before.is_some_and(|before| after <= rules.divergence_rate * before);
    let ratio = before.and_then(|before| share(after, before));
    diverges.then_some(First { kind: PointType::First, ratio })
}

/// Returns the one force by the other; none if both are zero or both without bound.
pub(crate) fn share(after: f64, before: f64) -> Option<f64> {
    Some(after / before).filter(|share| !share.is_nan())
}

/// Whether there is an exit and no element of the center up to `end` is more extreme.
fn exit_is_peak(view: &View<'_>, center: &Center, end: usize) -> bool {
    let Some(exit) = view.exit(center).and_then(|exit| view.elements.get(exit)) else {
        return false;
    };
    let is_beyond = |low: f64, high: f64| match exit.direction {
        Direction::Down => low < exit.low,
        Direction::Up => high > exit.high,
    };
    if center.end <= end {
        return !is_beyond(center.all_low, center.all_high);
    }
    let inside = view.elements.get(center.start..=end).unwrap_or_default();
    !inside.iter().any(|element| is_beyond(element.low, element.high))
}
