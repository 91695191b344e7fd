//! What may be chosen about divergence (背驰) and points (买卖点), per level and side.

use crate::divergence::Metric;
use crate::error::ChanError;
use crate::params::{bad_value, truth};
use crate::point_types::PointTypes;

/// The parameters of the points of one side of one level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointRules {
    /// What is compared to tell divergence.
    pub macd_algo: Metric,
    /// The exit diverges if its value is at most this share of the entry's.
    pub divergence_rate: f64,
    /// How many centers a segment needs for a point 1 or 1p at its end; 0 asks for none.
    pub min_zs_cnt: usize,
    /// Whether only centers of more than one element count for that.
    pub bsp1_only_multibi_zs: bool,
    /// Whether the exit must be the most extreme element of the center.
    pub bs1_peak: bool,
    /// The largest share of the break that a pullback may take back.
    pub max_bs2_rate: f64,
    /// The types wanted.
    pub bs_type: PointTypes,
    /// Whether a point 2 needs a point at the segment's end.
    pub bsp2_follow_1: bool,
    /// Whether a point 3 needs a point at the segment's end.
    pub bsp3_follow_1: bool,
    /// Whether points 2s need a point 2.
    pub bsp2s_follow_2: bool,
    /// How many points 2s may follow one another.
    pub max_bsp2s_lv: Option<usize>,
    /// Whether a point 3a must pass the center's peak.
    pub bsp3_peak: bool,
    /// Whether a point 3's center must begin or end right at the segment's end.
    pub strict_bsp3: bool,
    /// How many centers of the next segment may give a point 3a.
    pub bsp3a_max_zs_cnt: usize,
}

/// The parameters of the points of one level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelRules {
    /// Of points to buy: at the end of down elements.
    pub buy: PointRules,
    /// Of points to sell.
    pub sell: PointRules,
}

impl PointRules {
    fn of_strokes() -> Self {
        Self {
            macd_algo: Metric::Peak,
            divergence_rate: 0.9,
            min_zs_cnt: 1,
            bsp1_only_multibi_zs: true,
            bs1_peak: true,
            max_bs2_rate: 0.9999,
            bs_type: PointTypes::ALL,
            bsp2_follow_1: true,
            bsp3_follow_1: true,
            bsp2s_follow_2: false,
            max_bsp2s_lv: None,
            bsp3_peak: false,
            strict_bsp3: false,
            bsp3a_max_zs_cnt: 1,
        }
    }

    /// Sets the parameter `name`. `key` is what the user wrote: the name and its suffix. False if there is none.
    pub(crate) fn set(&mut self, name: &str, key: &str, value: &str) -> Result<bool, ChanError> {
        match name {
            "macd_algo" => self.macd_algo = Metric::named(key, value)?,
            "divergence_rate" => self.divergence_rate = rate(key, value)?,
            "min_zs_cnt" => self.min_zs_cnt = count(key, value, 0)?,
            "bsp1_only_multibi_zs" => self.bsp1_only_multibi_zs = truth(key, value)?,
            "bs1_peak" => self.bs1_peak = truth(key, value)?,
            "max_bs2_rate" => self.max_bs2_rate = share(key, value)?,
            "bs_type" => self.bs_type = PointTypes::named(key, value)?,
            "bsp2_follow_1" => self.bsp2_follow_1 = truth(key, value)?,
            "bsp3_follow_1" => self.bsp3_follow_1 = truth(key, value)?,
            "bsp2s_follow_2" => self.bsp2s_follow_2 = truth(key, value)?,
            "max_bsp2s_lv" => {
                let none = value == "none";
                self.max_bsp2s_lv = if none { None } else { Some(limit(key, value)?) };
            }
            "bsp3_peak" => self.bsp3_peak = truth(key, value)?,
            "strict_bsp3" => self.strict_bsp3 = truth(key, value)?,
            "bsp3a_max_zs_cnt" => self.bsp3a_max_zs_cnt = count(key, value, 1)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl LevelRules {
    /// Returns the defaults of the stroke level.
    pub(crate) fn of_strokes() -> Self {
        Self { buy: PointRules::of_strokes(), sell: PointRules::of_strokes() }
    }

    /// Returns the defaults of the segment level.
    pub(crate) fn of_segments() -> Self {
        let rules = PointRules {
            macd_algo: Metric::Slope,
            bsp1_only_multibi_zs: false,
            ..PointRules::of_strokes()
        };
        Self { buy: rules, sell: rules }
    }

    pub(crate) fn both(&mut self) -> [&mut PointRules; 2] {
        [&mut self.buy, &mut self.sell]
    }
}

fn rate(key: &str, value: &str) -> Result<f64, ChanError> {
    let rate = value.parse::<f64>().ok().filter(|rate| *rate >= 0.0);
    rate.ok_or_else(|| bad_value(key, value, "a number from 0 up, inf"))
}

fn share(key: &str, value: &str) -> Result<f64, ChanError> {
    let share = value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| bad_value(key, value, "a number from 0 to 1"))
}

fn limit(key: &str, value: &str) -> Result<usize, ChanError> {
    value.parse().map_err(|_| bad_value(key, value, "none, a whole number from 0 up"))
}

fn count(key: &str, value: &str, least: usize) -> Result<usize, ChanError> {
    let allowed = if least == 0 { "a whole number from 0 up" } else { "a whole number from 1 up" };
    let count = value.parse::<usize>().ok().filter(|count| *count >= least);
    count.ok_or_else(|| bad_value(key, value, allowed))
}
