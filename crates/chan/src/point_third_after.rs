//! Point 3a: a pullback that leaves a center of the next segment behind.

use crate::center::Center;
use crate::element::{Element, SegmentSpan};
use crate::inclusion::Direction;
use crate::point::{Found, View, re_enters};
use crate::point_params::PointRules;
use crate::point_types::PointType;

/// The end of a segment and what comes after it.
pub(crate) struct Turn<'a> {
    /// The last element of the segment; none if the only segment stands for the next one too.
    pub end: Option<usize>,
    pub rules: &'a PointRules,
    pub next_index: usize,
    pub next: Option<&'a SegmentSpan>,
}

/// Returns what the points 3 after the end of a segment are sought with; none if none are wanted.
pub(crate) fn turn<'a>(
    view: &View<'a>,
    index: usize,
    segment: &'a SegmentSpan,
    found: &Found<'_>,
) -> Option<Turn<'a>> {
    let wanted = view.rules_at(segment.direction).bs_type;
    if !wanted.contains_any([PointType::ThirdAfter, PointType::ThirdBefore]) {
        return None;
    }
    let turn = if view.segments.len() > 1 {
        let (rules, next) = (view.rules_at(segment.direction), view.segments.get(index + 1));
        Turn { end: Some(segment.end), rules, next_index: index + 1, next }
    } else {
        let rules = view.rules_at(segment.direction.opposite());
        Turn { end: None, rules, next_index: index, next: Some(segment) }
    };
    let follows = turn.end.is_some_and(|end| found.has_point(end));
    (follows || !turn.rules.bsp3_follow_1).then_some(turn)
}

/// Finds the points 3a after the end of a segment.
pub(crate) fn find(view: &View<'_>, turn: &Turn<'_>, found: &mut Found<'_>) {
    let Some(next) = turn.next else { return };
    // Of all parameters this one is that of the next segment's side.
    let most = view.rules_at(next.direction).bsp3a_max_zs_cnt;
    let centers = view.centers_in(next).iter().filter(|center| center.is_multi());
    for (rank, center) in centers.take(most).enumerate() {
        let begins = turn.end.map_or(0, |end| end + 1);
        if rank == 0 && turn.rules.strict_bsp3 && center.entry() != Some(begins) {
            return;
        }
        let Some(index) = view.exit(center).map(|exit| exit + 1) else { return };
        let Some(element) = view.elements.get(index) else { return };
        if !may_follow(view, turn, next, index, element) {
            return;
        }
        let misses_peak = turn.rules.bsp3_peak && !passes_peak(element, center);
        if !re_enters(element, center) && !misses_peak {
            let settled = view.is_settled_at(view.places.segment_of(index));
            let confirmed = turn.end.is_some() && settled;
            found.add(view, index, PointType::ThirdAfter, confirmed);
        }
    }
}

/// Whether the pullback lies where it may: in the next segment, or just after it while that is at the end.
fn may_follow(
    view: &View<'_>,
    turn: &Turn<'_>,
    next: &SegmentSpan,
    index: usize,
    element: &Element,
) -> bool {
    let place = view.places.segment_of(index);
    let near = match view.segments.get(place) {
        None => turn.next_index + 1 == view.segments.len(),
        Some(home) => place == turn.next_index || home.element_count() < 3,
    };
    near && element.direction != next.direction
        && (place == turn.next_index || turn.next_index + 2 >= view.segments.len())
}

fn passes_peak(element: &Element, center: &Center) -> bool {
    match element.direction {
        Direction::Down => element.high >= center.peak_high,
        Direction::Up => element.low <= center.peak_low,
    }
}
