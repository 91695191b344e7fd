//! Single settings on top of a preset, and which of two holds that name one parameter.

use crate::error::ChanError;
use crate::params::Params;

impl Params {
    /// Returns the parameters of a preset with single settings on top, keys and values as on a command line.
    ///
    /// Of two settings that reach one parameter the more particular holds, in whatever order they are given: a side of
    /// segments (`-segbuy`) before both (`-seg`), and every suffix before none. Of two equal keys the later one holds.
    ///
    /// # Errors
    /// As [`preset`](Self::preset) and [`set`](Self::set).
    pub fn with(preset: &str, settings: &[(String, String)]) -> Result<Self, ChanError> {
        let mut params = Self::preset(preset)?;
        for rank in 0..=2 {
            for (key, value) in settings.iter().filter(|(key, _)| particularity(key) == rank) {
                params.set(key, value)?;
            }
        }
        Ok(params)
    }
}

/// Returns 0 for a key without suffix, 1 for one that names a level, 2 for one that names a side of a level.
fn particularity(key: &str) -> u8 {
    match key.split_once('-') {
        None => 0,
        Some((_, "seg")) => 1,
        Some(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(settings: &[(&str, &str)]) -> [f64; 4] {
        let owned: Vec<_> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let upper = Params::with("default", &owned).unwrap().upper;
        let (strokes, segments) = (upper.stroke_points, upper.segment_points);
        [strokes.buy, strokes.sell, segments.buy, segments.sell].map(|rules| rules.divergence_rate)
    }

    #[test]
    fn the_more_particular_setting_holds_in_any_order() {
        let settings = [
            ("divergence_rate-segsell", "0.1"),
            ("divergence_rate-seg", "0.2"),
            ("divergence_rate-buy", "0.3"),
            ("divergence_rate", "0.4"),
        ];
        let expected = [0.3, 0.4, 0.2, 0.1];
        assert_eq!(rates(&settings), expected);
        let turned: Vec<_> = settings.into_iter().rev().collect();
        assert_eq!(rates(&turned), expected);
    }

    #[test]
    fn of_equal_keys_the_later_holds() {
        assert_eq!(rates(&[("divergence_rate", "0.4"), ("divergence_rate", "0.5")]), [0.5; 4]);
    }
}
