//! Centers inside one segment: of two consecutive elements against it that overlap. An element against the segment
//! that overlaps the range extends the center; the first that does not closes it.

use crate::center::{At, Center, Cursor, add};
use crate::center_combine::combine;
use crate::center_stack::CenterStack;

/// Reads one element.
pub(crate) fn read(at: &At<'_>, cursor: &mut Cursor, stack: &mut CenterStack) {
    let (index, segment) = (at.index, at.segment);
    let (mut begun, mut candidate) = match *cursor {
        Cursor::Segment { segment: same, begun, candidate } if same == segment => {
            (begun, candidate)
        }
        _ => (false, None),
    };
    if let Some(element) = at.elements.get(index)
        && at.places.direction_of(segment).is_some_and(|along| along != element.direction)
    {
        // The first one read never extends the center of an older segment.
        if !begun || candidate.is_some() || !extend(at, stack) {
            candidate = open(at, candidate, stack);
        }
        begun = true;
    }
    *cursor = Cursor::Segment { segment, begun, candidate };
}

fn extend(at: &At<'_>, stack: &mut CenterStack) -> bool {
    let (Some(&last), Some(element)) = (stack.last(), at.elements.get(at.index)) else {
        return false;
    };
    if !at.overlaps(&last, element) {
        return false;
    }
    let center = if last.is_multi() {
        last.extended(at.index, at.elements)
    } else {
        last.narrowed(at.index, at.elements)
    };
    stack.replace_last(center);
    combine(at, stack);
    true
}

/// Opens a center at this element or the one before it. Returns what the next one may open a center with.
fn open(at: &At<'_>, candidate: Option<usize>, stack: &mut CenterStack) -> Option<usize> {
    let element = at.elements.get(at.index)?;
    let before = candidate.and_then(|before| Some((before, at.elements.get(before)?)));
    let center = match before {
        // The very first element opens no center, and where one is enough none opens after it in its segment.
        Some(_) if at.params.one_bi_zs => return candidate,
        None if at.params.one_bi_zs => Some(Center::of(at.index, element)),
        Some((start, before)) => {
            let center = Center::of(start, before).narrowed(at.index, at.elements);
            Some(center).filter(|center| at.is_range(center))
        }
        None => None,
    };
    match center.filter(|center| center.start > 0) {
        Some(center) => {
            add(at, center, stack);
            None
        }
        None => Some(at.index),
    }
}
