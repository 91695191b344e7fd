//! Points 2s (类二): later pullbacks that overlap the first and do not take the break back.

use crate::center::overlap;
use crate::element::{Element, SegmentSpan};
use crate::inclusion::Direction;
use crate::point::{Found, Reached, View};
use crate::point_params::PointRules;
use crate::point_second::{Pullback, size};
use crate::point_types::PointType;

/// Finds the points 2s after a pullback.
pub(crate) fn find(
    view: &View<'_>,
    pullback: &Pullback,
    found: &mut Found<'_>,
    reached: &mut Reached,
) {
    let Pullback { first, break_away, .. } = *pullback;
    let Some(from) = found.resume(first + 2, reached.second_like) else { return };
    if from == first + 2 {
        reached.second_knows_count = false;
    }
    let home = view.places.segment_of(first);
    let home_confirmed = view.segments.get(home).is_some_and(SegmentSpan::is_confirmed);
    let mut place = home;
    for index in (from..view.elements.len()).step_by(2) {
        place = view.places.advance(place, index);
        let search = Search { first, break_away, index };
        let passes = search.passes(view, view.rules_at(pullback.direction)).unwrap_or(false);
        reached.second_knows_count |= passes && place != home && !home_confirmed;
        if !passes || !may_lie_in(view, home, place) {
            reached.second_like = index;
            return;
        }
        let confirmed = pullback.after_turn && view.is_settled_at(place);
        found.add(view, index, PointType::SecondLike, confirmed);
    }
    reached.second_like = usize::MAX;
}

/// A later pullback, and where the search began.
struct Search {
    first: usize,
    break_away: usize,
    index: usize,
}

impl Search {
    /// Whether the pullback is one by all but the segment it lies in.
    fn passes(&self, view: &View<'_>, rules: &PointRules) -> Option<bool> {
        let (first, away) = (view.elements.get(self.first)?, view.elements.get(self.break_away)?);
        let (next, element) = (view.elements.get(self.first + 2)?, view.elements.get(self.index)?);
        let level = (self.index - self.first) / 2;
        // The second one shares a range with the first, the later ones with what both share.
        let (low, high) = if level == 1 {
            (first.low, first.high)
        } else {
            (first.low.max(next.low), first.high.min(next.high))
        };
        Some(
            rules.max_bsp2s_lv.is_none_or(|most| level <= most)
                && overlap(low, high, element.low, element.high, false)
                && !takes_back(element, away)
                && (element.end_price - away.end_price).abs() / size(away) <= rules.max_bs2_rate,
        )
    }
}

/// Whether a pullback may lie in this segment: that of the first one, or while that is provisional the next one, if it
/// is the last or the left-over.
fn may_lie_in(view: &View<'_>, home: usize, place: usize) -> bool {
    let home_confirmed = view.segments.get(home).is_some_and(SegmentSpan::is_confirmed);
    place == home || (place + 1 >= view.segments.len() && place < home + 2 && !home_confirmed)
}

/// Whether an element goes beyond the begin of the break.
fn takes_back(element: &Element, away: &Element) -> bool {
    match element.direction {
        Direction::Down => element.low < away.low,
        Direction::Up => element.high > away.high,
    }
}
