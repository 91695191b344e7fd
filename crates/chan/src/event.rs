//! What changed with the last bar.

use crate::reset::Reset;
use crate::stroke::Stroke;
use crate::structure::{LevelCenter, LevelPoint, Segment};

/// What happened to a stroke, segment, center or point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// An object of this identity is now shown, and was not after the bar before.
    New,
    /// Its end moved, or a center's range; or `replace` took back a confirmation that hung on the replaced bar alone.
    Revised,
    /// It will never change again.
    Confirmed,
    /// It is no longer shown. What comes back later is new again; a stroke with its old `first_seen_bar`.
    Void,
}

impl EventKind {
    /// Returns the word for it: `new`, `revised`, `confirmed` or `void`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Revised => "revised",
            Self::Confirmed => "confirmed",
            Self::Void => "void",
        }
    }
}

/// One change of one stroke, known after raw bar `bar`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrokeEvent {
    /// What happened.
    pub kind: EventKind,
    /// The stroke as it is now; of a void one, as it was.
    pub stroke: Stroke,
    /// The raw bar after which it happened.
    pub bar: usize,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Object {
    /// A stroke.
    Stroke(Stroke),
    /// A segment, or one level up a super-segment.
    Segment(Segment),
    /// A center.
    Center(LevelCenter),
    /// One type of point.
    Point(LevelPoint),
    /// A reset: new, or void if `replace` took back the bar that brought it.
    Reset(Reset),
}

/// One change of one object, known after raw bar `bar`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The object as it is now; if void, as it was.
    pub object: Object,
    /// The raw bar after which it happened.
    pub bar: usize,
}
