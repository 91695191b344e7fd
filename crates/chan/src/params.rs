//! What may be chosen about strokes, and the named choices.

use crate::error::ChanError;

/// How two fractals must relate to be joined (`bi_algo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrokeAlgorithm {
    /// Length, fractal check and peak check (`normal`).
    Normal,
    /// As `Normal` without the length (`fx`).
    Fractal,
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

/// The parameters of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Whether a secondary peak may end a stroke; if not, a later and better peak drops the stroke after it.
    pub bi_allow_sub_peak: bool,
}

const PRESETS: &str = "default, chanpy, new_bi, totally";
const KEYS: &str = "bi_algo, bi_strict, bi_fx_check, gap_as_kl, bi_end_is_peak, bi_allow_sub_peak";

impl Default for Params {
    fn default() -> Self {
        Self {
            bi_algo: StrokeAlgorithm::Normal,
            bi_strict: true,
            bi_fx_check: FractalCheck::Strict,
            gap_as_kl: false,
            bi_end_is_peak: true,
            bi_allow_sub_peak: true,
        }
    }
}

impl Params {
    /// Returns the parameters of a preset: `default`, `chanpy`, `new_bi` or `totally`.
    ///
    /// `default` and `chanpy` make the same strokes.
    ///
    /// # Errors
    /// [`ChanError::UnknownPreset`] for any other name.
    pub fn preset(name: &str) -> Result<Self, ChanError> {
        let base = Self::default();
        match name {
            "default" | "chanpy" => Ok(base),
            "new_bi" => Ok(Self { bi_strict: false, ..base }),
            "totally" => Ok(Self { bi_fx_check: FractalCheck::Totally, ..base }),
            _ => Err(ChanError::UnknownPreset { name: name.to_owned(), allowed: PRESETS }),
        }
    }

    /// Sets one parameter from its key and value as they are written on a command line.
    ///
    /// # Errors
    /// [`ChanError::UnknownParameter`] or [`ChanError::BadValue`]; the parameters are then unchanged.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ChanError> {
        match key {
            "bi_algo" => {
                self.bi_algo = match value {
                    "normal" => StrokeAlgorithm::Normal,
                    "fx" => StrokeAlgorithm::Fractal,
                    _ => return Err(bad_value(key, value, "normal, fx")),
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
            _ => {
                let (key, value) = (key.to_owned(), value.to_owned());
                return Err(ChanError::UnknownParameter { key, value, allowed: KEYS });
            }
        }
        Ok(())
    }
}

fn truth(key: &str, value: &str) -> Result<bool, ChanError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad_value(key, value, "true, false")),
    }
}

fn bad_value(key: &str, value: &str, allowed: &'static str) -> ChanError {
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
        ] {
            let mut params = Params::default();
            params.set(key, value).unwrap();
            assert_ne!(params, Params::default(), "{key}");
        }
    }

    #[test]
    fn a_refusal_names_key_value_and_what_is_allowed() {
        let mut params = Params::default();
        let unknown = params.set("bi_stric", "true").unwrap_err().to_string();
        assert!(unknown.contains("bi_stric\"") && unknown.contains("\"true\""), "{unknown}");
        assert!(unknown.contains("bi_strict, bi_fx_check"), "{unknown}");
        let bad = params.set("bi_algo", "czsc").unwrap_err().to_string();
        assert_eq!(bad, "parameter \"bi_algo\" cannot be \"czsc\"; allowed: normal, fx");
        let preset = Params::preset("strict").unwrap_err().to_string();
        assert!(preset.contains("\"strict\"") && preset.contains(PRESETS), "{preset}");
        assert_eq!(params, Params::default());
    }
}
