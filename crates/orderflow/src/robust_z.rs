//! Robust z of a heavy-tailed flow: median and spread of the signed square root over a trailing window of bins.
//!
//! All sums and order statistics are exact integers; only the last two steps are floating point, in a fixed order, so that every
//! platform gives the same bits.

use std::collections::VecDeque;

use crate::error::Error;
use crate::ew_z::EwZ;
use crate::state::{Reader, State, Writer, refused};

/// z is cut to ±5 on output; the history keeps what was not cut.
pub const MAX_Z: f64 = 5.0;
/// 1 / Φ⁻¹(3/4): makes the median absolute deviation of a normal sample its standard deviation.
const MAD_TO_SD: f64 = 1.4826;
/// Least scale, in units of the square root: one lot.
pub(crate) const MIN_SCALE: f64 = 1024.0;

/// Returns sign(x) · floor(sqrt(|x| · 2^20)), x in units of 10^-q.
///
/// The square root tames the tails and follows the square-root law of market impact.
pub fn signed_sqrt(x: i128) -> i64 {
    let size = x.unsigned_abs().min(1 << 100) << 20;
    let root = size.isqrt() as i64;
    if x < 0 { -root } else { root }
}

/// The trailing window and its sorted twin.
#[derive(Clone, Debug)]
pub struct RobustZ {
    window: usize,
    warmup: usize,
    /// One slot a bin, `None` where the bin was not usable.
    slots: VecDeque<Option<i64>>,
    sorted: Vec<i64>,
    sum: i128,
    sum_squares: i128,
}

impl RobustZ {
    /// Returns an empty baseline of `window` bins that answers from `warmup` usable ones on.
    pub fn new(window: usize, warmup: usize) -> Self {
        Self {
            window,
            warmup: warmup.max(1),
            slots: VecDeque::with_capacity(window + 1),
            sorted: Vec::with_capacity(window + 1),
            sum: 0,
            sum_squares: 0,
        }
    }

    /// Returns the z of `y` against the bins pushed so far, within ±5; `None` in warm-up.
    pub fn score(&self, y: i64) -> Option<f64> {
        let n = self.sorted.len();
        if n < self.warmup {
            return None;
        }
        let med2 = self.sorted[(n - 1) / 2] + self.sorted[n / 2];
        let mad4 = self.mad4(med2);
        let count = n as i128;
        let spread = count * self.sum_squares - self.sum * self.sum;
        let sd = (spread as f64).sqrt() / n as f64;
        let scale = (MAD_TO_SD * (mad4 as f64 / 4.0)).max(sd).max(MIN_SCALE);
        let z = (2 * y - med2) as f64 / (2.0 * scale);
        Some(z.clamp(-MAX_Z, MAX_Z))
    }

    /// Appends a bin; `None` takes a slot and adds nothing.
    pub fn push(&mut self, y: Option<i64>) {
        self.slots.push_back(y);
        if self.slots.len() > self.window
            && let Some(Some(old)) = self.slots.pop_front()
        {
            let at = self.sorted.partition_point(|other| *other < old);
            self.sorted.remove(at);
            self.sum -= i128::from(old);
            self.sum_squares -= i128::from(old) * i128::from(old);
        }
        if let Some(y) = y {
            let at = self.sorted.partition_point(|other| *other < y);
            self.sorted.insert(at, y);
            self.sum += i128::from(y);
            self.sum_squares += i128::from(y) * i128::from(y);
        }
    }

    /// Forgets all bins.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.sorted.clear();
        self.sum = 0;
        self.sum_squares = 0;
    }

    /// Returns the sum of the two middle values of |2y − med2|: the deviations rise outwards from the median on either side, so
    /// that a merge of the two runs reaches the middle in n/2 steps.
    fn mad4(&self, med2: i64) -> i64 {
        let n = self.sorted.len();
        let mut right = self.sorted.partition_point(|y| 2 * *y < med2);
        let mut left = right;
        let mut middles = 0;
        for rank in 0..=n / 2 {
            let below = left.checked_sub(1).map(|at| med2 - 2 * self.sorted[at]);
            let above = self.sorted.get(right).map(|y| 2 * *y - med2);
            let deviation = match (below, above) {
                (Some(below), Some(above)) if above < below => {
                    right += 1;
                    above
                }
                (Some(below), _) => {
                    left -= 1;
                    below
                }
                (None, Some(above)) => {
                    right += 1;
                    above
                }
                (None, None) => break,
            };
            if rank == (n - 1) / 2 {
                middles += deviation;
            }
            if rank == n / 2 {
                middles += deviation;
            }
        }
        middles
    }
}

impl State for RobustZ {
    fn save(&self, out: &mut Writer) {
        (self.window, self.warmup).save(out);
        self.slots.save(out);
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        let (window, warmup) = <(usize, usize)>::load(from)?;
        let slots = Vec::<Option<i64>>::load(from)?;
        if slots.len() > window || window > 1 << 20 {
            return Err(refused("a window of bins", format!("{window} with {} bins", slots.len())));
        }
        let mut z = Self::new(window, warmup);
        slots.into_iter().for_each(|slot| z.push(slot));
        Ok(z)
    }
}

/// The two ways to score a bin against its past.
#[derive(Clone, Debug)]
pub(crate) enum Baseline {
    /// Over a trailing window.
    Robust(RobustZ),
    /// With fading weights.
    Ew(EwZ),
}

impl Baseline {
    /// Scores a bin against its past, then adds it to the past; a bin with a bad book does neither.
    pub fn step(&mut self, flow: i128, usable: bool) -> Option<f64> {
        let y = usable.then(|| signed_sqrt(flow));
        match self {
            Self::Robust(z) => {
                let score = y.and_then(|y| z.score(y));
                z.push(y);
                score
            }
            Self::Ew(z) => {
                let score = y.and_then(|y| z.score(y));
                z.push(y);
                score
            }
        }
    }

    /// Forgets all bins.
    pub fn clear(&mut self) {
        match self {
            Self::Robust(z) => z.clear(),
            Self::Ew(z) => z.clear(),
        }
    }
}

impl State for Baseline {
    fn save(&self, out: &mut Writer) {
        match self {
            Self::Robust(z) => {
                out.push(0);
                z.save(out);
            }
            Self::Ew(z) => {
                out.push(1);
                z.save(out);
            }
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        match u8::load(from)? {
            0 => RobustZ::load(from).map(Self::Robust),
            1 => EwZ::load(from).map(Self::Ew),
            other => Err(refused("a baseline of kind", other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word for word.
    fn reference(history: &[i64], y: i64) -> f64 {
        let n = history.len();
        let middles = |values: &mut Vec<i64>| {
            values.sort_unstable();
            values[(n - 1) / 2] + values[n / 2]
        };
        let med2 = middles(&mut history.to_vec());
        let mad4 = middles(&mut history.iter().map(|old| (2 * old - med2).abs()).collect());
        let sum: i128 = history.iter().map(|old| i128::from(*old)).sum();
        let squares: i128 = history.iter().map(|old| i128::from(*old) * i128::from(*old)).sum();
        let sd = ((n as i128 * squares - sum * sum) as f64).sqrt() / n as f64;
        let scale = (1.4826 * (mad4 as f64 / 4.0)).max(sd).max(1024.0);
        ((2 * y - med2) as f64 / (2.0 * scale)).clamp(-5.0, 5.0)
    }

    #[test]
    fn the_root_floors_towards_zero_and_keeps_the_sign() {
        assert_eq!(signed_sqrt(0), 0);
        assert_eq!(signed_sqrt(1), 1024);
        assert_eq!(signed_sqrt(-4), -2048);
        assert_eq!(signed_sqrt(2), 1448);
        assert_eq!(signed_sqrt(-2), -1448);
    }

    #[test]
    fn the_sorted_window_equals_the_definition() {
        let mut seed = 7_u64;
        let mut z = RobustZ::new(50, 5);
        let mut slots: Vec<Option<i64>> = Vec::new();
        for step in 0..2_000 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Few distinct values at first: ties must be handled.
            let range = if step < 1_000 { 5 } else { 2_000_000 };
            let y = ((seed >> 33) % range) as i64 - range as i64 / 2;
            let recent: Vec<i64> =
                slots[slots.len().saturating_sub(50)..].iter().flatten().copied().collect();
            let wanted = (recent.len() >= 5).then(|| reference(&recent, y));
            assert_eq!(z.score(y), wanted, "step {step}");
            let slot = (!seed.is_multiple_of(7)).then_some(y);
            slots.push(slot);
            z.push(slot);
        }
    }

    #[test]
    fn too_few_bins_give_no_z() {
        let mut z = RobustZ::new(300, 60);
        for _ in 0..59 {
            z.push(Some(1));
        }
        z.push(None);
        assert_eq!(z.score(1), None);
        z.push(Some(1));
        assert_eq!(z.score(1), Some(0.0));
        z.clear();
        assert_eq!(z.score(1), None);
    }
}
