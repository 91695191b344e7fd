//! Point 2: the first pullback after a segment's end that does not take all of the break back.

use crate::element::{Element, SegmentSpan};
use crate::inclusion::Direction;
use crate::point::{Found, Reached, View};
use crate::point_second_like;
use crate::point_types::PointType;

/// Where the pullbacks after the end of a segment are counted from.
pub(crate) struct Pullback {
    /// The element that breaks away from the segment's end.
    pub break_away: usize,
    /// The one after it.
    pub first: usize,
    /// Whether the segment is known not to be the only one: the only one has rules of its own.
    pub after_turn: bool,
    /// Whether the segment and its centers are final.
    pub settled: bool,
    /// The direction of the elements whose rules hold.
    pub direction: Direction,
}

/// Finds the points 2 and 2s after the end of a segment.
pub(crate) fn find(
    view: &View<'_>,
    segment: &SegmentSpan,
    found: &mut Found<'_>,
    reached: &mut Reached,
) {
    let wanted = view.rules_at(segment.direction).bs_type;
    if !wanted.contains_any([PointType::Second, PointType::SecondLike]) {
        return;
    }
    let Some(pullback) = pullback(view, segment, found) else { return };
    let rules = view.rules_at(pullback.direction);
    let (Some(away), Some(back)) =
        (view.elements.get(pullback.break_away), view.elements.get(pullback.first))
    else {
        return;
    };
    if size(back) / size(away) <= rules.max_bs2_rate {
        let confirmed = pullback.settled && back.confirmed;
        found.add(view, pullback.first, PointType::Second, confirmed);
    } else if rules.bsp2s_follow_2 {
        return;
    }
    if wanted.contains(PointType::SecondLike) {
        point_second_like::find(view, &pullback, found, reached);
    }
}

fn pullback(view: &View<'_>, segment: &SegmentSpan, found: &Found<'_>) -> Option<Pullback> {
    let single = view.segments.len() == 1;
    let direction = if single { segment.direction.opposite() } else { segment.direction };
    let follows = !single && found.has_point(segment.end);
    if view.rules_at(direction).bsp2_follow_1 && !follows {
        return None;
    }
    let (break_away, settled) =
        if single { (0, false) } else { (segment.end + 1, view.is_settled(segment)) };
    Some(Pullback { break_away, first: break_away + 1, after_turn: !single, settled, direction })
}

/// Returns how far an element goes, quote units.
pub(crate) fn size(element: &Element) -> f64 {
    (element.end_price - element.begin_price).abs()
}
