//! What may be chosen about centers (中枢).

use crate::error::ChanError;
use crate::params::{bad_value, truth};

/// Where centers are sought (`zs_algo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CenterAlgorithm {
    /// Inside each segment, among the elements against it (`normal`).
    Normal,
    /// Across segments, among all elements (`over_seg`).
    OverSegment,
    /// `Normal` in the confirmed segments, `OverSegment` after them (`auto`).
    Auto,
    /// Among all elements, whatever the segments are (`free`).
    Free,
    /// Running centers over finished strokes (`czsc`).
    Czsc,
}

/// When two centers of one segment become one (`zs_combine_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CombineMode {
    /// Their ranges overlap or touch (`zs`).
    Range,
    /// Their peak ranges overlap (`peak`).
    Peak,
}

/// The parameters of centers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CenterParams {
    /// Where centers are sought.
    pub zs_algo: CenterAlgorithm,
    /// Whether centers of one segment are combined.
    pub zs_combine: bool,
    /// When they are.
    pub zs_combine_mode: CombineMode,
    /// Whether one element makes a center; of `normal`, and of the part of `auto` that is `normal`.
    pub one_bi_zs: bool,
    /// Whether ranges that only touch count as overlapping.
    pub touch_overlaps: bool,
}

impl Default for CenterParams {
    fn default() -> Self {
        Self {
            zs_algo: CenterAlgorithm::Normal,
            zs_combine: true,
            zs_combine_mode: CombineMode::Range,
            one_bi_zs: false,
            touch_overlaps: false,
        }
    }
}

impl CenterParams {
    /// Sets one parameter. Returns false if none has this key.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<bool, ChanError> {
        match key {
            "zs_algo" => {
                self.zs_algo = match value {
                    "normal" => CenterAlgorithm::Normal,
                    "over_seg" => CenterAlgorithm::OverSegment,
                    "auto" => CenterAlgorithm::Auto,
                    "free" => CenterAlgorithm::Free,
                    "czsc" => CenterAlgorithm::Czsc,
                    _ => return Err(bad_value(key, value, "normal, over_seg, auto, free, czsc")),
                }
            }
            "zs_combine_mode" => {
                self.zs_combine_mode = match value {
                    "zs" => CombineMode::Range,
                    "peak" => CombineMode::Peak,
                    _ => return Err(bad_value(key, value, "zs, peak")),
                }
            }
            "zs_combine" => self.zs_combine = truth(key, value)?,
            "one_bi_zs" => self.one_bi_zs = truth(key, value)?,
            "touch_overlaps" => self.touch_overlaps = truth(key, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
