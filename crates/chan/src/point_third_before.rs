//! Point 3b: the first pullback after a segment's end that does not re-enter the segment's last center.

use crate::center::Center;
use crate::element::SegmentSpan;
use crate::point::{Found, Reached, View, re_enters};
use crate::point_third_after::Turn;
use crate::point_types::PointType;

/// Finds the point 3b after the end of a segment.
pub(crate) fn find(
    view: &View<'_>,
    segment: &SegmentSpan,
    turn: &Turn<'_>,
    found: &mut Found<'_>,
    reached: &mut Reached,
) {
    let last = view.centers_in(segment).iter().rev().find(|center| center.is_multi());
    let (Some(center), Some(end)) = (last, turn.end) else { return };
    if turn.rules.strict_bsp3 && view.exit(center) != Some(end) {
        return;
    }
    let Some(from) = found.resume(end + 2, reached.third_before) else { return };
    if from == end + 2 {
        reached.third_knows_count = false;
    }
    let bound = bound(view, turn);
    let mut place = turn.next_index;
    for index in (from..view.elements.len()).step_by(2) {
        place = view.places.advance(place, index);
        reached.third_before = index;
        reached.third_knows_count |= place != turn.next_index && index <= bound;
        let outside = place != turn.next_index && place + 1 < view.segments.len();
        let Some(element) = view.elements.get(index).filter(|_| index <= bound && !outside) else {
            return;
        };
        if !re_enters(element, center) {
            found.add(view, index, PointType::ThirdBefore, view.is_settled_at(place));
            return;
        }
    }
    reached.third_before = usize::MAX;
}

/// Returns the last element that may be the point: the exit of the next segment's first center.
fn bound(view: &View<'_>, turn: &Turn<'_>) -> usize {
    let Some(next) = turn.next else { return usize::MAX };
    let mut centers = view.centers_in(next).iter().filter(|center| center.is_multi()).peekable();
    if centers.peek().is_none() && turn.next_index + 1 == view.segments.len() {
        return usize::MAX;
    }
    let exit = centers.find_map(|center: &Center| view.exit(center));
    exit.unwrap_or(next.end.saturating_sub(1))
}
