//! What changed with the last bar.

use crate::stroke::Stroke;

/// What happened to a stroke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A stroke of this identity is now shown, and was not after the bar before.
    New,
    /// Its end moved; or `replace` took back a confirmation that hung on the replaced bar alone.
    Revised,
    /// It will never change again.
    Confirmed,
    /// It is no longer shown. A stroke that comes back later is new again, with its old `first_seen_bar`.
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
