//! Combination: two neighbouring centers of one segment whose ranges meet are one.

use crate::center::{At, Center, overlap};
use crate::center_params::CombineMode;
use crate::center_stack::CenterStack;

/// Combines the last centers while they are to be.
pub(crate) fn combine(at: &At<'_>, stack: &mut CenterStack) {
    while let Some((before, last)) = stack.last_two()
        && belong_together(at, &before, &last)
    {
        stack.pop();
        let gap = at.elements.get(before.end + 1..last.start).unwrap_or_default();
        let (all_low, all_high) = gap.iter().fold(
            (before.all_low.min(last.all_low), before.all_high.max(last.all_high)),
            |(low, high), element| (low.min(element.low), high.max(element.high)),
        );
        stack.replace_last(Center {
            start: before.start,
            end: last.end,
            low: before.low.min(last.low),
            high: before.high.max(last.high),
            peak_low: before.peak_low.min(last.peak_low),
            peak_high: before.peak_high.max(last.peak_high),
            all_low,
            all_high,
        });
    }
}

fn belong_together(at: &At<'_>, before: &Center, last: &Center) -> bool {
    if !at.params.zs_combine || !last.is_multi() {
        return false;
    }
    let touch = at.params.touch_overlaps;
    let meet = match at.params.zs_combine_mode {
        CombineMode::Range => overlap(before.low, before.high, last.low, last.high, true),
        CombineMode::Peak => {
            overlap(before.peak_low, before.peak_high, last.peak_low, last.peak_high, touch)
        }
    };
    let segment = at.places.retreat(at.segment, last.start);
    meet && before.start >= at.places.start_of(segment)
}
