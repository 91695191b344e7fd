//! What may be chosen about strokes, and the named choices.

use std::str::FromStr;

use crate::error::ChanError;
use crate::upper_params::UpperParams;

/// How two fractals must relate to be joined (`bi_algo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrokeAlgorithm {
    /// Length, fractal check and peak check (`normal`).
    Normal,
    /// As `Normal` without the length (`fx`).
    Fractal,
    /// Neither: the strokes of the czsc engine (`czsc`).
    Czsc,
}

/// How far two fractals must be apart in price (`bi_fx_check`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FractalCheck {
    /// Each extreme lies beyond all three bars of the other fractal.
    Strict,
    /// The three bars of the second fractal lie wholly beyond the first one's middle bar.
    Totally,
    /// As `Strict` on the first two bars of the second fractal and the last two of the first.
    Half,
    /// As `Strict` on the two middle bars.
    Loss,
}

/// How the elements after the last segment found are made segments (`left_seg_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOverMethod {
    /// To the most extreme element, and on from there (`peak`).
    Peak,
    /// All of them are one segment (`all`).
    All,
}

/// The parameters of the engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Params {
    /// How two fractals are joined.
    pub bi_algo: StrokeAlgorithm,
    /// Whether a stroke spans at least four merged bars; else the "new stroke" (新笔): three, and three raw bars inside.
    pub bi_strict: bool,
    /// How far two fractals must be apart in price.
    pub bi_fx_check: FractalCheck,
    /// Whether a gap between merged bars counts as one more bar of a stroke shorter than four.
    pub gap_as_kl: bool,
    /// Whether no bar inside a stroke may be more extreme than its end.
    pub bi_end_is_peak: bool,
    /// Whether a secondary peak may end a stroke; if not, a later and better peak drops the stroke after it, and may
    /// take a confirmed segment with it.
    pub bi_allow_sub_peak: bool,
    /// How many merged bars a stroke of `bi_algo=czsc` has at least, the neighbours of both ends included.
    pub min_bi_len: usize,
    /// How the elements after the last segment found are made segments.
    pub left_seg_method: LeftOverMethod,
    /// Whether a new extreme takes back a segment's end that a gap leaves undecided.
    pub seg_gap_cancel: bool,
    /// After how many raw bars without a new stroke the next one need not end at the peak of its bars: `bi_end_is_peak`,
    /// and the neighbours of its begin in the fractal check, are dropped for that one.
    pub max_stroke_bars: Option<usize>,
    /// After how much open time of the market without a bar everything starts afresh, in milliseconds.
    pub reset_gap_ms: Option<i64>,
    /// What may be chosen about centers, points and trend types.
    pub upper: UpperParams,
}

const PRESETS: &str = "default, chanpy, new_bi, totally, czsc6, czsc7, textbook";
const KEYS: &str = "bi_algo, bi_strict, bi_fx_check, gap_as_kl, bi_end_is_peak, bi_allow_sub_peak, \
     min_bi_len, seg_algo, left_seg_method, seg_gap_cancel, max_stroke_bars, reset_gap_ms, zs_algo, zs_combine, zs_combine_mode, \
     one_bi_zs, touch_overlaps, trend_compare; and with or without one of the suffixes -buy, -sell, -seg, -segbuy, -segsell: macd_algo, \
     divergence_rate, min_zs_cnt, bsp1_only_multibi_zs, bs1_peak, max_bs2_rate, bs_type, bsp2_follow_1, bsp3_follow_1, \
     bsp2s_follow_2, max_bsp2s_lv, bsp3_peak, strict_bsp3, bsp3a_max_zs_cnt";

impl Default for Params {
    fn default() -> Self {
        Self {
            bi_algo: StrokeAlgorithm::Normal,
            bi_strict: true,
            bi_fx_check: FractalCheck::Strict,
            gap_as_kl: false,
            bi_end_is_peak: true,
            bi_allow_sub_peak: true,
            left_seg_method: LeftOverMethod::Peak,
            seg_gap_cancel: false,
            min_bi_len: 6,
            max_stroke_bars: None,
            reset_gap_ms: None,
            upper: UpperParams::default(),
        }
    }
}

impl Params {
    /// Returns the parameters of a preset: `default`, `chanpy`, `new_bi`, `totally`, `czsc6`, `czsc7` or `textbook`.
    ///
    /// # Errors
    /// [`ChanError::UnknownPreset`] for any other name.
    pub fn preset(name: &str) -> Result<Self, ChanError> {
        let unknown = || ChanError::UnknownPreset { name: name.to_owned(), allowed: PRESETS };
        let upper = UpperParams::preset(name).map_err(|_| unknown())?;
        let base = Self { upper, ..Self::default() };
        let czsc = |min_bi_len| Self { bi_algo: StrokeAlgorithm::Czsc, min_bi_len, ..base };
        match name {
            "default" | "chanpy" => Ok(base),
            "new_bi" => Ok(Self { bi_strict: false, ..base }),
            "totally" => Ok(Self { bi_fx_check: FractalCheck::Totally, ..base }),
            "czsc6" => Ok(czsc(6)),
            "czsc7" => Ok(czsc(7)),
            "textbook" => Ok(Self { seg_gap_cancel: true, ..base }),
            _ => Err(unknown()),
        }
    }

    /// Sets one parameter from its key and value as they are written on a command line.
    ///
    /// # Errors
    /// [`ChanError::UnknownParameter`] or [`ChanError::BadValue`]; the parameters are then unchanged.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ChanError> {
        let before = (self.bi_algo, self.max_stroke_bars);
        self.set_one(key, value)?;
        if self.bi_algo == StrokeAlgorithm::Czsc && self.max_stroke_bars.is_some() {
            (self.bi_algo, self.max_stroke_bars) = before;
            // Its strokes need not end at the peak of their bars: there is nothing to drop.
            let allowed = if key == "bi_algo" {
                "normal, fx, with max_stroke_bars"
            } else {
                "none, with bi_algo=czsc"
            };
            return Err(bad_value(key, value, allowed));
        }
        Ok(())
    }

    fn set_one(&mut self, key: &str, value: &str) -> Result<(), ChanError> {
        match key {
            "bi_algo" => {
                self.bi_algo = match value {
                    "normal" => StrokeAlgorithm::Normal,
                    "fx" => StrokeAlgorithm::Fractal,
                    "czsc" => StrokeAlgorithm::Czsc,
                    _ => return Err(bad_value(key, value, "normal, fx, czsc")),
                }
            }
            "bi_fx_check" => {
                self.bi_fx_check = match value {
                    "strict" => FractalCheck::Strict,
                    "totally" => FractalCheck::Totally,
                    "half" => FractalCheck::Half,
                    "loss" => FractalCheck::Loss,
                    _ => return Err(bad_value(key, value, "strict, totally, half, loss")),
                }
            }
            "bi_strict" => self.bi_strict = truth(key, value)?,
            "gap_as_kl" => self.gap_as_kl = truth(key, value)?,
            "bi_end_is_peak" => self.bi_end_is_peak = truth(key, value)?,
            "bi_allow_sub_peak" => self.bi_allow_sub_peak = truth(key, value)?,
            "left_seg_method" => {
                self.left_seg_method = match value {
                    "peak" => LeftOverMethod::Peak,
                    "all" => LeftOverMethod::All,
                    _ => return Err(bad_value(key, value, "peak, all")),
                }
            }
            "seg_algo" if value == "chan" => {}
            "seg_algo" => return Err(bad_value(key, value, "chan")),
            "seg_gap_cancel" => self.seg_gap_cancel = truth(key, value)?,
            "min_bi_len" => {
                let count = value.parse().ok().filter(|count| *count >= 3);
                let allowed = "a whole number from 3 up";
                self.min_bi_len = count.ok_or_else(|| bad_value(key, value, allowed))?;
            }
            "max_stroke_bars" => self.max_stroke_bars = whole_or_none(key, value)?,
            "reset_gap_ms" => self.reset_gap_ms = whole_or_none(key, value)?,
            _ => self.upper.set(key, value).map_err(|error| match error {
                ChanError::UnknownParameter { key, value, .. } => {
                    ChanError::UnknownParameter { key, value, allowed: KEYS }
                }
                error => error,
            })?,
        }
        Ok(())
    }
}

pub(crate) fn truth(key: &str, value: &str) -> Result<bool, ChanError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad_value(key, value, "true, false")),
    }
}

/// Reads `none` or a whole number from 1 up.
fn whole_or_none<T: FromStr + PartialOrd + From<u8>>(
    key: &str,
    value: &str,
) -> Result<Option<T>, ChanError> {
    if value == "none" {
        return Ok(None);
    }
    let number = value.parse().ok().filter(|number| *number >= T::from(1));
    number.map(Some).ok_or_else(|| bad_value(key, value, "none, a whole number from 1 up"))
}

pub(crate) fn bad_value(key: &str, value: &str, allowed: &'static str) -> ChanError {
    ChanError::BadValue { key: key.to_owned(), value: value.to_owned(), allowed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_moves_its_own_parameter() {
        for (key, value) in [
            ("bi_algo", "fx"),
            ("bi_strict", "false"),
            ("bi_fx_check", "half"),
            ("gap_as_kl", "true"),
            ("bi_end_is_peak", "false"),
            ("bi_allow_sub_peak", "false"),
            ("left_seg_method", "all"),
            ("seg_gap_cancel", "true"),
            ("min_bi_len", "7"),
            ("max_stroke_bars", "200"),
            ("reset_gap_ms", "1"),
            ("zs_algo", "free"),
            ("divergence_rate-segsell", "0.5"),
        ] {
            let mut params = Params::default();
            params.set(key, value).unwrap();
            assert_ne!(params, Params::default(), "{key}");
        }
    }

    #[test]
    fn guards_are_whole_numbers_or_off() {
        let mut params = Params::default();
        for value in ["0", "-1", "1.5", "inf", "never", "99999999999999999999"] {
            for key in ["max_stroke_bars", "reset_gap_ms"] {
                let refused = params.set(key, value).unwrap_err().to_string();
                let expected = format!(
                    "parameter {key:?} cannot be {value:?}; allowed: none, a whole number from 1 up"
                );
                assert_eq!(refused, expected);
            }
        }
        params.set("max_stroke_bars", "9").unwrap();
        assert!(params.set("bi_algo", "czsc").is_err());
        assert_eq!(params.bi_algo, StrokeAlgorithm::Normal);
        params.set("max_stroke_bars", "none").unwrap();
        assert_eq!(params, Params::default());
        let mut czsc = Params::preset("czsc6").unwrap();
        assert!(czsc.set("max_stroke_bars", "9").is_err());
        assert_eq!(czsc, Params::preset("czsc6").unwrap());
    }

    #[test]
    fn a_refusal_names_key_value_and_what_is_allowed() {
        let mut params = Params::default();
        let unknown = params.set("bi_stric", "true").unwrap_err().to_string();
        assert!(unknown.contains("bi_stric\"") && unknown.contains("\"true\""), "{unknown}");
        assert!(unknown.contains("bi_strict, bi_fx_check"), "{unknown}");
        let bad = params.set("bi_algo", "peak").unwrap_err().to_string();
        assert_eq!(bad, "parameter \"bi_algo\" cannot be \"peak\"; allowed: normal, fx, czsc");
        assert!(KEYS.ends_with(UpperParams::KEYS), "{KEYS}");
        let preset = Params::preset("strict").unwrap_err().to_string();
        assert!(preset.contains("\"strict\"") && preset.contains(PRESETS), "{preset}");
        assert_eq!(params, Params::default());
    }
}
