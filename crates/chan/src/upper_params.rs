//! What may be chosen about everything above segments, and its presets.

use crate::center_params::{CenterAlgorithm, CenterParams};
use crate::divergence::Needs;
use crate::error::ChanError;
use crate::params::bad_value;
use crate::point_params::{LevelRules, PointRules};
use crate::trend::TrendCompare;

/// The parameters of centers, divergence, points and trend types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpperParams {
    /// Of centers, on both levels.
    pub centers: CenterParams,
    /// Of the points on strokes.
    pub stroke_points: LevelRules,
    /// Of the points on segments.
    pub segment_points: LevelRules,
    /// When two centers are apart, so that they make a trend.
    pub trend_compare: TrendCompare,
}

impl Default for UpperParams {
    fn default() -> Self {
        Self {
            centers: CenterParams::default(),
            stroke_points: LevelRules::of_strokes(),
            segment_points: LevelRules::of_segments(),
            trend_compare: TrendCompare::Peak,
        }
    }
}

impl UpperParams {
    /// The keys [`set`](Self::set) takes. Those of points also take a suffix.
    pub const KEYS: &str = "zs_algo, zs_combine, zs_combine_mode, one_bi_zs, touch_overlaps, trend_compare; and with \
         or without one of the suffixes -buy, -sell, -seg, -segbuy, -segsell: macd_algo, divergence_rate, min_zs_cnt, \
         bsp1_only_multibi_zs, bs1_peak, max_bs2_rate, bs_type, bsp2_follow_1, bsp3_follow_1, bsp2s_follow_2, \
         max_bsp2s_lv, bsp3_peak, strict_bsp3, bsp3a_max_zs_cnt";

    /// Returns the parameters of a preset.
    ///
    /// # Errors
    /// [`ChanError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, ChanError> {
        let mut params = Self::default();
        match name {
            "default" | "new_bi" | "totally" => {}
            "chanpy" => {
                for rules in params.every_rules() {
                    rules.divergence_rate = f64::INFINITY;
                }
            }
            "czsc6" | "czsc7" => params.centers.zs_algo = CenterAlgorithm::Czsc,
            "textbook" => {
                params.centers.zs_algo = CenterAlgorithm::Free;
                params.centers.touch_overlaps = true;
            }
            _ => {
                let allowed = "default, chanpy, new_bi, totally, czsc6, czsc7, textbook";
                return Err(ChanError::UnknownPreset { name: name.to_owned(), allowed });
            }
        }
        Ok(params)
    }

    /// Sets one parameter from its key and value as they are written on a command line. The later of two settings of
    /// one parameter holds; [`Params::with`](crate::params::Params::with) sets many in whatever order.
    ///
    /// A key without suffix sets both sides of both levels, but `macd_algo` and `bsp1_only_multibi_zs` those of
    /// strokes alone. `-buy` and `-sell` set one side of strokes, `-seg` both sides of segments, `-segbuy` and
    /// `-segsell` one of them.
    ///
    /// # Errors
    /// [`ChanError::UnknownParameter`] or [`ChanError::BadValue`]; the parameters are then unchanged.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ChanError> {
        if key == "trend_compare" {
            self.trend_compare = TrendCompare::named(key, value)?;
            return Ok(());
        }
        if self.centers.set(key, value)? {
            return Ok(());
        }
        let (name, suffix) = key.split_once('-').unwrap_or((key, ""));
        let mut changed = *self;
        let mut known = false;
        for rules in changed.rules_of(name, suffix) {
            known = rules.set(name, key, value)?;
        }
        if !known {
            let (key, value) = (key.to_owned(), value.to_owned());
            return Err(ChanError::UnknownParameter { key, value, allowed: Self::KEYS });
        }
        if changed.segment_points.both().iter().any(|rules| !rules.macd_algo.suits_segments()) {
            return Err(bad_value(key, value, "slope, amp"));
        }
        *self = changed;
        Ok(())
    }

    /// Returns which columns of the bars the metrics of these parameters read.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let LevelRules { buy, sell } = &self.stroke_points;
        buy.macd_algo.needs().with(sell.macd_algo.needs())
    }

    /// Checks that the bars have the columns the metrics read.
    ///
    /// # Errors
    /// [`ChanError::BadValue`] of `macd_algo`, when it reads the volume or the amount and the bars have none.
    pub fn check_columns(&self, has_volume: bool, has_amount: bool) -> Result<(), ChanError> {
        for rules in [&self.stroke_points.buy, &self.stroke_points.sell] {
            let needs = rules.macd_algo.needs();
            let name = rules.macd_algo.name();
            if needs.volume && !has_volume {
                return Err(bad_value(
                    "macd_algo",
                    name,
                    "every other one: the bars have no volume",
                ));
            }
            if needs.amount && !has_amount {
                return Err(bad_value(
                    "macd_algo",
                    name,
                    "every other one: the bars have no amount",
                ));
            }
        }
        Ok(())
    }

    fn every_rules(&mut self) -> impl Iterator<Item = &mut PointRules> {
        self.stroke_points.both().into_iter().chain(self.segment_points.both())
    }

    /// Returns the rules a key with this suffix sets; none if there is no such suffix.
    fn rules_of(&mut self, name: &str, suffix: &str) -> Vec<&mut PointRules> {
        let (strokes, segments) = (&mut self.stroke_points, &mut self.segment_points);
        match suffix {
            "" if matches!(name, "macd_algo" | "bsp1_only_multibi_zs") => strokes.both().into(),
            "" => strokes.both().into_iter().chain(segments.both()).collect(),
            "buy" => vec![&mut strokes.buy],
            "sell" => vec![&mut strokes.sell],
            "seg" => segments.both().into(),
            "segbuy" => vec![&mut segments.buy],
            "segsell" => vec![&mut segments.sell],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::divergence::Metric;

    const PLAIN: [(&str, &str); 20] = [
        ("zs_algo", "free"),
        ("zs_combine", "false"),
        ("zs_combine_mode", "peak"),
        ("one_bi_zs", "true"),
        ("touch_overlaps", "true"),
        ("trend_compare", "range"),
        ("macd_algo", "area"),
        ("divergence_rate", "inf"),
        ("min_zs_cnt", "0"),
        ("bsp1_only_multibi_zs", "false"),
        ("bs1_peak", "false"),
        ("max_bs2_rate", "0.618"),
        ("bs_type", "1,3b"),
        ("bsp2_follow_1", "false"),
        ("bsp3_follow_1", "false"),
        ("bsp2s_follow_2", "true"),
        ("max_bsp2s_lv", "1"),
        ("bsp3_peak", "true"),
        ("strict_bsp3", "true"),
        ("bsp3a_max_zs_cnt", "2"),
    ];

    fn set(key: &str, value: &str) -> UpperParams {
        let mut params = UpperParams::default();
        params.set(key, value).unwrap();
        params
    }

    #[test]
    fn every_key_moves_its_own_parameter_and_is_listed() {
        let moved: Vec<_> = PLAIN.iter().map(|(key, value)| set(key, value)).collect();
        for (i, params) in moved.iter().enumerate() {
            assert_ne!(*params, UpperParams::default(), "{}", PLAIN[i].0);
            assert!(!moved[..i].contains(params), "{}", PLAIN[i].0);
            assert!(UpperParams::KEYS.contains(PLAIN[i].0), "{}", PLAIN[i].0);
        }
    }

    #[test]
    fn a_suffix_says_whose_parameter_it_is() {
        let rates = |params: &UpperParams| {
            let (strokes, segments) = (&params.stroke_points, &params.segment_points);
            [&strokes.buy, &strokes.sell, &segments.buy, &segments.sell].map(|r| r.divergence_rate)
        };
        for (suffix, expected) in [
            ("", [0.5, 0.5, 0.5, 0.5]),
            ("-buy", [0.5, 0.9, 0.9, 0.9]),
            ("-sell", [0.9, 0.5, 0.9, 0.9]),
            ("-seg", [0.9, 0.9, 0.5, 0.5]),
            ("-segbuy", [0.9, 0.9, 0.5, 0.9]),
            ("-segsell", [0.9, 0.9, 0.9, 0.5]),
        ] {
            assert_eq!(
                rates(&set(&format!("divergence_rate{suffix}"), "0.5")),
                expected,
                "{suffix}"
            );
        }
    }

    #[test]
    fn segments_keep_their_own_metric_and_take_only_two() {
        assert_eq!(set("macd_algo", "area").segment_points, UpperParams::default().segment_points);
        assert_eq!(set("macd_algo-segbuy", "amp").segment_points.buy.macd_algo, Metric::Amp);
        let refused = UpperParams::default().set("macd_algo-seg", "peak").unwrap_err().to_string();
        assert_eq!(refused, "parameter \"macd_algo-seg\" cannot be \"peak\"; allowed: slope, amp");
    }

    #[test]
    fn a_refusal_names_key_and_value_and_changes_nothing() {
        let mut params = UpperParams::default();
        for (key, value) in [
            ("divergence_rate-left", "1"),
            ("zs_algo-buy", "free"),
            ("nothing", "1"),
            ("divergence_rate", "nan"),
            ("divergence_rate", "-1"),
            ("max_bs2_rate", "1.5"),
            ("bs_type", "1,4"),
            ("bsp3a_max_zs_cnt", "0"),
            ("max_bsp2s_lv", "-1"),
            ("min_zs_cnt", "x"),
            ("macd_algo", "peaks"),
            ("zs_combine", "1"),
        ] {
            let refused = params.set(key, value).unwrap_err().to_string();
            assert!(refused.contains(key) && refused.contains(value), "{refused}");
            assert!(refused.contains("allowed"), "{refused}");
        }
        assert_eq!(params, UpperParams::default());
    }

    #[test]
    fn a_metric_of_a_missing_column_is_refused() {
        assert!(set("macd_algo", "volume").check_columns(false, true).is_err());
        assert!(set("macd_algo-buy", "amount_avg").check_columns(true, false).is_err());
        assert!(set("macd_algo", "amount").check_columns(false, true).is_ok());
        assert!(set("macd_algo", "peak").check_columns(false, false).is_ok());
    }

    #[test]
    fn presets_differ_where_they_say() {
        let rate = |name| UpperParams::preset(name).unwrap().segment_points.sell.divergence_rate;
        assert_eq!((rate("default"), rate("chanpy")), (0.9, f64::INFINITY));
        let algorithm = |name| UpperParams::preset(name).unwrap().centers.zs_algo;
        assert_eq!(algorithm("textbook"), CenterAlgorithm::Free);
        assert_eq!(algorithm("czsc7"), CenterAlgorithm::Czsc);
        assert!(UpperParams::preset("best").unwrap_err().to_string().contains("\"best\""));
    }
}
