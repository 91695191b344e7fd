//! Seeded series and the settings the tests run over.

use chan::{Bar, Params};

/// A small linear congruential generator: the same numbers on every platform.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number from 0 to `below` - 1.
    pub fn below(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    /// Returns a whole number of half units from `-reach` to `reach`, as a price.
    fn step(&mut self, reach: u32) -> f64 {
        let drawn = u32::try_from(self.below(u64::from(2 * reach + 1))).unwrap();
        (f64::from(drawn) - f64::from(reach)) * 0.5
    }
}

/// A walk on a coarse grid: full of ties, one bar in ten with a single price, some gaps.
pub fn walk(bars: i64, seed: u64) -> Vec<Bar> {
    let mut chance = Chance::new(seed);
    let mut close = 100.0;
    (0..bars)
        .map(|i| {
            let gap = if chance.below(12) == 0 { chance.step(6) } else { 0.0 };
            let open = close + gap;
            close = open + chance.step(3);
            let (mut high, mut low) = (f64::max(open, close), f64::min(open, close));
            high += chance.step(1).max(0.0);
            low -= chance.step(1).max(0.0);
            if chance.below(10) == 0 {
                return flat(i, close);
            }
            Bar { ts_ms: i * 60_000, open, high, low, close, volume: 1.0, amount: 0.0 }
        })
        .collect()
}

fn flat(i: i64, price: f64) -> Bar {
    Bar {
        ts_ms: i * 60_000,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: 1.0,
        amount: 0.0,
    }
}

/// Every parameter moved alone, and some together.
pub fn settings() -> Vec<Params> {
    [
        "",
        "bi_strict=false",
        "bi_fx_check=totally",
        "bi_fx_check=half",
        "bi_fx_check=loss",
        "bi_algo=fx",
        "bi_end_is_peak=false",
        "gap_as_kl=true",
        "gap_as_kl=true bi_strict=false bi_fx_check=loss",
        "bi_allow_sub_peak=false",
        "bi_allow_sub_peak=false bi_fx_check=loss",
        "bi_allow_sub_peak=false bi_end_is_peak=false bi_strict=false",
        "bi_allow_sub_peak=false bi_algo=fx",
    ]
    .iter()
    .map(|set| {
        let mut params = Params::default();
        for (key, value) in set.split_whitespace().filter_map(|one| one.split_once('=')) {
            params.set(key, value).unwrap();
        }
        params
    })
    .collect()
}
