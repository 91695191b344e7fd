//! Kyle's λ: how far the mid moves for a unit of net taker flow.
//!
//! Source: Kyle (1985), "Continuous Auctions and Insider Trading", Econometrica 53(6), 1315-1335; here the least-squares slope of
//! Δmid on trade flow over a trailing window of bins, in exact integer sums.

use std::collections::VecDeque;

use crate::error::Error;
use crate::state::{Reader, State, Writer};

/// Values beyond this are cut, so that the sums of a window fit 128 bits.
const MAX_SIZE: i128 = 1 << 40;
/// Bins needed for an answer.
const MIN_BINS: usize = 30;

/// The slope and its t-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slope {
    /// Units of the mid's sum of two prices for one lot.
    pub slope: f64,
    /// Slope over its standard error; `None` for a perfect fit.
    pub t_value: Option<f64>,
}

/// A trailing window of (flow, move) pairs and its sums.
#[derive(Clone, Debug)]
pub(crate) struct KyleLambda {
    window: usize,
    slots: VecDeque<Option<(i64, i64)>>,
    n: i128,
    x: i128,
    y: i128,
    xx: i128,
    xy: i128,
    yy: i128,
}

impl KyleLambda {
    /// Returns an empty window of `window` bins.
    pub fn new(window: usize) -> Self {
        let slots = VecDeque::new();
        Self { window: window.max(MIN_BINS), slots, n: 0, x: 0, y: 0, xx: 0, xy: 0, yy: 0 }
    }

    /// Appends a bin: net taker flow in lots, and the move of bid + ask; `None` takes a slot and adds nothing.
    pub fn push(&mut self, pair: Option<(i128, i128)>) {
        let cut = |value: i128| value.clamp(-MAX_SIZE, MAX_SIZE) as i64;
        self.add(pair.map(|(flow, moved)| (cut(flow), cut(moved))));
    }

    fn add(&mut self, pair: Option<(i64, i64)>) {
        self.slots.push_back(pair);
        self.count(pair, 1);
        if self.slots.len() > self.window {
            let old = self.slots.pop_front().flatten();
            self.count(old, -1);
        }
    }

    fn count(&mut self, pair: Option<(i64, i64)>, sign: i128) {
        let Some((x, y)) = pair.map(|(x, y)| (i128::from(x), i128::from(y))) else { return };
        self.n += sign;
        self.x += sign * x;
        self.y += sign * y;
        self.xx += sign * x * x;
        self.xy += sign * x * y;
        self.yy += sign * y * y;
    }

    /// Returns the slope; `None` for fewer than 30 bins or a flow that never varied.
    pub fn slope(&self) -> Option<Slope> {
        let sxx = (self.n * self.xx - self.x * self.x) as f64;
        let sxy = (self.n * self.xy - self.x * self.y) as f64;
        let syy = (self.n * self.yy - self.y * self.y) as f64;
        if self.n < MIN_BINS as i128 || sxx <= 0.0 {
            return None;
        }
        let slope = sxy / sxx;
        let rest = sxx * syy - sxy * sxy;
        let t_value = (rest > 0.0).then(|| sxy * ((self.n - 2) as f64).sqrt() / rest.sqrt());
        Some(Slope { slope, t_value })
    }
}

impl State for KyleLambda {
    fn save(&self, out: &mut Writer) {
        self.window.save(out);
        self.slots.save(out);
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Error> {
        let mut kyle = Self::new(usize::load(from)?);
        for pair in Vec::<Option<(i64, i64)>>::load(from)? {
            kyle.push(pair.map(|(x, y)| (i128::from(x), i128::from(y))));
        }
        Ok(kyle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_least_squares_over_the_window() {
        let mut kyle = KyleLambda::new(40);
        for at in 0..100_i128 {
            kyle.push(Some((at * 37 % 11 - 5, 3 * (at * 37 % 11 - 5) + at % 2)));
            assert_eq!(kyle.slope().is_some(), at >= 29);
        }
        let found = kyle.slope();
        assert!(found.is_some_and(|fit| (fit.slope - 3.0).abs() < 0.02));
        assert!(found.and_then(|fit| fit.t_value).is_some_and(|t| t > 100.0));
        for _ in 0..40 {
            kyle.push(None);
        }
        assert_eq!(kyle.slope(), None);
    }
}
