//! What can go wrong, with the place and the value.

use std::fmt;

/// A fault of the input or of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A line of a recording cannot be used.
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong: the value and its bound.
        what: String,
    },
    /// The recording as a whole cannot be used.
    Recording(String),
    /// A setting is outside its bounds.
    Setting(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line, what } => write!(f, "line {line}: {what}"),
            Self::Recording(what) | Self::Setting(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}
