//! The differences between the strokes shown before a bar and after it.

use crate::event::{EventKind, StrokeEvent};
use crate::stroke::{State, Stroke};

/// What is shown from stroke `from` on. One bar changes no stroke before it.
pub(crate) struct Shown {
    pub from: usize,
    pub strokes: [Option<Stroke>; 5],
    /// How many strokes are confirmed.
    pub confirmed: usize,
}

impl Shown {
    fn get(&self, index: usize) -> Option<Stroke> {
        self.strokes.get(index.checked_sub(self.from)?).copied().flatten()
    }
}

/// Writes down what changed: void strokes from the last to the first, then revised and new ones, then confirmed ones.
pub(crate) fn report(before: &Shown, now: &Shown, bar: usize, events: &mut Vec<StrokeEvent>) {
    events.clear();
    let pairs = before.strokes.iter().zip(&now.strokes);
    for (old, new) in pairs.clone().rev() {
        if let Some(old) = old
            && new.is_none_or(|new| new.start_bar != old.start_bar)
        {
            let stroke = Stroke { state: State::Void, ..*old };
            events.push(StrokeEvent { kind: EventKind::Void, stroke, bar });
        }
    }
    for (old, new) in pairs {
        let Some(stroke) = *new else { continue };
        let old = old.filter(|old| old.start_bar == stroke.start_bar);
        let kind = match old {
            None => EventKind::New,
            Some(old) if old.end() != stroke.end() => EventKind::Revised,
            Some(_) => continue,
        };
        events.push(StrokeEvent { kind, stroke, bar });
    }
    let taken_back = (now.confirmed..before.confirmed).map(|index| (EventKind::Revised, index));
    let confirmed = (before.confirmed..now.confirmed).map(|index| (EventKind::Confirmed, index));
    for (kind, index) in taken_back.chain(confirmed) {
        if let Some(stroke) = now.get(index) {
            events.push(StrokeEvent { kind, stroke, bar });
        }
    }
}
