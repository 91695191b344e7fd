//! Fractals (分型): a merged bar that stands above, or below, both its neighbours.

use crate::inclusion::MergedBar;

/// Which way a fractal points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Top,
    Bottom,
}

impl Kind {
    pub fn opposite(self) -> Self {
        match self {
            Self::Top => Self::Bottom,
            Self::Bottom => Self::Top,
        }
    }
}

/// Returns what `middle` is between its neighbours, or nothing.
///
/// It is asked once, when `right` is born from its first raw bar. `right` may grow later and the answer stays.
pub(crate) fn judge(left: &MergedBar, middle: &MergedBar, right: &MergedBar) -> Option<Kind> {
    let (l, m, r) = (left.extent, middle.extent, right.extent);
    if m.high > l.high && m.high > r.high && m.low > l.low && m.low > r.low {
        Some(Kind::Top)
    } else if m.high < l.high && m.high < r.high && m.low < l.low && m.low < r.low {
        Some(Kind::Bottom)
    } else {
        None
    }
}
