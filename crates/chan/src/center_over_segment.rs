//! Centers across segments: of three consecutive elements that share a range, the first of them against its segment.

use crate::center::{At, Center, Cursor, add};
use crate::center_stack::CenterStack;

/// Reads one element.
pub(crate) fn read(at: &At<'_>, cursor: &mut Cursor, stack: &mut CenterStack) {
    let run = match *cursor {
        Cursor::OverSegment { run } => run,
        Cursor::Segment { .. } | Cursor::Free(_) => None,
    };
    let run = if run.is_none() && belongs_to_last(at, stack) {
        None
    } else {
        search(at, run.unwrap_or(at.index), stack)
    };
    *cursor = Cursor::OverSegment { run };
}

/// Whether the element extends the last center or at least does not leave it; then it is no candidate.
fn belongs_to_last(at: &At<'_>, stack: &mut CenterStack) -> bool {
    let (Some(&last), Some(element)) = (stack.last(), at.elements.get(at.index)) else {
        return false;
    };
    // The last element waits: whether it extends the center is known from the one after it.
    let Some(next) = at.elements.get(at.index + 1) else { return true };
    if at.index > last.end + 1 || !at.overlaps(&last, element) {
        return false;
    }
    if at.overlaps(&last, next) {
        // Of `auto` the last center may be one of a single element, made inside a segment.
        stack.replace_last(if last.is_multi() {
            last.extended(at.index, at.elements)
        } else {
            last.narrowed(at.index, at.elements)
        });
    }
    true
}

/// Looks for a center that ends here, of candidates from `run` on. Returns the first candidate for the next element.
fn search(at: &At<'_>, run: usize, stack: &mut CenterStack) -> Option<usize> {
    let keep = Some(run);
    let Some(start) = at.index.checked_sub(2).filter(|start| *start >= run && *start > 0) else {
        return keep;
    };
    let Some(first) = at.elements.get(start) else { return keep };
    let along = at.places.direction_of(at.places.retreat(at.segment, start));
    if along.is_none_or(|along| along == first.direction) {
        return keep;
    }
    let two = Center::of(start, first).narrowed(start + 1, at.elements);
    let center = two.narrowed(at.index, at.elements);
    if !at.is_range(&center) {
        return keep;
    }
    add(at, center, stack);
    None
}
