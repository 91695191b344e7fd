//! The eras that have ended: what they left can never change again.

use crate::bases::Bases;
use crate::picture::{Picture, Size};
use crate::structure::LevelKind;
use crate::trend::TrendType;

/// What all ended eras have left, numbered over all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    pub kept: Picture,
    /// What was withdrawn, where that is kept.
    pub withdrawn: Picture,
    pub stroke_trends: Vec<TrendType>,
    pub segment_trends: Vec<TrendType>,
    /// How many merged bars they had.
    pub merged: usize,
}

/// How much an ended era found there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PastSize {
    pub kept: Size,
    withdrawn: Size,
    trends: [usize; 2],
    merged: usize,
}

impl Past {
    pub fn size(&self) -> PastSize {
        PastSize {
            kept: self.kept.size(),
            withdrawn: self.withdrawn.size(),
            trends: [self.stroke_trends.len(), self.segment_trends.len()],
            merged: self.merged,
        }
    }

    /// Forgets what was added since it was of this size.
    pub fn truncate(&mut self, size: &PastSize) {
        self.kept.truncate(&size.kept);
        self.withdrawn.truncate(&size.withdrawn);
        let [stroke_trends, segment_trends] = size.trends;
        self.stroke_trends.truncate(stroke_trends);
        self.segment_trends.truncate(segment_trends);
        self.merged = size.merged;
    }

    /// Returns where the numbers of the next era begin.
    pub fn bases(&self) -> Bases {
        Bases {
            strokes: self.kept.strokes.len(),
            segments: self.kept.of_strokes.segments.len(),
            super_segments: self.kept.of_segments.segments.len(),
            stroke_centers: self.kept.of_strokes.centers.len(),
            segment_centers: self.kept.of_segments.centers.len(),
        }
    }

    pub fn trends(&self, level: LevelKind) -> &[TrendType] {
        match level {
            LevelKind::Stroke => &self.stroke_trends,
            LevelKind::Segment => &self.segment_trends,
        }
    }
}
