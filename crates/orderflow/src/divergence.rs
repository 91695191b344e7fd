//! Divergence (背驰) of price and flow between two pivots. It describes; only `detected_ts` may be acted on.
//!
//! A pivot is the middle of a window of 2L + 1 bins that none of its neighbours exceeds, so it is known L bins later. Of equal
//! extremes within L bins the first stands. The newest pivot is compared with the last of its kind at least 6 bins before it.

use std::collections::VecDeque;

use crate::state::state_of;

/// Bins between two pivots of a pair at least.
const MIN_APART: i64 = 6;
/// Bins before the first event.
const WARMUP: i64 = 100;
/// Bins that a standard deviation is taken over.
const SPREAD_BINS: usize = 100;
/// Pivots kept.
const RING: usize = 64;
/// Bins after an event in which the same (type, channel) is silent.
const COOLDOWN: i64 = 1;
/// Values are cut to this distance from the window's first, so that sums of squares fit 128 bits.
const MAX_SIZE: i128 = 1 << 48;
/// Least score of an event.
const WEAK: f64 = 35.0;

/// What the pair of pivots shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DivergenceKind {
    /// Lower low of price, higher low of flow.
    BullDiv,
    /// Higher low of price, lower low of flow.
    HiddenBull,
    /// Higher high of price, lower high of flow.
    BearDiv,
    /// Lower high of price, higher high of flow.
    HiddenBear,
}

impl DivergenceKind {
    /// Returns the name in rows and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::BullDiv => "bull_div",
            Self::HiddenBull => "hidden_bull",
            Self::BearDiv => "bear_div",
            Self::HiddenBear => "hidden_bear",
        }
    }
}

/// The running sum that price is compared with, in order of precedence.
pub const CHANNELS: [&str; 3] = ["cvd", "ofi", "fusion"];

/// One divergence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divergence {
    /// What it shows.
    pub kind: DivergenceKind,
    /// Index into [`CHANNELS`].
    pub channel: usize,
    /// 35 to 100.
    pub score: f64,
    /// End of the second pivot's bin, Unix ms.
    pub pivot_ts: i64,
    /// End of the bin at which it became known, Unix ms.
    pub detected_ts: i64,
}

impl Divergence {
    /// Returns `strong` from 70, `normal` from 50, `weak` below.
    pub fn grade(&self) -> &'static str {
        match self.score {
            score if score >= 70.0 => "strong",
            score if score >= 50.0 => "normal",
            _ => "weak",
        }
    }
}

/// What a bin adds: its price, the three running sums, and how far the legs agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub ts_ms: i64,
    /// bid + ask.
    pub price: i64,
    /// CVD, Σ OFI (lots) and Σ score (2^-20).
    pub sums: [i128; 3],
    pub consistency: f64,
}

state_of!(Point { ts_ms, price, sums, consistency });

#[derive(Clone, Copy, Debug)]
struct Pivot {
    bin: i64,
    is_low: bool,
    point: Point,
}

state_of!(Pivot { bin, is_low, point });

/// Finds divergences as bins come.
#[derive(Clone, Debug)]
pub(crate) struct Divergences {
    /// L.
    reach: usize,
    bins: i64,
    points: VecDeque<Point>,
    pivots: VecDeque<Pivot>,
    /// Bin of the last event of each (type, channel).
    last: [i64; 12],
}

state_of!(Divergences { reach, bins, points, pivots, last });

impl Divergences {
    /// Returns an empty history with windows of 2 · `reach` + 1 bins.
    pub fn new(reach: usize) -> Self {
        let (points, pivots) = (VecDeque::new(), VecDeque::new());
        Self { reach, bins: 0, points, pivots, last: [i64::MIN; 12] }
    }

    /// Sets the reach that the settings ask for, after loading.
    pub fn with_reach(self, reach: usize) -> Self {
        Self { reach, ..self }
    }

    /// Forgets everything: what follows is not compared with what was.
    pub fn clear(&mut self) {
        *self = Self::new(self.reach);
    }

    /// Takes a bin and returns the divergences that it makes known.
    pub fn push(&mut self, point: Point) -> Vec<Divergence> {
        self.bins += 1;
        self.points.push_back(point);
        if self.points.len() > (SPREAD_BINS + 1).max(2 * self.reach + 1) {
            self.points.pop_front();
        }
        let mut found = Vec::new();
        let Some(first) = self.points.len().checked_sub(2 * self.reach + 1) else { return found };
        let Some(middle) = self.points.get(first + self.reach).copied() else { return found };
        let window = || self.points.iter().skip(first);
        let is_low = window().all(|other| middle.price <= other.price);
        let is_high = window().all(|other| middle.price >= other.price);
        for (is_pivot, is_low) in [(is_low, true), (is_high, false)] {
            if is_pivot {
                self.on_pivot(middle, is_low, point.ts_ms, &mut found);
            }
        }
        found
    }

    fn on_pivot(&mut self, point: Point, is_low: bool, now: i64, found: &mut Vec<Divergence>) {
        let bin = self.bins - self.reach as i64;
        let same_kind = || self.pivots.iter().rev().filter(|pivot| pivot.is_low == is_low);
        let repeats =
            |last: &Pivot| last.point.price == point.price && bin - last.bin <= self.reach as i64;
        if same_kind().next().is_some_and(repeats) {
            return;
        }
        let before = same_kind().find(|pivot| bin - pivot.bin >= MIN_APART).copied();
        let pivot = Pivot { bin, is_low, point };
        self.pivots.push_back(pivot);
        if self.pivots.len() > RING {
            self.pivots.pop_front();
        }
        if let Some(before) = before.filter(|_| self.bins >= WARMUP) {
            self.compare(&before, &pivot, now, found);
        }
    }

    fn compare(&mut self, before: &Pivot, pivot: &Pivot, now: i64, found: &mut Vec<Divergence>) {
        let moved = pivot.point.price - before.point.price;
        let kinds: Vec<Option<DivergenceKind>> = (0..3)
            .map(|at| kind_of(pivot.is_low, moved, sum_at(pivot, at) - sum_at(before, at)))
            .collect();
        let apart = (pivot.bin - before.bin) as f64;
        let step_sd = spread(
            self.points
                .iter()
                .zip(self.points.iter().skip(1))
                .map(|(old, new)| i128::from(new.price) - i128::from(old.price)),
        );
        let reach = share(moved.unsigned_abs() as f64, step_sd * apart.sqrt());
        let pivot_part = 0.5 * ((apart / (2.0 * self.reach as f64)).min(1.0) + reach);
        for (channel, kind) in kinds.iter().enumerate() {
            let Some(kind) = *kind else { continue };
            let agreeing = kinds.iter().filter(|other| **other == Some(kind)).count();
            let recent = self.points.len().saturating_sub(SPREAD_BINS);
            let levels = self.points.iter().skip(recent);
            let sd = spread(levels.map(|point| point.sums.get(channel).copied().unwrap_or(0)));
            let turned = sum_at(pivot, channel) - sum_at(before, channel);
            let score = 100.0
                * (0.35 * share(turned.unsigned_abs() as f64, 2.0 * sd)
                    + 0.25 * pivot_part
                    + 0.25 * (agreeing as f64 / 3.0)
                    + 0.15 * pivot.point.consistency);
            let Some(last) = self.last.get_mut(kind as usize * 3 + channel) else { continue };
            if score < WEAK || self.bins.saturating_sub(*last) <= COOLDOWN {
                continue;
            }
            *last = self.bins;
            let (pivot_ts, detected_ts) = (pivot.point.ts_ms, now);
            found.push(Divergence { kind, channel, score, pivot_ts, detected_ts });
        }
    }
}

fn sum_at(pivot: &Pivot, channel: usize) -> i128 {
    pivot.point.sums.get(channel).copied().unwrap_or(0)
}

fn kind_of(is_low: bool, price: i64, flow: i128) -> Option<DivergenceKind> {
    match (is_low, price.signum(), flow.signum()) {
        (true, -1, 1) => Some(DivergenceKind::BullDiv),
        (true, 1, -1) => Some(DivergenceKind::HiddenBull),
        (false, 1, -1) => Some(DivergenceKind::BearDiv),
        (false, -1, 1) => Some(DivergenceKind::HiddenBear),
        _ => None,
    }
}

/// Returns the standard deviation of whole numbers, from exact sums.
fn spread(values: impl Iterator<Item = i128>) -> f64 {
    let (mut origin, mut n, mut sum, mut squares) = (None, 0_i128, 0, 0);
    for value in values {
        let value = (value - *origin.get_or_insert(value)).clamp(-MAX_SIZE, MAX_SIZE);
        n += 1;
        sum += value;
        squares += value * value;
    }
    if n == 0 { 0.0 } else { ((n * squares - sum * sum) as f64).sqrt() / n as f64 }
}

/// Returns a / b, at most 1; 1 where b is 0.
fn share(a: f64, b: f64) -> f64 {
    if b > 0.0 { (a / b).min(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zigzag of price with a low every 40 bins, each `price_step` from the last, against flows whose lows step by `flow_step`.
    fn events(price_step: i64, flow_step: i64, bins: i64) -> Vec<Divergence> {
        let mut divergences = Divergences::new(12);
        let mut found = Vec::new();
        for at in 0..bins {
            let (round, place) = (at / 40, at % 40);
            let height = (place - 20).abs();
            let price = 100_000 + 50 * height + price_step * round;
            let flow = i128::from(30 * height + flow_step * round);
            let point = Point { ts_ms: at * 1_000, price, sums: [flow; 3], consistency: 1.0 };
            found.extend(divergences.push(point));
        }
        found
    }

    #[test]
    fn a_lower_low_with_a_higher_flow_is_a_bull_divergence_known_twelve_bins_later() {
        let found = events(-40, 60, 160);
        let lows: Vec<_> =
            found.iter().filter(|event| event.kind == DivergenceKind::BullDiv).collect();
        assert_eq!(lows.len(), 6);
        assert_eq!(lows.iter().map(|event| event.channel).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
        // The low at bin 60 comes before 100 bins are there; those at 100 and 140 follow.
        assert_eq!((lows[0].pivot_ts, lows[0].detected_ts), (100_000, 112_000));
        assert!(lows[0].score >= WEAK);
    }

    #[test]
    fn each_pair_of_directions_has_its_name() {
        let kinds = |price, flow| {
            let mut names: Vec<_> =
                events(price, flow, 200).iter().map(|event| event.kind.name()).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        assert_eq!(kinds(-40, 60), ["bull_div", "hidden_bear"]);
        assert_eq!(kinds(40, -60), ["bear_div", "hidden_bull"]);
        assert_eq!(kinds(40, 60), [""; 0]);
    }

    #[test]
    fn grades_follow_the_score() {
        let of = |score| {
            let kind = DivergenceKind::BullDiv;
            Divergence { kind, channel: 0, score, pivot_ts: 0, detected_ts: 0 }.grade()
        };
        assert_eq!(
            [of(70.0), of(69.9), of(50.0), of(35.0)],
            ["strong", "normal", "normal", "weak"]
        );
    }
}
