//! z against an exponentially weighted mean and variance of the signed square root: O(1) a bin, half-life in event time.

use crate::robust_z::{MAX_Z, MIN_SCALE};
use crate::state::state_of;

/// ln 2, rounded.
const LN_2: f64 = std::f64::consts::LN_2;

/// Returns 2^-x for x ≥ 0 by halving and squaring around a Taylor series.
///
/// The last digit of a library's `pow` differs between platforms; these operations do not.
pub(crate) fn half_to_the(x: f64) -> f64 {
    let mut small = -LN_2 * x;
    let mut halvings = 0;
    while small < -0.5 {
        small /= 2.0;
        halvings += 1;
    }
    let (mut sum, mut term) = (1.0, 1.0);
    for step in 1..=18 {
        term = term * small / f64::from(step);
        sum += term;
    }
    for _ in 0..halvings {
        sum *= sum;
    }
    sum
}

/// Exponentially weighted mean and variance of one flow.
#[derive(Clone, Debug)]
pub(crate) struct EwZ {
    /// What a weight becomes in one bin.
    decay: f64,
    warmup: usize,
    seen: usize,
    weight: f64,
    mean: f64,
    squares: f64,
}

state_of!(EwZ { decay, warmup, seen, weight, mean, squares });

impl EwZ {
    /// Returns an empty baseline whose weights halve every `half_life_ms`, and that answers from `warmup` usable bins on.
    pub fn new(bin_ms: i64, half_life_ms: i64, warmup: usize) -> Self {
        let decay = half_to_the(bin_ms as f64 / half_life_ms as f64);
        Self { decay, warmup: warmup.max(1), seen: 0, weight: 0.0, mean: 0.0, squares: 0.0 }
    }

    /// Returns the z of `y` against the bins pushed so far, within ±5; `None` in warm-up.
    pub fn score(&self, y: i64) -> Option<f64> {
        if self.seen < self.warmup {
            return None;
        }
        let scale = (self.squares / self.weight).sqrt().max(MIN_SCALE);
        Some(((y as f64 - self.mean) / scale).clamp(-MAX_Z, MAX_Z))
    }

    /// Appends a bin; `None` lets the past fade and adds nothing.
    pub fn push(&mut self, y: Option<i64>) {
        self.weight *= self.decay;
        self.squares *= self.decay;
        let Some(y) = y else { return };
        self.seen += 1;
        self.weight += 1.0;
        let before = y as f64 - self.mean;
        self.mean += before / self.weight;
        self.squares += before * (y as f64 - self.mean);
    }

    /// Forgets all bins.
    pub fn clear(&mut self) {
        *self = Self { seen: 0, weight: 0.0, mean: 0.0, squares: 0.0, ..*self };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_life_halves() {
        assert!((half_to_the(1.0) - 0.5).abs() < 1e-15);
        assert!((half_to_the(1.0 / 300.0) - 0.5_f64.powf(1.0 / 300.0)).abs() < 1e-15);
        assert!((half_to_the(10.0) - 1.0 / 1024.0).abs() < 1e-15);
        assert_eq!(half_to_the(0.0), 1.0);
    }

    #[test]
    fn the_recursion_is_the_weighted_sum() {
        let mut z = EwZ::new(1_000, 5_000, 3);
        let history: Vec<i64> = (0..40).map(|at| (at * 7_919 % 101 - 50) * 5_000).collect();
        for (at, y) in history.iter().enumerate() {
            assert_eq!(z.score(*y).is_some(), at >= 3);
            z.push(Some(*y));
        }
        let weights: Vec<f64> = (0..40).map(|at| 0.5_f64.powf(f64::from(39 - at) / 5.0)).collect();
        let total: f64 = weights.iter().sum();
        let pairs = || weights.iter().zip(&history);
        let mean = pairs().map(|(w, y)| w * *y as f64).sum::<f64>() / total;
        let var = pairs().map(|(w, y)| w * (*y as f64 - mean).powi(2)).sum::<f64>() / total;
        let wanted = (100_000.0 - mean) / var.sqrt();
        assert!((z.score(100_000).unwrap_or(0.0) - wanted).abs() < 1e-9);
    }

    #[test]
    fn a_bin_that_does_not_count_only_lets_the_past_fade() {
        let mut z = EwZ::new(1_000, 5_000, 1);
        z.push(Some(9_000_000));
        z.push(Some(-9_000_000));
        let before = z.score(5_000_000);
        z.push(None);
        assert!((z.score(5_000_000).unwrap_or(9.0) - before.unwrap_or(0.0)).abs() < 1e-12);
        z.clear();
        assert_eq!(z.score(0), None);
    }
}
