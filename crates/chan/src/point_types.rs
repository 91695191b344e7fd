//! The six types of points and sets of them.

use crate::error::ChanError;
use crate::params::bad_value;

/// One type of point (买卖点).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointType {
    /// Trend divergence at a segment's end (`1`).
    First,
    /// The same without a usable center (盘整背驰, `1p`).
    FirstConsolidation,
    /// The first pullback after a segment's end (`2`).
    Second,
    /// A later pullback that overlaps it (类二, `2s`).
    SecondLike,
    /// A pullback that leaves a center of the next segment (`3a`).
    ThirdAfter,
    /// A pullback that does not re-enter the last center of the segment that ended (`3b`).
    ThirdBefore,
}

impl PointType {
    /// Every type, in the order they are tried and listed.
    pub const ALL: [Self; 6] = [
        Self::First,
        Self::FirstConsolidation,
        Self::Second,
        Self::SecondLike,
        Self::ThirdAfter,
        Self::ThirdBefore,
    ];

    /// Returns its word: `1`, `1p`, `2`, `2s`, `3a` or `3b`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "1",
            Self::FirstConsolidation => "1p",
            Self::Second => "2",
            Self::SecondLike => "2s",
            Self::ThirdAfter => "3a",
            Self::ThirdBefore => "3b",
        }
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// A set of types of points: one bit per type, the lowest for `1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PointTypes(u8);

impl PointTypes {
    /// All six types.
    pub const ALL: Self = Self(0b11_1111);
    /// No type.
    pub const NONE: Self = Self(0);

    /// Returns the bits: 1 for `1`, 2 for `1p`, 4 for `2`, 8 for `2s`, 16 for `3a`, 32 for `3b`.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Returns the set of these bits; bits above the sixth are dropped.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Whether there is no type in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this type is in it.
    #[must_use]
    pub fn contains(self, kind: PointType) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether one of these types is in it.
    #[must_use]
    pub fn contains_any(self, kinds: [PointType; 2]) -> bool {
        kinds.into_iter().any(|kind| self.contains(kind))
    }

    /// Returns this set and that type.
    #[must_use]
    pub fn with(self, kind: PointType) -> Self {
        Self(self.0 | kind.bit())
    }

    /// Returns the types in it, in order.
    pub fn iter(self) -> impl Iterator<Item = PointType> {
        PointType::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }

    /// Reads a list such as `1,1p,3b`.
    pub(crate) fn named(key: &str, value: &str) -> Result<Self, ChanError> {
        value.split(',').try_fold(Self::NONE, |types, word| {
            let kind = PointType::ALL.into_iter().find(|kind| kind.name() == word.trim());
            let allowed = "a list of 1, 1p, 2, 2s, 3a, 3b, separated by commas";
            Ok(types.with(kind.ok_or_else(|| bad_value(key, value, allowed))?))
        })
    }
}
